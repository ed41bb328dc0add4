package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// refused is an error of the service.
func refused(code codes.Code, details ...protoadapt.MessageV1) error {
	s, err := status.New(code, "no").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return s.Err()
}

func after(d time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(d)}
}

// failing refuses that many calls with err, and each after pushing back if told so.
func failing(times int, err error, pushback ...string) *server {
	s := &server{}
	s.send = func(ctx context.Context, _ *pb.SendRequest) error {
		if times--; times < 0 {
			return nil
		}
		if len(pushback) > 0 {
			_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", pushback[0]))
		}
		return err
	}
	return s
}

const forever = 1 << 30

// TestAttemptsCarryOneRequestID: a call that has no request_id gets one, which all of
// its attempts share, also beyond the fifth; the caller's message stays as it is.
func TestAttemptsCarryOneRequestID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := failing(7, refused(codes.Unavailable))
		req := &pb.SendRequest{OrganizationId: "demo", UserId: "anna"}
		if _, err := connect(t, s).Send(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		ids := s.requestIDs()
		if len(ids) != 8 || ids[0] == "" {
			t.Fatalf("the attempts had the ids %q", ids)
		}
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("the attempts had the ids %q", ids)
			}
		}
		if req.GetRequestId() != "" {
			t.Error("the caller's message was changed")
		}
	})
}

// TestOwnRequestIDIsKept: the caller's id is nobody else's to change.
func TestOwnRequestIDIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := failing(1, refused(codes.Unavailable))
		const id = "01a21060-3013-7a0c-9547-2b32f2355159"
		_, err := connect(t, s).Send(t.Context(), &pb.SendRequest{RequestId: id})
		if ids := s.requestIDs(); err != nil || len(ids) != 2 || ids[0] != id || ids[1] != id {
			t.Errorf("the attempts had the ids %q: %v", ids, err)
		}
	})
}

// TestRefusalsAreNotRepeated: only what says UNAVAILABLE, and not by its trailer that
// trying again is of no use.
func TestRefusalsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*server{
		"internal":       failing(forever, refused(codes.Internal)),
		"unknown":        failing(forever, refused(codes.Unknown)),
		"deadline":       failing(forever, refused(codes.DeadlineExceeded)),
		"throttled":      failing(forever, refused(codes.ResourceExhausted, after(time.Second)), "1000"),
		"refused":        failing(forever, refused(codes.FailedPrecondition)),
		"pushed away":    failing(forever, refused(codes.Unavailable, after(time.Second)), "-1"),
		"pushed nowhere": failing(forever, refused(codes.Unavailable), "soon"),
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := connect(t, s).Send(t.Context(), &pb.SendRequest{})
			if n := len(s.requestIDs()); err == nil || n != 1 {
				t.Errorf("%s: %d attempts, error %v", name, n, err)
			}
		})
	}
}

// TestDelaysAreObeyed: never earlier than the service says, nor much later. The clock
// is the bubble's.
func TestDelaysAreObeyed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server *server
		asked  time.Duration
	}{
		"RetryInfo":         {failing(1, refused(codes.Unavailable, after(7*time.Second))), 7 * time.Second},
		"trailer":           {failing(1, refused(codes.Unavailable), "9000"), 9 * time.Second},
		"the longer of two": {failing(1, refused(codes.Unavailable, after(time.Second)), "4000"), 4 * time.Second},
		"of two the longer": {failing(1, refused(codes.Unavailable, after(5*time.Second)), "1000"), 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, start := connect(t, tt.server), time.Now()
			if _, err := c.Send(t.Context(), &pb.SendRequest{}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took < tt.asked || took > tt.asked*5/4 {
				t.Errorf("%s: went on after %v, want %v", name, took, tt.asked)
			}
		})
	}
}

// TestPatience: a call without a deadline is given 45 seconds, and one with a deadline
// just that. Both end with the service's last word and not with their clock's.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, deadline := range []time.Duration{0, 3 * time.Second, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c, start := connect(t, failing(forever, refused(codes.Unavailable))), time.Now()
			ctx, most := t.Context(), client.Patience
			if deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, deadline)
				defer cancel()
				most = deadline
			}
			_, err := c.Send(ctx, &pb.SendRequest{})
			took := time.Since(start)
			if status.Code(err) != codes.Unavailable || took > most || took < most-3*time.Second {
				t.Errorf("deadline %v: gave up after %v with %v", deadline, took, err)
			}
		})
	}
}

// TestCancelEndsPatience: the caller need not wait for the next attempt.
func TestCancelEndsPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, start := connect(t, failing(forever, refused(codes.Unavailable, after(time.Minute/2)))), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		if _, err := c.Send(ctx, &pb.SendRequest{}); err == nil || time.Since(start) != 2*time.Second {
			t.Errorf("ended after %v with %v", time.Since(start), err)
		}
	})
}
