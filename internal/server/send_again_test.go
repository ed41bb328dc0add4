package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/postgres"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// again follows SendAgain to its end, and returns what became of each user.
func (s *stack) again(req *pb.SendAgainRequest) map[string]pb.ErrorReason {
	s.t.Helper()
	became := map[string]pb.ErrorReason{}
	for {
		resp, err := s.ops.SendAgain(s.t.Context(), req)
		must(s.t, err)
		for _, r := range resp.GetResults() {
			if _, twice := became[r.GetUserId()]; twice {
				s.t.Errorf("%s has two results", r.GetUserId())
			}
			became[r.GetUserId()] = r.GetReason()
		}
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			return became
		}
	}
}

// TestLostMailsGoOut: lost mails go out once more with the same link, whatever the
// limits say, and a QR code stays good; a dry run tells the same and does nothing.
func TestLostMailsGoOut(t *testing.T) {
	t.Parallel()
	s := newStackOn(t, pgtest.Database(t), t.Output(), postgres.Limit{N: 1, Per: time.Hour}, postgres.Limit{N: 20, Per: time.Hour})
	people := map[string]string{}
	lost := func(name, state, reason string) string {
		id := s.person(pb.UserType_USER_TYPE_TENANT)
		s.send(id, app)
		s.lose(id, state, reason)
		people[id] = name
		return id
	}
	failed := lost("failed", "FAILED", "HTTP 400: Bad Request")
	qr := s.shared(failed, app)
	s.exec(`UPDATE deliveries SET drop_cause = 'OVER_QUOTA' WHERE user_id = $1`, lost("over quota", "DROPPED", "Recipient List over Package Quota"))
	lost("spam", "DROPPED", "Spam Content")
	lost("delivered", "DELIVERED", "")
	s.revoke(lost("revoked", "FAILED", ""))
	expired := lost("expired", "FAILED", "the invitation expired")
	s.age(expired, validity)
	marked := lost("marked", "FAILED", "")
	s.exec(`UPDATE users SET undeliverable = 'BOUNCED' WHERE id = $1`, marked)
	other := lost("address changed", "FAILED", "")
	s.shared(other, app)
	must(t, s.updateEmail(other, app, pb.FollowUp_FOLLOW_UP_LATER))
	mailed := s.mailedToken(failed, app)

	req := &pb.SendAgainRequest{PageSize: 2, DryRun: true, Actor: "anna"}
	expected := map[string]pb.ErrorReason{
		"failed": 0, "over quota": 0, "expired": pb.ErrorReason_INVITATION_EXPIRED,
		"marked": pb.ErrorReason_EMAIL_UNDELIVERABLE, "address changed": pb.ErrorReason_EMAIL_CHANGED,
	}
	before := s.rows()
	s.wantBecame(people, s.again(req), expected)
	if after := s.rows(); after != before {
		t.Errorf("the dry run changed %s to %s", before, after)
	}
	req.DryRun = false
	s.wantBecame(people, s.again(req), expected)
	if s.mailedToken(failed, app) != mailed || s.shared(failed, app) != qr {
		t.Error("a link died")
	}
	if n := s.jobs(failed); n != 1 {
		t.Errorf("%d mails wait", n)
	}
	if n := s.count(`SELECT count(*) FROM events WHERE user_id = $1 AND type = 'INVITATION_MAILED' AND actor = 'anna' AND cause = 'OperationsService/SendAgain'`, failed); n != 1 {
		t.Errorf("%d events tell who did it", n)
	}
	delete(expected, "failed")
	delete(expected, "over quota")
	s.wantBecame(people, s.again(req), expected)
	s.wantBecame(people, s.again(&pb.SendAgainRequest{State: pb.DeliveryState_DELIVERY_STATE_DROPPED, DryRun: true}), map[string]pb.ErrorReason{"spam": 0})
	s.wantBecame(people, s.again(&pb.SendAgainRequest{Reason: "spam CONTENT"}), map[string]pb.ErrorReason{"spam": 0})
}

func (s *stack) wantBecame(people map[string]string, became, expected map[string]pb.ErrorReason) {
	s.t.Helper()
	for id, name := range people {
		got, found := became[id]
		want, wanted := expected[name]
		if found != wanted || got != want {
			s.t.Errorf("%s: found %v, refused with %v, want %v with %v", name, found, got, wanted, want)
		}
	}
}

