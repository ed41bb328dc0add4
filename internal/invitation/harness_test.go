package invitation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Lines of a key file, drawn for these tests.
const (
	lineA = "A bF0OpgRhxZgsIL5xL+R0RqtfWwfOLYRTOS4heq44p7I="
	lineB = "B AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// ring parses a key file that is in order.
func ring(t testing.TB, lines ...string) *invitation.KeyRing {
	t.Helper()
	r, err := invitation.ParseKeyRing([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// notFound fails unless a token is refused like any other that means nothing.
func notFound(t testing.TB, r *invitation.KeyRing, text string) {
	t.Helper()
	token, err := r.Verify(text)
	if !errors.Is(err, invitation.ErrInvitationNotFound) || token != (invitation.Token{}) {
		t.Errorf("Verify(%q) = %+v, %v, want ErrInvitationNotFound", text, token, err)
	}
}

var someToken = invitation.Token{
	InvitationID: uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057"),
	Channel:      invitation.Mailed, Generation: 7,
}

// refusal fails unless the error is one that a caller may hear.
func refusal(rt *rapid.T, err error) {
	for _, known := range []error{
		invitation.ErrEmailRequired, invitation.ErrEmailConfirmed, invitation.ErrEmailUndeliverable, invitation.ErrNotInvited,
		invitation.ErrInvitationPending, invitation.ErrAlreadyActivated, invitation.ErrTargetNotAllowed, invitation.ErrUserDeactivated,
		invitation.ErrInvitationExpired, invitation.ErrInvitationRevoked, invitation.ErrInvitationRedeemed, invitation.ErrOldGeneration,
		invitation.ErrInvitationNotFound,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	rt.Fatalf("a rule refused with %v", err)
}
