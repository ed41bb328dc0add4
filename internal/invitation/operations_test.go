package invitation_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestSendAgain: a lost mail goes out again with the link that it had, once, and in
// no other state.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	for state, refusal := range map[string]error{
		"failed": nil, "dropped": nil, "mailed": invitation.ErrInvitationPending, "expired, failed": invitation.ErrInvitationExpired,
		"revoked": invitation.ErrInvitationRevoked, "redeemed": invitation.ErrAlreadyActivated,
	} {
		u, now := inState(t, state, invitation.TargetApp)
		was := *u.Invitations[invitation.TargetApp]
		if err := u.SendAgain(was.DeliveryID, now, validity); !errors.Is(err, refusal) {
			t.Errorf("%s: %v, want %v", state, err, refusal)
		}
		is := u.Invitations[invitation.TargetApp]
		if refusal != nil {
			if told(u) != "" || is.DeliveryID != was.DeliveryID {
				t.Errorf("%s: refused, and yet %s", state, told(u))
			}
			continue
		}
		if is.Mailed != was.Mailed || is.DeliveryID == was.DeliveryID || !is.ExpiresAt.Equal(now.Add(validity)) || told(u) != "INVITATION_MAILED" {
			t.Errorf("%s: %+v became %+v by %s", state, was, *is, told(u))
		}
		if err := u.SendAgain(was.DeliveryID, now, validity); !errors.Is(err, invitation.ErrInvitationPending) {
			t.Errorf("%s, twice: %v", state, err)
		}
	}
	u, now := inState(t, "failed", invitation.TargetApp)
	if err := u.SendAgain(uuid.New(), now, validity); !errors.Is(err, invitation.ErrInvitationNotFound) {
		t.Errorf("a mail that nobody knows: %v", err)
	}
	lost := u.Invitations[invitation.TargetApp].DeliveryID
	u.Deactivate(now)
	if err := u.SendAgain(lost, now, validity); !errors.Is(err, invitation.ErrUserDeactivated) {
		t.Errorf("of a deactivated user: %v", err)
	}
}

// TestPause: each of the two says so once.
func TestPause(t *testing.T) {
	t.Parallel()
	o := &invitation.Organization{ID: "org"}
	for i, at := range []time.Time{start, start.Add(time.Hour)} {
		if o.PauseDelivery(at); len(o.Events) != 1 || !o.DeliveryPausedAt.Equal(start) {
			t.Errorf("pause %d: since %v, %v", i, o.DeliveryPausedAt, o.Events)
		}
	}
	for i := range 2 {
		if o.ResumeDelivery(start); len(o.Events) != 2 || o.Events[1].Type != invitation.DeliveryResumed || !o.DeliveryPausedAt.IsZero() {
			t.Errorf("resumption %d: since %v, %v", i, o.DeliveryPausedAt, o.Events)
		}
	}
}
