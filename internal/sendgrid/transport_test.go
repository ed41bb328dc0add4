package sendgrid

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestNoAnswer: whatever leaves the outcome open is no SendError, and names
// no host and no key.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		client func(*testing.T) *Client
		want   string
		// unasked says that there was no connection, so that nothing was sent.
		unasked bool
	}{
		"refused": {func(t *testing.T) *Client {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			return newClient(t, config("http://"+listener.Addr().String()))
		}, "connection refused", true},
		"reset": {func(t *testing.T) *Client {
			_, url := sendgridtest.Start(t, sendgridtest.Config{Faults: sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.Reset}}})
			return newClient(t, config(url))
		}, "connection broken", false},
		"reset after the acceptance": {func(t *testing.T) *Client {
			_, url := sendgridtest.Start(t, sendgridtest.Config{Faults: sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.ResetAfterAccept}}})
			return newClient(t, config(url))
		}, "connection broken", false},
		"unknown certificate": {func(t *testing.T) *Client {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = quiet
			server.StartTLS()
			t.Cleanup(server.Close)
			return newClient(t, config(server.URL))
		}, "certificate not trusted", true},
		"unknown host": {func(t *testing.T) *Client {
			c := config("https://sendgrid.invalid")
			c.Transport = failing{&net.DNSError{Err: "no such host", Name: "sendgrid.invalid", IsNotFound: true}}
			return newClient(t, c)
		}, "host not found", true},
		"slow to connect": {func(t *testing.T) *Client {
			c := config(GlobalURL)
			c.Transport = failing{&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, Err: slow{}}}
			return newClient(t, c)
		}, "connecting took too long", true},
		"anything else": {func(t *testing.T) *Client {
			c := config(GlobalURL)
			c.Transport = failing{errors.New("proxy https://user:" + key + "@proxy.test said no")}
			return newClient(t, c)
		}, "connection failed", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.client(t).Send(t.Context(), message(1))
			want := "no answer from SendGrid: " + test.want
			if test.unasked {
				want = "refused for now: no connection to SendGrid: " + test.want
			}
			if err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
			if refusal := (*invitation.SendError)(nil); errors.As(err, &refusal) != test.unasked {
				t.Errorf("whether SendGrid was asked is known: %v, want %v", !test.unasked, test.unasked)
			}
		})
	}
}

// TestProxyRefuses: a proxy that lets nobody through judges no mail, and one that finds
// no way is like a road that is closed for now.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	for status, account := range map[int]bool{403: true, 407: true, 429: true, 502: false, 503: false} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect {
				t.Errorf("the proxy is asked to %s", r.Method)
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(proxy.Close)
		at, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		c, transport := config(GlobalURL), newTransport()
		transport.Proxy = http.ProxyURL(at)
		c.Transport = transport
		var got *invitation.SendError
		err = newClient(t, c).Send(t.Context(), message(1))
		if want := (invitation.SendError{Account: account, Reason: "the proxy answers HTTP " + strconv.Itoa(status)}); !errors.As(err, &got) || *got != want {
			t.Errorf("error %v, want %+v", err, want)
		}
		proxy.Close()
		if err := newClient(t, c).Send(t.Context(), message(1)); !errors.As(err, &got) || got.Account {
			t.Errorf("without a proxy: %v", err)
		}
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

type slow struct{}

func (slow) Error() string   { return "i/o timeout" }
func (slow) Timeout() bool   { return true }
func (slow) Temporary() bool { return true }

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		client := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, status)
		})
		var refusal *invitation.SendError
		if err := client.Send(t.Context(), message(1)); !errors.As(err, &refusal) || refusal.Permanent {
			t.Errorf("%d: error %v, want one for now", status, err)
		}
	}
	if followed.Load() {
		t.Error("the mail went elsewhere")
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	var wrote atomic.Int64
	client := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		chunk := []byte(strings.Repeat("x", 1<<16))
		for wrote.Load() < 1<<30 {
			n, err := w.Write(chunk)
			wrote.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	var refusal *invitation.SendError
	if err := client.Send(t.Context(), message(1)); !errors.As(err, &refusal) || refusal.Reason != "HTTP 400 Bad Request" {
		t.Errorf("error %v", err)
	}
	if n := wrote.Load(); n >= 1<<30 {
		t.Errorf("%d bytes were read", n)
	}
}
