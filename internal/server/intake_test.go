package server_test

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestRequestsTooLarge: nothing of a request is read that is longer than its
// method needs, and the caller hears why.
func TestRequestsTooLarge(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, c := range []struct {
		method string
		bytes  int
		says   string
	}{
		{"RedemptionService/Preview", 128<<10 - 8, "token: must be at most 2048 bytes"},
		{"RedemptionService/Preview", 128 << 10, "request: must be at most 128 KiB"},
		{"RedemptionService/Preview", 64 << 20, "request: must be at most 128 KiB"},
		{"InvitationService/BatchSend", 2<<20 - 8, "organization_id: must be "},
		{"InvitationService/BatchSend", 2 << 20, "request: must be at most 2048 KiB"},
	} {
		req := &pb.PreviewRequest{Token: strings.Repeat("A", c.bytes)} // both have a text in their first field
		err := s.conn.Invoke(t.Context(), "/kiwi.invitation.v1."+c.method, req, &emptypb.Empty{})
		want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
		if text := status.Convert(err).Message(); !strings.HasPrefix(text, c.says) {
			t.Errorf("%s with %d bytes: got %q, want %q", c.method, c.bytes, text, c.says)
		}
	}
}

// TestTooManyItems: they are refused by their number, however they look.
func TestTooManyItems(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.BatchSend(t.Context(), &pb.BatchSendRequest{UserIds: make([]string, 30_000)})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
	if _, paths := violations(err); len(paths) != 1 || paths[0] != "user_ids" {
		t.Errorf("paths are %v", paths)
	}
	_, err = s.BatchSend(t.Context(), &pb.BatchSendRequest{OrganizationId: "o", UserIds: make([]string, 900), Target: app, Action: pb.Action_ACTION_SEND})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
	if _, paths := violations(err); len(paths) != 20 {
		t.Errorf("got %d violations, want 20 at the most", len(paths))
	}
}

// TestUnreadableRequests: what is no message of the method's type is refused like
// any other bad request.
func TestUnreadableRequests(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	garbage := &emptypb.Empty{}
	garbage.ProtoReflect().SetUnknown([]byte{1<<3 | 2, 1, 0xff}) // a text that is no UTF-8
	err := s.conn.Invoke(t.Context(), pb.RedemptionService_Preview_FullMethodName, garbage, &emptypb.Empty{})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
}

// retryDelay is what an error's RetryInfo says; nil if it has none.
func retryDelay(err error) proto.Message {
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay()
		}
	}
	return nil
}
