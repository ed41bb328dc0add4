package server

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// mostAtOnce is how many invitations a call of operations works through.
const mostAtOnce = 500

// SendAgain implements pb.OperationsServiceServer.
func (s *operationsService) SendAgain(ctx context.Context, req *pb.SendAgainRequest) (*pb.SendAgainResponse, error) {
	from, err := origin(ctx, "OperationsService/SendAgain", req)
	if err != nil {
		return nil, err
	}
	lost, err := s.lostMails(ctx, req)
	if err != nil {
		return nil, err
	}
	if !req.GetDryRun() {
		if lost, err = s.keepPage(ctx, from, lost); err != nil {
			return nil, err
		}
	}
	resp := &pb.SendAgainResponse{Results: make([]*pb.SendAgainResult, len(lost.ids))}
	if lost.next != uuid.Nil {
		resp.NextPageToken = pageToken(req, lost.next[:])
	}
	err = inParallel(ctx, lost.places(), func(ctx context.Context, i int) (err error) {
		resp.Results[i], err = s.sendOneAgain(ctx, from, lost.ids[i], req.GetDryRun())
		return err
	})
	return resp, err
}

// lostMails finds a page of the mails that the request is about.
func (s *operationsService) lostMails(ctx context.Context, req *pb.SendAgainRequest) (lost page, err error) {
	filter := invitation.DeliveryFilter{
		OrganizationID: req.GetOrganizationId(), UserIDs: req.GetUserIds(), Reason: req.GetReason(), Waiting: true,
		States: []invitation.DeliveryState{invitation.Failed, invitation.Dropped}, Limit: mostAtOnce,
	}
	if req.GetState() != pb.DeliveryState_DELIVERY_STATE_UNSPECIFIED {
		filter.States = []invitation.DeliveryState{invitation.DeliveryState(deliveryStates.word(req.GetState()))}
	}
	if req.GetPageSize() > 0 {
		filter.Limit = int(req.GetPageSize())
	}
	filter.Since, filter.Until = fromTime(req.GetSince()), fromTime(req.GetUntil())
	if filter.Before, err = lastID(req, req.GetPageToken()); err != nil {
		return lost, err
	}
	mails, err := s.Operations.Deliveries(ctx, filter)
	if err != nil {
		return lost, err
	}
	asked := req.GetState() != pb.DeliveryState_DELIVERY_STATE_UNSPECIFIED || req.GetReason() != ""
	for _, d := range mails.Deliveries {
		if asked || d.State == invitation.Failed || d.DropCause == invitation.DropOverQuota {
			lost.ids = append(lost.ids, d.ID)
		}
	}
	lost.next = mails.Next
	return lost, nil
}

// sendOneAgain mails one lost mail again, or tells what would become of it.
func (s *operationsService) sendOneAgain(ctx context.Context, from invitation.Request, lost uuid.UUID, dryRun bool) (*pb.SendAgainResult, error) {
	result, key := &pb.SendAgainResult{DeliveryId: lost.String()}, invitation.Key{DeliveryID: lost}
	rule := func(u *invitation.User, now time.Time) error { return u.SendAgain(lost, now, s.Validity) }
	res, refused, err := s.attempt(ctx, invitation.Change{Key: key, Request: part(from, result.GetDeliveryId()), Rule: rule}, dryRun)
	if err != nil {
		return nil, err
	}
	if result.Reason = refused; res.User == nil {
		return result, nil
	}
	inv := res.User.InvitationByID(res.User.Delivery(lost).InvitationID)
	result.OrganizationId, result.UserId, result.Target = res.User.OrganizationID, res.User.ID, targets.of(inv.Target.String(), &err)
	return result, err
}

// attempt carries a change out, or only tries its rule, and returns the user it is
// about, refused or not; there is none if the user is gone.
func (s *operationsService) attempt(ctx context.Context, c invitation.Change, dryRun bool) (res invitation.Result, refused pb.ErrorReason, err error) {
	if !dryRun {
		res, err = s.Store.Update(ctx, c)
	}
	if err != nil || dryRun {
		found, failed := s.Store.Read(ctx, c.Key)
		switch res = found; {
		case failed != nil:
			err = failed
		case dryRun:
			err = c.Rule(res.User.Clone(), res.Now)
		}
	}
	refused, _, err = refusal(err)
	return res, refused, err
}
