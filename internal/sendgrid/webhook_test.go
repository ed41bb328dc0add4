package sendgrid

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// recorder is a store and a log that keep what they get.
type recorder struct {
	record func(ctx context.Context, call int, reports []invitation.Report) (int, error) // nil: all are known

	mu        sync.Mutex
	called    [][]invitation.Report
	followed  []string // of the account's status
	followErr error
	out       bytes.Buffer
}

func (r *recorder) Record(ctx context.Context, reports []invitation.Report) (int, error) {
	r.mu.Lock()
	r.called = append(r.called, reports)
	call := len(r.called)
	r.mu.Unlock()
	if r.record != nil {
		return r.record(ctx, call, reports)
	}
	return len(reports), nil
}

func (r *recorder) Halted(_ context.Context, reason string) error {
	return r.follow("halted: " + reason)
}

func (r *recorder) Reinstated(context.Context) error { return r.follow("reinstated") }

func (r *recorder) follow(what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followed = append(r.followed, what)
	return r.followErr
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *recorder) calls() [][]invitation.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.called)
}

func (r *recorder) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

func (r *recorder) lines(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(r.log()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		all = append(all, fields)
	}
	return all
}

// line is the only line of the log.
func (r *recorder) line(t *testing.T) map[string]any {
	t.Helper()
	lines := r.lines(t)
	if len(lines) != 1 {
		t.Fatalf("%d log lines, want one:\n%s", len(lines), r.log())
	}
	return lines[0]
}

func hookConfig(t testing.TB, rec *recorder) WebhookConfig {
	t.Helper()
	return WebhookConfig{
		Record: rec.Record, Halted: rec.Halted, Reinstated: rec.Reinstated,
		Logger: slog.New(slog.NewJSONHandler(rec, nil)), Timeout: time.Minute, MaxAge: 200 * 365 * 24 * time.Hour,
	}
}

