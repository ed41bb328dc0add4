package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/server"
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
		{"RedemptionService/Preview", 128<<10 - 4, "token: must be at most 2048 bytes"},
		{"RedemptionService/Preview", 128<<10 - 3, "request: must be at most 128 KiB"},
		{"RedemptionService/Preview", 64 << 20, "request: must be at most 128 KiB"},
		{"InvitationService/BatchSend", 2<<20 - 4, "organization_id: must be "},
		{"InvitationService/BatchSend", 2<<20 - 3, "request: must be at most 2048 KiB"},
	} {
		// Both have a text in their first field, in front of which are four bytes.
		req := &pb.PreviewRequest{Token: strings.Repeat("A", c.bytes)}
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

// TestEmptyRequest: a message without a byte is one.
func TestEmptyRequest(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.Preview(t.Context(), &pb.PreviewRequest{})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
	if text := status.Convert(err).Message(); !strings.HasPrefix(text, "token: ") {
		t.Errorf("got %q", text)
	}
}

// TestPushback: who is told to come back later is told in the way that gRPC's own
// retries understand, too.
func TestPushback(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.serve(func(c *server.Config) { c.Store = away{c.Store} })
	var trailer metadata.MD
	err := s.conn.Invoke(t.Context(), pb.UserService_GetUser_FullMethodName,
		&pb.GetUserRequest{OrganizationId: "o", UserId: "u"}, &pb.GetUserResponse{}, grpc.Trailer(&trailer))
	want(t, err, codes.Unavailable, pb.ErrorReason_SERVICE_UNAVAILABLE)
	if got := trailer.Get("grpc-retry-pushback-ms"); len(got) != 1 || got[0] != "3000" || retryDelay(err) == nil {
		t.Errorf("got trailer %v and details %v", trailer, status.Convert(err).Details())
	}
}

// away is a store whose database is.
type away struct{ invitation.Store }

// Read implements invitation.Store.
func (away) Read(context.Context, invitation.Key) (invitation.Result, error) {
	return invitation.Result{}, &invitation.RetryError{Err: invitation.ErrUnavailable, After: 3 * time.Second}
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
