package delivery

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
)

// TestEnqueueAsRiverDoes holds the rows that Enqueue writes against those of
// River's own client: a release of River that wants more in them is noticed here.
func TestEnqueueAsRiverDoes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool, err := pgxpool.New(ctx, pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.New()
	if _, err := client.Insert(ctx, mailJob{DeliveryID: id}, &river.InsertOpts{MaxAttempts: maxAttempts}); err != nil {
		t.Fatal(err)
	}
	b := &pgx.Batch{}
	Enqueue(b, []uuid.UUID{id})
	if err := pool.SendBatch(ctx, b).Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(ctx, `SELECT (to_jsonb(j) - 'id' - 'created_at' - 'scheduled_at')::text FROM river_job j ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 2 || jobs[0] != jobs[1] {
		t.Errorf("River writes\n%s\nand we write\n%s", jobs[0], jobs[1])
	}
}
