package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestClose: calls in flight are finished, calls that wait are refused, and
// nothing is left running.
func TestClose(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	t.Run("close", func(t *testing.T) {
		d := newDB(t)
		for range 8 { // which of two ready channels a worker takes is a matter of luck
			closeUnderLoad(t, d)
		}
		d.pool.Close()
	})
	goleak.VerifyNone(t, leaks)
}

func closeUnderLoad(t *testing.T, d *db) {
	t.Helper()
	pool := pgtest.Pool(t, d.dsn)
	s := postgres.New(postgres.Config{Pool: pool, Groups: 1, Enqueue: func(*pgx.Batch, []uuid.UUID, map[uuid.UUID]string) {}})
	id := newID()
	do(t, s, create(id, emailOf(id)))
	running, release := make(chan struct{}), make(chan struct{})
	inFlight, waiting := make(chan error, 1), make(chan error, 1)
	go func() {
		inFlight <- update(s, on(id, "hold", func(u *invitation.User, now time.Time) error {
			close(running)
			<-release
			return u.GenerateQR(app, now, validity)
		}))()
	}()
	<-running
	go func() { waiting <- update(s, revoke(id))() }()
	for s.Waiting() < 1 {
		must(t, d.pool.Ping(t.Context()))
	}
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	close(release)
	<-closed
	if err := <-inFlight; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	// It may still have been taken along, and must not be lost.
	err := <-waiting
	if err != nil {
		isUnavailable(t, err)
	}
	if n := d.events(id, invitation.InvitationRevoked); (n == 1) != (err == nil) {
		t.Errorf("the call that waited: %v, and it took effect %d times", err, n)
	}
	pool.Close()
}