func newHook(t testing.TB, rec *recorder, change func(*WebhookConfig)) http.Handler {
	t.Helper()
	c := hookConfig(t, rec)
	change(&c)
	h, err := NewWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// startHook serves a webhook that trusts the returned signer.
func startHook(t testing.TB, rec *recorder, change func(*WebhookConfig)) (*httptest.Server, signer) {
	t.Helper()
	s := newSigner(t)
	server := httptest.NewServer(newHook(t, rec, func(c *WebhookConfig) {
		c.Keys = []string{s.public}
		if change != nil {
			change(c)
		}
	}))
	t.Cleanup(server.Close)
	return server, s
}

// mailTo is a mail whose address decides what becomes of it.
func mailTo(n int, address string) invitation.Message {
	m := message(n)
	m.To = invitation.NewEmail(address, strings.ToLower(address))
	return m
}

type told struct {
	state  invitation.DeliveryState
	reason string
	says   string
}

// says is "for good", or why the mail was dropped.
func says(r invitation.Report) string {
	if r.ForGood {
		return "for good"
	}
	return string(r.DropCause)
}

// TestEndToEnd sends mails through the client to the emulator, which posts its
// events to the webhook.
func TestEndToEnd(t *testing.T) {
	t.Parallel()
	const unknown = "550 5.1.1 The email account that you tried to reach does not exist"
	accepted, delivered := told{state: invitation.Accepted}, told{state: invitation.Delivered}
	deferred := told{invitation.Deferred, "450 4.2.1 The user is receiving mail too quickly, try again later", ""}
	lives := map[string][]told{
		"Erika.Mustermann@canary.example": {accepted, delivered},
		"bounce+Erika@canary.example":     {accepted, {invitation.Bounced, "Invalid Address: " + unknown, "for good"}},
		"drop+Erika@canary.example":       {{invitation.Dropped, "Bounced Address", "BOUNCED_ADDRESS"}},
		"spam+Erika@canary.example":       {accepted, delivered, {state: invitation.ReportedSpam}},
		"defer+Erika@canary.example":      {accepted, deferred, delivered},
		"slow+Erika@canary.example":       {accepted, delivered},
		"erika%mustermann@canary.example": {accepted, delivered},
	}
	for name, faults := range map[string]sendgridtest.WebhookFaults{
		"in order": {}, "repeated": {Duplicates: 2}, "out of order": {Disorder: true}, "both": {Duplicates: 1, Disorder: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Every third call fails, and is repeated by the emulator.
			rec := &recorder{record: func(_ context.Context, call int, reports []invitation.Report) (int, error) {
				if call%3 == 2 {
					return 0, errors.New("the database is gone")
				}
				return len(reports), nil
			}}
			hook, s := startHook(t, rec, nil)
			e, url := sendgridtest.Start(t, sendgridtest.Config{
				APIKey: key,
				Faults: sendgridtest.Faults{Webhook: faults},
				Webhook: sendgridtest.Webhook{
					URL: hook.URL + WebhookPath, PrivateKey: s.private, Backoff: time.Millisecond,
					DeferredFor: time.Millisecond, SlowFor: time.Millisecond,
				},
			})
			client := newClient(t, config(url))
			want := map[uuid.UUID][]told{}
			for i, address := range slices.Sorted(maps.Keys(lives)) {
				m := mailTo(i, address)
				want[m.DeliveryID] = lives[address]
				if err := client.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			stats, err := e.Drain(t.Context())
			if err != nil || stats.GivenUp != 0 || stats.Dropped != 0 {
				t.Fatalf("stats %+v, error %v", stats, err)
			}
			sameLives(t, rec.calls(), want)
			checkLog(t, rec)
		})
	}
}

// sameLives wants every event at least once, with its own id, and no other.
func sameLives(t *testing.T, calls [][]invitation.Report, want map[uuid.UUID][]told) {
	t.Helper()
	byID := map[string]invitation.Report{}
	got := map[uuid.UUID][]told{}
	for _, r := range slices.Concat(calls...) {
		if earlier, again := byID[r.EventID]; again {
			if earlier != r {
				t.Errorf("event %s is %+v and %+v", r.EventID, earlier, r)
			}
			continue
		}
		byID[r.EventID] = r
		if r.At.IsZero() || r.At.After(time.Now().Add(time.Hour)) {
			t.Errorf("report %+v at %v", r, r.At)
		}
		got[r.DeliveryID] = append(got[r.DeliveryID], told{r.State, r.Reason, says(r)})
	}
	for id := range want {
		byState := func(a, b told) int { return cmp.Compare(a.state, b.state) }
		slices.SortFunc(got[id], byState)
		if sorted := slices.SortedFunc(slices.Values(want[id]), byState); !reflect.DeepEqual(got[id], sorted) {
			t.Errorf("delivery %s: %+v, want %+v", id, got[id], sorted)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d deliveries, want %d", len(got), len(want))
	}
}

// checkLog wants one line for each request that recorded something, and
// nothing personal in any of them.
func checkLog(t *testing.T, rec *recorder) {
	t.Helper()
	lines := rec.lines(t)
	if n := len(rec.calls()); len(lines) != n {
		t.Errorf("%d log lines of %d requests", len(lines), n)
	}
	log := strings.ToLower(rec.log())
	for _, secret := range []string{"erika", "mustermann", "canary", "@", "bounce+", "5.1.1", "delivery_id"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	rec := &recorder{record: func(context.Context, int, []invitation.Report) (int, error) { return 2, nil }}
	hook, s := startHook(t, rec, nil)
	body := events(bounceEvent(1), deliveredEvent(1), deliveredEvent(2), bounceEvent(1), `{"event":"open"}`, `{"event":"amp_open"}`, `7`, `7`,
		`{"event":"bounce","sg_event_id":"e","sg_message_id":"m","email":"canary@kiwi.test"}`)
	if a := s.request(t, body).post(t, hook); a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("status %d, body %q", a.status, a.body)
	}
	got := rec.line(t)
	for _, field := range []string{"time", "duration"} {
		if got[field] == nil {
			t.Errorf("no %s", field)
		}
		delete(got, field)
	}
	want := map[string]any{
		"level": "INFO", "msg": "SendGrid's events", "status": 204.0, "key": 1.0, "bytes": float64(len(body)), "events": 9.0,
		"states":  map[string]any{"BOUNCED": 1.0, "DELIVERED": 2.0},
		"account": 0.0, "duplicates": 1.0, "ignored": 1.0, "unheard": 1.0, "malformed": 2.0, "known": 2.0, "unknown": 2.0,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("log  %v\nwant %v", got, want)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	large := events(`{"event":"open","useragent":"` + strings.Repeat("x", 4096) + `"}`)
	tests := map[string]struct {
		body   string
		status int
		cause  any
	}{
		"nothing":          {"[]", 204, nil},
		"only others":      {events(`{"event":"open"}`, `{}`), 204, nil},
		"no JSON":          {"canary@kiwi.test", 400, "no JSON array"},
		"an object":        {bounceEvent(1), 400, "no JSON array"},
		"empty":            {"", 400, "no JSON array"},
		"broken at last":   {events(bounceEvent(1)) + "]", 400, "no JSON array"},
		"as many as may":   {events(slices.Repeat([]string{`{}`}, 20)...), 204, nil},
		"too many":         {events(slices.Repeat([]string{`{}`}, 21)...), 413, "too many events"},
		"as large as may":  {events(strings.Repeat(" ", 4091) + "{}")[:4096], 204, nil},
		"too large":        {large, 413, "body too large"},
		"large and broken": {large[:4097], 413, "body too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{}
			hook, s := startHook(t, rec, func(c *WebhookConfig) { c.MaxBody, c.MaxEvents = 4096, 20 })
			if a := s.request(t, test.body).post(t, hook); a.status != test.status || a.body != "" {
				t.Errorf("status %d, body %q, want %d", a.status, a.body, test.status)
			}
			if line := rec.line(t); line["cause"] != test.cause || strings.Contains(rec.log(), "canary") {
				t.Errorf("log %v", line)
			}
			if n := len(rec.calls()); n != 0 {
				t.Errorf("recorded %d times", n)
			}
		})
	}
}

// TestHugeBody sends for ever: neither kind of body may be read to its end.
func TestHugeBody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		signature string
		status    int
	}{"unsigned": {"", http.StatusUnauthorized}, "made up": {"MAYCAQECAQE=", http.StatusRequestEntityTooLarge}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook, _ := startHook(t, &recorder{}, func(c *WebhookConfig) { c.MaxBody = 1 << 20 })
			conn, err := net.Dial("tcp", strings.TrimPrefix(hook.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: kiwi.test\r\nContent-Length: 1000000000000\r\n%s: %s\r\n%s: %s\r\n\r\n",
				WebhookPath, signatureHeader, test.signature, timestampHeader, stamp)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for chunk := make([]byte, 64<<10); err == nil; {
					_, err = conn.Write(chunk)
				}
			}()
			response, readErr := http.ReadResponse(bufio.NewReader(conn), nil)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if response.StatusCode != test.status || !response.Close {
				t.Errorf("status %d, closed %t", response.StatusCode, response.Close)
			}
			_ = response.Body.Close()
			_ = conn.Close()
			<-sent
		})
	}
}

