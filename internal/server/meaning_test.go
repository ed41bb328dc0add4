package server_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestSameMeaning: requests that mean the same are one request, and others of the
// same id are refused.
func TestSameMeaning(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for name, c := range map[string]struct {
		method      string
		first       func(id string) proto.Message
		same, other func(m proto.Message)
	}{
		"defaults of a drawing": {
			"GenerateQR",
			func(id string) proto.Message {
				return &pb.GenerateQRRequest{OrganizationId: org, UserId: id, Target: app}
			},
			func(m proto.Message) {
				r := m.(*pb.GenerateQRRequest)
				r.Format, r.SizePx, r.Mark, r.Color = pb.ImageFormat_IMAGE_FORMAT_PNG, 400, pb.Mark_MARK_KIWI, "#1A5632"
			},
			func(m proto.Message) { m.(*pb.GenerateQRRequest).SizePx = 401 },
		},
		"actor and spelling of the id": {
			"Send",
			func(id string) proto.Message {
				return &pb.SendRequest{OrganizationId: org, UserId: id, Target: app, Actor: "anna"}
			},
			func(m proto.Message) {
				set(m, "actor", "otto")
				set(m, "request_id", strings.ToUpper(text(m, "request_id")))
			},
			func(m proto.Message) { m.(*pb.SendRequest).DespiteBounce = true },
		},
		"target of a mail that is not sent": {
			"UpdateEmail",
			func(id string) proto.Message {
				return &pb.UpdateEmailRequest{OrganizationId: org, UserId: id, Email: "x-" + id + "@müller.example", FollowUp: pb.FollowUp_FOLLOW_UP_LATER}
			},
			func(m proto.Message) {
				r := m.(*pb.UpdateEmailRequest)
				r.Target, r.Email = app, strings.Replace(r.GetEmail(), "müller", "xn--mller-kva", 1)
			},
			func(m proto.Message) { m.(*pb.UpdateEmailRequest).FollowUp = pb.FollowUp_FOLLOW_UP_SEND_NOW },
		},
		"target of an invitation that is not sent": {
			"CreateUser",
			func(id string) proto.Message {
				return &pb.CreateUserRequest{OrganizationId: org, UserId: id + "-new", Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Erna", Invite: pb.Invite_INVITE_LATER}
			},
			func(m proto.Message) { m.(*pb.CreateUserRequest).Target = app },
			func(m proto.Message) { m.(*pb.CreateUserRequest).DisplayName = "Otto" },
		},
		"fields that the mask leaves out": {
			"UpdateUser",
			func(id string) proto.Message {
				return &pb.UpdateUserRequest{OrganizationId: org, UserId: id, UpdateMask: mask("display_name", "locale"), DisplayName: "Erna"}
			},
			func(m proto.Message) {
				r := m.(*pb.UpdateUserRequest)
				r.UpdateMask, r.Type = mask("locale", "display_name", "locale"), pb.UserType_USER_TYPE_OWNER
			},
			func(m proto.Message) { m.(*pb.UpdateUserRequest).UpdateMask = mask("display_name") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.with(t)
			req := c.first(s.person(pb.UserType_USER_TYPE_TENANT))
			set(req, "request_id", uuid.NewString())
			call := mutations[c.method].call
			_, err := call(s, req)
			must(t, err)
			c.same(req)
			_, err = call(s, req)
			must(t, err)
			c.other(req)
			_, err = call(s, req)
			want(t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
		})
	}
}
