package invitation_test

import (
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var tokenText = regexp.MustCompile(`^[0-9A-Za-z]{46}$`)

// TestTokenRoundTrip: every token comes back from its text, which is letters and
// digits, and no two have one text.
func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA)
	texts := map[string]invitation.Token{}
	check := func(t rapid.TB, token invitation.Token) {
		text := r.Sign(token)
		if !tokenText.MatchString(text) {
			t.Fatalf("%q has not 46 letters and digits", text)
		}
		if got, err := r.Verify(text); err != nil || got != token {
			t.Fatalf("Verify(Sign(%+v)) = %+v, %v", token, got, err)
		}
		if other, taken := texts[text]; taken && other != token {
			t.Fatalf("%+v and %+v have one text", token, other)
		}
		texts[text] = token
	}
	for _, id := range []uuid.UUID{uuid.Nil, uuid.Max, someToken.InvitationID} {
		for _, channel := range invitation.Channels() {
			for _, generation := range []int{0, 1, 2, 1 << 18, 1 << 25, invitation.MaxGeneration - 1, invitation.MaxGeneration} {
				check(t, invitation.Token{InvitationID: id, Channel: channel, Generation: generation})
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, invitation.Token{
			InvitationID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "id")),
			Channel:      rapid.SampledFrom(invitation.Channels()).Draw(rt, "channel"),
			Generation:   rapid.IntRange(1, invitation.MaxGeneration).Draw(rt, "generation"),
		})
	})
}

// TestTokenFormat: links that hang on walls outlive versions of this code.
func TestTokenFormat(t *testing.T) {
	t.Parallel()
	const golden = "0PuiX9pkUnCZlxrUCz1yjGez7X5T6Xat1xHSextXlMB5Y1"
	if got := ring(t, lineB).Sign(invitation.Token{InvitationID: someToken.InvitationID, Channel: invitation.Shared, Generation: 12345678}); got != golden {
		t.Errorf("the token is %q, want %q", got, golden)
	}
}

// TestOneSpelling: 46 digits reach further than a token's bytes. What a number
// beyond them, or one with other digits, would be cut to is no token.
func TestOneSpelling(t *testing.T) {
	t.Parallel()
	for _, line := range []string{lineA, "7" + lineB[1:]} {
		r := ring(t, line)
		text := r.Sign(someToken)
		n, _ := new(big.Int).SetString(text, 62)
		for beyond := n.Add(n, new(big.Int).Lsh(big.NewInt(1), 34*8)); len(beyond.Text(62)) <= 46; beyond.Add(beyond, new(big.Int).Lsh(big.NewInt(1), 34*8)) {
			notFound(t, r, spell(beyond.Bytes()))
		}
		notFound(t, r, strings.ToLower(text))
		notFound(t, r, strings.ToUpper(text))
		notFound(t, r, "0"+text)
		notFound(t, r, strings.TrimLeft(text, "0")[1:])
	}
	// A number with a sign or its leading zero cut is no other spelling of it.
	r := ring(t, lineA)
	small := r.Sign(invitation.Token{Channel: invitation.Mailed, Generation: 1})
	if small[0] != '0' {
		t.Fatalf("%q has no zero to cut", small)
	}
	for _, other := range []string{small[1:], "+" + small[1:], "-" + small[1:], "_" + small[1:], " " + small[1:]} {
		notFound(t, r, other)
	}
}

// TestFlippedBit: a token that differs in any one bit is refused.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA, lineB)
	for _, channel := range invitation.Channels() {
		token := someToken
		token.Channel = channel
		raw := number(t, r.Sign(token))
		for bit := range len(raw) * 8 {
			raw[bit/8] ^= 1 << (bit % 8)
			notFound(t, r, spell(raw))
			raw[bit/8] ^= 1 << (bit % 8)
		}
		if _, err := r.Verify(spell(raw)); err != nil {
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
			if changed := text[:i] + string([]byte{byte(b)}) + text[i+1:]; changed != text {
				notFound(t, r, changed)
			}
		}
		notFound(t, r, text[:i]+text[i+1:])
		for _, extra := range []string{"A", "0", "=", " ", "\n", "\r", "\x00", "-", "ı", "ſ"} {
			notFound(t, r, text[:i]+extra+text[i:])
			if changed := text[:i] + extra + text[min(i+len(extra), len(text)):]; changed != text {
				notFound(t, r, changed)
			}
		}
	}
	for _, other := range []string{
		"", text + "A", text + "\n", " " + text, text + text, strings.Repeat("0", 46), strings.Repeat("Z", 46), strings.Repeat("z", 46),
		strings.Repeat("=", 46), strings.Repeat("\n", 46), strings.Repeat("ſ", 23), strings.Repeat("٣", 23), strings.Repeat("A", 1<<16),
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
	rawA, rawB := number(t, r.Sign(a)), number(t, r.Sign(b))
	const body = 20
	notFound(t, r, spell(append(append([]byte{}, rawA[:body]...), rawB[body:]...)))
	notFound(t, r, spell(append(append([]byte{}, rawB[:body]...), rawA[body:]...)))
}

// FuzzVerify: whatever verifies is exactly what this ring's keys sign, and
// everything else gets one and the same answer.
func FuzzVerify(f *testing.F) {
	a, b, both := ring(f, lineA), ring(f, lineB), ring(f, lineA, lineB)
	signed := a.Sign(someToken)
	for _, seed := range []string{
		"", signed, strings.ToLower(signed), b.Sign(someToken), both.Sign(invitation.Token{Channel: invitation.Shared, Generation: invitation.MaxGeneration}),
		signed[:45], signed + "A", signed[:45] + "\n", signed[:44] + "ſ", strings.Repeat("=", 46), strings.Repeat("a", 46), ring(f, strings.Replace(lineA, "A", "Z", 1)).Sign(someToken),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := both.Verify(text)
		if err != nil {
			notFound(t, both, text)
			if text == signed {
				t.Errorf("%q is refused", text)
			}
			return
		}
		if text != a.Sign(token) && text != b.Sign(token) {
			t.Errorf("%q verifies as %+v and was never signed", text, token)
		}
	})
}
