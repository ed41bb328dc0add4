package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestBatchesTakeTurns: one more than may be in memory waits a while, and then is
// told to come back, unless its caller gave up first.
func TestBatchesTakeTurns(t *testing.T) {
	t.Parallel()
	in := turns{semaphore.NewWeighted(1), time.Millisecond}
	if err := in.await(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := in.await(t.Context()); !errors.Is(err, invitation.ErrUnavailable) {
		t.Errorf("the second got %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := in.await(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone got %v", err)
	}
	in.Release(1)
	if err := in.await(t.Context()); err != nil {
		t.Errorf("after the first: %v", err)
	}
}

// FuzzCursor: whatever is read as a cursor is, letter for letter, what this
// organization's stream hands out.
func FuzzCursor(f *testing.F) {
	c := cursor{organization: "o", epoch: [16]byte{1, 2, 3}, sequence: 7}
	foreign := cursor{organization: "p", sequence: 1}
	for _, seed := range []string{"", "A", c.String(), c.String() + "=", c.String()[1:], foreign.String()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := readCursor("o", text); ok && (got.String() != text || got.organization != "o") {
			t.Errorf("%q is read as %v", text, got)
		}
	})
}
