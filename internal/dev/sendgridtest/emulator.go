// Package sendgridtest is SendGrid on a loopback address: the part of its API
// that this service uses, with its checks, its error texts and its bad days.
// Tests and the local run speak to it over real HTTP.
//
//	POST   /v3/mail/send         as SendGrid: what its description of a body and its
//	                             page of errors refuse is refused (mailsend.go)
//	GET    /v3/suppression/…     as SendGrid: who gets no mail any more, and DELETE
//	                             (suppressions.go); /v3/asm/suppressions/global too
//	GET    /api/messages         the mails it took, newest first (?to=address)
//	GET    /api/messages/{id}    one of them
//	DELETE /api/messages         forgets them
//	GET    /api/faults           what goes wrong; PUT sets it (Faults as JSON), DELETE
//	                             has all go well
//	GET    /api/account          keys, verified senders, status; PUT sets them (Account)
//	GET    /                     the mails as pages for people
//	GET    /control              faults, account and lists as a page, and which address
//	                             has a mail bounce, dropped, … (fates.go)
//
// With a Webhook it posts signed events about every mail, as SendGrid's Event
// Webhook does (webhook.go, events.go).
//
// It shows mails, and so working activation links, to everybody who reaches
// it: loopback only.
package sendgridtest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const defaultKeep = 1000

// Config sets an Emulator up; the zero value works.
type Config struct {
	// APIKey is the one that is accepted at the start; any when empty.
	APIKey string
	// Senders are those that are verified at the start (Account).
	Senders []string
	// Keep is how many mails are kept, the newest; 1000 when zero.
	Keep int
	// Faults are those at the start.
	Faults Faults
	// Webhook gets the events; nobody when its URL is empty.
	Webhook Webhook
	// Now is time.Now when nil.
	Now func() time.Time
}

// Emulator is an http.Handler, safe for concurrent use. Close it when it is
// no longer served.
type Emulator struct {
	keep   int
	now    func() time.Time
	routes http.Handler
	hook   *hook // nil without a webhook

	closed context.Context
	close  context.CancelFunc

	mu       sync.Mutex
	messages []Message     // oldest first
	accepted int           // since the start or the last Clear
	changed  chan struct{} // closed and replaced when messages change
	account  Account
	lists    suppressions
	faults   Faults
	dice     *rand.Rand
	requests int
	// window is the present one of a limit, and inWindow how many it took.
	window   int64
	inWindow int
}

// New returns an Emulator that is ready to serve.
func New(c Config) *Emulator {
	e := &Emulator{
		keep:    cmp.Or(c.Keep, defaultKeep),
		now:     c.Now,
		changed: make(chan struct{}),
		account: Account{Senders: c.Senders},
		lists:   suppressions{},
	}
	if c.APIKey != "" {
		e.account.Keys = []string{c.APIKey}
	}
	if e.now == nil {
		e.now = time.Now
	}
	e.closed, e.close = context.WithCancel(context.Background())
	e.SetFaults(c.Faults)
	e.routes = e.newRoutes()
	if c.Webhook.URL != "" {
		e.hook = startHook(e.closed, c.Webhook, e.now)
	}
	return e
}

// Close ends every hanging request and the webhook, and waits for the latter.
func (e *Emulator) Close() {
	e.close()
	if e.hook != nil {
		<-e.hook.done
	}
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", e.now().UTC().Format(http.TimeFormat))
	e.routes.ServeHTTP(w, r)
}

func (e *Emulator) newRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/mail/send", e.serveSend)
	mux.HandleFunc("/v3/mail/send", refuse(http.StatusMethodNotAllowed, "method not allowed"))
	mux.HandleFunc("/v3/", refuse(http.StatusNotFound, "not found"))

	mux.HandleFunc("GET /api/messages", e.listMessages)
	mux.HandleFunc("GET /api/messages/{id}", e.getMessage)
	mux.HandleFunc("DELETE /api/messages", e.deleteMessages)
	e.suppressionRoutes(mux)

	mux.HandleFunc("GET /api/account", e.getAccount)
	mux.HandleFunc("PUT /api/account", e.putAccount)
	mux.HandleFunc("GET /api/faults", e.getFaults)
	mux.HandleFunc("PUT /api/faults", e.putFaults)
	mux.HandleFunc("DELETE /api/faults", e.deleteFaults)

	mux.HandleFunc("GET /{$}", e.pageList)
	mux.HandleFunc("GET /messages/{id}", e.pageMessage)
	mux.HandleFunc("GET /messages/{id}/html", e.pageHTML)
	mux.HandleFunc("GET /style.css", pageStyle)
	mux.HandleFunc("GET /control", e.pageControl)
	mux.HandleFunc("POST /control/faults", e.formFaults)
	mux.HandleFunc("POST /control/account", e.formAccount)
	mux.HandleFunc("POST /control/release", e.formRelease)
	// No page of another site may set a fault in the browser of a developer.
	return http.NewCrossOriginProtection().Handler(mux)
}

// keepAll stores mails of one request together, and returns what becomes of each.
func (e *Emulator) keepAll(messages []Message) []fate {
	e.mu.Lock()
	defer e.mu.Unlock()
	lives := make([]fate, len(messages))
	for i := range messages {
		lives[i] = e.fateOf(messages[i])
		messages[i].Fate = lives[i].summary()
	}
	e.messages = append(e.messages, messages...)
	if surplus := len(e.messages) - e.keep; surplus > 0 {
		e.messages = slices.Delete(e.messages, 0, surplus)
	}
	e.accepted += len(messages)
	e.announce()
	return lives
}

// announce is called with mu held.
func (e *Emulator) announce() {
	close(e.changed)
	e.changed = make(chan struct{})
}
