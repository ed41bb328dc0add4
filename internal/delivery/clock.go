package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// readClockEvery is how often a server asks the database for its time.
	readClockEvery = time.Minute
	// mostSkew is how far the clock of a machine may be from the database's.
	mostSkew = 5 * time.Second
)

// clock is the database's, for what River writes into its rows: there it is
// compared with the database's own time, and a machine whose clock is two hours
// ahead would put a retry off for two hours. It implements rivertype.TimeGenerator.
//
// River's rescuer and cleaner read the machine's clock whatever they are told. One
// that is further ahead than RescueAfter takes mails from workers that live, so
// that a skew is an error in the log.
type clock struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	// ahead is how far the database is ahead of this machine, in nanoseconds.
	ahead atomic.Int64
}

// Now implements rivertype.TimeGenerator.
func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// NowOrNil implements rivertype.TimeGenerator. River's statements then take the
// database's time themselves.
func (c *clock) NowOrNil() *time.Time { return nil }

// read asks the database for its time.
func (c *clock) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, mostSkew)
	defer cancel()
	err := c.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		var there time.Time
		asked := time.Now()
		if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&there); err != nil {
			return err
		}
		ahead := there.Sub(asked.Add(time.Since(asked) / 2))
		c.ahead.Store(int64(ahead))
		if ahead.Abs() > mostSkew {
			c.log.ErrorContext(ctx, "the clocks of this machine and of the database differ: mails may go out twice",
				"database_ahead", ahead.Round(time.Millisecond))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask the database for its time: %w", err)
	}
	return nil
}

// follow reads the clock again and again until the context ends. Meanwhile both
// clocks run on: an answer that does not come leaves the last one.
func (c *clock) follow(ctx context.Context) {
	tick := time.NewTicker(readClockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = c.read(ctx)
		}
	}
}
