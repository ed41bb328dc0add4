package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
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

// TestTurnsOfCallers: who has taken all of their turns keeps nobody else from theirs.
func TestTurnsOfCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		callers := &turnsOf{most: 2, each: map[string]turns{}}
		for _, c := range []struct {
			caller string
			let    bool
		}{{"portal", true}, {"portal", true}, {"portal", false}, {"break-glass", true}} {
			if err := callers.of(c.caller).await(t.Context()); (err == nil) != c.let {
				t.Errorf("%s: %v", c.caller, err)
			}
		}
		callers.of("portal").Release(1)
		if err := callers.of("portal").await(t.Context()); err != nil {
			t.Errorf("after the first: %v", err)
		}
	})
}

// stuck is a stream whose caller has stopped reading.
type stuck struct{ silent }

// SendMsg implements grpc.ServerStream.
func (s stuck) SendMsg(any) error {
	<-s.ctx.Done()
	return s.ctx.Err()
}

// TestStalledStreams: who takes nothing for a minute is left, and so is at once who is
// gone.
func TestStalledStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		stalled := &batchStream{boundStream{stuck{silent{ctx: ctx}}, bounds{}}}
		began := time.Now()
		if err := stalled.SendMsg(nil); !errors.Is(err, invitation.ErrUnavailable) || time.Since(began) != stallTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		leave()
		began = time.Now()
		if err := stalled.SendMsg(nil); !errors.Is(err, context.Canceled) || time.Since(began) > 0 {
			t.Errorf("who is gone got %v after %v", err, time.Since(began))
		}
	})
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
