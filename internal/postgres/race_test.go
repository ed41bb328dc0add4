package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

const (
	// trials is how often a race is run, held how many of these runs have both
	// sides wait for one lock, so that they certainly overlap.
	trials = 120
	held   = 20
)

// trial is two calls that race, and what has to be true afterwards.
type trial struct {
	a, b func() error
	// hold are the users whose rows are locked until both calls wait for them.
	hold  []string
	check func(errA, errB error) error
}

// race runs trials on two servers of one database, and holds what they leave
// against what must always be true.
func race(t *testing.T, prepare func(d *db, a, b *postgres.Store) trial) {
	t.Helper()
	d := newDB(t)
	a, b := d.server(), d.server()
	for n := range trials {
		tr := prepare(d, a, b)
		errA, errB := tr.run(d, n < held)
		if err := tr.check(errA, errB); err != nil {
			t.Fatalf("trial %d: %v", n, err)
		}
	}
	d.checkAlways()
}

func (tr trial) run(d *db, held bool) (errA, errB error) {
	start, done := make(chan struct{}), make(chan error, 1)
	go func() {
		<-start
		done <- tr.a()
	}()
	if !held || tr.hold == nil {
		close(start)
		errB = tr.b()
		return <-done, errB
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	release := d.hold(ctx, `SELECT FROM users WHERE id = ANY ($1) FOR UPDATE`, tr.hold)
	other := make(chan error, 1)
	go func() { other <- tr.b() }()
	d.awaitLocks(ctx, 1)
	close(start)
	d.awaitLocks(ctx, 2)
	release()
	errB = <-other
	return <-done, errB
}

// hold locks what a query finds, until it is released.
func (d *db) hold(ctx context.Context, query string, args ...any) (release func()) {
	d.Helper()
	tx, err := d.pool.Begin(ctx)
	must(d, err)
	_, err = tx.Exec(ctx, query, args...)
	must(d, err)
	return func() { must(d, tx.Rollback(ctx)) }
}

// awaitLocks returns when so many sessions of this database wait for a lock.
func (d *db) awaitLocks(ctx context.Context, n int) {
	d.Helper()
	for waiting := 0; waiting < n; {
		must(d, d.pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting))
	}
}

func update(s *postgres.Store, c invitation.Change) func() error {
	return func() error {
		_, err := s.Update(context.Background(), c)
		return err
	}
}

// oneWins: exactly one has no error, and the other has this one.
func oneWins(a, b, loser error) bool {
	return a == nil && errors.Is(b, loser) || b == nil && errors.Is(a, loser)
}

// checkAlways holds the whole database against what is true at any time.
func (d *db) checkAlways() {
	d.Helper()
	for name, query := range map[string]string{
		"gaps in an organization's trail": `SELECT count(*) FROM (
			SELECT o.last_sequence <> count(e.*) OR o.last_sequence <> coalesce(max(e.sequence), 0) AS bad
			FROM trails o LEFT JOIN events e USING (organization_id) GROUP BY o.organization_id) t WHERE bad`,
		"queued mails without exactly one job": `SELECT count(*) FROM deliveries d WHERE state = 'QUEUED'
			AND (SELECT count(*) FROM river_job j WHERE (j.args->>'delivery_id')::uuid = d.id) <> 1`,
		"jobs without a mail": `SELECT count(*) FROM river_job j WHERE kind = 'invitation_mail'
			AND NOT EXISTS (SELECT FROM deliveries d WHERE d.id = (j.args->>'delivery_id')::uuid)`,
		"invitations redeemed other than once": `SELECT count(*) FROM invitations i WHERE (state = 'REDEEMED')::int
			<> (SELECT count(*) FROM events e WHERE e.invitation_id = i.id AND type = 'INVITATION_REDEEMED')`,
		"generations that ended twice": `SELECT count(*) FROM (SELECT FROM events WHERE ended_mailed IS NOT NULL
			GROUP BY invitation_id, ended_mailed HAVING count(*) > 1) t`,
		"queued mails that are not the latest of a pending invitation": `SELECT count(*) FROM deliveries d WHERE d.state = 'QUEUED'
			AND NOT EXISTS (SELECT FROM invitations i WHERE i.delivery_id = d.id AND i.state = 'PENDING' AND i.mailed_generation = d.generation)`,
		"users without an event of their creation": `SELECT count(*) FROM users u WHERE NOT EXISTS (
			SELECT FROM events e WHERE e.user_id = u.id AND type = 'USER_CREATED')`,
		"addresses of two active users": `SELECT count(*) FROM (SELECT FROM users WHERE deactivated_at IS NULL AND email_key IS NOT NULL
			GROUP BY email_key HAVING count(*) > 1) t`,
	} {
		if n := d.count(query); n != 0 {
			d.Errorf("%d %s", n, name)
		}
	}
}
