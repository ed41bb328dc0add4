package sendgridtest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestFaultsWithAnAnswer(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	tests := []struct {
		fault             Fault
		status            int
		retryAfter, reset string
	}{
		{RateLimit, 429, "7", "1700000030"},
		{ServerError, 500, "", ""},
		{Unavailable, 503, "7", ""},
	}
	for _, test := range tests {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			e, url := Start(t, Config{
				Now:    func() time.Time { return now },
				Faults: Faults{Next: []Fault{test.fault}, RetryAfterSeconds: 7, ResetSeconds: 30},
			})
			response, answer, err := send(t, url, mailTo("a@example.com"))
			if err != nil {
				t.Fatal(err)
			}
			h := response.Header
			if response.StatusCode != test.status || !strings.HasPrefix(answer, `{"errors":[{`) ||
				h.Get("Retry-After") != test.retryAfter || h.Get("X-RateLimit-Reset") != test.reset ||
				h.Get("Date") != now.UTC().Format(http.TimeFormat) {
				t.Errorf("answer: %d %v %s", response.StatusCode, h, answer)
			}
			if len(e.Messages()) != 0 {
				t.Error("the mail was kept")
			}
			mustSend(t, url, "a@example.com")
		})
	}
}

func TestResets(t *testing.T) {
	t.Parallel()
	for fault, kept := range map[Fault]int{Reset: 0, ResetAfterAccept: 1} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			e, url := Start(t, Config{Faults: Faults{Next: []Fault{fault}}})
			_, _, err := send(t, url, mailTo("a@example.com"))
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
				t.Errorf("error: %v, want a reset", err)
			}
			if got := len(e.Messages()); got != kept {
				t.Errorf("%d mails kept, want %d", got, kept)
			}
		})
	}
}

func TestHangAfterAcceptEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{Faults: Faults{Next: []Fault{HangAfterAccept}}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = e.Await(t.Context(), 1)
		cancel()
	}()
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v3/mail/send", strings.NewReader(mailTo("a@example.com")))
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client(t).Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v, want the caller's own", err)
	}
}

func TestHangAfterAcceptEndsWithTheEmulator(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{Faults: Faults{Next: []Fault{HangAfterAccept}}})
	go func() {
		_, _ = e.Await(t.Context(), 1)
		e.Close()
	}()
	if _, _, err := send(t, url, mailTo("a@example.com")); !errors.Is(err, io.EOF) {
		t.Errorf("error: %v, want a broken connection", err)
	}
}

func TestNextFaultsComeInOrder(t *testing.T) {
	t.Parallel()
	e := New(Config{Faults: Faults{Next: []Fault{ServerError, None, RateLimit}, Rates: map[Fault]float64{Unavailable: 1}}})
	defer e.Close()
	var got []Fault
	for range 4 {
		got = append(got, e.nextFault())
	}
	if want := []Fault{ServerError, None, RateLimit, Unavailable}; !reflect.DeepEqual(got, want) {
		t.Errorf("faults %v, want %v", got, want)
	}
}

func TestRatesFollowTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (all []Fault) {
		e := New(Config{Faults: Faults{Seed: seed, Rates: map[Fault]float64{ServerError: 0.3, Reset: 0.2}}})
		defer e.Close()
		for range 1000 {
			all = append(all, e.nextFault())
		}
		return all
	}
	first := run(1)
	if !reflect.DeepEqual(first, run(1)) {
		t.Error("the same seed gave other faults")
	}
	if reflect.DeepEqual(first, run(2)) {
		t.Error("another seed gave the same faults")
	}
	count := map[Fault]int{}
	for _, fault := range first {
		count[fault]++
	}
	// The seed is fixed, so these numbers are too.
	if n := count[ServerError]; n < 250 || n > 350 {
		t.Errorf("%d of 1000 were server errors at a rate of 0.3", n)
	}
	if n := count[Reset]; n < 150 || n > 250 {
		t.Errorf("%d of 1000 were resets at a rate of 0.2", n)
	}
}

func TestChooseDecidesByTheMail(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{Faults: Faults{Choose: func(m Message) Fault {
		if m.To == "bad@example.com" {
			return Unavailable
		}
		return None
	}}})
	mustSend(t, url, "good@example.com")
	response, _, err := send(t, url, mailTo("bad@example.com"))
	if err != nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answer: %v, %v, want 503", response, err)
	}
	if got := e.Messages(); len(got) != 1 || got[0].To != "good@example.com" {
		t.Errorf("kept %v", got)
	}
}

