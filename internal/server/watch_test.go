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

// TestCursors: one ahead of the trail, or of another trail, is told, and so is one
// that the trail no longer reaches; nobody waits in silence or misses events.
func TestCursors(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for range 3 {
		s.person(pb.UserType_USER_TYPE_TENANT)
	}
	cursors := s.cursors()
	watch := func(cursor string) (*pb.WatchEventsResponse, error) {
		stream, err := pb.NewInvitationServiceClient(s.conn).WatchEvents(t.Context(), &pb.WatchEventsRequest{OrganizationId: org, Cursor: cursor})
		must(t, err)
		return stream.Recv()
	}
	for after, sequence := range map[string]int64{"": 1, cursors[0]: 2, cursors[1]: 3} {
		got, err := watch(after)
		must(t, err)
		if got.GetEvent().GetSequence() != sequence {
			t.Errorf("goes on with %d, want %d", got.GetEvent().GetSequence(), sequence)
		}
	}
	other, err := s.CreateUser(t.Context(), newcomer("other", func(r *pb.CreateUserRequest) { r.OrganizationId = "another" }))
	must(t, err)
	stream, err := pb.NewInvitationServiceClient(s.conn).WatchEvents(t.Context(), &pb.WatchEventsRequest{OrganizationId: other.GetUser().GetOrganizationId(), Cursor: cursors[0]})
	must(t, err)
	_, err = stream.Recv()
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)

	s.exec(`SET session_replication_role = replica; DELETE FROM events WHERE organization_id = '` + org + `' AND sequence < 3; RESET session_replication_role`)
	_, err = watch(cursors[0])
	want(t, err, codes.OutOfRange, pb.ErrorReason_CURSOR_EXPIRED)
	if got, err := watch(cursors[1]); err != nil || got.GetEvent().GetSequence() != 3 {
		t.Errorf("nothing is missing behind event 2, and yet: %v %v", got, err)
	}
	s.exec(`UPDATE trails SET last_sequence = 2 WHERE organization_id = $1`, org)
	_, err = watch(cursors[2])
	want(t, err, codes.OutOfRange, pb.ErrorReason_CURSOR_AHEAD)
	s.exec(`UPDATE installation SET epoch = gen_random_uuid()`)
	_, err = watch(cursors[1])
	want(t, err, codes.OutOfRange, pb.ErrorReason_CURSOR_AHEAD)
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
