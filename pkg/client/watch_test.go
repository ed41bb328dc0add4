package client_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

type watchStream = grpc.ServerStreamingServer[pb.WatchEventsResponse]

// trail is what all servers stream: a number of events, whose cursors are their
// numbers. A stream ends after a few, each time in another way. The last one has all
// the rest, since a server that is killed takes what was on its way with it.
type trail struct {
	length, perStream int
	ends              []func(*server, context.Context) error // in turn, then streams stay open

	mu      sync.Mutex
	streams int
	open    int
}

// on is a server that streams the trail.
func (tr *trail) on() *server {
	s := &server{}
	s.watch = func(req *pb.WatchEventsRequest, stream watchStream) error {
		tr.mu.Lock()
		turn := tr.streams
		tr.streams++
		tr.open++
		tr.mu.Unlock()
		defer func() {
			tr.mu.Lock()
			tr.open--
			tr.mu.Unlock()
		}()
		at := 0
		if req.GetCursor() != "" {
			at, _ = strconv.Atoi(req.GetCursor())
		}
		for sent := 0; at < tr.length && (sent < tr.perStream || turn >= len(tr.ends)); sent++ {
			at++
			if err := stream.Send(&pb.WatchEventsResponse{Event: &pb.Event{}, Cursor: strconv.Itoa(at)}); err != nil {
				return err
			}
		}
		if turn < len(tr.ends) {
			return tr.ends[turn](s, stream.Context())
		}
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	return s
}

// counts are how many streams there were and how many are open.
func (tr *trail) counts() (streams, open int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.streams, tr.open
}

// anHour of the bubble's clock is more than any loop here needs.
func anHour(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

// ending is an end by that error.
func ending(err error) func(*server, context.Context) error {
	return func(*server, context.Context) error { return err }
}

// killed ends the server too.
func killed(s *server, ctx context.Context) error {
	go s.stop()
	<-ctx.Done()
	return ctx.Err()
}

// TestWatchGoesOn: every event once and in order, whatever ends the streams: a drain,
// their age, a proxy, a server that is killed and comes back.
func TestWatchGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := &trail{length: 25, perStream: 5, ends: []func(*server, context.Context) error{
			ending(refused(codes.Unavailable, after(time.Second))),
			ending(nil),
			func(s *server, ctx context.Context) error {
				time.AfterFunc(20*time.Second, s.start)
				return killed(s, ctx)
			},
			ending(refused(codes.Unavailable)),
		}}
		var cursors []string
		for e, err := range connect(t, tr.on()).Watch(anHour(t), "demo", "2") {
			if err != nil {
				t.Fatal(err)
			}
			if cursors = append(cursors, e.GetCursor()); e.GetCursor() == "25" {
				break
			}
		}
		var want []string
		for n := 3; n <= 25; n++ {
			want = append(want, strconv.Itoa(n))
		}
		if !slices.Equal(cursors, want) {
			t.Errorf("the loop saw %q", cursors)
		}
		synctest.Wait()
		if streams, open := tr.counts(); streams != 5 || open != 0 {
			t.Errorf("%d streams, of which %d are open after the loop", streams, open)
		}
	})
}

// TestWatchOutlastsOutages: other than calls it has no end to its patience, and does
// not hurry. Every stream is obeyed, so that a server can thin out its watchers.
func TestWatchOutlastsOutages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := &trail{length: 1, perStream: 1}
		for range 60 {
			tr.ends = append(tr.ends, ending(refused(codes.Unavailable, after(10*time.Second))))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		start, last := time.Now(), error(nil)
		for _, err := range connect(t, tr.on()).Watch(ctx, "demo", "1") {
			last = err
		}
		if streams, _ := tr.counts(); !errors.Is(last, context.DeadlineExceeded) || streams != 61 {
			t.Errorf("after %v and %d streams: %v", time.Since(start), streams, last)
		}
	})
}

// TestWatchEnds with one error where going on is of no use: it tells why, and the
// loops over cursors that are lost can be told from others.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		end    error
		is     error // nil: neither of the two
		reason pb.ErrorReason
	}{
		{refused(codes.OutOfRange, because(pb.ErrorReason_CURSOR_AHEAD)), client.ErrCursorAhead, pb.ErrorReason_CURSOR_AHEAD},
		{refused(codes.OutOfRange, because(pb.ErrorReason_CURSOR_EXPIRED)), client.ErrCursorExpired, pb.ErrorReason_CURSOR_EXPIRED},
		{refused(codes.PermissionDenied, because(pb.ErrorReason_CALLER_NOT_ALLOWED)), nil, pb.ErrorReason_CALLER_NOT_ALLOWED},
		{status.Error(codes.Internal, "no"), nil, pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := &trail{length: 1, perStream: 1, ends: []func(*server, context.Context) error{ending(tt.end)}}
			var errs []error
			for _, err := range connect(t, tr.on()).Watch(anHour(t), "demo", "") {
				if err != nil {
					errs = append(errs, err)
				}
			}
			if len(errs) != 1 || client.Reason(errs[0]) != tt.reason || status.Code(errs[0]) != status.Code(tt.end) {
				t.Fatalf("the loop ended with %v, want one error like %v", errs, tt.end)
			}
			for _, lost := range []error{client.ErrCursorAhead, client.ErrCursorExpired} {
				if got, want := errors.Is(errs[0], lost), lost == tt.is; got != want {
					t.Errorf("%v is %v: %v", errs[0], lost, got)
				}
			}
		})
	}
}

// TestWatchEndsWithItsContext, in the middle of a stream and between two.
func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, tr := range map[string]*trail{
		"in a stream": {},
		"between two": {ends: []func(*server, context.Context) error{ending(refused(codes.Unavailable, after(time.Hour)))}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			var errs []error
			for _, err := range connect(t, tr.on()).Watch(ctx, "demo", "") {
				errs = append(errs, err)
			}
			if len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
				t.Errorf("%s: the loop ended with %v", name, errs)
			}
		})
	}
}

// TestWatchFailsOver to another server than the one that died.
func TestWatchFailsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := &trail{length: 10, perStream: 5, ends: []func(*server, context.Context) error{killed}}
		last := ""
		for e, err := range connect(t, tr.on(), tr.on(), tr.on()).Watch(anHour(t), "demo", "") {
			if err != nil {
				t.Fatal(err)
			}
			if last = e.GetCursor(); last == "10" {
				break
			}
		}
		if streams, _ := tr.counts(); last != "10" || streams != 2 {
			t.Errorf("%d streams, the last event is %q", streams, last)
		}
	})
}
