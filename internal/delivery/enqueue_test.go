package delivery

import (
	"slices"
	"strings"
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
	followed, alone, other := uuid.New(), uuid.New(), uuid.New()
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	b := &pgx.Batch{}
	for _, job := range []mailJob{{followed, trace}, {alone, ""}, {other, ""}} {
		if _, err := client.Insert(ctx, job, &river.InsertOpts{MaxAttempts: maxAttempts}); err != nil {
			t.Fatal(err)
		}
	}
	Enqueue(b, []uuid.UUID{followed, alone}, map[uuid.UUID]string{followed: trace})
	Enqueue(b, []uuid.UUID{other}, nil)
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
	if len(jobs) != 6 || !slices.Equal(jobs[:3], jobs[3:]) {
		t.Errorf("River writes, and then we\n%s", strings.Join(jobs, "\n"))
	}
}
