// Package sendgrid hands rendered mails to SendGrid's v3 API, and takes in what
// its Event Webhook reports of them (NewWebhook).
//
// SendGrid's mail/send is not idempotent and offers no key against repeats: a
// mail whose answer was lost may have gone out, and sending it again sends it
// twice. So the caller repeats what failed for now and nothing else.
//
//	202 (200 in the sandbox)            nil
//	400, 413, 415                       *invitation.SendError: the mail's own fault, for
//	                                    good; a 400 about the sender or a setting is the account's
//	401 to 405, 407, 429                *invitation.SendError of the account: every mail
//	                                    would be refused
//	everything else                     *invitation.SendError, for now
//	no connection                       the same: it was not asked
//	no answer                           another error: nobody knows
//
// A wrong key, a quota that is used up or a sender that is not verified judges no
// mail: whoever sends has to stop, and go on once that is mended.
package sendgrid

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sendgrid/rest"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Client sends mails, from any number of goroutines. It is never printed with
// its key.
type Client struct {
	key     *atomic.Pointer[string]
	keyFile string
	baseURL string
	from    sender
	sandbox bool
	// unsubscribed says that mails go to those too who unsubscribed.
	unsubscribed bool
	timeout      time.Duration
	http         *http.Client
	// spent is until when the rate limit is used up, in nanoseconds since 1970.
	spent *atomic.Int64
}

// New checks the configuration, and reads the key; it talks to nobody.
func New(c Config) (*Client, error) {
	c, err := c.validated()
	if err != nil {
		return nil, err
	}
	client := &Client{
		keyFile: c.KeyFile,
		baseURL: c.BaseURL,
		from:    sender{address: c.FromAddress, name: c.FromName, replyTo: c.ReplyTo},
		sandbox: c.Sandbox, unsubscribed: c.BypassUnsubscribes,
		timeout: c.Timeout,
		http:    newHTTPClient(c.Transport),
		key:     &atomic.Pointer[string]{},
		spent:   &atomic.Int64{},
	}
	client.key.Store(&c.APIKey)
	return client, nil
}

// Send hands one mail over. A nil error means that SendGrid has queued it,
// not that it was delivered. An *invitation.SendError is SendGrid's refusal;
// any other error means that there was no answer, and it is
// context.Canceled or context.DeadlineExceeded when that was the cause. No
// error holds an address, a link or the key.
func (c *Client) Send(ctx context.Context, m invitation.Message) error {
	if m.To.Mailbox() == "" {
		return &invitation.SendError{Permanent: true, Reason: "no recipient"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ctx, connected := traced(ctx)

	if wait := time.Until(time.Unix(0, c.spent.Load())); wait > 0 {
		return &invitation.SendError{Account: true, RetryAfter: wait, Reason: "the rate limit is used up"}
	}
	key := *c.key.Load()
	response, err := c.post(ctx, key, m)
	if response != nil && response.StatusCode == http.StatusUnauthorized {
		if key, changed := c.rekeyed(key); changed {
			response, err = c.post(ctx, key, m)
		}
	}
	if response == nil {
		return noAnswer(ctx, err, connected.Load())
	}
	c.spare(response.Headers)
	return c.outcome(response, m)
}

// post returns a response even when its body broke off: the status line is the
// answer, and a 202 that is taken for a failure becomes a second mail.
func (c *Client) post(ctx context.Context, key string, m invitation.Message) (*rest.Response, error) {
	api := rest.Client{HTTPClient: c.http}
	return api.SendWithContext(ctx, c.request(key, m))
}

// spare remembers until when SendGrid takes nothing more, so that nobody asks.
func (c *Client) spare(headers http.Header) {
	if headers.Get("X-RateLimit-Remaining") != "0" {
		return
	}
	if wait := untilReset(headers, time.Now()); wait > 0 {
		c.spent.Store(time.Now().Add(wait).UnixNano())
	}
}

// Close drops idle connections. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c Client) describe() string {
	return fmt.Sprintf("sendgrid(%s, key redacted)", c.baseURL)
}

// Format implements fmt.Formatter for every verb.
func (c Client) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(c.describe())) }

// LogValue implements slog.LogValuer.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.describe()) }
