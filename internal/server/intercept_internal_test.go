package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestCallsEnd: a call may last as long as its caller says, but no longer than the
// longest may; a stream may go on.
func TestCallsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Server{methods: map[string]bool{"/stream": true}}
		for _, c := range []struct{ asked, given time.Duration }{
			{0, defaultDeadline}, {time.Second, time.Second}, {longestCall, longestCall}, {time.Hour, longestCall},
		} {
			asked, cancel := context.WithCancel(t.Context())
			if c.asked > 0 {
				asked, cancel = context.WithTimeout(t.Context(), c.asked)
			}
			given, err := s.boundCall(asked, &tap.Info{FullMethodName: "/call"})
			deadline, _ := given.Deadline()
			if left := time.Until(deadline); err != nil || left != c.given {
				t.Errorf("asked for %v, got %v, %v; want %v", c.asked, left, err, c.given)
			}
			cancel()
		}
		stream, err := s.boundCall(t.Context(), &tap.Info{FullMethodName: "/stream"})
		if _, bounded := stream.Deadline(); bounded || err != nil {
			t.Errorf("a stream ends by itself, %v", err)
		}
	})
}

// TestTimeToAnswer: a fifth of a short call's time is left for its answer, and no
// more than 200 ms of a long one's.
func TestTimeToAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for asked, want := range map[time.Duration]time.Duration{
			500 * time.Millisecond: 400 * time.Millisecond, time.Second: 800 * time.Millisecond, 10 * time.Second: 9800 * time.Millisecond,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), asked)
			_, err := deadlineUnary(ctx, nil, nil, func(ctx context.Context, _ any) (any, error) {
				deadline, _ := ctx.Deadline()
				if left := time.Until(deadline); left != want {
					t.Errorf("of %v there are %v to work in, want %v", asked, left, want)
				}
				return nil, nil
			})
			if err != nil {
				t.Error(err)
			}
			cancel()
		}
	})
}

// silent is a stream of which only the context matters.
type silent struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s silent) Context() context.Context { return s.ctx }

// TestStreamsEnd: a stream ends at its age or up to a tenth later, and at once when
// the server drains; its caller is told to come back.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	const age = 10 * time.Minute
	watch := func(_ any, stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	synctest.Test(t, func(t *testing.T) {
		draining, drain := context.WithCancel(t.Context())
		defer drain()
		ends := endStream(draining, age)
		for range 20 {
			began := time.Now()
			err := ends(nil, silent{ctx: t.Context()}, nil, watch)
			if lasted := time.Since(began); !errors.Is(err, invitation.ErrUnavailable) || lasted < age || lasted > age+age/10 {
				t.Errorf("a stream ended after %v with %v", lasted, err)
			}
		}
		left, leave := context.WithCancel(t.Context())
		leave()
		if err := ends(nil, silent{ctx: left}, nil, watch); !errors.Is(err, context.Canceled) {
			t.Errorf("whose caller is gone ended with %v", err)
		}
		drain()
		began := time.Now()
		if err := ends(nil, silent{ctx: t.Context()}, nil, watch); !errors.Is(err, invitation.ErrUnavailable) || time.Since(began) > 0 {
			t.Errorf("a stream on a server that drains ended after %v with %v", time.Since(began), err)
		}
	})
}

// TestListsInLists: items are counted at every depth, and the path of too many
// leads there.
func TestListsInLists(t *testing.T) {
	t.Parallel()
	sheets := func(lines ...int) *pb.GenerateInfoSheetsRequest {
		req := &pb.GenerateInfoSheetsRequest{}
		for _, n := range lines {
			req.Sheets = append(req.Sheets, &pb.InfoSheet{AddressLines: make([]string, n)})
		}
		return req
	}
	for want, req := range map[string]proto.Message{
		"":                        sheets(6, 0, 6),
		"sheets[1].address_lines": sheets(6, 7),
		"sheets[0].address_lines": sheets(7, 7),
		"sheets":                  sheets(make([]int, 1001)...),
		"user_ids":                &pb.BatchSendRequest{UserIds: make([]string, 1001)},
	} {
		raw, err := proto.Marshal(req)
		if err != nil {
			t.Fatal(err)
		}
		method := pb.InvitationService_GenerateInfoSheets_FullMethodName
		if _, batch := req.(*pb.BatchSendRequest); batch {
			method = pb.InvitationService_BatchSend_FullMethodName
		}
		got := ""
		if bad := methodBounds[method].lists.count(raw); bad != nil {
			got = bad.Field
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", req.ProtoReflect().Descriptor().Name(), got, want)
		}
	}
}
