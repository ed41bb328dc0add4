package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// Pool opens eight connections, or as the settings say, until the test ends.
func Pool(t testing.TB, dsn string, settings ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(dsn)
	harness.Must(t, err)
	c.MaxConns = 8
	for _, set := range settings {
		set(c)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), c)
	harness.Must(t, err)
	t.Cleanup(pool.Close)
	return pool
}
