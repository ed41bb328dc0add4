package client

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// traceHeader is that of the W3C's trace context.
const traceHeader = "traceparent"

// passOn has the service continue the trace of a context, if there is one and no
// interceptor of the caller's has done so.
func passOn(ctx context.Context) context.Context {
	of := trace.SpanContextFromContext(ctx)
	if sent, _ := metadata.FromOutgoingContext(ctx); !of.IsValid() || len(sent[traceHeader]) > 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, traceHeader, fmt.Sprintf("00-%s-%s-%s", of.TraceID(), of.SpanID(), of.TraceFlags()))
}

func passOnUnary(
	ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	return call(passOn(ctx), method, req, reply, conn, options...)
}

func passOnStream(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return stream(passOn(ctx), desc, conn, method, options...)
}
