package server

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// mostCounted is up to how many invitations a dry run counts.
const mostCounted = 100_000

// RevokeAll implements pb.OperationsServiceServer.
func (s *operationsService) RevokeAll(ctx context.Context, req *pb.RevokeAllRequest) (*pb.RevokeAllResponse, error) {
	from, err := origin(ctx, "OperationsService/RevokeAll", req)
	if err != nil {
		return nil, err
	}
	waiting, err := s.waiting(ctx, req)
	if err != nil {
		return nil, err
	}
	resp := &pb.RevokeAllResponse{}
	if req.GetDryRun() {
		n, err := s.Operations.CountWaiting(ctx, req.GetOrganizationId(), mostCounted)
		if err != nil {
			return nil, err
		}
		resp.Waiting = int32(n)
	} else if waiting, err = s.keepPage(ctx, from, waiting); err != nil {
		return nil, err
	}
	if resp.Results = make([]*pb.RevokeAllResult, len(waiting.ids)); waiting.next != uuid.Nil {
		resp.NextPageToken = pageToken(req, waiting.next[:])
	}
	err = inParallel(ctx, waiting.places(), func(ctx context.Context, i int) (err error) {
		resp.Results[i], err = s.revokeOne(ctx, from, waiting.ids[i], req.GetDryRun())
		return err
	})
	return resp, err
}

// waiting finds a page of an organization's invitations that are to be revoked.
func (s *operationsService) waiting(ctx context.Context, req *pb.RevokeAllRequest) (found page, err error) {
	size := mostAtOnce
	if req.GetPageSize() > 0 {
		size = int(req.GetPageSize())
	}
	filter := invitation.ListFilter{OrganizationID: req.GetOrganizationId(), Waiting: true, Limit: size + 1}
	if filter.Before, err = lastID(req, req.GetPageToken()); err != nil {
		return found, err
	}
	listed, _, err := s.Store.List(ctx, filter)
	if err != nil {
		return found, err
	}
	if len(listed) > size {
		listed = listed[:size]
		found.next = listed[size-1].Invitation.ID
	}
	for _, l := range listed {
		found.ids = append(found.ids, l.Invitation.ID)
	}
	return found, nil
}

// revokeOne revokes an invitation, or tells what would become of it. Its channels
// stay where they were, and tell how the link was handed out.
func (s *operationsService) revokeOne(ctx context.Context, from invitation.Request, id uuid.UUID, dryRun bool) (*pb.RevokeAllResult, error) {
	result := &pb.RevokeAllResult{InvitationId: id.String()}
	res, refused, err := s.attempt(ctx, invitation.Change{
		Key: invitation.Key{InvitationID: id}, Request: part(from, result.GetInvitationId()),
		Rule: func(u *invitation.User, now time.Time) error { return u.Revoke(u.InvitationByID(id).Target, now) },
	}, dryRun)
	if err != nil {
		return nil, err
	}
	if result.Reason = refused; res.User == nil {
		return result, nil
	}
	inv := res.User.InvitationByID(id)
	result.UserId, result.Target = res.User.ID, targets.of(inv.Target.String(), &err)
	for _, c := range invitation.Channels() {
		if inv.Channel(c).Open {
			result.Channels = append(result.Channels, channels.of(string(c), &err))
		}
	}
	return result, err
}
