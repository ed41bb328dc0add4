package postgres

import "context"

// bulkhead bounds how many of a kind read at once, so that whoever asks for long
// lists leaves connections to changes and to single reads.
type bulkhead chan struct{}

// share is a part of a pool's connections, and at least one.
func share(connections, part int32) bulkhead {
	return make(bulkhead, max(connections/part, 1))
}

// enter waits for a place, to be left again. Who waits too long hears that the
// service is unavailable.
func (b bulkhead) enter(ctx context.Context) (leave func(), err error) {
	select {
	case b <- struct{}{}:
		return func() { <-b }, nil
	case <-ctx.Done():
		return nil, refusal(ctx.Err())
	}
}
