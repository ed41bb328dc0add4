package postgres

import (
	"context"
	"time"
)

// bulkhead bounds how many of a kind read at once, so that whoever asks for long
// lists leaves connections to changes and to single reads.
type bulkhead chan struct{}

// share is a part of a pool's connections, and at least one.
func share(connections, part int32) bulkhead {
	return make(bulkhead, max(connections/part, 1))
}

// enter waits for a place, to be left again, and bounds what is done there, the wait
// included. Who waits too long hears that the service is unavailable.
func (b bulkhead) enter(ctx context.Context, timeout time.Duration) (bounded context.Context, leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	select {
	case b <- struct{}{}:
		return ctx, func() { <-b; cancel() }, nil
	case <-ctx.Done():
		defer cancel()
		return nil, nil, refusal(ctx.Err())
	}
}
