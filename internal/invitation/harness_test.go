package invitation_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

var must = harness.Must

// Lines of a key file, drawn for these tests.
const (
	lineA = "A bF0OpgRhxZgsIL5xL+R0RqtfWwfOLYRTOS4heq44p7I="
	lineB = "B AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// ring parses a key file that is in order.
func ring(t testing.TB, lines ...string) *invitation.KeyRing {
	t.Helper()
	r, err := invitation.ParseKeyRing([]byte(strings.Join(lines, "\n")))
	must(t, err)
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

// tokenOf is what a channel's link of the current generation proves.
func tokenOf(inv *invitation.Invitation, channel invitation.Channel) invitation.Token {
	return invitation.Token{InvitationID: inv.ID, Channel: channel, Generation: inv.Channel(channel).Generation}
}

// told lists what the rules recorded, as words.
func told(u *invitation.User) string {
	var types []string
	for _, e := range u.Events {
		types = append(types, string(e.Type))
	}
	return strings.Join(types, " ")
}

// number reads the 34 bytes of a token's text; spell writes whatever bytes it
// is given as a token's text is written.
func number(t testing.TB, text string) []byte {
	t.Helper()
	n, ok := new(big.Int).SetString(text, 62)
	if !ok {
		t.Fatalf("%q is no number to the base 62", text)
	}
	return n.FillBytes(make([]byte, 34))
}

func spell(raw []byte) string {
	text := new(big.Int).SetBytes(raw).Text(62)
	return strings.Repeat("0", max(0, 46-len(text))) + text
}

// withKey names another key in a token's bytes.
func withKey(raw []byte, id byte) []byte {
	raw[0] = raw[0]&7 | id<<3
	return raw
}

// refusal fails unless the error is one that a caller may hear.
func refusal(rt *rapid.T, err error) {
	for _, known := range []error{
		invitation.ErrEmailRequired, invitation.ErrEmailConfirmed, invitation.ErrEmailUndeliverable, invitation.ErrNotInvited,
		invitation.ErrInvitationPending, invitation.ErrAlreadyActivated, invitation.ErrTargetNotAllowed, invitation.ErrUserDeactivated,
		invitation.ErrInvitationExpired, invitation.ErrInvitationRevoked, invitation.ErrInvitationRedeemed, invitation.ErrOldGeneration,
		invitation.ErrInvitationNotFound, invitation.ErrNotActivated, invitation.ErrEmailInUse, invitation.ErrUserNotFound,
		invitation.ErrInvitationSuperseded, invitation.ErrEmailChanged,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	rt.Fatalf("a rule refused with %v", err)
}
