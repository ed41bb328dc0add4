package server_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// mutation is a call that changes something, on a user who is ready for it.
type mutation struct {
	prepare func(s *stack, id string)
	request func(s *stack, id string) proto.Message
	call    func(s *stack, req proto.Message) (proto.Message, error)
}

var mutations = map[string]mutation{
	"Send": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.SendRequest{OrganizationId: org, UserId: id, Target: app}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.Send(s.t.Context(), req.(*pb.SendRequest))
		},
	},
	"Renew": {
		prepare: func(s *stack, id string) { s.send(id, app) },
		request: func(_ *stack, id string) proto.Message {
			return &pb.RenewRequest{OrganizationId: org, UserId: id, Target: app}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.Renew(s.t.Context(), req.(*pb.RenewRequest))
		},
	},
	"Revoke": {
		prepare: func(s *stack, id string) { s.send(id, app) },
		request: func(_ *stack, id string) proto.Message {
			return &pb.RevokeRequest{OrganizationId: org, UserId: id, Target: app}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.Revoke(s.t.Context(), req.(*pb.RevokeRequest))
		},
	},
	"GenerateQR": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.GenerateQRRequest{OrganizationId: org, UserId: id, Target: app, Format: pb.ImageFormat_IMAGE_FORMAT_SVG}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			resp, err := s.GenerateQR(s.t.Context(), req.(*pb.GenerateQRRequest))
			if resp != nil {
				resp.Image = nil // one link may be drawn in two ways
			}
			return resp, err
		},
	},
	"GenerateInfoSheets": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.GenerateInfoSheetsRequest{OrganizationId: org, Target: app, Sheets: []*pb.InfoSheet{{UserId: id}}}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			results, _, err := s.sheets(req.(*pb.GenerateInfoSheetsRequest))
			if err != nil {
				return nil, err
			}
			return results[0], nil
		},
	},
	"UpdateEmail": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.UpdateEmailRequest{OrganizationId: org, UserId: id, Target: app, Email: "new-" + id + "@example.com", FollowUp: pb.FollowUp_FOLLOW_UP_SEND_NOW}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.UpdateEmail(s.t.Context(), req.(*pb.UpdateEmailRequest))
		},
	},
	"BatchSend": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.BatchSendRequest{OrganizationId: org, UserIds: []string{id, "nobody"}, Target: app, Action: pb.Action_ACTION_SEND}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.BatchSend(s.t.Context(), req.(*pb.BatchSendRequest))
		},
	},
	"CreateUser": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.CreateUserRequest{
				OrganizationId: org, UserId: "new-" + id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Max",
				Email: "max-" + id + "@example.com", Invite: pb.Invite_INVITE_NOW, Target: app,
			}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.CreateUser(s.t.Context(), req.(*pb.CreateUserRequest))
		},
	},
	"DeactivateUser": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.DeactivateUserRequest{OrganizationId: org, UserId: id}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.DeactivateUser(s.t.Context(), req.(*pb.DeactivateUserRequest))
		},
	},
	"EraseUser": {
		request: func(_ *stack, id string) proto.Message { return &pb.EraseUserRequest{OrganizationId: org, UserId: id} },
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.EraseUser(s.t.Context(), req.(*pb.EraseUserRequest))
		},
	},
	"ResetActivation": {
		prepare: func(s *stack, id string) {
			_, err := s.Redeem(s.t.Context(), &pb.RedeemRequest{Token: s.shared(id, app)})
			must(s.t, err)
		},
		request: func(_ *stack, id string) proto.Message {
			return &pb.ResetActivationRequest{OrganizationId: org, UserId: id, Target: app}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.ResetActivation(s.t.Context(), req.(*pb.ResetActivationRequest))
		},
	},
	"UpdateUser": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.UpdateUserRequest{OrganizationId: org, UserId: id, UpdateMask: mask("display_name", "type"), DisplayName: "Erna", Type: pb.UserType_USER_TYPE_OWNER}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.UpdateUser(s.t.Context(), req.(*pb.UpdateUserRequest))
		},
	},
	"ReactivateUser": {
		prepare: func(s *stack, id string) {
			_, err := s.DeactivateUser(s.t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: id})
			must(s.t, err)
		},
		request: func(_ *stack, id string) proto.Message {
			return &pb.ReactivateUserRequest{OrganizationId: org, UserId: id}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.ReactivateUser(s.t.Context(), req.(*pb.ReactivateUserRequest))
		},
	},
	"BatchCreateUsers": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.BatchCreateUsersRequest{OrganizationId: org, Users: []*pb.CreateUserRequest{
				{UserId: "new-" + id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Max", Email: "max-" + id + "@example.com", Invite: pb.Invite_INVITE_NOW, Target: app},
				{UserId: id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Moritz", Invite: pb.Invite_INVITE_LATER},
			}}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.BatchCreateUsers(s.t.Context(), req.(*pb.BatchCreateUsersRequest))
		},
	},
	"UpdateOrganization": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.UpdateOrganizationRequest{OrganizationId: "of-" + id, UpdateMask: mask("name"), Name: "Wohnen.de GmbH"}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.UpdateOrganization(s.t.Context(), req.(*pb.UpdateOrganizationRequest))
		},
	},
	"SendAgain": {
		prepare: func(s *stack, id string) {
			s.send(id, app)
			s.lose(id, "FAILED", "HTTP 400")
		},
		request: func(_ *stack, id string) proto.Message {
			return &pb.SendAgainRequest{OrganizationId: org, UserIds: []string{id}}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.ops.SendAgain(s.t.Context(), req.(*pb.SendAgainRequest))
		},
	},
	"PauseDelivery": {
		request: func(_ *stack, id string) proto.Message { return &pb.PauseDeliveryRequest{OrganizationId: "of-" + id} },
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.ops.PauseDelivery(s.t.Context(), req.(*pb.PauseDeliveryRequest))
		},
	},
	"ResumeDelivery": {
		prepare: func(s *stack, id string) {
			_, err := s.ops.PauseDelivery(s.t.Context(), &pb.PauseDeliveryRequest{OrganizationId: "of-" + id})
			must(s.t, err)
		},
		request: func(_ *stack, id string) proto.Message { return &pb.ResumeDeliveryRequest{OrganizationId: "of-" + id} },
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.ops.ResumeDelivery(s.t.Context(), req.(*pb.ResumeDeliveryRequest))
		},
	},
	"RevokeAll": {
		prepare: func(s *stack, id string) {
			_, err := s.CreateUser(s.t.Context(), &pb.CreateUserRequest{
				OrganizationId: "of-" + id, UserId: "of-" + id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Max",
				Email: "of-" + id + "@example.com", Invite: pb.Invite_INVITE_NOW, Target: app,
			})
			must(s.t, err)
		},
		request: func(_ *stack, id string) proto.Message { return &pb.RevokeAllRequest{OrganizationId: "of-" + id} },
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.ops.RevokeAll(s.t.Context(), req.(*pb.RevokeAllRequest))
		},
	},
	"Redeem": {
		request: func(s *stack, id string) proto.Message { return &pb.RedeemRequest{Token: s.shared(id, app)} },
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.Redeem(s.t.Context(), req.(*pb.RedeemRequest))
		},
	},
	"ConfirmEmail": {
		request: func(_ *stack, id string) proto.Message {
			return &pb.ConfirmEmailRequest{UserId: id, Email: "mine-" + id + "@example.com"}
		},
		call: func(s *stack, req proto.Message) (proto.Message, error) {
			return s.ConfirmEmail(s.t.Context(), req.(*pb.ConfirmEmailRequest))
		},
	},
}

