package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// mailJob is the job of one mail. Jobs of older releases must stay readable:
// add fields, never rename one.
type mailJob struct {
	DeliveryID uuid.UUID `json:"delivery_id"`
	// Trace is what its attempts continue; empty for none.
	Trace string `json:"trace,omitempty"`
}

// Kind implements river.JobArgs.
func (mailJob) Kind() string { return "invitation_mail" }

// maxAttempts is more than a job ever needs: what ends it is the invitation's
// expiry, at most 90 days of one attempt in 15 minutes.
const maxAttempts = 10_000

// Enqueue adds a job for each mail to what a transaction saves, with the trace that
// it continues if it has one. It writes River's
// table itself, in the way that a client of River would, to need no round trip of
// its own; a test holds the two against each other.
func Enqueue(b *pgx.Batch, deliveries []uuid.UUID, traces map[uuid.UUID]string) {
	ids := make(pgtype.FlatArray[pgtype.UUID], len(deliveries))
	for i, id := range deliveries {
		ids[i] = pgtype.UUID{Bytes: id, Valid: true}
	}
	if len(traces) == 0 {
		b.Queue(`
INSERT INTO river_job (args, kind, max_attempts)
SELECT jsonb_build_object('delivery_id', id), $2, $3 FROM unnest($1::uuid[]) AS id`,
			ids, mailJob{}.Kind(), maxAttempts)
		return
	}
	of := make(pgtype.FlatArray[pgtype.Text], len(deliveries))
	for i, id := range deliveries {
		of[i] = pgtype.Text{String: traces[id], Valid: traces[id] != ""}
	}
	b.Queue(`
INSERT INTO river_job (args, kind, max_attempts)
SELECT jsonb_strip_nulls(jsonb_build_object('delivery_id', id, 'trace', trace)), $2, $3 FROM unnest($1::uuid[], $4::text[]) AS mail (id, trace)`,
		ids, mailJob{}.Kind(), maxAttempts, of)
}

// wakingTakes is how long it may take to wake a long queue.
const wakingTakes = 30 * time.Second

// WakeMails has the mails that were put aside come up at once. Those of which nobody
// knows whether they went out wait on for the provider's report.
func WakeMails(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wakingTakes)
	defer cancel()
	_, err := pool.Exec(ctx, `
UPDATE river_job AS j SET state = 'available', scheduled_at = now()
WHERE kind = $1 AND state IN ('available', 'scheduled') AND scheduled_at > now()
	AND NOT EXISTS (SELECT FROM deliveries WHERE id = (j.args->>'delivery_id')::uuid AND reason = $2)`, mailJob{}.Kind(), noAnswer)
	if err != nil {
		return fmt.Errorf("wake mails: %w", err)
	}
	return nil
}

// Rights are what workers and those who queue mails need on River's tables.
var Rights = map[string]string{
	"river_job":          "SELECT, INSERT, UPDATE, DELETE",
	"river_leader":       "SELECT, INSERT, UPDATE, DELETE",
	"river_queue":        "SELECT, INSERT, UPDATE, DELETE",
	"river_notification": "SELECT, INSERT, DELETE",
	"river_migration":    "SELECT",
}

// migrationLock is the queue's among Postgres's advisory locks.
const migrationLock = 0x6b697769

// Migrate brings the queue's tables up to date. Several may run at once: one
// migrates, the others wait. It needs a session of its own, so it must not go
// through a pooler in transaction mode.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	// Two of River's migrators get in each other's way.
	lock, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to migrate the queue: %w", err)
	}
	defer func() { _ = lock.Close(context.WithoutCancel(ctx)) }()
	if _, err := lock.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return fmt.Errorf("wait for another migration of the queue: %w", err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("prepare the queue's migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	// Nothing looks jobs up by what they hold, and every mail would pay for it.
	if _, err := pool.Exec(ctx, `DROP INDEX IF EXISTS river_job_args_index, river_job_metadata_index`); err != nil {
		return fmt.Errorf("drop indexes of the queue: %w", err)
	}
	return nil
}
