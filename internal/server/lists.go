package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const defaultPage = 50

// GetInvitation implements pb.InvitationServiceServer.
func (s *invitationService) GetInvitation(ctx context.Context, req *pb.GetInvitationRequest) (*pb.GetInvitationResponse, error) {
	id, err := optionalID("invitation_id", req.GetInvitationId())
	if err != nil {
		return nil, err
	}
	res, err := s.Store.Read(ctx, invitation.Key{OrganizationID: req.GetOrganizationId(), InvitationID: id})
	if err != nil {
		return nil, err
	}
	inv, err := s.toInvitation(res.User, res.User.InvitationByID(id), res.Now)
	return &pb.GetInvitationResponse{Invitation: inv}, err
}

// ListInvitations implements pb.InvitationServiceServer. It asks for one more
// than the page holds, to know whether it is the last.
func (s *invitationService) ListInvitations(ctx context.Context, req *pb.ListInvitationsRequest) (*pb.ListInvitationsResponse, error) {
	before, err := readPageToken[uuid.UUID](req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	filter := invitation.ListFilter{
		OrganizationID: req.GetOrganizationId(), State: invitation.State(invitationStates.word(req.GetState())),
		Delivery: invitation.DeliveryState(deliveryStates.word(req.GetDeliveryState())),
		Before:   before, Limit: size + 1,
	}
	if req.GetTarget() != pb.Target_TARGET_UNSPECIFIED {
		target := fromTarget(req.GetTarget())
		filter.Target = &target
	}
	listed, now, err := s.Store.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListInvitationsResponse{}
	if len(listed) > size {
		listed = listed[:size]
		resp.NextPageToken = pageToken(req, listed[size-1].Invitation.ID)
	}
	for _, l := range listed {
		inv, err := s.toInvitation(l.User, l.Invitation, now)
		if err != nil {
			return nil, err
		}
		resp.Invitations = append(resp.Invitations, inv)
	}
	return resp, nil
}

// ListEvents implements pb.InvitationServiceServer.
func (s *invitationService) ListEvents(ctx context.Context, req *pb.ListEventsRequest) (*pb.ListEventsResponse, error) {
	after, err := readPageToken[int64](req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	id, err := optionalID("invitation_id", req.GetInvitationId())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	events, err := s.Store.Events(ctx, invitation.EventFilter{
		OrganizationID: req.GetOrganizationId(), UserID: req.GetUserId(), InvitationID: id, After: after, Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	resp := &pb.ListEventsResponse{}
	if len(events) > size {
		events = events[:size]
		resp.NextPageToken = pageToken(req, events[size-1].Sequence)
	}
	for _, e := range events {
		event, err := toEvent(e)
		if err != nil {
			return nil, err
		}
		resp.Events = append(resp.Events, event)
	}
	return resp, nil
}

func pageSize(asked int32) int {
	if asked == 0 {
		return defaultPage
	}
	return int(asked)
}

// optionalID reads an id that the proto's rules let through.
func optionalID(field, text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, badField(field, "must be a UUID")
	}
	return id, nil
}

// A page token is where the page before ended, behind a hash of the filters: a
// token of another list is refused instead of skipping something.
const filterLen = 8

func pageToken[T uuid.UUID | int64](req proto.Message, last T) string {
	raw, err := binary.Append(filterHash(req), binary.BigEndian, last)
	if err != nil {
		panic(fmt.Sprintf("encode a fixed-size value: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readPageToken[T uuid.UUID | int64](req proto.Message, token string) (last T, err error) {
	if token == "" {
		return last, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != filterLen+binary.Size(last) || string(raw[:filterLen]) != string(filterHash(req)) ||
		base64.RawURLEncoding.EncodeToString(raw) != token {
		return last, badField("page_token", "is not the next_page_token of a page with the same filters")
	}
	_, err = binary.Decode(raw[filterLen:], binary.BigEndian, &last)
	return last, err
}

// filterHash is the same for all pages of one list.
func filterHash(req proto.Message) []byte {
	bare := proto.Clone(req)
	message := bare.ProtoReflect()
	for _, paging := range []protoreflect.Name{"page_token", "page_size"} {
		message.Clear(message.Descriptor().Fields().ByName(paging))
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		panic(fmt.Sprintf("marshal a request that was unmarshalled: %v", err))
	}
	sum := sha256.Sum256(append([]byte(message.Descriptor().FullName()), raw...))
	return sum[:filterLen]
}
