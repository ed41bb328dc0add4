package sendgridtest

import (
	"cmp"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Fault is something that goes wrong with one request.
type Fault string

// None lets a request pass.
const None Fault = "none"

// Faults that are an answer; the mail is not taken. What each means and who acts
// is in deploy/README.md.
const (
	QuotaUsedUp      Fault = "quota_used_up"     // 401
	KeyRevoked       Fault = "key_revoked"       // 401
	NotAuthorized    Fault = "not_authorized"    // 401
	PaymentRequired  Fault = "payment_required"  // 402
	Forbidden        Fault = "forbidden"         // 403
	ForbiddenHTML    Fault = "forbidden_html"    // 403, from something in between
	SenderUnverified Fault = "sender_unverified" // 403
	NotFound         Fault = "not_found"         // 404
	NotAllowed       Fault = "not_allowed"       // 405
	ProxyAuth        Fault = "proxy_auth"        // 407
	RequestTimeout   Fault = "request_timeout"   // 408
	TooEarly         Fault = "too_early"         // 425
	RateLimit        Fault = "rate_limit"        // 429
	ServerError      Fault = "server_error"      // 500
	BadGateway       Fault = "bad_gateway"       // 502, HTML
	Unavailable      Fault = "unavailable"       // 503
	GatewayTimeout   Fault = "gateway_timeout"   // 504, HTML
)

// Faults of the connection. With those after the acceptance the mail is taken.
const (
	Reset            Fault = "reset"              // before the request is read
	ResetAfterAccept Fault = "reset_after_accept" // in the place of the 202
	HangAfterAccept  Fault = "hang_after_accept"  // silence in the place of the 202
)

// Answer is a whole answer.
type Answer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
	// ContentType is that of JSON when empty.
	ContentType string `json:"content_type,omitempty"`
	// Times is how many requests get it; all when zero.
	Times int `json:"times,omitempty"`
}

const (
	keyRefused       = "The provided authorization grant is invalid, expired, or revoked"
	userRefused      = "Authenticated user is not authorized to send mail"
	senderUnverified = "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. " +
		"Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender Identity requirements"
)

// faultKinds are all faults in the order in which the page offers them, with the
// answers of those that are one.
var faultKinds = []struct {
	Fault  Fault
	answer Answer
}{
	{QuotaUsedUp, refusal(401, "Maximum credits exceeded")},
	{KeyRevoked, refusal(401, keyRefused)},
	{NotAuthorized, refusal(401, userRefused)},
	{PaymentRequired, refusal(402, "payment required")},
	{Forbidden, refusal(403, "access forbidden")},
	{ForbiddenHTML, htmlPage(403)},
	{SenderUnverified, Answer{Status: 403, Body: `{"errors":[{"message":"` + senderUnverified + `","field":"from","help":null}]}`}},
	{NotFound, refusal(404, "not found")},
	{NotAllowed, refusal(405, "method not allowed")},
	{ProxyAuth, Answer{Status: 407}},
	{RequestTimeout, Answer{Status: 408}},
	{TooEarly, Answer{Status: 425}},
	{RateLimit, refusal(429, "too many requests")},
	{ServerError, refusal(500, "internal server error")},
	{BadGateway, htmlPage(502)},
	{Unavailable, refusal(503, "service unavailable")},
	{GatewayTimeout, htmlPage(504)},
	{Reset, Answer{}},
	{ResetAfterAccept, Answer{}},
	{HangAfterAccept, Answer{}},
}

func refusal(status int, message string) Answer {
	return Answer{Status: status, Body: `{"errors":[{"message":"` + message + `","field":null,"help":null}]}`}
}

func htmlPage(status int) Answer {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return Answer{Status: status, ContentType: "text/html", Body: "<html><head><title>" + title + "</title></head><body><center><h1>" + title + "</h1></center></body></html>"}
}

// known reports whether there is such a fault, and its answer.
func known(fault Fault) (Answer, bool) {
	for _, kind := range faultKinds {
		if kind.Fault == fault {
			return kind.answer, true
		}
	}
	return Answer{}, false
}

func (a Answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", cmp.Or(a.ContentType, "application/json"))
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// answerFault answers with the faults that are an answer.
func (e *Emulator) answerFault(w http.ResponseWriter, fault Fault) bool {
	answer, _ := known(fault)
	if answer.Status == 0 {
		return false
	}
	f := e.Faults()
	if f.RetryAfterSeconds > 0 && (fault == RateLimit || fault == Unavailable) {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfterSeconds))
	}
	if f.ResetSeconds > 0 && fault == RateLimit {
		at := e.now().Add(time.Duration(f.ResetSeconds) * time.Second)
		w.Header().Set("X-RateLimit-Limit", "600")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(at.Unix(), 10))
	}
	answer.write(w)
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

// slow holds an answer back, whatever it is: what it tells has happened already.
type slow struct {
	http.ResponseWriter
	hold func()
}

// WriteHeader implements http.ResponseWriter.
func (s slow) WriteHeader(status int) {
	s.hold()
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an http.ResponseController through.
func (s slow) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (e *Emulator) slowly(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	delay := e.Faults().delay()
	if delay == 0 {
		return w
	}
	return slow{w, func() {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		case <-e.closed.Done():
		}
	}}
}
