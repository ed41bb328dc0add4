package tracing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans. It is safe for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	spans    trace.Tracer
}

// New returns a Tracer, to be closed by Close, or nil if the environment names no
// endpoint. It waits for nobody: a collector that is away costs its spans.
func New(ctx context.Context, version string, log *slog.Logger) (*Tracer, error) {
	if !wanted() {
		return nil, nil
	}
	otel.SetErrorHandler(&complaint{log: log})
	exporter, err := newExporter(ctx)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "invitationd"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Tracer{provider: provider, spans: provider.Tracer("github.com/kiwi-ki/invitations")}, nil
}

func wanted() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return setting("ENDPOINT") != ""
}

// setting is one of OTLP's, which traces may have of their own.
func setting(name string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name))
}

func newExporter(ctx context.Context) (exporter sdk.SpanExporter, err error) {
	switch protocol := setting("PROTOCOL"); protocol {
	case "", "grpc":
		exporter, err = otlptracegrpc.New(ctx)
	case "http/protobuf":
		exporter, err = otlptracehttp.New(ctx)
	default:
		return nil, errors.New("OTEL_EXPORTER_OTLP_PROTOCOL is neither grpc nor http/protobuf")
	}
	if err != nil {
		return nil, fmt.Errorf("prepare the export of traces: %w", err)
	}
	return exporter, nil
}

// lastExport is how long Close tries to hand over what was not exported yet.
const lastExport = 2 * time.Second

// Close hands over what is left.
func (t *Tracer) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastExport)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}

// below begins a span below one that is exported, and does nothing where there is
// none.
func (t *Tracer) below(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, nil
	}
	return t.spans.Start(ctx, name, options...)
}

// complaintsEvery is how often it is said that spans can't be exported.
const complaintsEvery = time.Minute

// complaint logs what the SDK has to complain about, now and then.
type complaint struct {
	log  *slog.Logger
	last atomic.Int64
}

// Handle implements otel.ErrorHandler.
func (c *complaint) Handle(err error) {
	last, now := c.last.Load(), time.Now().UnixNano()
	if now-last < int64(complaintsEvery) || !c.last.CompareAndSwap(last, now) {
		return
	}
	c.log.Warn("traces are not exported as they should be", "error", err)
}
