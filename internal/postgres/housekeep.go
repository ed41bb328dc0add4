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

// MinEventMemory is how long the schema keeps the audit trail at the least.
const MinEventMemory = 90 * 24 * time.Hour

// Memory is how long things are kept that are of no use any more.
type Memory struct {
	// Requests is longer than any caller repeats a request.
	Requests time.Duration
	// Addresses is for those in the records of sent mails; a user's own
	// address stays with the user.
	Addresses time.Duration
	// Events is for the audit trail, and at least MinEventMemory; 0 for ever.
	Events time.Duration
}

// purges take up to $2 rows that are older than $1.
const (
	purgeRequests = `DELETE FROM requests WHERE id IN (
		SELECT id FROM requests WHERE created_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)`
	purgeReports = `DELETE FROM reports WHERE event_id IN (
		SELECT event_id FROM reports WHERE received_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)`
	purgeLimits = `DELETE FROM mail_limits WHERE key IN (
		SELECT key FROM mail_limits WHERE used_until < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)`
	purgeEvents = `DELETE FROM events WHERE (organization_id, sequence) IN (
		SELECT organization_id, sequence FROM events WHERE occurred_at < now() - $1::interval LIMIT $2)`
	// A mail whose turn has not come needs its address. Ids begin with the
	// milliseconds at which they were made, as UUIDv7 do.
	purgeAddresses = `UPDATE deliveries SET email = NULL, email_key = NULL WHERE id IN (
		SELECT id FROM deliveries
		WHERE email_key IS NOT NULL AND state <> 'QUEUED'
			AND id < rpad(lpad(to_hex((extract(epoch FROM now() - $1::interval) * 1000)::bigint), 12, '0'), 32, '0')::uuid
		ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)`
)

// Forget deletes what is older than it has to be kept.
func (s *Store) Forget(ctx context.Context, m Memory) error {
	if m.Events > 0 {
		if err := s.purge(ctx, purgeEvents, max(m.Events, MinEventMemory)); err != nil {
			return fmt.Errorf("forget old events: %w", err)
		}
	}
	if err := s.purge(ctx, purgeAddresses, m.Addresses); err != nil {
		return fmt.Errorf("forget old addresses: %w", err)
	}
	if err := s.purge(ctx, purgeRequests, m.Requests); err != nil {
		return fmt.Errorf("forget old requests: %w", err)
	}
	if err := s.purge(ctx, purgeReports, reportMemory); err != nil {
		return fmt.Errorf("forget old reports: %w", err)
	}
	if err := s.purge(ctx, purgeLimits, time.Hour); err != nil {
		return fmt.Errorf("forget unused limits: %w", err)
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