// TestSendAgainFilters: by organization, user and the time when a mail was queued.
func TestSendAgainFilters(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var ids []string
	for range 3 {
		ids = append(ids, s.person(pb.UserType_USER_TYPE_TENANT))
		s.send(ids[len(ids)-1], app)
		s.lose(ids[len(ids)-1], "FAILED", "")
	}
	var between time.Time
	mail := uuid.MustParse(s.invitation(ids[1], app).GetDelivery().GetId())
	between = time.Unix(mail.Time().UnixTime()).Truncate(time.Millisecond)
	for name, c := range map[string]struct {
		req  *pb.SendAgainRequest
		want []string
	}{
		"all":             {&pb.SendAgainRequest{}, slices.Clone(ids)},
		"organization":    {&pb.SendAgainRequest{OrganizationId: org}, slices.Clone(ids)},
		"another":         {&pb.SendAgainRequest{OrganizationId: "org-2"}, nil},
		"user":            {&pb.SendAgainRequest{UserIds: ids[:2]}, slices.Clone(ids[:2])},
		"user of another": {&pb.SendAgainRequest{OrganizationId: "org-2", UserIds: ids[:2]}, nil},
		"since":           {&pb.SendAgainRequest{Since: timestamppb.New(between)}, slices.Clone(ids[1:])},
		"until":           {&pb.SendAgainRequest{Until: timestamppb.New(between)}, ids[:1]},
		"long ago":        {&pb.SendAgainRequest{Until: &timestamppb.Timestamp{Seconds: -1 << 40}}, nil},
		"far ahead":       {&pb.SendAgainRequest{Since: &timestamppb.Timestamp{Seconds: 1 << 50}}, nil},
		"dropped":         {&pb.SendAgainRequest{State: pb.DeliveryState_DELIVERY_STATE_DROPPED}, nil},
	} {
		c.req.DryRun = true
		var got []string
		for id := range s.again(c.req) {
			got = append(got, id)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestSendAgainGoesOn: a page that is repeated is the same one, also when what it
// found looks different by now, and takes no other mails.
func TestSendAgainGoesOn(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for range 4 {
		id := s.person(pb.UserType_USER_TYPE_TENANT)
		s.send(id, app)
		s.lose(id, "FAILED", "")
	}
	req := &pb.SendAgainRequest{PageSize: 2, RequestId: uuid.NewString()}
	first, err := s.ops.SendAgain(t.Context(), req)
	must(t, err)
	again, err := s.ops.SendAgain(t.Context(), req)
	must(t, err)
	if first.String() != again.String() || s.count(`SELECT count(*) FROM deliveries`) != 6 {
		t.Errorf("repeated, it answers %v, want %v; there are %d mails", again, first, s.count(`SELECT count(*) FROM deliveries`))
	}
	next := &pb.SendAgainRequest{PageSize: 2, RequestId: req.GetRequestId(), PageToken: first.GetNextPageToken()}
	_, err = s.ops.SendAgain(t.Context(), next)
	want(t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
	next.RequestId = uuid.NewString()
	if became := s.again(next); len(became) != 2 || s.count(`SELECT count(*) FROM deliveries`) != 8 {
		t.Errorf("the next page is %v", became)
	}
}

// TestSendAgainStopsNobody: while 5,000 mails of one organization are put back,
// another one's calls have their turn in every few groups.
func TestSendAgainStopsNobody(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	const mails = 5000
	s.people(mails)
	for first := 1; first <= mails; first += 1000 {
		req := &pb.BatchSendRequest{OrganizationId: org, Target: app, Action: pb.Action_ACTION_SEND}
		for i := first; i < first+1000; i++ {
			req.UserIds = append(req.UserIds, fmt.Sprintf("u%d", i))
		}
		_, err := s.BatchSend(t.Context(), req)
		must(t, err)
	}
	s.exec(`UPDATE deliveries SET state = 'FAILED'`)
	done, others := make(chan struct{}), 0
	go func() {
		defer close(done)
		if became := s.again(&pb.SendAgainRequest{}); len(became) != mails {
			t.Errorf("%d mails were put back", len(became))
		}
	}()
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
			others++
			_, err := s.CreateUser(t.Context(), &pb.CreateUserRequest{
				OrganizationId: "another", UserId: fmt.Sprintf("other-%d", others), Type: pb.UserType_USER_TYPE_TENANT,
				DisplayName: "Erika", Invite: pb.Invite_INVITE_LATER,
			})
			must(t, err)
		}
	}
	groups := s.count(`SELECT count(DISTINCT occurred_at) FROM events WHERE cause = 'OperationsService/SendAgain'`)
	t.Logf("%d groups, and %d turns of another organization", groups, others)
	if others < groups/8 || groups > mails/10 {
		t.Errorf("another organization had %d turns while there were %d groups", others, groups)
	}
	if n := s.count(`SELECT count(*) FROM deliveries WHERE state = 'QUEUED'`); n != mails {
		t.Errorf("%d mails wait", n)
	}
}

// TestBatchSendPutsLostMailsBack: as Send does.
func TestBatchSendPutsLostMailsBack(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var ids []string
	for _, state := range []string{"FAILED", "DROPPED", "DELIVERED"} {
		id := s.person(pb.UserType_USER_TYPE_TENANT)
		s.send(id, app)
		s.lose(id, state, "")
		ids = append(ids, id)
	}
	link := s.mailedToken(ids[0], app)
	resp, err := s.BatchSend(t.Context(), &pb.BatchSendRequest{OrganizationId: org, UserIds: ids, Target: app, Action: pb.Action_ACTION_SEND})
	must(t, err)
	var reasons []string
	for _, r := range resp.GetResults() {
		reasons = append(reasons, strings.TrimPrefix(r.GetReason().String(), "ERROR_REASON_"))
	}
	if !slices.Equal(reasons, []string{"UNSPECIFIED", "UNSPECIFIED", "INVITATION_PENDING"}) {
		t.Errorf("results are %v", reasons)
	}
	if s.mailedToken(ids[0], app) != link || s.jobs(ids[0]) != 1 {
		t.Error("it is another link, or there is no mail")
	}
}
