package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mail"
)

// logs may be written to by many.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestNothingPersonalIsKept: whatever goes wrong with a mail, and however much
// of it the error tells, neither the queue nor the log has a name, an address or
// a link.
func TestNothingPersonalIsKept(t *testing.T) {
	t.Parallel()
	troubles := map[string]func(c *delivery.Config){
		"error of the sender": with(func(_ context.Context, m invitation.Message) error {
			return errors.New("no route to " + m.To.Address() + " for " + m.Text)
		}),
		"panic of the sender": with(func(_ context.Context, m invitation.Message) error {
			panic("can't send to " + m.To.Address() + " for " + m.ToName + ": " + m.HTML)
		}),
		"panic with an error": with(func(_ context.Context, m invitation.Message) error { panic(errors.New(m.To.Address() + m.Text)) }),
		"error of the renderer": func(c *delivery.Config) {
			c.Render = func(m invitation.Mail) (invitation.Message, error) {
				m.Link = invitation.NewLink("javascript:" + m.Link.Reveal())
				return mail.Render(m)
			}
		},
		"panic of the renderer": func(c *delivery.Config) {
			c.Render = func(m invitation.Mail) (invitation.Message, error) { panic(m.To.Address() + m.Link.Reveal()) }
		},
		"fault of the provider": func(*delivery.Config) {},
	}
	for what, trouble := range troubles {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			s.inbox.SetFaults(sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.ServerError, sendgridtest.Reset}})
			id := s.invite()
			l := &logs{}
			logger := func(c *delivery.Config) {
				c.Logger = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
			}
			w := s.work(trouble, logger)
			s.await(1, `SELECT count(*) FROM deliveries WHERE attempts > 0`)
			must(t, w.Stop(t.Context()))
			s.work(logger) // and one that works
			s.settled()
			s.want(id, invitation.Accepted, 1)

			link := s.linker.Link(mustRead(s, id), invitation.Mailed).Reveal()
			kept := s.text(`SELECT j::text FROM river_job j`)
			for where, text := range map[string]string{"queue": kept, "log": l.String(), "mail's reason": s.text(`SELECT reason FROM deliveries`)} {
				for _, personal := range []string{addressOf(id), "example.com", name, "Mustermann", link, link[strings.LastIndex(link, "/")+1:]} {
					if strings.Contains(strings.ToLower(text), strings.ToLower(personal)) {
						t.Errorf("the %s has %q: %s", where, personal, text)
					}
				}
			}
			if !strings.Contains(kept, "delivery_id") || l.String() == "" {
				t.Errorf("the queue has %q and the log %q, so that this test shows nothing", kept, l)
			}
		})
	}
}

func mustRead(s *stack, id string) *invitation.Invitation {
	s.Helper()
	res, err := s.store.Read(s.Context(), invitation.Key{UserID: id})
	must(s, err)
	return res.User.Invitations[app]
}

// TestStopLeavesNothing: workers that were stopped have ended, all of them.
func TestStopLeavesNothing(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	t.Run("stop", func(t *testing.T) {
		s := newStack(t)
		id := s.invite()
		w := s.work()
		s.settled()
		s.want(id, invitation.Accepted, 1)
		must(t, w.Stop(t.Context()))
	})
	goleak.VerifyNone(t, leaks)
}
