package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// Why Watch can't go on from a cursor: start anew, after reading what is now
// with ListUsers or ListInvitations.
var (
	// ErrCursorAhead says that the service was restored from a backup, and knows
	// nothing of what the cursor is behind.
	ErrCursorAhead = errors.New("the cursor is not of this trail")
	// ErrCursorExpired says that events behind the cursor are no longer kept.
	ErrCursorExpired = errors.New("the events after the cursor are no longer kept")
)

// Watch follows an organization's audit trail from a cursor on: every event once, in
// order, first those that are there and then each as it happens. An empty cursor
// starts with the first event that is kept.
//
// The loop goes on by itself when a server drains, fails or ends the stream for its
// age, without a limit of time but ctx. It ends with one error: the context's,
// ErrCursorAhead or ErrCursorExpired, or what the service refused, such as
// CALLER_NOT_ALLOWED. Keep the cursor of each event together with what the event
// brought about; the next loop starts from it.
func (c *Client) Watch(ctx context.Context, organizationID, cursor string) iter.Seq2[*pb.WatchEventsResponse, error] {
	return func(yield func(*pb.WatchEventsResponse, error) bool) {
		w := watch{client: c, organization: organizationID, cursor: cursor, yield: yield}
		if err := w.run(ctx); err != nil {
			yield(nil, err)
		}
	}
}

// watch is one loop over the trail.
type watch struct {
	client               *Client
	organization, cursor string
	yield                func(*pb.WatchEventsResponse, error) bool

	attempts int // since the last event
}

// errBreak says that the caller left the loop.
var errBreak = errors.New("left the loop")

// run follows one stream after the other. It returns nil if the caller left.
func (w *watch) run(ctx context.Context) error {
	for {
		trailer, err := w.stream(ctx)
		switch {
		case errors.Is(err, errBreak):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		delay, again := nextDelay(err, trailer, w.attempts)
		if !again {
			return ended(err)
		}
		w.attempts++
		if !pause(ctx, delay) {
			<-ctx.Done()
			return ctx.Err()
		}
	}
}

// stream yields what one stream brings, and returns why it ended.
func (w *watch) stream(ctx context.Context) (metadata.MD, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the stream whatever happens
	defer cancel()
	stream, err := w.client.WatchEvents(ctx, &pb.WatchEventsRequest{OrganizationId: w.organization, Cursor: w.cursor})
	if err != nil {
		return nil, err
	}
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, status.Error(codes.Unavailable, "the server ended the stream")
		}
		if err != nil {
			return stream.Trailer(), err
		}
		w.cursor, w.attempts = event.GetCursor(), 0
		if !w.yield(event, nil) {
			return nil, errBreak
		}
	}
}

// ended names the errors of cursors.
func ended(err error) error {
	switch Reason(err) {
	case pb.ErrorReason_CURSOR_AHEAD:
		return fmt.Errorf("%w: %w", ErrCursorAhead, err)
	case pb.ErrorReason_CURSOR_EXPIRED:
		return fmt.Errorf("%w: %w", ErrCursorExpired, err)
	}
	return err
}
