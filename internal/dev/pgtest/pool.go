package pgtest

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
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

// Exec carries out a statement.
func Exec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	_, err := pool.Exec(ctx, sql, args...)
	harness.Must(t, err)
}

// Count returns the number that a query answers with.
func Count(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) int {
	t.Helper()
	return rows[int](t, pool, sql, args)[0]
}

// Text returns the rows of a query, a line each.
func Text(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) string {
	t.Helper()
	return strings.Join(rows[string](t, pool, sql, args), "\n")
}

// rows works in a test's cleanup, too, where the test's context has ended.
func rows[T any](t testing.TB, pool *pgxpool.Pool, sql string, args []any) []T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	found, err := pool.Query(ctx, sql, args...)
	harness.Must(t, err)
	all, err := pgx.CollectRows(found, pgx.RowTo[T])
	harness.Must(t, err)
	return all
}
