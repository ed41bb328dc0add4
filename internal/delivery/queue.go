package delivery

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// mailJob is the job of one mail. Jobs of older releases must stay readable:
// add fields, never rename one.
type mailJob struct {
	DeliveryID uuid.UUID `json:"delivery_id"`
}

// Kind implements river.JobArgs.
func (mailJob) Kind() string { return "invitation_mail" }

// maxAttempts is more than a job ever needs: what ends it is the invitation's
// expiry, at most 90 days of one attempt in 15 minutes.
const maxAttempts = 10_000

// Queue adds jobs.
type Queue struct{ client *river.Client[pgx.Tx] }

// NewQueue returns a Queue that only adds jobs; see Workers for what works them
// off.
func NewQueue(pool *pgxpool.Pool) (*Queue, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("prepare the queue: %w", err)
	}
	return &Queue{client: client}, nil
}

// Enqueue adds a job for each mail, in the caller's transaction.
func (q *Queue) Enqueue(ctx context.Context, tx pgx.Tx, deliveries []uuid.UUID) error {
	jobs := make([]river.InsertManyParams, len(deliveries))
	for i, id := range deliveries {
		jobs[i] = river.InsertManyParams{Args: mailJob{DeliveryID: id}, InsertOpts: &river.InsertOpts{MaxAttempts: maxAttempts}}
	}
	_, err := q.client.InsertManyFastTx(ctx, tx, jobs)
	return err
}

// Migrate brings the queue's tables up to date.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("prepare the queue's migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	return nil
}
