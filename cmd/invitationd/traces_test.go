package main

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// collector takes traces in.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []*tracepb.Span
	text  strings.Builder
	came  chan struct{}
	// url is what OTEL_EXPORTER_OTLP_ENDPOINT has to be.
	url string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c := &collector{came: make(chan struct{}, 1), url: "http://" + l.Addr().String()}
	s := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(s, c)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return c
}

// Export implements collectorpb.TraceServiceServer.
func (c *collector) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	c.text.WriteString(prototext.Format(req))
	select {
	case c.came <- struct{}{}:
	default:
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// of are a trace's spans so far.
func (c *collector) of(id trace.TraceID) (spans []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if trace.TraceID(s.GetTraceId()) == id {
			spans = append(spans, s)
		}
	}
	return spans
}

// said is all that was exported.
func (c *collector) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// await returns a trace once it has a span of a name.
func (c *collector) await(t *testing.T, id trace.TraceID, name string) []*tracepb.Span {
	t.Helper()
	for {
		spans := c.of(id)
		for _, s := range spans {
			if s.GetName() == name {
				return spans
			}
		}
		select {
		case <-c.came:
		case <-t.Context().Done():
			t.Fatalf("no span %q among %v", name, spans)
		}
	}
}

// traced is a context in a trace of a caller's, which is exported or not.
func traced(ctx context.Context, id byte, flags trace.TraceFlags) (context.Context, trace.TraceID) {
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0: 0xab, 15: id}, SpanID: trace.SpanID{7: id}, TraceFlags: flags})
	return trace.ContextWithSpanContext(ctx, parent), parent.TraceID()
}

// TestTrace follows one Send from the caller to SendGrid. What a caller says beside
// the ids of its trace goes nowhere, and neither does any of it to SendGrid.
func TestTrace(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t, pgtest.Database(t)), newCollector(t)
	var posted strings.Builder
	inbox := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		must(t, err)
		posted.Write(dump)
		w.inbox.ServeHTTP(rw, r)
	}))
	t.Cleanup(inbox.Close)
	w.mailURL = inbox.URL
	debug := freeAddr(t)
	w.env = append(w.env, "INVITATION_DEBUG_ADDR="+debug,
		"OTEL_EXPORTER_OTLP_ENDPOINT="+c.url, "OTEL_BSP_SCHEDULE_DELAY=10", "OTEL_TRACES_SAMPLER=parentbased_always_off")
	p := w.serve()
	if !exporting(t, debug) {
		t.Error("nothing waits for traces to export")
	}
	_, err := p.CreateUser(t.Context(), newcomer("anna", pb.Invite_INVITE_LATER))
	must(t, err)
	ctx, id := traced(t.Context(), 1, trace.FlagsSampled)
	ctx = metadata.AppendToOutgoingContext(ctx, "tracestate", "vendor=chatter", "baggage", "user=chatter")
	_, err = p.Send(ctx, &pb.SendRequest{OrganizationId: "demo", UserId: "anna", Target: pb.Target_TARGET_APP})
	must(t, err)
	w.mailedToken("anna@example.com")

	spans := map[string]*tracepb.Span{}
	byID := map[string]string{hex.EncodeToString([]byte{7: 1}): "caller"}
	for _, s := range c.await(t, id, "mail") {
		name := s.GetName()
		byID[hex.EncodeToString(s.GetSpanId())] = name
		spans[name] = s
		if s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s ends before it begins", name)
		}
	}
	const send = "/kiwi.invitation.v1.InvitationService/Send"
	for name, parent := range map[string]string{send: "caller", "mail": send, "POST to SendGrid": "mail", "database": "mail"} {
		if got := byID[hex.EncodeToString(spans[name].GetParentSpanId())]; got != parent {
			t.Errorf("%s is below %q, want %q", name, got, parent)
		}
	}
	groups := map[string]int{}
	for _, s := range c.of(id) {
		if s.GetName() == "database: changes" {
			groups[byID[hex.EncodeToString(s.GetParentSpanId())]]++
		}
	}
	if groups[send] != 1 || groups["mail"] != 2 { // to claim the mail, and to record it
		t.Errorf("groups of changes: %v", groups)
	}
	unsampled, other := traced(t.Context(), 2, 0)
	_, err = p.Renew(unsampled, &pb.RenewRequest{OrganizationId: "demo", UserId: "anna", Target: pb.Target_TARGET_APP})
	must(t, err)
	must(t, p.signal(t, syscall.SIGTERM))
	if len(c.of(other)) > 0 || len(c.spans) != len(c.of(id)) {
		t.Errorf("beside the trace that was asked for there is %v", c.spans)
	}
	for _, line := range []string{`"msg":"call"`, `"msg":"mail handed to the provider"`} {
		if !strings.Contains(grep(p.logs.String(), line), `"trace_id":"`+id.String()+`"`) {
			t.Errorf("no line %s has the trace's id", line)
		}
	}
	if text := posted.String(); !strings.Contains(text, "delivery_id") || strings.Contains(text, id.String()) || strings.Contains(strings.ToLower(text), "traceparent") {
		t.Errorf("SendGrid is told of the trace, or of nothing:\n%s", text)
	}
	for _, personal := range []string{"anna", "Schmidt", "example.com", `"demo"`, "chatter", "INSERT", "SELECT"} {
		if strings.Contains(c.said(), personal) {
			t.Errorf("a span says %q", personal)
		}
	}
}

// grep returns the lines with a text.
func grep(lines, text string) string {
	var found strings.Builder
	for line := range strings.Lines(lines) {
		if strings.Contains(line, text) {
			found.WriteString(line)
		}
	}
	return found.String()
}

// exporting reports whether a goroutine of OpenTelemetry's runs.
func exporting(t *testing.T, debug string) bool {
	t.Helper()
	_, goroutines := get(t, debug, "/debug/pprof/goroutine?debug=1")
	return strings.Contains(goroutines, "go.opentelemetry.io")
}

// TestNoTrace: without an endpoint nothing is exported, and nobody is asked for by
// any other variable.
func TestNoTrace(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t, pgtest.Database(t)), newCollector(t)
	debug := freeAddr(t)
	w.env = append(w.env, "INVITATION_DEBUG_ADDR="+debug,
		"OTEL_TRACES_SAMPLER=always_on", "OTEL_BSP_SCHEDULE_DELAY=1", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="+c.url)
	p := w.serve()
	ctx, id := traced(t.Context(), 1, trace.FlagsSampled)
	_, err := p.CreateUser(ctx, newcomer("anna", pb.Invite_INVITE_NOW))
	must(t, err)
	w.mailedToken("anna@example.com")
	if exporting(t, debug) {
		t.Error("something waits for traces to export")
	}
	must(t, p.signal(t, syscall.SIGTERM))
	if logs := p.logs.String(); strings.Contains(logs, "trace") || strings.Contains(logs, id.String()) {
		t.Errorf("the log tells of traces:\n%s", logs)
	}
	if c.said() != "" {
		t.Errorf("exported: %s", c.said())
	}
}
