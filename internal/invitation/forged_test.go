//go:build !fast

package invitation_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestMillionForgedTokens: of a million tokens that nobody signed, each wrong in
// one of five ways, none is accepted, and all get one answer.
func TestMillionForgedTokens(t *testing.T) {
	t.Parallel()
	const each = 200_000
	r, other := ring(t, lineA), ring(t, lineB)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // it repeats, and that is the point
	raw := make([]byte, 34)
	fill := func() []byte {
		for i := range raw {
			raw[i] = byte(random.Uint32())
		}
		return raw
	}
	real := func() invitation.Token {
		return invitation.Token{InvitationID: uuid.UUID(fill()[:16]), Channel: invitation.Mailed, Generation: 1 + random.IntN(invitation.MaxGeneration)}
	}
	// edit changes the bytes of a token that the ring signed.
	edit := func(change func(raw []byte)) string {
		signed := number(t, r.Sign(real()))
		change(signed)
		return spell(signed)
	}
	for name, forge := range map[string]func() string{
		"random":           func() string { return spell(fill()) },
		"bit flipped":      func() string { return edit(func(b []byte) { b[random.IntN(len(b))] ^= 1 << random.IntN(8) }) },
		"other key":        func() string { return spell(withKey(number(t, other.Sign(real())), 0)) },
		"other channel":    func() string { return edit(func(b []byte) { b[0] ^= 1 << 2 }) },
		"other generation": func() string { return edit(func(b []byte) { b[3] ^= byte(1 + random.IntN(255)) }) },
	} {
		for range each {
			if _, err := r.Verify(forge()); !errors.Is(err, invitation.ErrInvitationNotFound) || err.Error() != invitation.ErrInvitationNotFound.Error() {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// BenchmarkVerifyTiming measures genuine tokens and such with a wrong MAC in turn
// and reports Welch's t of the two: below 4.5 they can't be told apart.
func BenchmarkVerifyTiming(b *testing.B) {
	r := ring(b, lineA)
	genuine := r.Sign(someToken)
	raw := number(b, genuine)
	raw[33] ^= 1
	wrong := spell(raw)
	var times [2]sample
	for n := 0; b.Loop(); n++ {
		text := [2]string{genuine, wrong}[n%2]
		start := time.Now()
		_, _ = r.Verify(text)
		times[n%2].add(float64(time.Since(start)))
	}
	b.ReportMetric(math.Abs(times[0].mean-times[1].mean)/math.Sqrt(times[0].variance()/times[0].n+times[1].variance()/times[1].n), "t")
}

// sample is Welford's running mean and variance, without the outliers that the
// machine's other work makes.
type sample struct{ n, mean, squares float64 }

func (s *sample) add(x float64) {
	if s.n > 1000 && x > 5*s.mean {
		return
	}
	s.n++
	d := x - s.mean
	s.mean += d / s.n
	s.squares += d * (x - s.mean)
}

func (s *sample) variance() float64 { return s.squares / (s.n - 1) }
