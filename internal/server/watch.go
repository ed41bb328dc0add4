package server

import (
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const (
	watchPage = 200
	// watchEvery is how often a stream looks for events that nobody told it of.
	watchEvery = time.Second
)

// WatchEvents implements pb.InvitationServiceServer. Events are numbered in the
// order of their commits and without gaps, so the last number seen is all that
// a stream has to know.
func (s *invitationService) WatchEvents(req *pb.WatchEventsRequest, stream pb.InvitationService_WatchEventsServer) error {
	ctx := stream.Context()
	filter := invitation.EventFilter{OrganizationID: req.GetOrganizationId(), After: req.GetAfterSequence(), Limit: watchPage}
	for {
		woken := s.woken()
		events, err := s.Store.Events(ctx, filter)
		if err != nil {
			return err
		}
		for _, e := range events {
			event, err := toEvent(e)
			if err != nil {
				return err
			}
			if err := stream.Send(&pb.WatchEventsResponse{Event: event}); err != nil {
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
		case <-woken:
		case <-time.After(watchEvery):
		}
	}
}

// woken is nil, on which nobody wakes, if nobody tells of new events.
func (a *api) woken() <-chan struct{} {
	if a.Woken == nil {
		return nil
	}
	return a.Woken()
}