// TestReplay: a request that comes again, at once and after other calls, does
// nothing and answers OK; with its id on another request it is refused.
func TestReplay(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.with(t)
			id := s.person(pb.UserType_USER_TYPE_TENANT)
			if m.prepare != nil {
				m.prepare(s, id)
			}
			req := m.request(s, id)
			set(req, "request_id", uuid.NewString())
			first, err := m.call(s, req)
			must(t, err)
			events := s.count(`SELECT count(*) FROM events WHERE user_id LIKE '%' || $1`, id)
			mails := s.count(`SELECT count(*) FROM deliveries WHERE user_id LIKE '%' || $1`, id)

			again, err := m.call(s, req)
			must(t, err)
			if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
				t.Errorf("the second answer differs: %s", diff)
			}
			if n := s.count(`SELECT count(*) FROM events WHERE user_id LIKE '%' || $1`, id); n != events {
				t.Errorf("the second call made %d events", n-events)
			}
			if n := s.count(`SELECT count(*) FROM deliveries WHERE user_id LIKE '%' || $1`, id); n != mails {
				t.Errorf("the second call made %d mails", n-mails)
			}

			set(req, "actor", "somebody-else") // who asks is no part of what is asked
			_, err = m.call(s, req)
			must(t, err)
			s.wantTaken(text(req, "request_id"), id)
		})
	}
}

