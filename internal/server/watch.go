package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const watchPage = 200

// WatchEvents implements pb.InvitationServiceServer. Events are numbered in the
// order of their commits and without gaps, so the last number seen is all that
// a stream has to know.
func (s *invitationService) WatchEvents(req *pb.WatchEventsRequest, stream pb.InvitationService_WatchEventsServer) error {
	ctx := stream.Context()
	at, err := s.startOf(ctx, req)
	if err != nil {
		return err
	}
	for {
		upTo, err := s.Store.Follow(ctx, at.organization, at.sequence)
		if err != nil {
			return err
		}
		for at.sequence < upTo {
			if err := s.sendEvents(stream, &at, upTo); err != nil {
				return err
			}
		}
	}
}

// sendEvents sends the next events, and moves the cursor on.
func (s *invitationService) sendEvents(stream pb.InvitationService_WatchEventsServer, at *cursor, upTo int64) error {
	events, err := s.Store.Events(stream.Context(), invitation.EventFilter{
		OrganizationID: at.organization, After: at.sequence, UpTo: upTo, Limit: watchPage,
	})
	if err != nil {
		return err
	}
	if len(events) == 0 {
		// Forgotten before they were handed out.
		return invitation.ErrCursorExpired
	}
	for _, e := range events {
		event, err := toEvent(e)
		if err != nil {
			return err
		}
		at.sequence = e.Sequence
		if err := stream.Send(&pb.WatchEventsResponse{Event: event, Cursor: at.String()}); err != nil {
			return err
		}
	}
	return nil
}

// startOf is where a stream goes on. A cursor of another epoch, or one that is
// ahead of the trail, is of a trail that was set back; behind one that is too old
// there would be a gap.
func (a *api) startOf(ctx context.Context, req *pb.WatchEventsRequest) (cursor, error) {
	trail, err := a.Store.Trail(ctx, req.GetOrganizationId())
	if err != nil {
		return cursor{}, err
	}
	start := cursor{organization: req.GetOrganizationId(), epoch: trail.Epoch, sequence: trail.First - 1}
	if trail.First == 0 { // nothing is kept
		start.sequence = trail.Last
	}
	if req.GetCursor() == "" {
		return start, nil
	}
	at, ok := readCursor(req.GetOrganizationId(), req.GetCursor())
	switch {
	case !ok:
		return cursor{}, badField("cursor", "is not one of this organization's stream")
	case at.epoch != trail.Epoch, at.sequence > trail.Last:
		return cursor{}, invitation.ErrCursorAhead
	case at.sequence < start.sequence:
		return cursor{}, invitation.ErrCursorExpired
	}
	return at, nil
}

// cursor is a place in an organization's trail.
type cursor struct {
	organization string
	epoch        uuid.UUID
	sequence     int64
}

// trailLen is how many bytes of its hash stand for the organization.
const trailLen = 4

// String is the cursor as callers keep it.
func (c cursor) String() string {
	hash := sha256.Sum256([]byte(c.organization))
	raw := append(hash[:trailLen], c.epoch[:]...)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(raw, uint64(c.sequence)))
}

func readCursor(organization, text string) (c cursor, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != trailLen+len(c.epoch)+8 {
		return c, false
	}
	c.organization = organization
	copy(c.epoch[:], raw[trailLen:])
	c.sequence = int64(binary.BigEndian.Uint64(raw[trailLen+len(c.epoch):]))
	return c, c.sequence >= 0 && c.String() == text
}
