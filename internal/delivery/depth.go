package delivery

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Depth tells how many mails wait, of all servers and organizations.
func Depth(ctx context.Context, pool *pgxpool.Pool) (q invitation.MailQueue, err error) {
	var oldest pgtype.Timestamptz
	err = pool.QueryRow(ctx, `
SELECT count(*) FILTER (WHERE due), min(scheduled_at) FILTER (WHERE due), count(*) FILTER (WHERE state = 'running'),
	count(*) FILTER (WHERE NOT due AND state <> 'running')
FROM (
	SELECT state, scheduled_at, state = 'available' AND scheduled_at <= now() AS due FROM river_job
	WHERE kind = $1 AND state IN ('available', 'running', 'scheduled', 'retryable')
) AS waiting`, mailJob{}.Kind()).Scan(&q.Due, &oldest, &q.Running, &q.PutAside)
	if err != nil {
		return q, fmt.Errorf("count the mails that wait: %w", err)
	}
	q.OldestDueAt = oldest.Time
	return q, nil
}
