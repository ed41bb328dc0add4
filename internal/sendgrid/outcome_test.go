package sendgrid

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendgrid/rest"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	const taken, forNow, ofTheAccount, forGood = "taken", "for now", "of the account", "for good"
	tests := map[string][]int{
		taken:        {202},
		forNow:       {200, 201, 204, 301, 304, 307, 406, 408, 409, 410, 418, 422, 425, 451, 499, 500, 501, 502, 503, 504, 507, 520, 599},
		ofTheAccount: {401, 402, 403, 404, 405, 407, 429},
		forGood:      {400, 413, 415},
	}
	for want, codes := range tests {
		for _, code := range codes {
			got := taken
			err := (&Client{}).outcome(&rest.Response{StatusCode: code}, message(1))
			if refusal := (*invitation.SendError)(nil); errors.As(err, &refusal) {
				got = forNow
				switch {
				case refusal.Permanent:
					got = forGood
				case refusal.Account:
					got = ofTheAccount
				}
			}
			if got != want {
				t.Errorf("%d: %s, want %s", code, got, want)
			}
		}
	}
	if err := (&Client{sandbox: true}).outcome(&rest.Response{StatusCode: 200}, message(1)); err != nil {
		t.Errorf("200 in the sandbox: %v", err)
	}
}

// TestWhoseFault: a 400 is the mail's, unless all that it complains of is the same
// in every mail.
func TestWhoseFault(t *testing.T) {
	t.Parallel()
	for body, account := range map[string]bool{
		``: false, `{"errors":[]}`: false, `<html>`: false,
		`{"errors":[{"message":"m","field":"subject"}]}`:                                       false,
		`{"errors":[{"message":"m","field":"personalizations.0.to.0.email"}]}`:                 false,
		`{"errors":[{"message":"m","field":null}]}`:                                            false,
		`{"errors":[{"message":"m","field":"from"}]}`:                                          true,
		`{"errors":[{"message":"m","field":"from.email"},{"message":"m","field":"reply_to"}]}`: true,
		`{"errors":[{"message":"m","field":"from"},{"message":"m","field":"content"}]}`:        false,
		`{"errors":[{"message":"m","field":"mail_settings.sandbox_mode"}]}`:                    true,
	} {
		var got *invitation.SendError
		err := (&Client{}).outcome(&rest.Response{StatusCode: 400, Body: body}, message(1))
		if !errors.As(err, &got) || got.Account != account || got.Permanent == account {
			t.Errorf("%s is %+v", body, got)
		}
	}
	m := message(1)
	m.ReplyTo = invitation.NewEmail("office@müller.example", "office@xn--mller-kva.example")
	body := `{"errors":[{"message":"m","field":"reply_to.email"}]}`
	var got *invitation.SendError
	if err := (&Client{}).outcome(&rest.Response{StatusCode: 400, Body: body}, m); !errors.As(err, &got) || !got.Permanent {
		t.Errorf("about an organization's own address: %+v", got)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const date, later = "Sun, 01 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 12:00:30 GMT"
	const reset = "1772366445" // 12:00:45
	tests := []struct {
		name                           string
		code                           int
		date, retryAfter, rateLimReset string
		want                           time.Duration
	}{
		{"nothing", 429, date, "", "", 0},
		{"seconds", 429, date, "7", "", 7 * time.Second},
		{"seconds with a 503", 503, date, "7", "", 7 * time.Second},
		{"seconds with a 500", 500, date, "7", reset, 0},
		{"seconds with a 400", 400, date, "7", reset, 0},
		{"date", 429, date, later, "", 30 * time.Second},
		{"date without the answer's", 429, "", later, "", 30 * time.Second},
		{"date, our clock is wrong", 429, "Sun, 01 Mar 2026 11:59:00 GMT", later, "", 90 * time.Second},
		{"reset", 429, date, "", reset, 45 * time.Second},
		{"reset, our clock is wrong", 429, "Sun, 01 Mar 2026 12:00:40 GMT", "", reset, 5 * time.Second},
		{"both", 429, date, "7", reset, 7 * time.Second},
		{"nonsense, then reset", 429, date, "soon", reset, 45 * time.Second},
		{"all nonsense", 429, "now", "soon", "later", 0},
		{"past date", 429, date, "Sun, 01 Mar 2020 12:00:00 GMT", "", 0},
		{"past reset", 429, date, "", "1", 0},
		{"negative", 429, date, "-7", "", 0},
		{"negative reset", 429, date, "", "-9223372036854775808", 0},
		{"a day", 429, date, "86400", "", maxWait},
		{"overflow", 429, date, "9223372036854775807", "", maxWait},
		{"reset overflow", 429, date, "", "9223372036854775807", maxWait},
		{"too many digits", 429, date, "99999999999999999999", "", 0},
		{"fraction", 429, date, "1.5", "", 0},
	}
	for _, test := range tests {
		h := http.Header{}
		for name, value := range map[string]string{"Date": test.date, "Retry-After": test.retryAfter, "X-RateLimit-Reset": test.rateLimReset} {
			if value != "" {
				h.Set(name, value)
			}
		}
		if got := retryAfter(test.code, h, now); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestRefusals goes all the way to the emulator.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault  sendgridtest.Fault
		change func(*Config, *invitation.Message)
		want   invitation.SendError
	}{
		"rate limit":  {sendgridtest.RateLimit, nil, invitation.SendError{Account: true, Reason: "HTTP 429: too many requests", RetryAfter: 9 * time.Second}},
		"error":       {sendgridtest.ServerError, nil, invitation.SendError{Reason: "HTTP 500: internal server error"}},
		"unavailable": {sendgridtest.Unavailable, nil, invitation.SendError{Reason: "HTTP 503: service unavailable"}},
		"wrong key": {"", func(c *Config, _ *invitation.Message) { c.APIKey = "SG.other" }, invitation.SendError{
			Account: true, Reason: "HTTP 401: The provided authorization grant is invalid, expired, or revoked"}},
		"no subject": {"", func(_ *Config, m *invitation.Message) { m.Subject = "" }, invitation.SendError{
			Permanent: true, Reason: "HTTP 400: The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined. (subject)"}},
		"wrong recipient": {"", func(_ *Config, m *invitation.Message) {
			m.To = invitation.NewEmail("erika@localhost", "erika@localhost")
		}, invitation.SendError{
			Permanent: true, Reason: "HTTP 400: Does not contain a valid address. (personalizations.0.to.0.email)"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := sendgridtest.Faults{ResetSeconds: 9}
			if test.fault != "" {
				faults.Next = []sendgridtest.Fault{test.fault}
			}
			_, url := sendgridtest.Start(t, sendgridtest.Config{
				APIKey: key, Faults: faults,
				// A clock far from ours: the answer's own Date must count.
				Now: func() time.Time { return time.Unix(1_000_000_000, 0) },
			})
			c, m := config(url), message(1)
			if test.change != nil {
				test.change(&c, &m)
			}
			var got *invitation.SendError
			if err := newClient(t, c).Send(t.Context(), m); !errors.As(err, &got) || *got != test.want {
				t.Errorf("error %+v, want %+v", got, test.want)
			}
			if strings.Contains(got.Error(), c.APIKey) {
				t.Error("the error has the key")
			}
		})
	}
}