// TestEveryAnswer: each comes as often as it is asked for, and then all is well.
func TestEveryAnswer(t *testing.T) {
	t.Parallel()
	for _, kind := range faultKinds {
		if kind.answer.Status == 0 {
			continue
		}
		e, url := Start(t, Config{Faults: Faults{Next: []Fault{kind.Fault}}})
		always := kind.answer
		always.Times = 2
		e.SetFaults(Faults{Next: []Fault{None, None, kind.Fault}, Always: &always})
		for range 3 {
			response, answer, err := send(t, url, mailTo("a@example.com"))
			html := strings.HasPrefix(kind.answer.Body, "<html>")
			if err != nil || response.StatusCode != kind.answer.Status || answer != kind.answer.Body ||
				html != (response.Header.Get("Content-Type") == "text/html") {
				t.Errorf("%s: %v, %d %v %s", kind.Fault, err, response.StatusCode, response.Header, answer)
			}
		}
		mustSend(t, url, "a@example.com")
		if got := e.Requests(); got != 4 {
			t.Errorf("%s: %d requests", kind.Fault, got)
		}
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(1_700_000_001)
	_, url := Start(t, Config{
		Now:    func() time.Time { return time.Unix(now.Load(), 0) },
		Faults: Faults{PerWindow: 2, WindowSeconds: 5},
	})
	for i, want := range []struct{ status, remaining string }{{"202", "1"}, {"202", "0"}, {"429", "0"}} {
		response, _, err := send(t, url, mailTo("a@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		h := response.Header
		if strconv.Itoa(response.StatusCode) != want.status || h.Get("X-RateLimit-Limit") != "2" ||
			h.Get("X-RateLimit-Remaining") != want.remaining || h.Get("X-RateLimit-Reset") != "1700000005" {
			t.Errorf("request %d: %d %v", i+1, response.StatusCode, h)
		}
	}
	now.Store(1_700_000_005)
	mustSend(t, url, "a@example.com")
}

// TestSlowAnswers: whoever does not wait has handed the mail over all the same.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{Faults: Faults{DelayMS: 1}})
	mustSend(t, url, "a@example.com")
	e.SetFaults(Faults{DelayMS: 3_600_000})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = e.Await(t.Context(), 2)
		cancel()
	}()
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v3/mail/send", strings.NewReader(mailTo("a@example.com")))
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client(t).Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v, want the caller's own", err)
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{})
	const set = `{"next":["server_error","rate_limit"],"retry_after_seconds":3,"webhook":{"duplicates":1,"disorder":true}}`
	response, answer, err := do(t, http.MethodPut, url+"/api/faults", set)
	if err != nil || response.StatusCode != http.StatusOK || strings.TrimSpace(answer) != set {
		t.Errorf("PUT: %v, %v %s", err, response, answer)
	}
	if response, _, _ := send(t, url, mailTo("a@example.com")); response.StatusCode != 500 {
		t.Errorf("the fault did not happen: %v", response)
	}
	_, answer, _ = do(t, http.MethodGet, url+"/api/faults", "")
	if !strings.Contains(answer, `"next":["rate_limit"]`) {
		t.Errorf("GET: %s, want one fault to come", answer)
	}
	if response, _, _ := do(t, http.MethodDelete, url+"/api/faults", ""); response.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: %v", response)
	}
	mustSend(t, url, "a@example.com")
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	for _, body := range []string{
		``, `[]`, `{"nxt":["reset"]}`, `{"next":["explode"]}`, `{"rates":{"explode":0.1}}`,
		`{"always":{"status":99}}`, `{"always":{"status":401,"times":-1}}`, `{"per_window":2}`, `{"delay_ms":-1}`,
		`{"rates":{"reset":-0.1}}`, `{"rates":{"reset":0.7,"server_error":0.7}}`, `{"retry_after_seconds":-1}`,
	} {
		response, answer, err := do(t, http.MethodPut, url+"/api/faults", body)
		if err != nil || response.StatusCode != http.StatusBadRequest {
			t.Errorf("PUT %s: %v, %v %s, want 400", body, err, response, answer)
		}
	}
	if got := e.Faults(); !reflect.DeepEqual(got, Faults{}) {
		t.Errorf("faults are now %+v", got)
	}
}
