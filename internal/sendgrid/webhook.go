package sendgrid

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// WebhookPath is where SendGrid is told to post its events.
const WebhookPath = "/webhooks/sendgrid"

const (
	// SendGrid's posts have 768 KB at most, about 2,000 events.
	defaultMaxBody       = 1 << 20
	defaultMaxAge        = 72 * time.Hour
	defaultMaxEvents     = 10_000
	defaultMaxConcurrent = 16
	defaultRecordTimeout = 10 * time.Second

	// retryAfter503 is in seconds. SendGrid keeps to intervals of its own; it
	// is for a proxy, or a person, that looks.
	retryAfter503 = 30
)

// WebhookConfig says whom to believe and what to do with what they report.
type WebhookConfig struct {
	// Keys are SendGrid's verification keys as it shows them, in base64 of the
	// DER: the present one, and a second one during a rotation.
	Keys []string
	// Record saves the reports of one request in one transaction and returns
	// how many of them are of known deliveries. It bears any order and
	// repeats: SendGrid promises neither order nor single delivery. It is
	// called from several goroutines.
	Record func(ctx context.Context, reports []invitation.Report) (known int, err error)
	// Halted is called when SendGrid stops the account, and Reinstated when it
	// lets it send again. Neither has to be said only once.
	Halted     func(ctx context.Context, reason string) error
	Reinstated func(ctx context.Context) error
	Logger     *slog.Logger
	// OnPost hears how each post was answered, how many of its reports were about
	// mails of ours, how many were not, and how long ago its oldest event was; nil
	// for nobody.
	OnPost func(status int, cause string, known, unknown int, lag time.Duration)

	// MaxBody bounds a request's body in bytes, 1 MiB when zero; MaxEvents the
	// events in it, 10,000 when zero.
	MaxBody   int64
	MaxEvents int
	// MaxAge is how old the timestamp of a request may be, three days when zero:
	// SendGrid repeats a request for one.
	MaxAge time.Duration
	// MaxConcurrent bounds the requests that are checked and recorded at once, 16
	// when zero; others wait.
	MaxConcurrent int
	// Timeout bounds that wait, and then Record; 10 seconds when zero.
	Timeout time.Duration
}

func (c WebhookConfig) validated() (WebhookConfig, error) {
	switch {
	case c.Record == nil:
		return c, errors.New("nobody records the reports")
	case c.Halted == nil || c.Reinstated == nil:
		return c, errors.New("nobody follows the account's status")
	case c.Logger == nil:
		return c, errors.New("there is no logger")
	case c.MaxBody < 0 || c.MaxEvents < 0 || c.MaxConcurrent < 0 || c.MaxAge < 0 || c.Timeout < 0:
		return c, errors.New("a limit is negative")
	}
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBody)
	c.MaxEvents = cmp.Or(c.MaxEvents, defaultMaxEvents)
	c.MaxAge = cmp.Or(c.MaxAge, defaultMaxAge)
	c.MaxConcurrent = cmp.Or(c.MaxConcurrent, defaultMaxConcurrent)
	c.Timeout = cmp.Or(c.Timeout, defaultRecordTimeout)
	return c, nil
}

// NewWebhook returns the receiver of SendGrid's Event Webhook. It answers
//
//	204   everything is recorded (also: there was nothing to record)
//	400   signed, but no JSON array
//	401   not signed by one of the keys; nothing was parsed
//	404   another path; 405: another method than POST
//	413   a body too large, or too many events
//	503   not recorded; SendGrid repeats the request for 24 hours
//
// and none of these has a body. A content type is not asked for: the signature
// says who wrote it, and the parser what it is.
func NewWebhook(c WebhookConfig) (http.Handler, error) {
	c, err := c.validated()
	if err != nil {
		return nil, fmt.Errorf("sendgrid: webhook: %w", err)
	}
	keys, err := newVerifier(c.Keys)
	if err != nil {
		return nil, fmt.Errorf("sendgrid: webhook: %w", err)
	}
	return &webhook{config: c, keys: keys, slots: make(chan struct{}, c.MaxConcurrent)}, nil
}

// NewWebhookServer returns a server that a slow or silent client can't hold.
// It bounds the reading of a request, so that with a bounded number of connections
// no more than so many bodies are in memory; its WriteTimeout has room for the
// handler's default Timeout twice.
func NewWebhookServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

type webhook struct {
	config  WebhookConfig
	keys    verifier
	slots   chan struct{} // full while MaxConcurrent requests are under way
	account account
}

