package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
)

// ask returns a debug address' answer, with its status in front.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.Status + ": " + strings.TrimSpace(string(text))
}

// TestLogLevel: it holds at once for what is logged then.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	var out harness.Log
	var level slog.LevelVar
	log := newLogger(&out, &level)
	web := httptest.NewServer(debugHandler(&level, log))
	t.Cleanup(web.Close)
	for _, step := range []struct{ method, body, answer string }{
		{http.MethodGet, "", "200 OK: INFO"},
		{http.MethodPut, "debug\n", "200 OK: DEBUG"},
		{http.MethodGet, "", "200 OK: DEBUG"},
		{http.MethodPut, "loud", "400 Bad Request: the body is a level: debug, info, warn or error"},
		{http.MethodPut, strings.Repeat("debug", 100), "400 Bad Request: the body is a level: debug, info, warn or error"},
		{http.MethodPost, "warn", "405 Method Not Allowed: Method Not Allowed"},
		{http.MethodGet, "", "200 OK: DEBUG"},
		{http.MethodPut, "WARN", "200 OK: WARN"},
	} {
		if got := ask(t, step.method, web.URL+"/loglevel", step.body); got != step.answer {
			t.Errorf("%s %.9q is answered with %q, want %q", step.method, step.body, got, step.answer)
		}
		log.Debug("canary")
		if logged := strings.Contains(out.Take(), "canary"); logged != (level.Level() <= slog.LevelDebug) {
			t.Errorf("at %v, a line for debugging was logged: %v", level.Level(), logged)
		}
	}
}

// TestDebugAddress: there are profiles where it says, and on no other address.
func TestDebugAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	debug := "http://" + freeAddr(t)
	w.env = append(w.env, "INVITATION_DEBUG_ADDR="+strings.TrimPrefix(debug, "http://"))
	p := w.serve("-role", "api")
	if got := ask(t, http.MethodGet, debug+"/debug/pprof/goroutine?debug=1", ""); !strings.Contains(got, "goroutine profile: total") {
		t.Errorf("asked for its goroutines, it says %.200s", got)
	}
	if got := ask(t, http.MethodGet, debug+"/loglevel", ""); got != "200 OK: INFO" {
		t.Errorf("the log's level is %s", got)
	}
	if err := p.signal(t, syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if !strings.Contains(p.logs.String(), "open for debugging") {
		t.Error("the log does not tell of the debug address")
	}
}
