package server

import (
	"context"
	"log/slog"
	"time"
)

// complaint says in the log why the server does not serve: once, and again after
// times that grow as long as it lasts.
type complaint struct {
	log   *slog.Logger
	last  string
	next  time.Time
	pause time.Duration
}

const firstComplaint = time.Minute

func (c *complaint) note(ctx context.Context, err error) {
	now := time.Now()
	switch {
	case err == nil && c.last == "":
	case err == nil:
		c.log.InfoContext(ctx, "serving again")
		*c = complaint{log: c.log}
	case err.Error() != c.last:
		c.last, c.pause, c.next = err.Error(), firstComplaint, now.Add(firstComplaint)
		c.log.WarnContext(ctx, "not serving", "reason", c.last)
	case now.After(c.next):
		c.pause *= 2
		c.next = now.Add(c.pause)
		c.log.WarnContext(ctx, "still not serving", "reason", c.last)
	}
}
