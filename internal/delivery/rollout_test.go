//go:build !fast

package delivery_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/sendgrid"
)

// inviteMany invites n people of one organization, and returns their ids.
func (s *stack) inviteMany(n int) []string {
	s.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = s.invite()
	}
	return ids
}

// wantAll holds that everybody got one mail.
func (s *stack) wantAll(ids []string) {
	s.Helper()
	s.settled()
	got := map[string]int{}
	for _, m := range s.inbox.Messages() {
		got[m.To]++
	}
	for _, id := range ids {
		if n := got[addressOf(id)]; n != 1 {
			s.Errorf("%d mails to %s", n, id)
		}
	}
	s.await(len(ids), `SELECT count(*) FROM deliveries WHERE state = 'ACCEPTED'`)
}

// TestRollOut: 2,000 mails meet one bad day after the other, on two servers of
// which one is started again in each. All arrive, none twice, and SendGrid is
// asked hardly more often than there are mails.
func TestRollOut(t *testing.T) {
	t.Parallel()
	const mails = 2000
	s := newStack(t)
	ids := s.inviteMany(mails)
	s.work()
	other := s.work()
	probes := 0
	days := badDays(t)
	taken := 0
	for _, answer := range days {
		taken += mails / (len(days) + 1)
		_, err := s.inbox.Await(t.Context(), taken)
		must(t, err)
		s.inbox.SetFaults(sendgridtest.Faults{Always: &answer})
		s.await(1, `SELECT count(*) FROM delivery_rest WHERE probes > 0`)
		must(t, other.Stop(t.Context()))
		other = s.work()
		s.await(1, `SELECT count(*) FROM delivery_rest WHERE probes > 1`)
		n, err := strconv.Atoi(s.text(`SELECT probes::text FROM delivery_rest`))
		must(t, err)
		probes += n
		s.inbox.SetFaults(sendgridtest.Faults{})
	}
	s.wantAll(ids)
	most := mails*12/10 + probes
	t.Logf("%d requests for %d mails, %d of them probes", s.inbox.Requests(), mails, probes)
	if n := s.inbox.Requests(); n > most {
		t.Errorf("SendGrid was asked %d times for %d mails, want %d at most", n, mails, most)
	}
}

// TestRateWindow: a provider that takes so many mails in a window is asked hardly
// more often than that. If it does not tell how many are left, each server finds
// out with one mail for each window.
func TestRateWindow(t *testing.T) {
	t.Parallel()
	const mails = 200
	for _, silent := range []bool{false, true} {
		for servers := 1; servers <= 2; servers++ {
			t.Run(fmt.Sprintf("silent %t, %d servers", silent, servers), func(t *testing.T) {
				t.Parallel()
				s := newStack(t)
				s.inbox.SetFaults(sendgridtest.Faults{PerWindow: 20, WindowSeconds: 1})
				if silent {
					s.front(nil, func(r *http.Response) error {
						r.Header.Del("X-RateLimit-Remaining")
						return nil
					})
				}
				ids := s.inviteMany(mails)
				for range servers {
					s.work(func(c *delivery.Config) { c.Concurrency = 50 })
				}
				s.wantAll(ids)
				most := mails * 11 / 10
				if silent {
					most = mails + mails*servers/10
				}
				if n := s.inbox.Requests(); n > most {
					t.Errorf("SendGrid was asked %d times for %d mails, want %d at most", n, mails, most)
				}
			})
		}
	}
}

// TestKeyRotation: the key is changed in the middle of a roll-out, and the old one
// revoked at once. No mail is lost, and none is refused for good.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var accepted atomic.Pointer[string]
	rotate := func(key string) { accepted.Store(&key) }
	rotate("SG.0")
	s.front(func(r *http.Request) bool {
		known := r.Header.Get("Authorization") == "Bearer "+*accepted.Load()
		r.Header.Set("Authorization", "Bearer "+apiKey)
		return known
	}, nil)
	file := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(file, []byte("SG.0"), 0o600))
	sender := s.provider(func(c *sendgrid.Config) { c.APIKey, c.KeyFile = "", file })
	ids := s.inviteMany(200)
	s.work(func(c *delivery.Config) { c.Sender = sender })
	for n := range 4 {
		_, err := s.inbox.Await(t.Context(), 40*(n+1))
		must(t, err)
		key := fmt.Sprintf("SG.%d", n+1)
		rotate(key)
		if n == 0 {
			// Nobody has the new key yet, so the queue rests.
			s.await(1, `SELECT count(*) FROM delivery_rest WHERE probes > 0`)
		}
		must(t, os.WriteFile(file, []byte(key), 0o600))
	}
	s.wantAll(ids)
}

// front puts a proxy before the provider. It answers what is not let through with
// 401.
func (s *stack) front(let func(*http.Request) bool, change func(*http.Response) error) {
	s.Helper()
	target, err := url.Parse(s.url)
	must(s, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ModifyResponse: change}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if let != nil && !let(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	s.Cleanup(front.Close)
	s.url = front.URL
}
