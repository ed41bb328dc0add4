package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestGuessing: junk is throttled, and a genuine token of the same caller never.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	token := s.shared(id, app)
	junk := "9" + token[1:]
	for range invalidTokens {
		want(t, s.preview(junk), codes.NotFound, pb.ErrorReason_INVITATION_NOT_FOUND)
	}
	err := s.preview(junk)
	want(t, err, codes.ResourceExhausted, pb.ErrorReason_TOKEN_THROTTLED)
	if wait := retryIn(err); wait <= 0 || wait > time.Hour {
		t.Errorf("to be tried again in %v", wait)
	}
	must(t, s.preview(token))
	_, err = s.Redeem(t.Context(), &pb.RedeemRequest{Token: token})
	must(t, err)
	s.wantDead(token, pb.ErrorReason_INVITATION_REDEEMED)
}