func TestThousandsOfEvents(t *testing.T) {
	t.Parallel()
	const n = 5000
	rec := &recorder{}
	hook, s := startHook(t, rec, func(c *WebhookConfig) { c.MaxBody = 8 << 20 })
	all := make([]string, n)
	for i := range all {
		all[i] = bounceEvent(i)
	}
	if status := s.request(t, events(all...)).post(t, hook).status; status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
	calls := rec.calls()
	if len(calls) != 1 || len(calls[0]) != n {
		t.Fatalf("%d calls", len(calls))
	}
	for i, r := range calls[0] {
		if r.EventID != fmt.Sprintf("b-%d", i) || r.DeliveryID != message(i).DeliveryID {
			t.Fatalf("report %d is %+v", i, r)
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	s, rec := newSigner(t), &recorder{}
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{s.public} })
	good := s.request(t, events(bounceEvent(1)))
	tests := []struct {
		method, target string
		status         int
	}{
		{"POST", "/", 404}, {"GET", "/", 404}, {"POST", "/webhooks", 404}, {"POST", "/webhooks/sendgrid/", 404},
		{"POST", "//webhooks/sendgrid", 404}, {"POST", "/webhooks//sendgrid", 404}, {"POST", "/x/../webhooks/sendgrid", 404},
		{"POST", "/webhooks%2Fsendgrid", 404}, {"POST", "/webhooks/sendgri%64", 404}, {"POST", "/Webhooks/SendGrid", 404},
		{"OPTIONS", "*", 404}, {"GET", WebhookPath, 405}, {"HEAD", WebhookPath, 405}, {"PUT", WebhookPath, 405},
		{"DELETE", WebhookPath, 405}, {"OPTIONS", WebhookPath, 405}, {"post", WebhookPath, 405}, {"POST", WebhookPath + "?a=b", 204},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, test.target, strings.NewReader(good.body))
		r.Header.Set(signatureHeader, good.signature)
		r.Header.Set(timestampHeader, good.timestamp)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || w.Body.Len() != 0 || (w.Header().Get("Allow") == "POST") != (w.Code == 405) {
			t.Errorf("%s %s: status %d, body %q, want %d", test.method, test.target, w.Code, w.Body, test.status)
		}
	}
	if n := len(rec.calls()); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

