package server_test

import (
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/server"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestWatchEvents: from a cursor on, in order, and what happens later too.
func TestWatchEvents(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for range 3 {
		s.person(pb.UserType_USER_TYPE_TENANT)
	}
	stream, err := pb.NewInvitationServiceClient(s.conn).WatchEvents(t.Context(), &pb.WatchEventsRequest{OrganizationId: org, Cursor: s.cursors()[0]})
	must(t, err)
	for sequence := int64(2); sequence <= 6; sequence++ {
		if sequence == 4 {
			for range 3 {
				s.person(pb.UserType_USER_TYPE_TENANT)
			}
		}
		got, err := stream.Recv()
		must(t, err)
		if got.GetEvent().GetSequence() != sequence {
			t.Fatalf("got event %d, want %d", got.GetEvent().GetSequence(), sequence)
		}
	}
}

// TestWatchWithInterruptions: two servers write at once; a consumer that hangs
// up at random and goes on at the other server sees exactly what ListEvents
// lists.
func TestWatchWithInterruptions(t *testing.T) {
	t.Parallel()
	const writers, people = 8, 15
	dsn := pgtest.Database(t)
	servers := []*stack{newStackOn(t, dsn, io.Discard), newStackOn(t, dsn, io.Discard)}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for range people {
				s := servers[w%2]
				id := s.person(pb.UserType_USER_TYPE_TENANT)
				s.send(id, app)
				s.revoke(id)
			}
		})
	}
	const total = writers * people * 4 // created, issued, mail cancelled, revoked
	var seen []int64
	cursor := ""
	for n := 0; len(seen) < total; n++ {
		seen = servers[n%2].watchSome(seen, &cursor, total)
	}
	writing.Wait()
	if listed := servers[0].sequences(); !slices.Equal(seen, listed) {
		t.Errorf("the stream showed %d events, the list %d", len(seen), len(listed))
	}
}

// TestStreamsEndByThemselves: an old one with a reason and a pause, so that its
// caller goes on with another.
func TestStreamsEndByThemselves(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.serve(func(c *server.Config) { c.StreamAge = time.Millisecond })
	stream, err := pb.NewInvitationServiceClient(s.conn).WatchEvents(t.Context(), &pb.WatchEventsRequest{OrganizationId: org})
	must(t, err)
	_, err = stream.Recv()
	want(t, err, codes.Unavailable, pb.ErrorReason_SERVICE_UNAVAILABLE)
	if retryDelay(err) == nil || len(stream.Trailer().Get("grpc-retry-pushback-ms")) != 1 {
		t.Errorf("got details %v and trailer %v", status.Convert(err).Details(), stream.Trailer())
	}
}

// cursors are those of all events that there are.
func (s *stack) cursors() (all []string) {
	s.t.Helper()
	ctx, hangUp := context.WithCancel(s.t.Context())
	defer hangUp()
	stream, err := pb.NewInvitationServiceClient(s.conn).WatchEvents(ctx, &pb.WatchEventsRequest{OrganizationId: org})
	must(s.t, err)
	for range len(s.sequences()) {
		got, err := stream.Recv()
		must(s.t, err)
		all = append(all, got.GetCursor())
	}
	return all
}

// watchSome goes on behind what was seen, and hangs up after some events.
func (s *stack) watchSome(seen []int64, cursor *string, total int) []int64 {
	s.t.Helper()
	ctx, hangUp := context.WithCancel(s.t.Context())
	defer hangUp()
	stream, err := pb.NewInvitationServiceClient(s.conn).WatchEvents(ctx, &pb.WatchEventsRequest{OrganizationId: org, Cursor: *cursor})
	must(s.t, err)
	for range 1 + rand.N(20) {
		if len(seen) == total {
			break
		}
		got, err := stream.Recv()
		must(s.t, err)
		seen, *cursor = append(seen, got.GetEvent().GetSequence()), got.GetCursor()
	}
	return seen
}

func (s *stack) sequences() (all []int64) {
	s.t.Helper()
	req := &pb.ListEventsRequest{OrganizationId: org, PageSize: 500}
	for {
		resp, err := s.ListEvents(s.t.Context(), req)
		must(s.t, err)
		for _, e := range resp.GetEvents() {
			all = append(all, e.GetSequence())
		}
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			return all
		}
	}
}
