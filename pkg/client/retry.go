package client

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Patience is how long a call without a deadline may take, all attempts and the
// time between them included.
const Patience = 45 * time.Second

// The time between attempts grows from the first to the longest, unless the service
// asks for another.
const (
	firstDelay   = 100 * time.Millisecond
	longestDelay = 3 * time.Second
)

// pushback is the trailer by which a server says when to try again, in
// milliseconds, or that one should not.
const pushback = "grpc-retry-pushback-ms"

// retry repeats a call that the service could not take, until it is done, refused
// or out of time. gRPC's own retries end with the fifth attempt. The error is that of
// the last attempt.
func retry(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	ctx, cancel := patient(ctx)
	defer cancel()
	req = identified(req)
	for attempt := 0; ; attempt++ {
		var trailer metadata.MD
		err := invoke(ctx, method, req, reply, conn, append(options[:len(options):len(options)], grpc.Trailer(&trailer))...)
		delay, again := nextDelay(err, trailer, attempt)
		if !again || !pause(ctx, delay) {
			return err
		}
	}
}

func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, Patience)
}

// identified draws a request_id for a request that may have one and has none. The
// caller's message is left alone.
func identified(req any) any {
	message, ok := req.(proto.Message)
	if !ok {
		return req
	}
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || message.ProtoReflect().Has(field) {
		return req
	}
	message = proto.Clone(message)
	message.ProtoReflect().Set(field, protoreflect.ValueOfString(uuid.NewString()))
	return message
}

// nextDelay is how long to wait after an attempt, if there is to be another.
func nextDelay(err error, trailer metadata.MD, attempt int) (delay time.Duration, again bool) {
	if status.Code(err) != codes.Unavailable {
		return 0, false
	}
	asked, _ := RetryDelay(err)
	if told := trailer.Get(pushback); len(told) > 0 {
		ms, err := strconv.ParseInt(told[0], 10, 32)
		if err != nil || ms < 0 {
			return 0, false
		}
		asked = max(asked, time.Duration(ms)*time.Millisecond)
	}
	if asked > 0 {
		// Never earlier, and not all callers in the same moment.
		return asked + rand.N(asked/4+1), true
	}
	return backOff(attempt), true
}

// backOff is between a half and the whole of what doubles with every attempt.
func backOff(attempt int) time.Duration {
	whole := min(firstDelay<<min(attempt, 10), longestDelay)
	return whole/2 + rand.N(whole/2)
}

// pause waits, unless the context ends before that anyway.
func pause(ctx context.Context, delay time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= delay {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
