package server

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/kiwi-ki/invitations/internal/mailaddr"
	"github.com/kiwi-ki/invitations/internal/qr"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// meaning returns a request as it is compared with another one of the same
// request_id: without that id and the actor, with defaults left out, with
// addresses in one spelling, and without what does not count.
func meaning(req mutating) proto.Message {
	bare := proto.Clone(req)
	leaveOut(bare, "request_id", "actor")
	switch r := bare.(type) {
	case *pb.GenerateQRRequest:
		plainDrawing(r)
	case *pb.UpdateEmailRequest:
		r.Email = oneSpelling(r.GetEmail())
		if r.GetFollowUp() == pb.FollowUp_FOLLOW_UP_LATER {
			r.Target = pb.Target_TARGET_UNSPECIFIED
		}
	case *pb.ConfirmEmailRequest:
		r.Email = oneSpelling(r.GetEmail())
	case *pb.CreateUserRequest:
		plainUser(r)
	case *pb.BatchCreateUsersRequest:
		for _, u := range r.GetUsers() {
			u.OrganizationId = r.GetOrganizationId()
			plainUser(u)
		}
	case *pb.UpdateUserRequest:
		onlyNamed(r, r.GetUpdateMask())
	case *pb.UpdateOrganizationRequest:
		r.ReplyTo = oneSpelling(r.GetReplyTo())
		onlyNamed(r, r.GetUpdateMask())
	}
	return bare
}

// leaveOut clears the fields that a message has of these.
func leaveOut(m proto.Message, fields ...protoreflect.Name) {
	message := m.ProtoReflect()
	for _, name := range fields {
		if field := message.Descriptor().Fields().ByName(name); field != nil {
			message.Clear(field)
		}
	}
}

// plainDrawing leaves out what would be drawn anyway.
func plainDrawing(r *pb.GenerateQRRequest) {
	if r.GetFormat() == pb.ImageFormat_IMAGE_FORMAT_PNG {
		r.Format = pb.ImageFormat_IMAGE_FORMAT_UNSPECIFIED
	}
	if r.GetMark() == pb.Mark_MARK_KIWI {
		r.Mark = pb.Mark_MARK_UNSPECIFIED
	}
	if r.GetSizePx() == qr.DefaultSize {
		r.SizePx = 0
	}
	if r.Color = strings.ToLower(r.GetColor()); r.GetColor() == qr.DefaultColor {
		r.Color = ""
	}
}

func plainUser(r *pb.CreateUserRequest) {
	r.Email = oneSpelling(r.GetEmail())
	if r.GetInvite() == pb.Invite_INVITE_LATER {
		r.Target = pb.Target_TARGET_UNSPECIFIED
	}
}

// oneSpelling leaves what is no address as it is: it is refused elsewhere.
func oneSpelling(text string) string {
	email, err := mailaddr.Parse(text)
	if err != nil {
		return text
	}
	return email.Address()
}

// onlyNamed leaves out the fields that an update would not touch.
func onlyNamed(m proto.Message, mask *fieldmaskpb.FieldMask) {
	mask.Normalize()
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		switch field := fields.Get(i).Name(); field {
		case "organization_id", "user_id", "update_mask":
		default:
			if !names(mask, string(field)) {
				leaveOut(m, field)
			}
		}
	}
}