// wantTaken uses a request id for another request, of another method or of the
// same.
func (s *stack) wantTaken(requestID, id string) {
	s.t.Helper()
	_, err := s.DeactivateUser(s.t.Context(), &pb.DeactivateUserRequest{OrganizationId: "another", UserId: id, RequestId: requestID})
	want(s.t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
	_, err = s.BatchSend(s.t.Context(), &pb.BatchSendRequest{OrganizationId: org, UserIds: []string{"nobody"}, Target: app, Action: pb.Action_ACTION_SEND, RequestId: requestID})
	want(s.t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
}

// TestEveryMutationReplays holds the table against the API.
func TestEveryMutationReplays(t *testing.T) {
	t.Parallel()
	for _, method := range methods() {
		_, tested := mutations[string(method.Name())]
		if mutating := method.Input().Fields().ByName("request_id") != nil; mutating != tested {
			t.Errorf("%s: has a request_id: %v, tested: %v", method.Name(), mutating, tested)
		}
	}
}

// TestReplayAfterOtherCalls: hours later the answer is the resource as it is
// then; only Redeem gives its first answer.
func TestReplayAfterOtherCalls(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	share := &pb.GenerateQRRequest{OrganizationId: org, UserId: id, Target: app, RequestId: uuid.NewString()}
	link, err := s.GenerateQR(t.Context(), share)
	must(t, err)
	redeem := &pb.RedeemRequest{Token: tokenOf(link.GetLink()), RequestId: uuid.NewString()}
	first, err := s.Redeem(t.Context(), redeem)
	must(t, err)
	_, err = s.ConfirmEmail(t.Context(), &pb.ConfirmEmailRequest{UserId: id, Email: "mine@example.org"})
	must(t, err)

	again, err := s.Redeem(t.Context(), redeem)
	must(t, err)
	if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
		t.Errorf("Redeem gave another answer: %s", diff)
	}
	now, err := s.GenerateQR(t.Context(), share)
	must(t, err)
	if now.GetInvitation().GetState() != pb.InvitationState_INVITATION_STATE_REDEEMED || now.GetLink() != "" || len(now.GetImage()) > 0 {
		t.Errorf("the repeated GenerateQR shows a link of an invitation in state %v", now.GetInvitation().GetState())
	}
	_, err = s.Redeem(t.Context(), &pb.RedeemRequest{Token: redeem.GetToken(), RequestId: uuid.NewString()})
	want(t, err, codes.FailedPrecondition, pb.ErrorReason_INVITATION_REDEEMED)
}

// TestRefusedRequestMayBeRepeated: a refusal is not remembered, since the caller
// may have seen to its reason.
func TestRefusedRequestMayBeRepeated(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := fmt.Sprintf("user-%d", counter.Add(1))
	_, err := s.CreateUser(t.Context(), &pb.CreateUserRequest{
		OrganizationId: org, UserId: id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Erika", Invite: pb.Invite_INVITE_LATER,
	})
	must(t, err)
	send := &pb.SendRequest{OrganizationId: org, UserId: id, Target: app, RequestId: uuid.NewString()}
	_, err = s.Send(t.Context(), send)
	want(t, err, codes.FailedPrecondition, pb.ErrorReason_EMAIL_REQUIRED)
	must(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_LATER))
	_, err = s.Send(t.Context(), send)
	must(t, err)
}

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func text(m proto.Message, field protoreflect.Name) string {
	message := m.ProtoReflect()
	return message.Get(message.Descriptor().Fields().ByName(field)).String()
}

func set(m proto.Message, field protoreflect.Name, value string) {
	message := m.ProtoReflect()
	message.Set(message.Descriptor().Fields().ByName(field), protoreflect.ValueOfString(value))
}
