package server

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mailaddr"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// mutating is what every request has in common that changes something.
type mutating interface {
	proto.Message
	GetRequestId() string
	GetActor() string
}

// origin says who asks for what. Two requests have one fingerprint if they
// differ in nothing but their id.
func origin(ctx context.Context, cause string, req mutating) (invitation.Request, error) {
	r := invitation.Request{Cause: cause, Actor: req.GetActor(), Caller: access.Caller(ctx)}
	if req.GetRequestId() == "" {
		return r, nil
	}
	id, err := uuid.Parse(req.GetRequestId())
	if err != nil {
		return r, badField("request_id", "must be a UUID")
	}
	bare := proto.Clone(req)
	message := bare.ProtoReflect()
	message.Clear(message.Descriptor().Fields().ByName("request_id"))
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		return r, fmt.Errorf("marshal a request: %w", err)
	}
	sum := sha256.Sum256(slices.Concat([]byte(cause), []byte{0}, raw))
	r.ID, r.Fingerprint = id, sum[:]
	return r, nil
}

// inOrganization names a user as the portal does.
func inOrganization(req interface {
	GetOrganizationId() string
	GetUserId() string
}) invitation.Key {
	return invitation.Key{OrganizationID: req.GetOrganizationId(), UserID: req.GetUserId()}
}

// address reads a field that holds an e-mail address.
func address(field, text string) (invitation.Email, error) {
	email, err := mailaddr.Parse(text)
	if err != nil {
		return invitation.Email{}, fieldErrors{{Field: field, Problem: err.Error(), Email: true}}
	}
	return email, nil
}

// name reads a field that holds a person's or an organization's name.
func name(field, text string) (string, error) {
	checked, err := mailaddr.Name(text)
	if err != nil {
		return "", badField(field, err.Error())
	}
	return checked, nil
}

// requests lists every request message of the API.
func requests() []proto.Message {
	var all []proto.Message
	for _, file := range []protoreflect.FileDescriptor{
		pb.File_kiwi_invitation_v1_invitation_service_proto,
		pb.File_kiwi_invitation_v1_user_service_proto,
		pb.File_kiwi_invitation_v1_redemption_service_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				all = append(all, newMessage(methods.Get(j).Input()))
			}
		}
	}
	return all
}

// newMessage returns an empty message of a generated type.
func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(fmt.Sprintf("message %s is not linked in: %v", d.FullName(), err))
	}
	return kind.New().Interface()
}
