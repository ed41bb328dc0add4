package client_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestTraceIsPassedOn: calls and streams say which span they are below, if the caller
// is in one and has not said so itself.
func TestTraceIsPassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var heard [][]string
		s := &server{}
		s.send = func(ctx context.Context, _ *pb.SendRequest) error {
			heard = append(heard, metadata.ValueFromIncomingContext(ctx, "traceparent"))
			return nil
		}
		s.sheets = func(_ *pb.GenerateInfoSheetsRequest, stream sheetStream) error {
			return s.send(stream.Context(), nil)
		}
		c := connect(t, s)
		in := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
		}))
		const span, own = "00-01000000000000000000000000000000-0200000000000000-01", "00-03000000000000000000000000000000-0400000000000000-00"
		for _, ctx := range []context.Context{t.Context(), in, metadata.AppendToOutgoingContext(in, "traceparent", own)} {
			if _, err := c.Send(ctx, &pb.SendRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		stream, err := c.GenerateInfoSheets(in, &pb.GenerateInfoSheetsRequest{}, grpc.WaitForReady(true))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = stream.Recv()
		if want := [][]string{nil, {span}, {own}, {span}}; !slices.EqualFunc(heard, want, slices.Equal) {
			t.Errorf("the service heard %v, want %v", heard, want)
		}
	})
}
