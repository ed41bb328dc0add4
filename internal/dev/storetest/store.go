// Package storetest gives tests the real store, on databases of
// [github.com/kiwi-ki/invitations/internal/dev/pgtest].
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// Migrate brings a database up to date, as `invitationd migrate` does.
func Migrate(ctx context.Context, dsn string) error {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool); err != nil {
		return err
	}
	return delivery.Migrate(ctx, pool)
}

// New starts a store that queues mails and has no limits, or as the settings
// say, until the test ends.
func New(t testing.TB, pool *pgxpool.Pool, settings ...func(*postgres.Config)) *postgres.Store {
	t.Helper()
	c := postgres.Config{Pool: pool, Enqueue: delivery.Enqueue, Timeout: 30 * time.Second}
	for _, set := range settings {
		set(&c)
	}
	s := postgres.New(c)
	t.Cleanup(s.Close)
	return s
}
