package server

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// ListDeliveries implements pb.OperationsServiceServer.
func (s *operationsService) ListDeliveries(ctx context.Context, req *pb.ListDeliveriesRequest) (*pb.ListDeliveriesResponse, error) {
	last, err := lastID(req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	filter := invitation.DeliveryFilter{
		OrganizationID: req.GetOrganizationId(), Reason: req.GetReason(),
		Since: fromTime(req.GetSince()), Until: fromTime(req.GetUntil()),
		Before: last, Limit: pageSize(req.GetPageSize()),
	}
	if req.GetUserId() != "" {
		filter.UserIDs = []string{req.GetUserId()}
	}
	if req.GetState() != pb.DeliveryState_DELIVERY_STATE_UNSPECIFIED {
		filter.States = []invitation.DeliveryState{invitation.DeliveryState(deliveryStates.word(req.GetState()))}
	}
	mails, err := s.Operations.Deliveries(ctx, filter)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListDeliveriesResponse{}
	if mails.Next != uuid.Nil {
		resp.NextPageToken = pageToken(req, mails.Next[:])
	}
	for _, d := range mails.Deliveries {
		resp.Deliveries = append(resp.Deliveries, &pb.ListedDelivery{
			Delivery: s.toDelivery(&d.Delivery, mails.Now, &err), QueuedAt: toTime(d.QueuedAt()),
			OrganizationId: d.OrganizationID, UserId: d.UserID, InvitationId: d.InvitationID.String(),
			Target: targets.of(d.Target.String(), &err), Latest: d.Latest,
		})
	}
	return resp, err
}

// mostFound is how many who have, or had, one address are shown.
const mostFound = 100

// FindUser implements pb.OperationsServiceServer.
func (s *operationsService) FindUser(ctx context.Context, req *pb.FindUserRequest) (*pb.FindUserResponse, error) {
	if (req.GetUserId() == "") == (req.GetEmail() == "") {
		return nil, badField("email", "or user_id is needed, and not both")
	}
	email, err := optionalAddress("email", req.GetEmail())
	if err != nil {
		return nil, err
	}
	filter := invitation.UserFilter{Email: email, Limit: mostFound}
	if req.GetUserId() != "" {
		filter.IDs = []string{req.GetUserId()}
	}
	found, now, err := s.Store.ListUsers(ctx, filter)
	if err != nil {
		return nil, err
	}
	resp := &pb.FindUserResponse{}
	for _, u := range found {
		user, err := s.toUser(u, now)
		if err != nil {
			return nil, err
		}
		resp.Users = append(resp.Users, user)
	}
	return resp, nil
}

// ExportUser implements pb.OperationsServiceServer.
func (s *operationsService) ExportUser(ctx context.Context, req *pb.ExportUserRequest) (*pb.ExportUserResponse, error) {
	raw, err := s.Operations.ExportUser(ctx, req.GetUserId())
	if err != nil {
		return nil, err
	}
	data := &structpb.Struct{}
	if data.UnmarshalJSON(raw) != nil {
		return nil, errors.New("an export is no JSON object") // the error would quote it
	}
	return &pb.ExportUserResponse{Data: data}, nil
}
