package postgres

import (
	"context"
	"fmt"
	"time"
)

// purgeBatch keeps a purge's locks short.
const purgeBatch = 5000

// reportMemory is longer than the provider repeats a report.
const reportMemory = 7 * 24 * time.Hour

// purges are what is deleted once it is of no use: $1 is the age, $2 the batch.
var purges = map[string]string{
	"requests": `DELETE FROM requests WHERE id IN (
		SELECT id FROM requests WHERE created_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)`,
	"reports": `DELETE FROM reports WHERE event_id IN (
		SELECT event_id FROM reports WHERE received_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)`,
	"mail_limits": `DELETE FROM mail_limits WHERE key IN (
		SELECT key FROM mail_limits WHERE used_until < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)`,
}

// Forget deletes requests that were carried out longer ago than any caller
// repeats them, old reports, and limits that nothing counts against.
func (s *Store) Forget(ctx context.Context, requestAge time.Duration) error {
	for table, age := range map[string]time.Duration{"requests": requestAge, "reports": reportMemory, "mail_limits": time.Hour} {
		if err := s.purge(ctx, purges[table], age); err != nil {
			return fmt.Errorf("forget old %s: %w", table, err)
		}
	}
	return nil
}

func (s *Store) purge(ctx context.Context, statement string, age time.Duration) error {
	for {
		tag, err := s.pool.Exec(ctx, statement, age, purgeBatch)
		if err != nil {
			return translate(err)
		}
		if tag.RowsAffected() < purgeBatch {
			return nil
		}
	}
}
