package invitation_test

import (
	"errors"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestGenerations: they are drawn from all that a token can name, never zero, and
// no two invitations share them.
func TestGenerations(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	var all, most int
	for range 2000 {
		u := person(t, "mailed")
		for _, channel := range invitation.Channels() {
			g := u.Invitations[invitation.TargetApp].Channel(channel).Generation
			if g < 1 || g > invitation.MaxGeneration {
				t.Fatalf("generation %d", g)
			}
			seen[g] = true
			all, most = all|g, max(most, g)
		}
	}
	// 4,000 draws from 67 million have about 0.1 in common.
	if len(seen) < 3990 || all != invitation.MaxGeneration || most < invitation.MaxGeneration/10*9 {
		t.Errorf("4000 draws gave %d generations, up to %d, with the bits %b", len(seen), most, all)
	}
}

// TestRestoredDatabase: a database that was set back deals no link again that
// somebody else got meanwhile, whatever state it was set back to.
func TestRestoredDatabase(t *testing.T) {
	t.Parallel()
	addressC := invitation.NewEmail("c@x.example", "c@x.example")
	corrected := person(t, "mailed, shared too")
	must(t, corrected.UpdateEmail(addressC, later, start, validity))
	for state, backup := range map[string]*invitation.User{
		"none": person(t, "none"), "mailed": person(t, "mailed"), "shared": person(t, "shared"), "revoked": person(t, "revoked"),
		"mailed, shared too": person(t, "mailed, shared too"), "corrected": corrected,
	} {
		wrong, right := backup.Clone(), backup.Clone()
		must(t, wrong.UpdateEmail(addressB, app, start, validity))
		link := tokenOf(wrong.Invitations[invitation.TargetApp], invitation.Mailed)
		must(t, right.UpdateEmail(addressA, app, start, validity))
		if err := right.Redeem(link, start); !dead(err) {
			t.Errorf("%s: the link to the wrong address answers %v", state, err)
		}
	}
	for _, state := range []string{"none", "mailed", "revoked"} {
		backup := person(t, state)
		wrong, right := backup.Clone(), backup.Clone()
		must(t, wrong.GenerateQR(invitation.TargetApp, start, validity))
		must(t, right.GenerateQR(invitation.TargetApp, start, validity))
		if err := right.Redeem(tokenOf(wrong.Invitations[invitation.TargetApp], invitation.Shared), start); !dead(err) {
			t.Errorf("%s: the QR code in the wrong hands answers %v", state, err)
		}
	}
}

// dead reports whether a genuine link means nothing to this database: it does not
// know the invitation, or has another generation of it.
func dead(err error) bool {
	return errors.Is(err, invitation.ErrOldGeneration) || errors.Is(err, invitation.ErrInvitationNotFound)
}
