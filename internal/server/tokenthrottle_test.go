package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestGuessing: who asks about too many invalid tokens has to wait, and is
// told how long.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	token := s.shared(id, app)
	for range invalidTokens {
		want(t, s.preview("X"+token[1:]), codes.NotFound, pb.ErrorReason_INVITATION_NOT_FOUND)
	}
	err := s.preview(token)
	want(t, err, codes.ResourceExhausted, pb.ErrorReason_TOKEN_THROTTLED)
	if wait := retryIn(err); wait <= 0 || wait > time.Hour {
		t.Errorf("to be tried again in %v", wait)
	}
	_, err = s.Redeem(t.Context(), &pb.RedeemRequest{Token: token})
	want(t, err, codes.ResourceExhausted, pb.ErrorReason_TOKEN_THROTTLED)
}
