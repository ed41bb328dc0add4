package tracing_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/tracing"
)

var must = harness.Must

// collector is one that takes OTLP over HTTP, and keeps what it was sent.
func collector(t *testing.T) (url string, said func() string) {
	var all bytes.Buffer
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(&all, r.Body)
		must(t, err)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string {
		s.Close()
		return all.String()
	}
}

// one call, which a collector may hear of.
func one(t *testing.T) {
	t.Helper()
	tracer, err := tracing.New(t.Context(), "v1", slog.New(slog.DiscardHandler))
	must(t, err)
	if tracer == nil {
		return
	}
	_, end := tracer.Call(t.Context(), "/service/Method")
	end(codes.Internal, "REASON")
	tracer.Close(t.Context())
}

// TestVariables: OpenTelemetry's own variables decide whether, how and how much is
// exported, and as what.
func TestVariables(t *testing.T) {
	for _, c := range []struct {
		name   string
		env    string
		spans  bool
		called string
	}{
		{"all", "OTEL_EXPORTER_OTLP_ENDPOINT=URL OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", true, "invitationd"},
		{"traces alone", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=URL/v1/traces OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf", true, "invitationd"},
		{"a name", "OTEL_EXPORTER_OTLP_ENDPOINT=URL OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_SERVICE_NAME=berlin", true, "berlin"},
		{"no sample", "OTEL_EXPORTER_OTLP_ENDPOINT=URL OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_TRACES_SAMPLER=always_off", false, ""},
		{"no endpoint", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_TRACES_SAMPLER=always_on", false, ""},
		{"metrics alone", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=URL", false, ""},
		{"no SDK", "OTEL_EXPORTER_OTLP_ENDPOINT=URL OTEL_SDK_DISABLED=true", false, ""},
		{"no exporter", "OTEL_EXPORTER_OTLP_ENDPOINT=URL OTEL_TRACES_EXPORTER=none", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, said := collector(t)
			for _, setting := range strings.Fields(c.env) {
				name, value, _ := strings.Cut(setting, "=")
				t.Setenv(name, strings.Replace(value, "URL", url, 1))
			}
			one(t)
			got := said()
			if strings.Contains(got, "/service/Method") != c.spans || !strings.Contains(got, c.called) {
				t.Errorf("exported %q", got)
			}
		})
	}
}

// TestUnknownProtocol: who asks for what there is not hears of it.
func TestUnknownProtocol(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
	if tracer, err := tracing.New(t.Context(), "v1", slog.New(slog.DiscardHandler)); err == nil || tracer != nil {
		t.Errorf("%v, %v", tracer, err)
	}
}

// TestCollectorAway: calls go on, the log says so once, and the end waits for nobody.
func TestCollectorAway(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	var log bytes.Buffer
	tracer, err := tracing.New(t.Context(), "v1", slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	_, end := tracer.Call(t.Context(), "/service/Method")
	end(codes.OK, "")
	tracer.Close(t.Context())
	tracer.Close(t.Context())
	if n := strings.Count(log.String(), "traces are not exported"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
}

// TestUnsampledCostsALook: below a call that is not exported nothing is allocated.
func TestUnsampledCostsALook(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	tracer, err := tracing.New(t.Context(), "v1", slog.New(slog.DiscardHandler))
	must(t, err)
	defer tracer.Close(t.Context())
	ctx, end := tracer.Call(context.Background(), "/service/Method")
	defer end(codes.OK, "")
	if n := testing.AllocsPerRun(100, func() {
		if tracer.Parent(ctx) != "" {
			panic("a mail would continue it")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLines: a line that is about no trace has no id.
func TestLines(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	var text bytes.Buffer
	log := slog.New(tracing.Handler(slog.NewTextHandler(&text, nil))).With("a", 1).WithGroup("g")
	log.InfoContext(t.Context(), "alone", "b", 2)
	tracer, err := tracing.New(t.Context(), "v1", log)
	must(t, err)
	ctx, end := tracer.Call(t.Context(), "/service/Method")
	defer end(codes.OK, "")
	log.InfoContext(ctx, "followed")
	lines := strings.Split(text.String(), "\n")
	if strings.Contains(lines[0], "trace_id") || !strings.Contains(lines[0], "a=1 g.b=2") || !strings.Contains(lines[1], "trace_id=") {
		t.Errorf("%q", lines)
	}
}
