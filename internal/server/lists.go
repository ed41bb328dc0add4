package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const defaultPage = 50

// Every list asks for one more than its page holds, to know whether it is the last.

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

// ListInvitations implements pb.InvitationServiceServer.
func (s *invitationService) ListInvitations(ctx context.Context, req *pb.ListInvitationsRequest) (*pb.ListInvitationsResponse, error) {
	size := pageSize(req.GetPageSize())
	filter := invitation.ListFilter{
		OrganizationID: req.GetOrganizationId(), State: invitation.State(invitationStates.word(req.GetState())),
		Delivery: invitation.DeliveryState(deliveryStates.word(req.GetDeliveryState())),
		Limit:    size + 1,
	}
	if err := goOn(&filter, req); err != nil {
		return nil, err
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
		resp.NextPageToken = pageToken(req, placeOf(filter, listed[size-1].Invitation))
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

// byIssue reports whether a list goes by when its invitations were issued.
func byIssue(f invitation.ListFilter) bool { return f.Delivery == "" && !f.IssuedBefore.IsZero() }

// placeOf is where a list goes on behind an invitation, and goOn has it do so.
func placeOf(f invitation.ListFilter, inv *invitation.Invitation) []byte {
	switch {
	case f.Delivery != "":
		return inv.DeliveryID[:]
	case byIssue(f):
		return binary.BigEndian.AppendUint64(inv.ID[:], uint64(inv.IssuedAt.UnixMicro()))
	default:
		return inv.ID[:]
	}
}

func goOn(f *invitation.ListFilter, req *pb.ListInvitationsRequest) error {
	f.IssuedBefore = fromTime(req.GetIssuedBefore())
	length := len(f.Before)
	if byIssue(*f) {
		length += timeLen
	}
	last, err := readPageToken(req, req.GetPageToken(), length)
	if err != nil || last == nil {
		return err
	}
	if copy(f.Before[:], last); byIssue(*f) {
		f.IssuedBefore = time.UnixMicro(int64(binary.BigEndian.Uint64(last[len(f.Before):])))
	}
	return nil
}

// ListUsers implements pb.UserServiceServer.
func (s *userService) ListUsers(ctx context.Context, req *pb.ListUsersRequest) (*pb.ListUsersResponse, error) {
	last, err := readPageToken(req, req.GetPageToken(), 0)
	if err != nil {
		return nil, err
	}
	email, err := optionalAddress("email", req.GetEmail())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	users, now, err := s.Store.ListUsers(ctx, invitation.UserFilter{
		OrganizationID: req.GetOrganizationId(), IDs: req.GetUserIds(), Email: email,
		Status: invitation.AccountStatus(accountStatuses.word(req.GetAccountStatus())), Deactivated: req.Deactivated,
		After: string(last), Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	resp := &pb.ListUsersResponse{}
	if len(users) > size {
		users = users[:size]
		resp.NextPageToken = pageToken(req, []byte(users[size-1].ID))
	}
	for _, u := range users {
		user, err := s.toUser(u, now)
		if err != nil {
			return nil, err
		}
		resp.Users = append(resp.Users, user)
	}
	return resp, nil
}

// ListEvents implements pb.InvitationServiceServer.
func (s *invitationService) ListEvents(ctx context.Context, req *pb.ListEventsRequest) (*pb.ListEventsResponse, error) {
	last, err := readPageToken(req, req.GetPageToken(), sequenceLen)
	if err != nil {
		return nil, err
	}
	id, err := optionalID("invitation_id", req.GetInvitationId())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	filter := invitation.EventFilter{OrganizationID: req.GetOrganizationId(), UserID: req.GetUserId(), InvitationID: id, Limit: size + 1}
	if last != nil {
		filter.After = int64(binary.BigEndian.Uint64(last))
	}
	events, err := s.Store.Events(ctx, filter)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListEventsResponse{}
	if len(events) > size {
		events = events[:size]
		resp.NextPageToken = pageToken(req, binary.BigEndian.AppendUint64(nil, uint64(events[size-1].Sequence)))
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
const (
	filterLen   = 8
	sequenceLen = 8
	timeLen     = 8
)

func pageToken(req proto.Message, last []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(filterHash(req), last...))
}

// readPageToken returns where the page before ended, in so many bytes, or in any
// number if that is 0; nil for no token.
func readPageToken(req proto.Message, token string, length int) (last []byte, err error) {
	if token == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= filterLen || length > 0 && len(raw) != filterLen+length ||
		string(raw[:filterLen]) != string(filterHash(req)) || base64.RawURLEncoding.EncodeToString(raw) != token {
		return nil, badField("page_token", "is not the next_page_token of a page with the same filters")
	}
	return raw[filterLen:], nil
}

// filterHash is the same for all pages of one list.
func filterHash(req proto.Message) []byte {
	bare := proto.Clone(req)
	leaveOut(bare, "page_token", "page_size", "request_id", "actor")
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		panic(fmt.Sprintf("marshal a request that was unmarshalled: %v", err))
	}
	sum := sha256.Sum256(append([]byte(bare.ProtoReflect().Descriptor().FullName()), raw...))
	return sum[:filterLen]
}