// ServeHTTP implements http.Handler.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	switch {
	case r.URL.EscapedPath() != WebhookPath:
		w.WriteHeader(http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	v := h.take(w, r)
	if v.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter503))
	}
	w.WriteHeader(v.status)
	h.log(r.Context(), v, time.Since(start))
	if h.config.OnPost != nil {
		h.config.OnPost(v.status, v.cause, v.known, v.unknown(), v.batch.lag(start))
	}
}

// verdict is how a request ended.
type verdict struct {
	status int
	cause  string // of a refusal
	err    error  // of Record
	key    int    // that signed, from 1
	body   int    // in bytes
	batch  batch
	known  int // reports of known deliveries
}

// unknown are the reports of mails that are not ours.
func (v verdict) unknown() int {
	if v.status != http.StatusNoContent {
		return 0
	}
	return v.batch.strangers + len(v.batch.reports) - v.known
}

func (h *webhook) take(w http.ResponseWriter, r *http.Request) verdict {
	s, ok := readSeal(r.Header)
	switch {
	case !ok:
		return verdict{status: http.StatusUnauthorized, cause: "unsigned"}
	case s.age(time.Now()) > h.config.MaxAge:
		return verdict{status: http.StatusUnauthorized, cause: "too old"}
	case r.ContentLength > h.config.MaxBody:
		return verdict{status: http.StatusRequestEntityTooLarge, cause: "body too large"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.config.MaxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return verdict{status: http.StatusRequestEntityTooLarge, cause: "body too large"}
	}
	if err != nil {
		return verdict{status: http.StatusBadRequest, cause: "body broken off"}
	}
	// Only now: who sends a body byte by byte keeps nobody else waiting.
	if !h.enter(r.Context()) {
		return verdict{status: http.StatusServiceUnavailable, cause: "busy"}
	}
	defer h.leave()
	v := verdict{body: len(body), key: h.keys.verify(s, body)}
	if v.key == 0 {
		v.status, v.cause = http.StatusUnauthorized, "signed by no key of ours"
		return v
	}
	return h.record(r.Context(), body, v)
}

// record goes on when the client hangs up: it would repeat the request, and a
// batch that takes longer than its patience would never be recorded.
func (h *webhook) record(ctx context.Context, body []byte, v verdict) verdict {
	var err error
	switch v.batch, err = readBatch(body, h.config.MaxEvents); {
	case errors.Is(err, errTooManyEvents):
		v.status, v.cause = http.StatusRequestEntityTooLarge, "too many events"
		return v
	case err != nil:
		v.status, v.cause = http.StatusBadRequest, "no JSON array"
		return v
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.config.Timeout)
	defer cancel()
	if len(v.batch.account) > 0 {
		v.err = h.followAccount(ctx, v.batch.account)
	}
	if v.err == nil && len(v.batch.reports) > 0 {
		v.known, v.err = h.config.Record(ctx, v.batch.reports)
	}
	v.status = http.StatusNoContent
	if v.err != nil {
		v.status, v.cause = http.StatusServiceUnavailable, "not recorded"
	}
	if n := v.batch.overQuota(); n > 0 {
		h.config.Logger.LogAttrs(ctx, slog.LevelError, "SendGrid drops mails: the account's quota is used up", slog.Int("mails", n))
	}
	return v
}

// enter waits for a slot: checking costs processor time, and recording a connection
// to the database.
func (h *webhook) enter(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, h.config.Timeout)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *webhook) leave() { <-h.slots }

// log writes one line per request. It has counts, and nothing that the request
// said: no id, no address, no reason.
func (h *webhook) log(ctx context.Context, v verdict, took time.Duration) {
	attrs := []slog.Attr{slog.Int("status", v.status), slog.Duration("duration", took)}
	if v.cause != "" {
		attrs = append(attrs, slog.String("cause", v.cause))
	}
	if v.err != nil {
		attrs = append(attrs, slog.Any("error", v.err))
	}
	if v.key != 0 {
		attrs = append(attrs, slog.Int("key", v.key), slog.Int("bytes", v.body))
	}
	if v.batch.events != 0 {
		attrs = append(attrs, v.batch.counts()...)
	}
	level := slog.LevelWarn
	switch v.status {
	case http.StatusNoContent:
		level = slog.LevelInfo
		attrs = append(attrs, slog.Int("known", v.known), slog.Int("unknown", v.unknown()))
	case http.StatusServiceUnavailable:
		level = slog.LevelError
	}
	h.config.Logger.LogAttrs(ctx, level, "SendGrid's events", attrs...)
}
