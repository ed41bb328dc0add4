package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	rules "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	// maxBatch is how long a batch's message may be, maxMessage every other's.
	maxBatch   = 2 << 20
	maxMessage = 128 << 10
	// batchItems is what a list has to be able to hold for its request to be a batch.
	batchItems = 1000
	// batchesAtOnce is how many batches are in memory at once, read or half read.
	batchesAtOnce = 16
	batchWait     = 5 * time.Second
	// window is what a caller may send of a message that nobody has begun to read.
	window = 64 << 10
)

// intake registers services in such a way that their requests take a bounded
// amount of memory, all of them together: none is read that is longer or has more
// items than its method needs, and few batches are read at once. gRPC alone knows
// one limit for all methods, and begins to read whatever keeps within it.
type intake struct {
	*grpc.Server
	batches *semaphore.Weighted
	// wait is how long a batch waits for its turn.
	wait time.Duration
}

// RegisterService implements grpc.ServiceRegistrar.
func (in intake) RegisterService(desc *grpc.ServiceDesc, service any) {
	bounded := *desc
	bounded.Methods = slices.Clone(desc.Methods)
	for i, method := range desc.Methods {
		bounded.Methods[i].Handler = in.bound(boundsOf(desc.ServiceName, method.MethodName), method.Handler)
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
		if err := t.await(ctx); err != nil {
			return nil, err
		}
		defer t.batches.Release(1)
	}
	if err := t.read(ctx, req.(proto.Message)); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// await waits for a batch's turn.
func (in intake) await(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, in.wait)
	defer cancel()
	if in.batches.Acquire(waiting, 1) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
}

// bounds are how long a method's requests may be and, by number, how many items
// their lists may have.
type bounds struct {
	bytes int
	items map[protowire.Number]list
	batch bool
}

// list is a repeated field, and how many items it may have.
type list struct {
	field protoreflect.Name
	most  int
}

// boundsOf takes them from the rules of the proto.
func boundsOf(service, method string) bounds {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		panic(fmt.Sprintf("method %s/%s is not linked in: %v", service, method, err))
	}
	b := bounds{bytes: maxMessage, items: map[protowire.Number]list{}}
	fields := d.(protoreflect.MethodDescriptor).Input().Fields()
	for i := range fields.Len() {
		r, _ := proto.GetExtension(fields.Get(i).Options(), rules.E_Field).(*rules.FieldRules)
		if most := int(r.GetRepeated().GetMaxItems()); most > 0 {
			b.items[fields.Get(i).Number()] = list{fields.Get(i).Name(), most}
			b.batch = b.batch || most >= batchItems
		}
	}
	if b.batch {
		b.bytes = maxBatch
	}
	return b
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
	if err := b.count(raw.ReadOnlyData()); err != nil {
		return err
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

// count refuses too many items before a single one of them takes memory.
func (b bounds) count(raw []byte) error {
	if len(b.items) == 0 {
		return nil
	}
	counts := map[protowire.Number]int{}
	for len(raw) > 0 {
		number, _, n := protowire.ConsumeField(raw)
		if n < 0 {
			return nil // proto.Unmarshal finds fault with it
		}
		raw = raw[n:]
		counts[number]++
	}
	for number, l := range b.items {
		if counts[number] > l.most {
			return badField(string(l.field), fmt.Sprintf("must have at most %d items", l.most))
		}
	}
	return nil
}
