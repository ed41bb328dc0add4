package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestBatchSend: a result per user in their order; one's refusal is no other's,
// and a repeated call refuses again whom it refused before.
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
	for range 2 {
		resp, err := s.BatchSend(t.Context(), req)
		must(t, err)
		for i, r := range resp.GetResults() {
			expected := map[int]pb.ErrorReason{7: pb.ErrorReason_INVITATION_PENDING, 20: pb.ErrorReason_USER_NOT_FOUND}[i]
			if r.GetUserId() != ids[i] || r.GetReason() != expected || (r.GetInvitation() == nil) != (expected != 0) {
				t.Errorf("result %d is %v, want reason %v", i, r, expected)
			}
		}
		s.revoke(ids[7]) // now it could be sent, but the call was carried out
	}
	if n := s.count(`SELECT count(*) FROM deliveries`); n != 49 {
		t.Errorf("%d mails, want 48 and that of user 7", n)
	}
	req.UserIds = slices.Clone(ids[1:])
	_, err := s.BatchSend(t.Context(), req)
	want(t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
}

// TestBatchOfThousand: as many as a call may hold, renewed too.
func TestBatchOfThousand(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.exec(`INSERT INTO users (id, organization_id, type, display_name, locale, email, email_key, created_at)
		SELECT 'u' || n, $1, 'TENANT', 'Erika', 'de', n || '@example.com', n || '@example.com', now() FROM generate_series(1, 1000) n`, org)
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
