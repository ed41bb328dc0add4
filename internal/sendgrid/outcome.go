package sendgrid

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendgrid/rest"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// maxWait caps what SendGrid may ask us to wait. Its own refresh periods are
// minutes; a header that says more is a mistake, and an invitation lives 14
// days at most.
const maxWait = time.Hour

// outcome reads SendGrid's answer (package comment).
func (c *Client) outcome(r *rest.Response, m invitation.Message) error {
	code := r.StatusCode
	if code == http.StatusAccepted || c.sandbox && code == http.StatusOK {
		return nil
	}
	refusal := &invitation.SendError{
		Reason:     reason(code, r.Body, m),
		RetryAfter: retryAfter(code, r.Headers, time.Now()),
	}
	switch code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		refusal.Account = aboutSettings(r.Body, m)
		refusal.Permanent = !refusal.Account
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusTooManyRequests:
		refusal.Account = true
	}
	return refusal
}

// aboutSettings reports whether a body finds fault only with what is the same in
// every mail, such as the sender. An organization's own address for answers is not.
func aboutSettings(body string, m invitation.Message) bool {
	settings := []string{"from", "mail_settings", "tracking_settings", "categories"}
	if !m.ReplyTo.Known() {
		settings = append(settings, "reply_to")
	}
	fields := errorFields(body)
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(field string) bool {
		part, _, _ := strings.Cut(field, ".")
		return !slices.Contains(settings, part)
	})
}

// retryAfter is how long SendGrid asks to wait, from 0 (it named nothing) to
// maxWait. Retry-After goes before X-RateLimit-Reset, the one that SendGrid
// documents. Points in time are read against the answer's own Date, so that a
// wrong clock on either side doesn't matter.
func retryAfter(code int, headers http.Header, now time.Time) time.Duration {
	if code != http.StatusTooManyRequests && code != http.StatusServiceUnavailable {
		return 0
	}
	now = answeredAt(headers, now)
	after := headers.Get("Retry-After")
	if seconds, err := strconv.ParseInt(after, 10, 64); err == nil {
		return wait(seconds)
	}
	if at, err := http.ParseTime(after); err == nil {
		return wait(at.Unix() - now.Unix())
	}
	return untilReset(headers, now)
}

// untilReset is how long it takes until SendGrid's rate limit begins anew, or 0.
func untilReset(headers http.Header, now time.Time) time.Duration {
	at, err := strconv.ParseInt(headers.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || at <= 0 {
		return 0
	}
	return wait(at - answeredAt(headers, now).Unix())
}

func answeredAt(headers http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(headers.Get("Date")); err == nil {
		return date
	}
	return now
}

// wait clamps before it multiplies: a hostile number must not overflow.
func wait(seconds int64) time.Duration {
	return time.Duration(min(max(seconds, 0), int64(maxWait/time.Second))) * time.Second
}
