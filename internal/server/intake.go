package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	rules "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	// maxBatch is how long a batch's message may be, maxMessage every other's.
	maxBatch   = 2 << 20
	maxMessage = 128 << 10
	// batchItems is what a list has to be able to hold for its request to be a batch.
	batchItems = 1000
	// batchesAtOnce is how many batches are in memory at once, read or half read; of
	// those that a stream answers, which may last, there are as many beside them.
	batchesAtOnce = 16
	batchWait     = 5 * time.Second
	// batchesPerCaller is how many of those that last one caller may have.
	batchesPerCaller = 12
	// stallTime is how long one that lasts waits for its caller to send the request,
	// or to take what it sends.
	stallTime = time.Minute
	// window is what a caller may send of a message that nobody has begun to read.
	window = 64 << 10
)

// intake registers services in such a way that their requests take a bounded
// amount of memory, all of them together: none is read that is longer or has more
// items than its method needs, and few batches are read at once. gRPC alone knows
// one limit for all methods, and begins to read whatever keeps within it.
type intake struct {
	*grpc.Server
	batches turns
}

// RegisterService implements grpc.ServiceRegistrar.
func (in intake) RegisterService(desc *grpc.ServiceDesc, service any) {
	bounded := *desc
	bounded.Methods = slices.Clone(desc.Methods)
	for i, method := range desc.Methods {
		b := methodBounds["/"+desc.ServiceName+"/"+method.MethodName]
		bounded.Methods[i].Handler = in.bound(b, method.Handler)
	}
	in.Server.RegisterService(&bounded, service)
}

// bound leaves a method's requests unread, and tells the interceptors how to take
// them in: only once they have let the caller in.
func (in intake) bound(b bounds, handle grpc.MethodHandler) grpc.MethodHandler {
	unread := func(any) error { return nil }
	return func(service any, ctx context.Context, _ func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		return handle(service, context.WithValue(ctx, intakeKey{}, taker{in, b}), unread, intercept)
	}
}

type intakeKey struct{}

// taker takes the requests of one method in.
type taker struct {
	intake
	bounds
}

// takeIn reads a call's request into its message, which is empty until then.
func takeIn(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	t, ours := ctx.Value(intakeKey{}).(taker)
	if !ours {
		return next(ctx, req) // health's is read by gRPC
	}
	if t.batch {
		if err := t.batches.await(ctx); err != nil {
			return nil, err
		}
		defer t.batches.Release(1)
	}
	if err := t.read(ctx, req.(proto.Message)); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// takeInStream is takeIn for streams: each has one request, which the handler asks
// for first.
func takeInStream() grpc.StreamServerInterceptor {
	batches, callers := newTurns(batchesAtOnce), &turnsOf{most: batchesPerCaller, each: map[string]turns{}}
	return func(srv any, stream grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		b, ours := methodBounds[call.FullMethod]
		if !ours {
			return next(srv, stream) // health's, and reflection's
		}
		if !b.batch {
			return next(srv, &boundStream{stream, b})
		}
		for _, t := range []turns{callers.of(access.Caller(stream.Context())), batches} {
			if err := t.await(stream.Context()); err != nil {
				return err
			}
			defer t.Release(1)
		}
		return next(srv, &batchStream{boundStream{stream, b}})
	}
}

// boundStream is a stream whose request is taken in.
type boundStream struct {
	grpc.ServerStream
	bounds
}

// RecvMsg implements grpc.ServerStream.
func (s *boundStream) RecvMsg(m any) error { return s.read(s.Context(), m.(proto.Message)) }

// batchStream is a stream that holds a place which others want, and so waits for its
// caller no longer than stallTime.
type batchStream struct{ boundStream }

// RecvMsg implements grpc.ServerStream.
func (s *batchStream) RecvMsg(m any) error {
	return s.unstalled(func() error { return s.boundStream.RecvMsg(m) })
}

// SendMsg implements grpc.ServerStream.
func (s *batchStream) SendMsg(m any) error {
	return s.unstalled(func() error { return s.ServerStream.SendMsg(m) })
}

// unstalled does what may wait for the caller. What it has given up on ends with the
// stream.
func (s *batchStream) unstalled(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	stalled := time.NewTimer(stallTime)
	defer stalled.Stop()
	select {
	case err := <-done:
		return err
	case <-stalled.C:
		return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
	case <-s.Context().Done():
		return s.Context().Err()
	}
}

// turns lets few batches be in memory at once.
type turns struct {
	*semaphore.Weighted
	// wait is how long a batch waits for its turn.
	wait time.Duration
}

func newTurns(atOnce int64) turns { return turns{semaphore.NewWeighted(atOnce), batchWait} }

// turnsOf are turns of each caller's own. There are as many callers as the access
// policy names.
type turnsOf struct {
	most int64

	mu   sync.Mutex
	each map[string]turns
}

func (t *turnsOf) of(caller string) turns {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.each[caller]; !known {
		t.each[caller] = newTurns(t.most)
	}
	return t.each[caller]
}

// await waits for a batch's turn, which ends with Release.
func (t turns) await(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	if t.Acquire(waiting, 1) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
}

// bounds are how long a method's requests may be, and how many items their lists may
// have.
type bounds struct {
	bytes int
	lists lists
	batch bool
}

// lists are a message's repeated fields, by number.
type lists map[protowire.Number]list

// list is a repeated field: how many items it may have, and what lists each of them
// has.
type list struct {
	field protoreflect.Name
	most  int
	each  lists
}

// methodBounds are those of every method of the API, by its full name.
var methodBounds = func() map[string]bounds {
	all := map[string]bounds{}
	for _, method := range methods() {
		b := bounds{bytes: maxMessage, lists: listsOf(method.Input())}
		for _, l := range b.lists {
			if l.most >= batchItems {
				b.bytes, b.batch = maxBatch, true
			}
		}
		all[fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())] = b
	}
	return all
}()

