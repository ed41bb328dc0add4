package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// flaky is a service that is unavailable at first.
type flaky struct {
	pb.UnimplementedInvitationServiceServer
	failures   int
	requestIDs []string
}

// Send implements pb.InvitationServiceServer.
func (f *flaky) Send(_ context.Context, req *pb.SendRequest) (*pb.SendResponse, error) {
	f.requestIDs = append(f.requestIDs, req.GetRequestId())
	if len(f.requestIDs) <= f.failures {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &pb.SendResponse{}, nil
}

func dial(t *testing.T, service pb.InvitationServiceServer) *client.Client {
	t.Helper()
	server := grpc.NewServer()
	pb.RegisterInvitationServiceServer(server, service)
	listener := bufconn.Listen(1 << 16)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	c, err := client.New("passthrough:///bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestRetriesCarryOneRequestID: a call that has no request_id gets one, which all
// of its attempts share; the caller's message stays as it is.
func TestRetriesCarryOneRequestID(t *testing.T) {
	t.Parallel()
	service := &flaky{failures: 2}
	req := &pb.SendRequest{OrganizationId: "o", UserId: "u"}
	if _, err := dial(t, service).Send(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	ids := service.requestIDs
	if len(ids) != 3 || ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("the attempts had the ids %q", ids)
	}
	if req.GetRequestId() != "" {
		t.Error("the caller's message was changed")
	}
}

// TestOwnRequestIDIsKept: the caller's id is nobody else's to change.
func TestOwnRequestIDIsKept(t *testing.T) {
	t.Parallel()
	service := &flaky{}
	const id = "01a21060-3013-7a0c-9547-2b32f2355159"
	if _, err := dial(t, service).Send(t.Context(), &pb.SendRequest{RequestId: id}); err != nil || service.requestIDs[0] != id {
		t.Errorf("the call had the id %q: %v", service.requestIDs, err)
	}
}

// TestReason reads the service's reasons, wrapped or not, and nobody else's.
func TestReason(t *testing.T) {
	t.Parallel()
	refusal := func(domain, reason string) error {
		s, err := status.New(codes.FailedPrecondition, "no").WithDetails(&errdetails.ErrorInfo{Domain: domain, Reason: reason})
		if err != nil {
			t.Fatal(err)
		}
		return s.Err()
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
