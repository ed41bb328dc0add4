package sendgrid

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

func TestSendIsTaken(t *testing.T) {
	t.Parallel()
	e, url := sendgridtest.Start(t, sendgridtest.Config{APIKey: key})
	m := message(1)
	if err := newClient(t, config(url)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := e.Messages()
	if len(got) != 1 {
		t.Fatalf("%d mails came", len(got))
	}
	same(t, got[0], m)
	if got[0].Tracking != (sendgridtest.Tracking{}) {
		t.Errorf("tracking is not off: %+v", got[0].Tracking)
	}
}

func same(t *testing.T, got sendgridtest.Message, m invitation.Message) {
	t.Helper()
	if got.To != m.To.Mailbox() || got.ToName != m.ToName || got.Subject != m.Subject ||
		got.Text != m.Text || got.HTML != m.HTML ||
		got.CustomArgs["delivery_id"] != m.DeliveryID.String() ||
		got.CustomArgs["invitation_id"] != m.InvitationID.String() {
		t.Errorf("got %+v\nfor %+v", got, m)
	}
}

// TestMailsAreNotMixedUp sends from many goroutines through one client: every
// mail must reach its own recipient with its own link.
func TestMailsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	const goroutines, each = 32, 8
	e, url := sendgridtest.Start(t, sendgridtest.Config{APIKey: key})
	client := newClient(t, config(url))
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				if err := client.Send(t.Context(), message(g*each+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	byDelivery := map[string]sendgridtest.Message{}
	for _, m := range e.Messages() {
		byDelivery[m.CustomArgs["delivery_id"]] = m
	}
	if len(byDelivery) != goroutines*each {
		t.Fatalf("%d mails came, want %d", len(byDelivery), goroutines*each)
	}
	for n := range goroutines * each {
		m := message(n)
		same(t, byDelivery[m.DeliveryID.String()], m)
	}
}

func TestSandbox(t *testing.T) {
	t.Parallel()
	e, url := sendgridtest.Start(t, sendgridtest.Config{APIKey: key})
	c := config(url)
	c.Sandbox = true
	if err := newClient(t, c).Send(t.Context(), message(1)); err != nil {
		t.Error(err)
	}
	if n := len(e.Messages()); n != 0 {
		t.Errorf("%d mails came out of the sandbox", n)
	}
}

func TestNoRecipient(t *testing.T) {
	t.Parallel()
	m := message(1)
	m.To = invitation.Email{}
	client := serve(t, nil, func(http.ResponseWriter, *http.Request) { t.Error("there was a request") })
	var refusal *invitation.SendError
	if err := client.Send(t.Context(), m); !errors.As(err, &refusal) || !refusal.Permanent {
		t.Errorf("error %v, want one for good", err)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	e, url := sendgridtest.Start(t, sendgridtest.Config{})
	client := newClient(t, config(url))
	if err := client.Send(t.Context(), message(1)); err != nil { // the connection stays
		t.Fatal(err)
	}
	e.SetFaults(sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.HangAfterAccept}})
	client.timeout = 20 * time.Millisecond
	if err := client.Send(t.Context(), message(2)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want a time-out", err)
	}
}

func TestTimeoutInTheBody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := serve(t, func(c *Config) { c.Transport = ending{newTransport(), cancel} }, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	var refusal *invitation.SendError
	if err := client.Send(ctx, message(1)); !errors.As(err, &refusal) || refusal.Permanent {
		t.Errorf("error %v, want the 502 that was there", err)
	}
}

// ending calls end when an answer has begun.
type ending struct {
	http.RoundTripper
	end func()
}

func (e ending) RoundTrip(r *http.Request) (*http.Response, error) {
	defer e.end()
	return e.RoundTripper.RoundTrip(r)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	e, url := sendgridtest.Start(t, sendgridtest.Config{Faults: sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.HangAfterAccept}}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = e.Await(t.Context(), 1)
		cancel()
	}()
	if err := newClient(t, config(url)).Send(ctx, message(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the caller's own", err)
	}
}

// TestTakenWithABrokenBody: the 202 is the answer. To take it for a failure
// would mail twice.
func TestTakenWithABrokenBody(t *testing.T) {
	t.Parallel()
	client := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		w.WriteHeader(http.StatusAccepted)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	if err := client.Send(t.Context(), message(1)); err != nil {
		t.Errorf("error %v after a 202", err)
	}
}

// TestUsedUp: when SendGrid says that nothing is left of a window, nobody asks
// until the next one.
func TestUsedUp(t *testing.T) {
	t.Parallel()
	requests := 0
	client := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(2-requests))
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10))
		w.WriteHeader(http.StatusAccepted)
	})
	for n := range 2 {
		if err := client.Send(t.Context(), message(n)); err != nil {
			t.Fatal(err)
		}
	}
	var refusal *invitation.SendError
	err := client.Send(t.Context(), message(3))
	if !errors.As(err, &refusal) || !refusal.Account || refusal.RetryAfter <= 0 || refusal.RetryAfter > time.Minute {
		t.Errorf("error %v, want one of the account that names the time", err)
	}
	if requests != 2 {
		t.Errorf("%d requests", requests)
	}
}
