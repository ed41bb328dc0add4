package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// The mail queue of all servers rests while the provider refuses every mail. That
// stands in the database, so that the servers agree and a restart remembers.

const (
	// Whoever comes first when the time is over tries one mail; the others wait
	// for what becomes of it. While operations has all mails wait, nobody tries.
	takeTurn = `
WITH paused AS (
	SELECT $2::interval AS left FROM organizations WHERE id = '` + invitation.AllOrganizations + `' AND delivery_paused_at IS NOT NULL
), probe AS (
	UPDATE delivery_rest SET until = clock_timestamp() + $1::interval
	WHERE until <= clock_timestamp() AND NOT EXISTS (SELECT FROM paused) RETURNING 1
)
SELECT EXISTS (SELECT FROM probe), coalesce((SELECT paused.left FROM paused), (SELECT until - clock_timestamp() FROM delivery_rest))`

	beginRest = `
INSERT INTO delivery_rest AS r (since, until, probes, reason) VALUES (clock_timestamp(), clock_timestamp() + $1::interval, 0, $2)
ON CONFLICT (one) DO UPDATE SET until = greatest(r.until, excluded.until), reason = excluded.reason
RETURNING xmax = 0`

	// Until the next probe it takes twice as long as until the last one.
	goOnResting = `
UPDATE delivery_rest SET reason = coalesce(nullif($3, ''), reason), probes = probes + CASE WHEN $3 = '' THEN 0 ELSE 1 END,
	until = clock_timestamp() + least($1::interval * power(2, least(probes, 20)), $2::interval) * (0.8 + 0.4 * random())`

	readRest = `
SELECT 'operations paused it', now() - delivery_paused_at FROM organizations
WHERE id = '` + invitation.AllOrganizations + `' AND delivery_paused_at IS NOT NULL
UNION ALL SELECT reason, now() - since FROM delivery_rest LIMIT 1`

	endRest = `
WITH ended AS (DELETE FROM delivery_rest RETURNING since)
SELECT clock_timestamp() - since FROM ended`
)

// pausedFor is when a mail looks again that operations has wait; whoever has mails
// go out again wakes them.
const pausedFor = 5 * time.Minute

// MailTurn reports how long the mail queue rests on. When that is over, one caller
// is told to probe with one mail, which should not take longer than the given
// time, and the others wait for that.
func (s *Store) MailTurn(ctx context.Context, probing time.Duration) (wait time.Duration, probe bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var left pgtype.Interval
	err = s.pool.QueryRow(ctx, takeTurn, probing, pausedFor).Scan(&probe, &left)
	if err != nil {
		return 0, false, fmt.Errorf("ask whether the mail queue rests: %w", translate(err))
	}
	if probe || !left.Valid {
		return 0, probe, nil
	}
	return max(time.Duration(left.Microseconds)*time.Microsecond, time.Millisecond), false, nil
}

// RestMail has the mail queue of all servers rest at least so long, and reports
// whether it did not before.
func (s *Store) RestMail(ctx context.Context, wait time.Duration, reason string) (began bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.pool.QueryRow(ctx, beginRest, wait, reason).Scan(&began); err != nil {
		return false, fmt.Errorf("have the mail queue rest: %w", translate(err))
	}
	return began, nil
}

// ProbeFailed has the mail queue rest on until the next probe: first the shortest
// time, and twice as long each time, up to the longest. An empty reason leaves the
// old one.
func (s *Store) ProbeFailed(ctx context.Context, shortest, longest time.Duration, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if _, err := s.pool.Exec(ctx, goOnResting, shortest, longest, reason); err != nil {
		return fmt.Errorf("have the mail queue rest on: %w", translate(err))
	}
	return nil
}

// EndMailRest has the mail queue go on, and returns how long it rested; zero if it
// did not.
func (s *Store) EndMailRest(ctx context.Context) (rested time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err = s.pool.QueryRow(ctx, endRest).Scan(&rested)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("have the mail queue go on: %w", translate(err))
	}
	return max(rested, time.Millisecond), nil
}

// PingDelivery reports whether mails go out: an error says why the mail queue
// rests.
func (s *Store) PingDelivery(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var reason string
	var rested time.Duration
	err := s.pool.QueryRow(ctx, readRest).Scan(&reason, &rested)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return illness("the database does not answer: " + reasonOf(err))
	default:
		return illness(fmt.Sprintf("the mail queue has rested for %v: %s", rested.Round(time.Second), reason))
	}
}
