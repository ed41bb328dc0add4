package sendgridtest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Faults says what goes wrong with mails that are valid, from a key that is
// accepted. For every request the first that has something to say decides: the
// connection's Next or Rates, then Always, PerWindow, the other Next or Rates,
// Choose.
type Faults struct {
	// Next are the faults of the next requests, one each; None lets one pass.
	Next []Fault `json:"next,omitempty"`
	// Rates are the probabilities of faults, in sum 1 at most.
	Rates map[Fault]float64 `json:"rates,omitempty"`
	// Seed makes a run with Rates repeatable.
	Seed uint64 `json:"seed,omitempty"`
	// RetryAfterSeconds is in the header Retry-After of a RateLimit or
	// Unavailable, ResetSeconds (from now) in the X-RateLimit-Reset of a
	// RateLimit; left out when zero.
	RetryAfterSeconds int `json:"retry_after_seconds,omitempty"`
	ResetSeconds      int `json:"reset_seconds,omitempty"`
	// Always answers every request, or as many as it says.
	Always *Answer `json:"always,omitempty"`
	// PerWindow is how many requests a window of WindowSeconds takes, the others
	// are answered with 429; any number when zero.
	PerWindow     int `json:"per_window,omitempty"`
	WindowSeconds int `json:"window_seconds,omitempty"`
	// DelayMS is how long every answer takes, in milliseconds. A caller who goes
	// away meanwhile has handed over the mail all the same.
	DelayMS int `json:"delay_ms,omitempty"`
	// Choose decides by the mail; a Reset by it comes after the reading.
	Choose func(Message) Fault `json:"-"`

	Webhook WebhookFaults `json:"webhook"`
}

// WebhookFaults are what a webhook's receiver has to bear: SendGrid promises
// neither single delivery nor order.
type WebhookFaults struct {
	// Duplicates is how many further times every event is posted.
	Duplicates int `json:"duplicates,omitempty"`
	// Disorder posts the events of a mail one by one, the last first.
	Disorder bool `json:"disorder,omitempty"`
}

func (f Faults) delay() time.Duration { return time.Duration(f.DelayMS) * time.Millisecond }

func (f Faults) check() error {
	for _, fault := range f.Next {
		if _, ok := known(fault); !ok && fault != None {
			return fmt.Errorf("there is no fault %q", fault)
		}
	}
	sum := 0.0
	for fault, rate := range f.Rates {
		if _, ok := known(fault); !ok {
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
	if f.RetryAfterSeconds < 0 || f.ResetSeconds < 0 || f.DelayMS < 0 || f.Webhook.Duplicates < 0 ||
		f.Always != nil && f.Always.Times < 0 {
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
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = f.clone()
	e.dice = rand.New(rand.NewPCG(f.Seed, f.Seed))
}

// Faults returns the faults; Next and Always have what is still to come.
func (e *Emulator) Faults() Faults {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.faults.clone()
}

func (f Faults) clone() Faults {
	f.Next = slices.Clone(f.Next)
	if f.Always != nil {
		answer := *f.Always
		f.Always = &answer
	}
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
	for _, kind := range faultKinds {
		if roll -= e.faults.Rates[kind.Fault]; roll < 0 {
			return kind.Fault
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

// Requests is how often the emulator was asked to take a mail, whatever it said.
func (e *Emulator) Requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

// answerAll answers a request as every one is answered for now.
func (e *Emulator) answerAll(w http.ResponseWriter) bool {
	e.mu.Lock()
	always, full := e.always(), e.windowFull(w)
	e.mu.Unlock()
	switch {
	case always != nil:
		always.write(w)
	case full:
		writeErrors(w, http.StatusTooManyRequests, "too many requests")
	default:
		return false
	}
	return true
}

// always takes one of the times that there are. The caller holds the lock.
func (e *Emulator) always() *Answer {
	a := e.faults.Always
	if a != nil && a.Times > 0 {
		if a.Times--; a.Times == 0 {
			e.faults.Always = nil
		}
	}
	return a
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
