package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// badDays are answers of SendGrid that say nothing about a mail.
func badDays(t *testing.T) map[string]sendgridtest.Answer {
	t.Helper()
	raw, err := os.ReadFile("testdata/bad_days.json")
	must(t, err)
	var answers []sendgridtest.Answer
	must(t, json.Unmarshal(raw, &answers))
	days := map[string]sendgridtest.Answer{}
	for i, a := range answers {
		days[fmt.Sprintf("%d, the %dth", a.Status, i+1)] = a
	}
	return days
}

// TestBadDay: whatever SendGrid says while it takes nobody's mail, every mail
// arrives once it does again, none twice, and SendGrid is not asked much more
// often than there are mails. One line tells operators that the queue rests, and
// one that it goes on. It makes no difference whether one server sends, or two,
// or whether all are started again meanwhile.
func TestBadDay(t *testing.T) {
	t.Parallel()
	const mails = 40
	for name, answer := range badDays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			s.inbox.SetFaults(sendgridtest.Faults{Always: &answer})
			var ids []string
			for range mails {
				ids = append(ids, s.invite())
			}
			log := &harness.Log{}
			config := func(c *delivery.Config) { c.Logger = slog.New(slog.NewJSONHandler(log, nil)) }
			first, second := s.work(config), s.work(config)
			s.await(1, `SELECT count(*) FROM delivery_rest WHERE probes > 1`)
			must(t, first.Stop(t.Context()))
			must(t, second.Stop(t.Context()))
			if err := s.store.PingDelivery(t.Context()); err == nil || !strings.Contains(err.Error(), strconv.Itoa(answer.Status)) {
				t.Errorf("the health of deliveries is %v", err)
			}
			refused := s.inbox.Requests()
			s.work(config)
			s.await(1, `SELECT count(*) FROM delivery_rest WHERE probes > 2`)
			for _, id := range ids {
				if d := s.mail(id); d.State != invitation.Queued {
					t.Errorf("meanwhile a mail is %s: %s", d.State, d.Reason)
				}
			}
			s.inbox.SetFaults(sendgridtest.Faults{})
			s.settled()
			for _, id := range ids {
				s.want(id, invitation.Accepted, 1)
			}
			s.await(0, `SELECT count(*) FROM delivery_rest`)
			must(t, s.store.PingDelivery(t.Context()))
			said := log.Take()
			if began, ended := strings.Count(said, `"level":"ERROR"`), strings.Count(said, "the mail queue goes on"); began != 1 || ended != 1 ||
				!strings.Contains(said, fmt.Sprintf("HTTP %d", answer.Status)) {
				t.Errorf("the log says %d times that the queue rests and %d times that it goes on", began, ended)
			}
			// Each of 16 workers may be sending when the first refusal comes.
			if most := 16 + 16 + 10; refused > most {
				t.Errorf("SendGrid was asked %d times although it refused everything", refused)
			}
		})
	}
}

// TestMailAlone: a mail that fails alone is put off alone, and the others go out.
func TestMailAlone(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	bad := s.invite()
	failing := true
	s.inbox.SetFaults(sendgridtest.Faults{Choose: func(m sendgridtest.Message) sendgridtest.Fault {
		if failing && strings.EqualFold(m.To, addressOf(bad)) {
			return sendgridtest.ServerError
		}
		return sendgridtest.None
	}})
	var good []string
	for range 10 {
		good = append(good, s.invite())
	}
	s.work()
	for _, id := range good {
		s.await(1, `SELECT count(*) FROM deliveries WHERE user_id = $1 AND state = 'ACCEPTED'`, id)
	}
	s.await(1, `SELECT count(*) FROM deliveries WHERE user_id = $1 AND attempts > 1`, bad)
	if s.text(`SELECT count(*)::text FROM delivery_rest`) != "0" {
		t.Error("the queue rests for the sake of one mail")
	}
	s.inbox.SetFaults(sendgridtest.Faults{})
	s.settled()
	s.want(bad, invitation.Accepted, 1)
}

// TestWaitingIsNoFailure: a mail that waits for its turn longer than a job may take was
// not tried, and comes up again soon.
func TestWaitingIsNoFailure(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	release := make(chan struct{})
	provider := s.provider()
	for range 5 {
		s.invite()
	}
	s.work(with(func(ctx context.Context, m invitation.Message) error {
		<-release
		return provider.Send(context.WithoutCancel(ctx), m)
	}), func(c *delivery.Config) { c.RescueAfter = 4 * time.Second })
	// Four are in hand, which is as many as there are lanes at first.
	s.unaided(1, `SELECT count(*) FROM river_job WHERE kind = 'invitation_mail' AND (metadata->>'snoozes')::int > 3`)
	if failed := s.text(`SELECT errors::text FROM river_job WHERE errors IS NOT NULL`); failed != "" {
		t.Errorf("waiting counts as failing: %s", failed)
	}
	close(release)
	s.settled()
	s.await(5, `SELECT count(*) FROM deliveries WHERE state = 'ACCEPTED' AND attempts = 1`)
}

// TestMailsOwnFault: what is wrong with a mail ends that mail, and nothing rests.
func TestMailsOwnFault(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType} {
		s := newStack(t)
		s.inbox.SetFaults(sendgridtest.Faults{Always: &sendgridtest.Answer{Status: status}})
		id := s.invite()
		s.work()
		s.settled()
		s.want(id, invitation.Failed, 0)
		if s.text(`SELECT count(*)::text FROM delivery_rest`) != "0" {
			t.Errorf("%d has the queue rest", status)
		}
	}
}