// listsOf takes them from the rules of the proto.
func listsOf(message protoreflect.MessageDescriptor) lists {
	all := lists{}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		r, _ := proto.GetExtension(field.Options(), rules.E_Field).(*rules.FieldRules)
		if most := int(r.GetRepeated().GetMaxItems()); most > 0 {
			l := list{field: field.Name(), most: most}
			if field.Message() != nil {
				l.each = listsOf(field.Message())
			}
			all[field.Number()] = l
		}
	}
	return all
}

// incoming is the stream that gRPC reads a message from: behind a byte that says
// whether it is compressed, and four with its length.
type incoming interface {
	ReadMessageHeader(header []byte) error
	Read(length int) (mem.BufferSlice, error)
}

// read takes a request in, unless it exceeds its bounds.
func (b bounds) read(ctx context.Context, message proto.Message) error {
	stream, ok := grpc.ServerTransportStreamFromContext(ctx).(incoming)
	if !ok {
		return errors.New("gRPC's stream can't be read from")
	}
	var header [5]byte
	if err := stream.ReadMessageHeader(header[:]); err != nil {
		return unreadable(ctx, err)
	}
	length := int64(binary.BigEndian.Uint32(header[1:]))
	switch {
	case header[0] != 0:
		return badField("request", "must not be compressed")
	case length > int64(b.bytes):
		return badField("request", fmt.Sprintf("must be at most %d KiB", b.bytes>>10))
	}
	data, err := stream.Read(int(length))
	if err != nil {
		return unreadable(ctx, err)
	}
	raw := data.MaterializeToBuffer(mem.DefaultBufferPool())
	data.Free()
	defer raw.Free()
	if bad := b.lists.count(raw.ReadOnlyData()); bad != nil {
		return fieldErrors{bad}
	}
	if proto.Unmarshal(raw.ReadOnlyData(), message) != nil {
		return badField("request", "is no message of this method's type")
	}
	return nil
}

// unreadable tells a caller who is gone, or late, from one who sent half a request.
func unreadable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return badField("request", "is missing or incomplete")
	default:
		return context.Canceled
	}
}

// count refuses too many items before a single one of them takes memory. What can't
// be read, proto.Unmarshal finds fault with.
func (all lists) count(raw []byte) *invitation.FieldError {
	if len(all) == 0 {
		return nil
	}
	counts := map[protowire.Number]int{}
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return nil
		}
		raw = raw[n:]
		if n = protowire.ConsumeFieldValue(number, kind, raw); n < 0 {
			return nil
		}
		l := all[number]
		if counts[number]++; counts[number] > l.most && l.most > 0 {
			return &invitation.FieldError{Field: string(l.field), Problem: fmt.Sprintf("must have at most %d items", l.most)}
		}
		if item, _ := protowire.ConsumeBytes(raw); kind == protowire.BytesType {
			if bad := l.each.count(item); bad != nil {
				bad.Field = fmt.Sprintf("%s[%d].%s", l.field, counts[number]-1, bad.Field)
				return bad
			}
		}
		raw = raw[n:]
	}
	return nil
}
