package client_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

func because(reason pb.ErrorReason) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Domain: pb.ErrorDomain, Reason: reason.String()}
}

// TestReason reads the service's reasons, wrapped or not, and nobody else's.
func TestReason(t *testing.T) {
	t.Parallel()
	refusal := func(domain, reason string) error {
		return refused(codes.FailedPrecondition, &errdetails.ErrorInfo{Domain: domain, Reason: reason})
	}
	for _, c := range []struct {
		err    error
		reason pb.ErrorReason
	}{
		{refusal("invitation.kiwi.ki", "EMAIL_REQUIRED"), pb.ErrorReason_EMAIL_REQUIRED},
		{fmt.Errorf("send: %w", refusal("invitation.kiwi.ki", "EMAIL_REQUIRED")), pb.ErrorReason_EMAIL_REQUIRED},
		{refusal("other.example", "EMAIL_REQUIRED"), pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
		{refusal("invitation.kiwi.ki", "OF_THE_FUTURE"), pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
		{status.Error(codes.Internal, "no"), pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
		{errors.New("no"), pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
		{nil, pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
	} {
		if got := client.Reason(c.err); got != c.reason {
			t.Errorf("Reason(%v) is %v, want %v", c.err, got, c.reason)
		}
	}
}

// TestDetails reads the other details of errors, and finds none where there are none.
func TestDetails(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("create: %w", refused(codes.InvalidArgument, after(90*time.Second), &errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "user_id", Description: "is required"}},
	}))
	if delay, ok := client.RetryDelay(err); !ok || delay != 90*time.Second {
		t.Errorf("RetryDelay is %v, %v", delay, ok)
	}
	if bad := client.FieldViolations(err); len(bad) != 1 || bad[0].GetField() != "user_id" || bad[0].GetDescription() != "is required" {
		t.Errorf("FieldViolations are %v", bad)
	}
	for _, err := range []error{nil, errors.New("no"), status.Error(codes.Internal, "no")} {
		if delay, ok := client.RetryDelay(err); ok || delay != 0 {
			t.Errorf("RetryDelay(%v) is %v", err, delay)
		}
		if bad := client.FieldViolations(err); bad != nil {
			t.Errorf("FieldViolations(%v) are %v", err, bad)
		}
	}
}