func TestNotRecorded(t *testing.T) {
	t.Parallel()
	broken := errors.New("no connection")
	rec := &recorder{record: func(_ context.Context, call int, reports []invitation.Report) (int, error) {
		if call == 1 {
			return 0, broken
		}
		return len(reports), nil
	}}
	hook, s := startHook(t, rec, nil)
	r := s.request(t, events(bounceEvent(1)))
	if a := r.post(t, hook); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "30" {
		t.Errorf("status %d, header %v", a.status, a.header)
	}
	// The same bytes again, as SendGrid repeats them.
	if status := r.post(t, hook).status; status != http.StatusNoContent {
		t.Errorf("status %d of the repetition", status)
	}
	lines := rec.lines(t)
	if lines[0]["error"] != broken.Error() || lines[0]["level"] != "ERROR" || lines[0]["known"] != nil {
		t.Errorf("log %v", lines[0])
	}
	if calls := rec.calls(); !reflect.DeepEqual(calls[0], calls[1]) {
		t.Errorf("reports %v and then %v", calls[0], calls[1])
	}
}

func TestRecordTakesTooLong(t *testing.T) {
	t.Parallel()
	rec := &recorder{record: func(ctx context.Context, _ int, _ []invitation.Report) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}}
	hook, s := startHook(t, rec, func(c *WebhookConfig) { c.Timeout = 10 * time.Millisecond })
	if status := s.request(t, events(bounceEvent(1))).post(t, hook).status; status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
}

// TestAnswerAfterCommit: there is no answer as long as Record is at work, and
// a client that doesn't wait for it doesn't undo it.
func TestAnswerAfterCommit(t *testing.T) {
	t.Parallel()
	started, release := make(chan context.Context, 1), make(chan struct{})
	committed := make(chan error, 1)
	rec := &recorder{record: func(ctx context.Context, _ int, reports []invitation.Report) (int, error) {
		started <- ctx
		<-release
		committed <- ctx.Err()
		return len(reports), nil
	}}
	s := newSigner(t)
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{s.public} })
	w := &answers{ResponseRecorder: httptest.NewRecorder()}
	r := s.request(t, events(bounceEvent(1)))
	request := httptest.NewRequest(http.MethodPost, WebhookPath, strings.NewReader(r.body))
	request.Header.Set(signatureHeader, r.signature)
	request.Header.Set(timestampHeader, r.timestamp)
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(w, request.WithContext(ctx))
	}()
	recording := <-started
	if w.answered {
		t.Error("answered before the commit")
	}
	if _, bounded := recording.Deadline(); !bounded {
		t.Error("there is no bound on the recording")
	}
	hangUp()
	close(release)
	if err := <-committed; err != nil {
		t.Errorf("the recording ended with its client: %v", err)
	}
	<-done
	if !w.answered || w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
}

type answers struct {
	*httptest.ResponseRecorder
	answered bool
}

func (a *answers) WriteHeader(code int) {
	a.answered = true
	a.ResponseRecorder.WriteHeader(code)
}

