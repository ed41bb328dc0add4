package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connections are a pool that may be larger than what the server allows: a role
// has a limit, other services have the rest. Who is refused another connection
// waits for one that exists, where a pool alone would fail, and try anew with
// every call.
type connections struct {
	*pgxpool.Pool
	// full is until when the server is taken to give no more. In Unix nanoseconds.
	full atomic.Int64
}

const (
	// fullFor is for how long nobody tries to get more.
	fullFor = time.Second
	// lookForIdle is how often who waits looks. Nobody tells: what River and others
	// take out of the pool comes back unheard.
	lookForIdle = 2 * time.Millisecond
)

// Acquire returns a connection, when there is one.
func (c *connections) Acquire(ctx context.Context) (*pgxpool.Conn, error) {
	for {
		for time.Now().UnixNano() < c.full.Load() && c.Stat().IdleConns() == 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(lookForIdle):
			}
		}
		conn, err := c.Pool.Acquire(ctx)
		if !refusedMore(err) {
			return conn, err
		}
		c.full.Store(time.Now().Add(fullFor).UnixNano())
	}
}

// refusedMore reports whether the server has as many connections as it, the
// database or the role may have.
func refusedMore(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53300"
}

// Exec is the pool's.
func (c *connections) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, err := c.Acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer conn.Release()
	return conn.Exec(ctx, sql, args...)
}

// Query is the pool's. Its rows have to be closed.
func (c *connections) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, err := c.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		conn.Release()
		return nil, err
	}
	return &heldRows{rows, conn}, nil
}

// QueryRow is the pool's. Its row has to be scanned.
func (c *connections) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, err := c.Acquire(ctx)
	if err != nil {
		return failedRow{err}
	}
	return &heldRow{conn.QueryRow(ctx, sql, args...), conn}
}

// heldRows and heldRow give their connection back when they are read.
type (
	heldRows struct {
		pgx.Rows
		conn *pgxpool.Conn
	}
	heldRow struct {
		pgx.Row
		conn *pgxpool.Conn
	}
	failedRow struct{ err error }
)

func (r *heldRows) Close() {
	r.Rows.Close()
	r.conn.Release()
}

func (r *heldRow) Scan(dest ...any) error {
	defer r.conn.Release()
	return r.Row.Scan(dest...)
}

func (r failedRow) Scan(...any) error { return r.err }
