package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// shift has the database's clock run ahead of this machine's: functions of a
// schema that hides Postgres's own.
func (s *stack) shift(ahead time.Duration) {
	s.Helper()
	s.exec(fmt.Sprintf(`
CREATE SCHEMA shifted;
CREATE FUNCTION shifted.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT pg_catalog.now() + interval '%[1]d seconds' $$;
CREATE FUNCTION shifted.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT pg_catalog.clock_timestamp() + interval '%[1]d seconds' $$;
ALTER TABLE river_job ALTER scheduled_at SET DEFAULT shifted.now();
DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET search_path = shifted, pg_catalog, public', current_database()); END $$`,
		int(ahead.Seconds())))
	s.pool.Reset()
}

// unaided waits until a query counts n, and lets the queue's waits take as long as
// they do.
func (s *stack) unaided(n int, query string, args ...any) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for got := -1; got != n; {
		if err := s.pool.QueryRow(ctx, query, args...).Scan(&got); err != nil {
			s.Fatalf("got %d instead of %d: %v", got, n, err)
		}
	}
}

// TestOneClock: a mail that is put off, and what the agenda has to do, come when
// they should by the database's clock, however far a machine's is from that.
func TestOneClock(t *testing.T) {
	t.Parallel()
	const soon = `SELECT count(*) FROM river_job WHERE kind = 'invitation_mail' AND state <> 'running'
		AND (cardinality(errors) > 0 OR metadata ? 'snoozes') AND scheduled_at - attempted_at BETWEEN interval '1 millisecond' AND interval '10 seconds'`
	for _, ahead := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusUnauthorized} {
			t.Run(fmt.Sprint(ahead, " ", status), func(t *testing.T) {
				t.Parallel()
				s := newStack(t)
				s.shift(ahead)
				s.inbox.SetFaults(sendgridtest.Faults{Always: &sendgridtest.Answer{Status: status}})
				id, looked, log := s.invite(), make(lookedAt, 1), &harness.Log{}
				s.work(func(c *delivery.Config) {
					c.Agenda, c.Logger = looked, slog.New(slog.NewJSONHandler(log, nil))
				})
				s.unaided(1, soon)
				s.inbox.SetFaults(sendgridtest.Faults{})
				s.unaided(1, `SELECT count(*) FROM deliveries WHERE state = 'ACCEPTED'`)
				s.want(id, invitation.Accepted, 1)
				looked.wait(t)
				if said := log.Take(); !strings.Contains(said, "clocks of this machine and of the database differ") {
					t.Error("nobody is told that the clocks differ")
				}
			})
		}
	}
}

// lookedAt is an agenda that tells that it was looked at.
type lookedAt chan struct{}

func (l lookedAt) Expired(context.Context, int) ([]invitation.Due, error) {
	select {
	case l <- struct{}{}:
	default:
	}
	return nil, nil
}

func (lookedAt) Ending(context.Context, time.Duration, int) ([]invitation.Due, error) {
	return nil, nil
}

func (lookedAt) Forget(context.Context) error { return nil }

func (l lookedAt) wait(t *testing.T) {
	t.Helper()
	select {
	case <-l:
	case <-time.After(patience):
		t.Error("nobody looked at the agenda")
	}
}