func TestBusy(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	rec := &recorder{record: func(_ context.Context, call int, reports []invitation.Report) (int, error) {
		if call == 1 {
			close(started)
			<-release
		}
		return len(reports), nil
	}}
	hook, s := startHook(t, rec, func(c *WebhookConfig) { c.MaxConcurrent, c.Timeout = 1, 200*time.Millisecond })
	first := make(chan int)
	r := s.request(t, events(bounceEvent(1)))
	go func() { first <- r.post(t, hook).status }()
	<-started
	if a := r.post(t, hook); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("status %d while busy", a.status)
	}
	if status := (signed{body: r.body}).post(t, hook).status; status != http.StatusUnauthorized {
		t.Errorf("status %d of an unsigned request while busy", status)
	}
	close(release)
	if status := <-first; status != http.StatusNoContent {
		t.Errorf("status %d of the first", status)
	}
	if status := r.post(t, hook).status; status != http.StatusNoContent {
		t.Errorf("status %d afterwards", status)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const requests, slots = 40, 3
	var mu sync.Mutex
	inside, most := 0, 0
	rec := &recorder{record: func(_ context.Context, _ int, reports []invitation.Report) (int, error) {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		defer func() {
			mu.Lock()
			inside--
			mu.Unlock()
		}()
		return len(reports), nil
	}}
	hook, s := startHook(t, rec, func(c *WebhookConfig) { c.MaxConcurrent = slots })
	var wg sync.WaitGroup
	for i := range requests {
		r := s.request(t, events(bounceEvent(i)))
		wg.Go(func() {
			if status := r.post(t, hook).status; status != http.StatusNoContent {
				t.Errorf("status %d", status)
			}
		})
	}
	wg.Wait()
	if most > slots || len(rec.calls()) != requests {
		t.Errorf("%d at once, %d in all", most, len(rec.calls()))
	}
}

func TestBodyBreaksOff(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	s := newSigner(t)
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{s.public} })
	r := s.request(t, events(bounceEvent(1)))
	request := httptest.NewRequest(http.MethodPost, WebhookPath, io.MultiReader(strings.NewReader(r.body), failingReader{}))
	request.Header.Set(signatureHeader, r.signature)
	request.Header.Set(timestampHeader, r.timestamp)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	if w.Code != http.StatusBadRequest || len(rec.calls()) != 0 {
		t.Errorf("status %d, recorded %d times", w.Code, len(rec.calls()))
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestWebhookConfig(t *testing.T) {
	t.Parallel()
	public := newSigner(t).public
	for name, change := range map[string]func(*WebhookConfig){
		"no Record":              func(c *WebhookConfig) { c.Record = nil },
		"no Halted":              func(c *WebhookConfig) { c.Halted = nil },
		"no Reinstated":          func(c *WebhookConfig) { c.Reinstated = nil },
		"no Logger":              func(c *WebhookConfig) { c.Logger = nil },
		"negative MaxBody":       func(c *WebhookConfig) { c.MaxBody = -1 },
		"negative MaxEvents":     func(c *WebhookConfig) { c.MaxEvents = -1 },
		"negative MaxConcurrent": func(c *WebhookConfig) { c.MaxConcurrent = -1 },
		"negative MaxAge":        func(c *WebhookConfig) { c.MaxAge = -1 },
		"negative Timeout":       func(c *WebhookConfig) { c.Timeout = -1 },
	} {
		c := hookConfig(t, &recorder{})
		c.Keys = []string{public}
		change(&c)
		if _, err := NewWebhook(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	c := hookConfig(t, &recorder{})
	c.Keys = []string{public}
	c.MaxBody, c.MaxEvents, c.MaxConcurrent, c.MaxAge, c.Timeout = 0, 0, 0, 0, 0
	if _, err := NewWebhook(c); err != nil {
		t.Errorf("without limits of its own: %v", err)
	}
}

// TestServerIsBounded: none of the limits may be missing, for Go has none by
// itself; and the answer must have time to be given.
func TestServerIsBounded(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	s := NewWebhookServer(http.NotFoundHandler(), slog.New(slog.NewJSONHandler(rec, nil)))
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 ||
		s.WriteTimeout <= s.ReadTimeout+2*defaultRecordTimeout {
		t.Errorf("limits %v, %v, %v, %v, %d", s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxHeaderBytes)
	}
	s.ErrorLog.Print("something")
	if line := rec.line(t); line["level"] != "WARN" {
		t.Errorf("log %v", line)
	}
}
