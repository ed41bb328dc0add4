package delivery_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestMailGoesOut: once, to the right person, with the link that is good.
func TestMailGoesOut(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.invite()
	s.work()
	s.settled()
	s.want(id, invitation.Accepted, 1)
	d := s.mail(id)
	if d.Attempts != 1 || d.Reason != "" {
		t.Errorf("the mail is %+v", d)
	}
	m := s.sentTo(id)[0]
	res, err := s.store.Read(t.Context(), invitation.Key{UserID: id})
	must(t, err)
	link := s.linker.Link(res.User.Invitations[app], invitation.Mailed).Reveal()
	if !strings.Contains(m.Text, link) || !strings.Contains(m.HTML, link) || m.ToName != name {
		t.Errorf("the mail to %q has not the link that is good:\n%s", m.ToName, m.Text)
	}
	token, err := s.linker.Verify(link[strings.LastIndex(link, "/")+1:])
	must(t, err)
	u := s.change(id, func(u *invitation.User, now time.Time) error { return u.Redeem(token, now) })
	if u.EmailConfirmedAt.IsZero() {
		t.Error("the mailed link did not prove the address")
	}
}

// TestNotWantedAnyMore: what is no longer to be sent when its turn comes is
// never sent, whatever the reason.
func TestNotWantedAnyMore(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	meanwhile := map[string]func(id string){
		"revoked": func(id string) {
			s.change(id, func(u *invitation.User, now time.Time) error { return u.Revoke(app, now) })
		},
		"redeemed": func(id string) {
			u := s.change(id, func(u *invitation.User, now time.Time) error { return u.GenerateQR(app, now, validity) })
			link := invitation.Token{InvitationID: u.Invitations[app].ID, Channel: invitation.Shared, Generation: u.Invitations[app].Shared.Generation}
			s.change(id, func(u *invitation.User, now time.Time) error { return u.Redeem(link, now) })
		},
		"address changed": func(id string) {
			s.change(id, func(u *invitation.User, now time.Time) error {
				return u.UpdateEmail(invitation.NewEmail("new-"+id+"@example.com", "new-"+id+"@example.com"), invitation.FollowUp{}, now, validity)
			})
		},
		"deactivated": func(id string) {
			s.change(id, func(u *invitation.User, now time.Time) error { u.Deactivate(now); return nil })
		},
	}
	ids := map[string]string{}
	for what, do := range meanwhile {
		ids[what] = s.invite()
		do(ids[what])
	}
	erased := s.invite()
	s.change(erased, func(u *invitation.User, now time.Time) error { u.Erase(now); return nil })
	// The rules cancel by themselves. The worker looks again all the same, so
	// that what somebody changed by hand counts too.
	byHand := s.invite()
	s.exec(`UPDATE invitations SET state = 'REVOKED', revoked_at = now(), revoked_for = 'INVITATION_REVOKED' WHERE user_id = $1`, byHand)
	renewed := s.invite()
	latest := s.change(renewed, func(u *invitation.User, now time.Time) error { return u.Renew(app, false, now, validity) })
	moved := s.invite()
	s.change(moved, func(u *invitation.User, now time.Time) error {
		return u.UpdateEmail(invitation.NewEmail("moved@example.com", "moved@example.com"), invitation.FollowUp{SendNow: true, Target: app}, now, validity)
	})

	s.work()
	s.settled()
	for what, id := range ids {
		if s.want(id, invitation.Cancelled, 0); t.Failed() {
			t.Errorf("although it was %s", what)
		}
	}
	s.want(byHand, invitation.Cancelled, 0)
	s.want(renewed, invitation.Accepted, 1)
	if d := s.mail(renewed); d.Generation != latest.Invitations[app].Mailed.Generation {
		t.Errorf("the mail that was sent is %+v", d)
	}
	if d := s.mail(moved); d.State != invitation.Accepted || d.To.Address() != "moved@example.com" || len(s.sentTo(moved)) != 0 {
		t.Errorf("after a change of address the mail is %+v", d)
	}
	if mails := s.inbox.Messages(); len(mails) != 2 {
		t.Errorf("%d mails were sent", len(mails))
	}
	if left := s.text(`SELECT state || ' ' || user_id FROM deliveries WHERE state NOT IN ('CANCELLED', 'ACCEPTED')`); left != "" {
		t.Errorf("left are %s", left)
	}
}

