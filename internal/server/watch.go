package server

import (
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const (
	watchPage  = 200
	watchEvery = 500 * time.Millisecond
)

// WatchEvents implements pb.InvitationServiceServer. Events are numbered in the
// order of their commits and without gaps, so the last number seen is all that
// a stream has to know.
func (s *invitationService) WatchEvents(req *pb.WatchEventsRequest, stream pb.InvitationService_WatchEventsServer) error {
	ctx := stream.Context()
	filter := invitation.EventFilter{OrganizationID: req.GetOrganizationId(), After: req.GetAfterSequence(), Limit: watchPage}
	for {
		events, err := s.Store.Events(ctx, filter)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := stream.Send(&pb.WatchEventsResponse{Event: toEvent(e)}); err != nil {
				return err
			}
			filter.After = e.Sequence
		}
		if len(events) == watchPage {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchEvery):
		}
	}
}
