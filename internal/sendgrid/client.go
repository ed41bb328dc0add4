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
	"time"

	"github.com/sendgrid/rest"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Client sends mails, from any number of goroutines. It is never printed with
// its key.
type Client struct {
	key     string
	baseURL string
	from    sender
	sandbox bool
	timeout time.Duration
	http    *http.Client
}

// New checks the configuration; it talks to nobody.
func New(c Config) (*Client, error) {
	c, err := c.validated()
	if err != nil {
		return nil, err
	}
	return &Client{
		key:     c.APIKey,
		baseURL: c.BaseURL,
		from:    sender{address: c.FromAddress, name: c.FromName, replyTo: c.ReplyTo},
		sandbox: c.Sandbox,
		timeout: c.Timeout,
		http:    newHTTPClient(c.Transport),
	}, nil
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

	api := rest.Client{HTTPClient: c.http}
	// A response counts even when its body broke off: the status line is the
	// answer, and a 202 that is taken for a failure becomes a second mail.
	response, err := api.SendWithContext(ctx, c.request(m))
	if response == nil {
		return noAnswer(ctx, err)
	}
	return c.outcome(response, m)
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