// TestExpiredBeforeItsTurn: a mail that could not be sent in time has failed.
func TestExpiredBeforeItsTurn(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.invite()
	s.exec(`UPDATE invitations SET issued_at = issued_at - $1::interval, expires_at = expires_at - $1::interval`, validity)
	s.work()
	s.settled()
	s.want(id, invitation.Failed, 0)
	if d := s.mail(id); !strings.Contains(d.Reason, "expired") {
		t.Errorf("the reason is %q", d.Reason)
	}
}

// TestRefusedForGood: the mail has failed for the provider's reason, and nobody
// asks again.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.invite()
	s.inbox.SetFaults(sendgridtest.Faults{Always: &sendgridtest.Answer{Status: 400, Body: `{"errors":[{"message":"Bad subject","field":"subject"}]}`}})
	provider := s.provider()
	var asked atomic.Int32
	w := s.work(with(func(ctx context.Context, m invitation.Message) error {
		asked.Add(1)
		return provider.Send(ctx, m)
	}))
	s.settled()
	s.want(id, invitation.Failed, 0)
	if d := s.mail(id); asked.Load() != 1 || d.Attempts != 1 || !strings.HasPrefix(d.Reason, "HTTP 400") {
		t.Errorf("asked %d times, and the mail is %+v", asked.Load(), d)
	}
	// Once that is mended, a renewed invitation goes out.
	must(t, w.Stop(t.Context()))
	s.inbox.SetFaults(sendgridtest.Faults{})
	s.change(id, func(u *invitation.User, now time.Time) error { return u.Renew(app, false, now, validity) })
	s.work()
	s.settled()
	s.want(id, invitation.Accepted, 1)
}

// TestWildReason: a provider's reason that no database stores is not in the way
// of recording what happened.
func TestWildReason(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.invite()
	var asked atomic.Int32
	s.work(with(func(context.Context, invitation.Message) error {
		asked.Add(1)
		return &invitation.SendError{Permanent: true, Reason: "nul \x00, no UTF-8 \xff, and " + strings.Repeat("ä", 600)}
	}))
	s.settled()
	s.want(id, invitation.Failed, 0)
	if d := s.mail(id); asked.Load() != 1 || !strings.HasPrefix(d.Reason, "nul ") {
		t.Errorf("asked %d times, and the mail is %+v", asked.Load(), d)
	}
}

// TestTryAgain: whatever goes wrong for now, the mail goes out in the end, as
// often as the provider says that it took it.
func TestTryAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults   sendgridtest.Faults
		sent     int
		attempts int
	}{
		"throttled":         {sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.RateLimit, sendgridtest.RateLimit}, RetryAfterSeconds: 1}, 1, 3},
		"down":              {sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.ServerError, sendgridtest.Unavailable}}, 1, 3},
		"unreachable":       {sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.Reset, sendgridtest.ServerError}}, 1, 3},
		"answer lost":       {sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.ResetAfterAccept}}, 2, 2},
		"silent":            {sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.HangAfterAccept}}, 2, 2},
		"in every way once": {sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.ServerError, sendgridtest.RateLimit, sendgridtest.Reset}, RetryAfterSeconds: 1}, 1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			s.inbox.SetFaults(c.faults)
			id := s.invite()
			provider := s.provider()
			s.work(with(func(ctx context.Context, m invitation.Message) error {
				if name == "silent" && len(s.inbox.Messages()) == 0 {
					// Its time is up once the mail was taken.
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					go func() {
						_, _ = s.inbox.Await(ctx, 1)
						cancel()
					}()
				}
				return provider.Send(ctx, m)
			}))
			s.settled()
			s.want(id, invitation.Accepted, c.sent)
			if d := s.mail(id); d.Attempts != c.attempts || d.Reason != "" {
				t.Errorf("the mail is %+v, want %d attempts", d, c.attempts)
			}
			for _, m := range s.sentTo(id) {
				if m.Text != s.sentTo(id)[0].Text {
					t.Error("a second mail differs from the first")
				}
			}
		})
	}
}

// TestUnknownMail: a job whose mail nobody knows is done.
func TestUnknownMail(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.exec(`INSERT INTO river_job (args, kind, max_attempts) VALUES (jsonb_build_object('delivery_id', $1::text, 'field of a newer release', 1), 'invitation_mail', 10)`, uuid.NewString())
	s.work()
	s.settled()
	if got := s.text(`SELECT state::text || coalesce(array_length(errors, 1), 0) FROM river_job WHERE kind = 'invitation_mail'`); got != "completed0" {
		t.Errorf("the job is %s", got)
	}
}
