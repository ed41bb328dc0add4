package server_test

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var unlimited = postgres.Limit{}

func retryIn(err error) time.Duration {
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// TestRecipientThrottle: so many mails to one address, whatever the reason, and
// in whatever spelling or account; then an answer that says when to go on.
func TestRecipientThrottle(t *testing.T) {
	t.Parallel()
	s := newStackOn(t, pgtest.Database(t), io.Discard, postgres.Limit{N: 3, Per: time.Hour})
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	s.renew(id)
	s.renew(id)
	_, err := s.Renew(t.Context(), &pb.RenewRequest{OrganizationId: org, UserId: id, Target: app})
	want(t, err, codes.ResourceExhausted, pb.ErrorReason_MAIL_THROTTLED)
	if wait := retryIn(err); wait <= 0 || wait > 20*time.Minute {
		t.Errorf("to be tried again in %v", wait)
	}
	must(t, s.preview(s.mailedToken(id, app))) // the refused call renewed nothing

	_, err = s.DeactivateUser(t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: id})
	must(t, err)
	before := s.rows()
	_, err = s.CreateUser(t.Context(), newcomer("again", func(r *pb.CreateUserRequest) { r.Email = id + "@EXAMPLE.com" }))
	want(t, err, codes.ResourceExhausted, pb.ErrorReason_MAIL_THROTTLED)
	if after := s.rows(); after != before {
		t.Errorf("a throttled call left rows %s, before %s", after, before)
	}
	s.send(s.person(pb.UserType_USER_TYPE_TENANT), app) // nobody else is held back
}

// TestThrottleIsExact: two servers, many callers at once; exactly the limit gets
// through.
func TestThrottleIsExact(t *testing.T) {
	t.Parallel()
	const limit, callers = 25, 80
	dsn := pgtest.Database(t)
	servers := []*stack{
		newStackOn(t, dsn, io.Discard, unlimited, postgres.Limit{N: limit, Per: 24 * time.Hour}),
		newStackOn(t, dsn, io.Discard, unlimited, postgres.Limit{N: limit, Per: 24 * time.Hour}),
	}
	ids := make([]string, callers)
	for i := range ids {
		ids[i] = servers[0].person(pb.UserType_USER_TYPE_TENANT)
	}
	var all sync.WaitGroup
	errs := make([]error, callers)
	for i := range ids {
		all.Go(func() {
			_, errs[i] = servers[i%2].Send(t.Context(), &pb.SendRequest{OrganizationId: org, UserId: ids[i], Target: app})
		})
	}
	all.Wait()
	sent := 0
	for _, err := range errs {
		switch client.Reason(err) {
		case 0:
			sent++
			must(t, err)
		case pb.ErrorReason_MAIL_THROTTLED:
		default:
			t.Errorf("got %v", err)
		}
	}
	if mails := servers[0].count(`SELECT count(*) FROM deliveries`); sent != limit || mails != limit {
		t.Errorf("%d calls succeeded and %d mails wait, want %d", sent, mails, limit)
	}
}

// TestRollOut: the default limits let an organization invite 5,000 tenants at
// once.
func TestRollOut(t *testing.T) {
	t.Parallel()
	s := newStackOn(t, pgtest.Database(t), io.Discard, postgres.Limit{N: 10, Per: time.Hour}, postgres.Limit{N: 20000, Per: 24 * time.Hour})
	s.people(5000)
	for batch := range 5 {
		req := &pb.BatchSendRequest{OrganizationId: org, Target: app, Action: pb.Action_ACTION_SEND}
		for n := range 1000 {
			req.UserIds = append(req.UserIds, fmt.Sprintf("u%d", batch*1000+n+1))
		}
		resp, err := s.BatchSend(t.Context(), req)
		must(t, err)
		for _, r := range resp.GetResults() {
			if r.GetReason() != 0 {
				t.Fatalf("refused: %v", r)
			}
		}
	}
}

// TestReserve: places of many takers on two servers never overlap.
func TestReserve(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	servers := []*stack{newStackOn(t, dsn, io.Discard), newStackOn(t, dsn, io.Discard)}
	rate := postgres.Limit{N: 1, Per: time.Hour}
	var mu sync.Mutex
	var all sync.WaitGroup
	taken := map[time.Duration]int{}
	for i := range 40 {
		all.Go(func() {
			wait, err := servers[i%2].store.Reserve(t.Context(), "test", rate, 2)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			taken[wait.Round(time.Hour)]++
		})
	}
	all.Wait()
	for i := range 40 {
		if taken[time.Duration(2*i)*time.Hour] != 1 {
			t.Fatalf("places begin at %v, want one every two hours", taken)
		}
	}
}
