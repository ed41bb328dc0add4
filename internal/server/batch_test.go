package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestBatchSend: a result per user in their order, and one's refusal is no
// other's. A repeated call does nothing again, and tries those again that were
// refused. Its events carry its id.
func TestBatchSend(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var ids []string
	for range 50 {
		ids = append(ids, s.person(pb.UserType_USER_TYPE_TENANT))
	}
	s.send(ids[7], app)
	ids[20] = "nobody"
	req := &pb.BatchSendRequest{OrganizationId: org, UserIds: ids, Target: app, Action: pb.Action_ACTION_SEND, RequestId: uuid.NewString()}
	refused := map[int]pb.ErrorReason{7: pb.ErrorReason_INVITATION_PENDING, 20: pb.ErrorReason_USER_NOT_FOUND}
	for range 2 {
		resp, err := s.BatchSend(t.Context(), req)
		must(t, err)
		for i, r := range resp.GetResults() {
			if r.GetUserId() != ids[i] || r.GetReason() != refused[i] || (r.GetInvitation() == nil) != (refused[i] != 0) {
				t.Errorf("result %d is %v, want reason %v", i, r, refused[i])
			}
		}
		s.revoke(ids[7])
		delete(refused, 7) // now it can be sent
	}
	if n := s.count(`SELECT count(*) FROM deliveries`); n != 50 {
		t.Errorf("%d mails, want 49 and the first one of user 7", n)
	}
	if n := s.count(`SELECT count(*) FROM events WHERE request_id = $1 AND type = 'INVITATION_ISSUED'`, req.GetRequestId()); n != 49 {
		t.Errorf("%d invitations were issued by this request, want 49", n)
	}
	req.UserIds = slices.Clone(ids[1:])
	_, err := s.BatchSend(t.Context(), req)
	want(t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
	_, err = s.Renew(t.Context(), &pb.RenewRequest{OrganizationId: org, UserId: ids[0], Target: app, RequestId: req.GetRequestId()})
	want(t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
}

// TestBatchOfThousand: as many as a call may hold, renewed too.
func TestBatchOfThousand(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.people(1000)
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = fmt.Sprintf("u%d", i+1)
	}
	for _, action := range []pb.Action{pb.Action_ACTION_SEND, pb.Action_ACTION_RENEW} {
		resp, err := s.BatchSend(t.Context(), &pb.BatchSendRequest{OrganizationId: org, UserIds: ids, Target: app, Action: action})
		must(t, err)
		for _, r := range resp.GetResults() {
			if r.GetReason() != 0 {
				t.Fatalf("%v: %v", action, r)
			}
		}
	}
	if n := s.count(`SELECT count(*) FROM deliveries WHERE state = 'QUEUED'`); n != 1000 {
		t.Errorf("%d mails wait, want one for each", n)
	}
}
