package postgres

import (
	"context"
	"fmt"
	"time"
)

// purgeBatch keeps a purge's locks short.
const purgeBatch = 5000

// ForgetRequests deletes requests that were carried out longer ago than any
// caller repeats them.
func (s *Store) ForgetRequests(ctx context.Context, age time.Duration) error {
	for {
		tag, err := s.pool.Exec(ctx, `
DELETE FROM requests WHERE id IN (
	SELECT id FROM requests WHERE created_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)`, age, purgeBatch)
		if err != nil {
			return fmt.Errorf("forget old requests: %w", translate(err))
		}
		if tag.RowsAffected() < purgeBatch {
			return nil
		}
	}
}
