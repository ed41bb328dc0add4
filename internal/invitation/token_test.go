package invitation_test

import (
	"encoding/base32"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var channels = []invitation.Channel{invitation.Mailed, invitation.Shared}

// TestTokenRoundTrip: every token comes back from its text, in upper and in
// lower case, and no two have one text.
func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA)
	texts := map[string]invitation.Token{}
	check := func(t rapid.TB, token invitation.Token) {
		text := r.Sign(token)
		if len(text) != invitation.TokenChars || text != strings.ToUpper(text) {
			t.Fatalf("%q has not %d characters in upper case", text, invitation.TokenChars)
		}
		for _, spelling := range []string{text, strings.ToLower(text)} {
			if got, err := r.Verify(spelling); err != nil || got != token {
				t.Fatalf("Verify(Sign(%+v)) = %+v, %v", token, got, err)
			}
		}
		if other, taken := texts[text]; taken && other != token {
			t.Fatalf("%+v and %+v have one text", token, other)
		}
		texts[text] = token
	}
	for _, id := range []uuid.UUID{uuid.Nil, uuid.Max, someToken.InvitationID} {
		for _, channel := range channels {
			for _, generation := range []int{0, 1, 2, invitation.MaxGeneration / 2, invitation.MaxGeneration - 1, invitation.MaxGeneration} {
				check(t, invitation.Token{InvitationID: id, Channel: channel, Generation: generation})
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, invitation.Token{
			InvitationID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "id")),
			Channel:      rapid.SampledFrom(channels).Draw(rt, "channel"),
			Generation:   rapid.IntRange(1, invitation.MaxGeneration).Draw(rt, "generation"),
		})
	})
}

// TestFlippedBit: a token that differs in any one bit is refused.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA, lineB)
	for _, channel := range channels {
		token := someToken
		token.Channel = channel
		raw, err := base32.StdEncoding.DecodeString(r.Sign(token))
		if err != nil {
			t.Fatal(err)
		}
		for bit := range len(raw) * 8 {
			raw[bit/8] ^= 1 << (bit % 8)
			notFound(t, r, base32.StdEncoding.EncodeToString(raw))
			raw[bit/8] ^= 1 << (bit % 8)
		}
		if _, err := r.Verify(base32.StdEncoding.EncodeToString(raw)); err != nil {
			t.Errorf("the token itself is refused: %v", err)
		}
	}
}

// TestChangedCharacter: a token with any other byte in any place is refused,
// as is one with a character more or less, or written some other way.
func TestChangedCharacter(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA, lineB)
	text := r.Sign(someToken)
	for i := range text {
		for b := range 256 {
			if changed := text[:i] + string([]byte{byte(b)}) + text[i+1:]; strings.ToUpper(changed) != text {
				notFound(t, r, changed)
			}
		}
		notFound(t, r, text[:i]+text[i+1:])
		for _, extra := range []string{"A", "=", " ", "\n", "\r", "\x00", "-", "ı", "ſ"} {
			notFound(t, r, text[:i]+extra+text[i:])
			if changed := text[:i] + extra + text[min(i+len(extra), len(text)):]; changed != text {
				notFound(t, r, changed)
			}
		}
	}
	for _, other := range []string{
		"", text + "A", text + "\n", " " + text, text + "========", text[:48] + "========", text + text,
		strings.Repeat("A", invitation.TokenChars), strings.Repeat("7", invitation.TokenChars), strings.Repeat("=", invitation.TokenChars),
		strings.Repeat("\n", invitation.TokenChars), strings.Repeat("ſ", invitation.TokenChars/2), strings.Repeat("ɐ", invitation.TokenChars/2),
		strings.Repeat("A", 1<<16),
	} {
		notFound(t, r, other)
	}
}

// TestSwappedHalves: the MAC of one token does not sign another.
func TestSwappedHalves(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA)
	a, b := someToken, someToken
	b.Generation++
	// The MAC begins in the middle of a character: the bytes are cut, not the text.
	rawA, _ := base32.StdEncoding.DecodeString(r.Sign(a))
	rawB, _ := base32.StdEncoding.DecodeString(r.Sign(b))
	const body = 19
	notFound(t, r, base32.StdEncoding.EncodeToString(append(append([]byte{}, rawA[:body]...), rawB[body:]...)))
	notFound(t, r, base32.StdEncoding.EncodeToString(append(append([]byte{}, rawB[:body]...), rawA[body:]...)))
}

// FuzzVerify: whatever verifies is, in upper case, exactly what this ring's
// keys sign, and everything else gets one and the same answer.
func FuzzVerify(f *testing.F) {
	a, b, both := ring(f, lineA), ring(f, lineB), ring(f, lineA, lineB)
	signed := a.Sign(someToken)
	for _, seed := range []string{
		"", signed, strings.ToLower(signed), b.Sign(someToken), both.Sign(invitation.Token{Channel: invitation.Shared, Generation: invitation.MaxGeneration}),
		signed[:55], signed + "A", signed[:55] + "\n", signed[:54] + "ſ", strings.Repeat("=", 56), strings.Repeat("a", 56), ring(f, strings.Replace(lineA, "A", "Z", 1)).Sign(someToken),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := both.Verify(text)
		if err != nil {
			notFound(t, both, text)
			if len(text) == invitation.TokenChars && strings.ToUpper(text) == signed {
				t.Errorf("%q is refused", text)
			}
			return
		}
		if upper := strings.ToUpper(text); upper != a.Sign(token) && upper != b.Sign(token) {
			t.Errorf("%q verifies as %+v and was never signed", text, token)
		}
	})
}
