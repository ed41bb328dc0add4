package tracing

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// Call begins the span of a call, below the caller's if it sent along which that is.
// Its method is one of the API's. It ends with a code, and a reason if it was refused.
func (t *Tracer) Call(ctx context.Context, method string) (context.Context, func(code codes.Code, reason string)) {
	if sent := metadata.ValueFromIncomingContext(ctx, header); len(sent) == 1 {
		ctx = continued(ctx, sent[0])
	}
	ctx, span := t.spans.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(code codes.Code, reason string) {
		defer span.End()
		if !span.IsRecording() {
			return
		}
		span.SetAttributes(attribute.String("rpc.system", "grpc"), attribute.String("rpc.method", method), attribute.Int("rpc.grpc.status_code", int(code)))
		if reason != "" {
			span.SetAttributes(attribute.String("invitation.reason", reason))
		}
		switch code {
		case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
			span.SetStatus(otelcodes.Error, "")
		}
	}
}

// Group tells that a call was in a group, which began then, of so many calls and
// took so many attempts. It is a span of each call and not one of the group, so that
// every trace has all of its own.
func (t *Tracer) Group(ctx context.Context, kind string, calls, attempts int, began time.Time) {
	if _, span := t.below(ctx, "database: "+kind, trace.WithTimestamp(began)); span != nil {
		span.SetAttributes(attribute.String("db.system.name", "postgresql"),
			attribute.Int("invitation.group.calls", calls), attribute.Int("invitation.group.attempts", attempts))
		span.End()
	}
}

// Mail begins the span of an attempt to send a mail, below the call that asked for
// it: parent is what Parent said then. It ends with what became of the attempt.
func (t *Tracer) Mail(ctx context.Context, parent string, attempt int) (context.Context, func(failed bool)) {
	ctx, span := t.below(continued(ctx, parent), "mail", trace.WithSpanKind(trace.SpanKindConsumer))
	return ctx, func(failed bool) {
		if span == nil {
			return
		}
		span.SetAttributes(attribute.Int("invitation.mail.attempt", attempt))
		if failed {
			span.SetStatus(otelcodes.Error, "")
		}
		span.End()
	}
}

// Post begins the span of a request to the provider. Nothing of it is sent along.
func (t *Tracer) Post(ctx context.Context) (context.Context, func(outcome string)) {
	ctx, span := t.below(ctx, "POST to SendGrid", trace.WithSpanKind(trace.SpanKindClient))
	return ctx, func(outcome string) {
		if span == nil {
			return
		}
		span.SetAttributes(attribute.String("invitation.mail.outcome", outcome))
		if outcome != "accepted" {
			span.SetStatus(otelcodes.Error, "")
		}
		span.End()
	}
}

// header is that of the W3C's trace context. Its second one, tracestate, may say
// anything.
const header = "traceparent"

// Parent is what has a later attempt continue a call's trace; empty if that is not
// exported.
func (t *Tracer) Parent(ctx context.Context) string {
	of := trace.SpanContextFromContext(ctx)
	if !of.IsSampled() {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%s", of.TraceID(), of.SpanID(), of.TraceFlags())
}

func continued(ctx context.Context, parent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{header: parent})
}

// Statements makes spans of statements that run below one. Those of groups don't.
func (t *Tracer) Statements() pgx.QueryTracer { return statements{t} }

type statements struct{ *Tracer }

type statementKey struct{}

func (s statements) begin(ctx context.Context) context.Context {
	ctx, span := s.below(ctx, "database", trace.WithSpanKind(trace.SpanKindClient))
	if span == nil {
		return ctx
	}
	return context.WithValue(ctx, statementKey{}, span)
}

func (statements) end(ctx context.Context, err error) {
	span, ok := ctx.Value(statementKey{}).(trace.Span)
	if !ok {
		return
	}
	span.SetAttributes(attribute.String("db.system.name", "postgresql"))
	if err != nil {
		span.SetStatus(otelcodes.Error, "") // its text may quote a row
	}
	span.End()
}

// TraceQueryStart implements pgx.QueryTracer.
func (s statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return s.begin(ctx)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s statements) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	s.end(ctx, data.Err)
}

// TraceBatchStart implements pgx.BatchTracer.
func (s statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return s.begin(ctx)
}

// TraceBatchQuery implements pgx.BatchTracer.
func (statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (s statements) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	s.end(ctx, data.Err)
}
