package delivery_test

import (
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestPause: while mails wait, of one organization or of all, none goes out and no
// attempt counts; once they may, all do.
func TestPause(t *testing.T) {
	t.Parallel()
	for name, organization := range map[string]string{"one": "org", "all": invitation.AllOrganizations} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			s.steer(organization, (*invitation.Organization).PauseDelivery)
			ids := []string{s.invite(), s.invite(), s.invite()}
			s.work()
			s.await(3, `SELECT count(*) FROM river_job WHERE kind = 'invitation_mail' AND (metadata->>'snoozes')::int > 2`)
			for _, id := range ids {
				s.want(id, invitation.Queued, 0)
			}
			if n := s.inbox.Requests(); n != 0 {
				t.Errorf("the provider was asked %d times", n)
			}
			s.steer(organization, (*invitation.Organization).ResumeDelivery)
			must(t, delivery.WakeMails(t.Context(), s.pool))
			s.settled()
			for _, id := range ids {
				s.want(id, invitation.Accepted, 1)
			}
		})
	}
}

// TestPauseOfOne: others' mails go out.
func TestPauseOfOne(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.steer("another", (*invitation.Organization).PauseDelivery)
	id := s.invite()
	s.work()
	s.settled()
	s.want(id, invitation.Accepted, 1)
}

// TestPauseTakesNoProbe: the queue rests, and nobody tries while all mails wait.
func TestPauseTakesNoProbe(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.store.RestMail(t.Context(), time.Nanosecond, "HTTP 401")
	must(t, err)
	s.steer(invitation.AllOrganizations, (*invitation.Organization).PauseDelivery)
	wait, probe, err := s.store.MailTurn(t.Context(), time.Minute)
	if err != nil || probe || wait < time.Minute {
		t.Errorf("while all wait: wait %v, probe %v, %v", wait, probe, err)
	}
	s.steer(invitation.AllOrganizations, (*invitation.Organization).ResumeDelivery)
	if wait, probe, err := s.store.MailTurn(t.Context(), time.Minute); err != nil || !probe || wait != 0 {
		t.Errorf("after that: wait %v, probe %v, %v", wait, probe, err)
	}
}

func (s *stack) steer(organization string, rule func(*invitation.Organization, time.Time)) {
	s.Helper()
	_, err := s.store.UpdateOrganization(s.Context(), invitation.OrganizationChange{
		ID: organization, Request: invitation.Request{Cause: "test"},
		Rule: func(o *invitation.Organization, now time.Time) error {
			rule(o, now)
			return nil
		},
	})
	must(s, err)
}
