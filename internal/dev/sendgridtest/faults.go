package sendgridtest

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is something that goes wrong with one request.
type Fault string

// The faults. The mail is kept with those that come after the acceptance, and
// with no other.
const (
	None             Fault = "none"
	RateLimit        Fault = "rate_limit"         // 429
	ServerError      Fault = "server_error"       // 500
	Unavailable      Fault = "unavailable"        // 503
	Reset            Fault = "reset"              // the connection, before the request is read
	ResetAfterAccept Fault = "reset_after_accept" // the connection, in the place of the 202
	HangAfterAccept  Fault = "hang_after_accept"  // silence in the place of the 202
)

var faultKinds = []Fault{RateLimit, ServerError, Unavailable, Reset, ResetAfterAccept, HangAfterAccept}

// Faults says what goes wrong. For every request the first that has something
// to say decides: Next, Rates, Choose.
type Faults struct {
	// Next are the faults of the next requests, one each; None lets one pass.
	Next []Fault `json:"next,omitempty"`
	// Rates are the probabilities of faults, in sum 1 at most.
	Rates map[Fault]float64 `json:"rates,omitempty"`
	// Seed makes a run with Rates repeatable.
	Seed uint64 `json:"seed,omitempty"`
	// RetryAfterSeconds is in the header Retry-After of a 429 or 503,
	// ResetSeconds (from now) in the X-RateLimit-Reset of a 429; left out
	// when zero.
	RetryAfterSeconds int `json:"retry_after_seconds,omitempty"`
	ResetSeconds      int `json:"reset_seconds,omitempty"`
	// Always answers every request that it can be read, until it is taken out, as
	// SendGrid does on its bad days.
	Always *Answer `json:"always,omitempty"`
	// PerWindow is how many requests a window of WindowSeconds takes, the others
	// are answered with 429; any number when zero.
	PerWindow     int `json:"per_window,omitempty"`
	WindowSeconds int `json:"window_seconds,omitempty"`
	// Choose decides by the mail; a Reset by it comes after the reading.
	Choose func(Message) Fault `json:"-"`

	Webhook WebhookFaults `json:"webhook"`
}

// Answer is a whole answer.
type Answer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
	// ContentType is that of JSON when empty.
	ContentType string `json:"content_type,omitempty"`
}

// WebhookFaults are what a webhook's receiver has to bear: SendGrid promises
// neither single delivery nor order.
type WebhookFaults struct {
	// Duplicates is how many further times every event is posted.
	Duplicates int `json:"duplicates,omitempty"`
	// Disorder posts the events of a mail one by one, the last first.
	Disorder bool `json:"disorder,omitempty"`
}

func (f Faults) check() error {
	for _, fault := range f.Next {
		if fault != None && !slices.Contains(faultKinds, fault) {
			return fmt.Errorf("there is no fault %q", fault)
		}
	}
	sum := 0.0
	for fault, rate := range f.Rates {
		if !slices.Contains(faultKinds, fault) {
			return fmt.Errorf("there is no fault %q", fault)
		}
		if !(rate >= 0 && rate <= 1) {
			return fmt.Errorf("the rate of %q is not from 0 to 1", fault)
		}
		sum += rate
	}
	if sum > 1+1e-9 {
		return fmt.Errorf("the rates are more than 1 in sum")
	}
	if f.Always != nil && (f.Always.Status < 200 || f.Always.Status > 599) {
		return fmt.Errorf("there is no status %d", f.Always.Status)
	}
	if f.PerWindow < 0 || f.PerWindow > 0 && f.WindowSeconds <= 0 {
		return fmt.Errorf("a window is some seconds long")
	}
	if f.RetryAfterSeconds < 0 || f.ResetSeconds < 0 || f.Webhook.Duplicates < 0 {
		return fmt.Errorf("a number is negative")
	}
	return nil
}

// SetFaults replaces the faults. It panics on those that PUT /api/faults
// refuses.
func (e *Emulator) SetFaults(f Faults) {
	if err := f.check(); err != nil {
		panic("sendgridtest: " + err.Error())
	}
	f.Next = slices.Clone(f.Next)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = f
	e.dice = rand.New(rand.NewPCG(f.Seed, f.Seed))
}

// Faults returns the faults; Next has those that are still to come.
func (e *Emulator) Faults() Faults {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.faults
	f.Next = slices.Clone(f.Next)
	return f
}

func (e *Emulator) nextFault() Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.faults.Next) > 0 {
		fault := e.faults.Next[0]
		e.faults.Next = e.faults.Next[1:]
		return fault
	}
	if len(e.faults.Rates) == 0 {
		return None
	}
	roll := e.dice.Float64()
	for _, fault := range faultKinds {
		if roll -= e.faults.Rates[fault]; roll < 0 {
			return fault
		}
	}
	return None
}

func (e *Emulator) chosenFault(m Message) Fault {
	if choose := e.Faults().Choose; choose != nil {
		return choose(m)
	}
	return None
}

// Requests is how many mails the emulator was asked to take, whatever it said.
func (e *Emulator) Requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

// answerAll answers a request as every one is answered for now.
func (e *Emulator) answerAll(w http.ResponseWriter) bool {
	e.mu.Lock()
	e.requests++
	always, full := e.faults.Always, e.windowFull(w)
	e.mu.Unlock()
	switch {
	case always != nil:
		w.Header().Set("Content-Type", cmp.Or(always.ContentType, "application/json"))
		w.WriteHeader(always.Status)
		_, _ = io.WriteString(w, always.Body)
	case full:
		writeErrors(w, http.StatusTooManyRequests, "too many requests")
	default:
		return false
	}
	return true
}

// windowFull counts a request, tells of the window in the headers, and reports
// whether it has no room. The caller holds the lock.
func (e *Emulator) windowFull(w http.ResponseWriter) bool {
	limit := e.faults.PerWindow
	if limit == 0 {
		return false
	}
	length := int64(e.faults.WindowSeconds)
	window := e.now().Unix() / length
	if window != e.window {
		e.window, e.inWindow = window, 0
	}
	full := e.inWindow == limit
	if !full {
		e.inWindow++
	}
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(limit-e.inWindow))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt((window+1)*length, 10))
	return full
}

// answerFault answers with the faults that come before the acceptance.
func (e *Emulator) answerFault(w http.ResponseWriter, fault Fault) bool {
	f := e.Faults()
	if f.RetryAfterSeconds > 0 && (fault == RateLimit || fault == Unavailable) {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfterSeconds))
	}
	switch fault {
	case RateLimit:
		if f.ResetSeconds > 0 {
			at := e.now().Add(time.Duration(f.ResetSeconds) * time.Second)
			w.Header().Set("X-RateLimit-Limit", "600")
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(at.Unix(), 10))
		}
		writeErrors(w, http.StatusTooManyRequests, "too many requests")
	case ServerError:
		writeErrors(w, http.StatusInternalServerError, "internal server error")
	case Unavailable:
		writeErrors(w, http.StatusServiceUnavailable, "service unavailable")
	case Reset:
		reset(w)
	default:
		return false
	}
	return true
}

// loseAnswer doesn't return with the faults that come after the acceptance.
func (e *Emulator) loseAnswer(w http.ResponseWriter, r *http.Request, fault Fault) {
	switch fault {
	case HangAfterAccept:
		select {
		case <-r.Context().Done():
		case <-e.closed.Done():
		}
		panic(http.ErrAbortHandler)
	case ResetAfterAccept:
		reset(w)
	}
}

// reset sends an RST where the server lets it, else it just hangs up.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
