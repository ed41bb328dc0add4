package server

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// page is what one call works through, and where the next one goes on; uuid.Nil at
// the end.
type page struct {
	ids  []uuid.UUID
	next uuid.UUID
}

// places are the places of all ids.
func (p page) places() []int {
	all := make([]int, len(p.ids))
	for i := range all {
		all[i] = i
	}
	return all
}

// keepPage takes a request's id in the whole service, and has it stand for what the
// first call with it found: repeated, it works through the same, whatever would be
// found now.
func (a *api) keepPage(ctx context.Context, from invitation.Request, found page) (page, error) {
	if from.ID == uuid.Nil {
		return found, nil
	}
	res, err := a.Store.Update(ctx, invitation.Change{
		Request: from,
		Answer:  func(*invitation.User, time.Time) ([]byte, error) { return found.bytes(), nil },
	})
	if err != nil {
		return page{}, err
	}
	return readPage(res.Answer), nil
}

func (p page) bytes() []byte {
	raw := append([]byte{}, p.next[:]...)
	for _, id := range p.ids {
		raw = append(raw, id[:]...)
	}
	return raw
}

func readPage(raw []byte) (p page) {
	p.next = uuid.UUID(raw[:len(p.next)])
	for raw = raw[len(p.next):]; len(raw) > 0; raw = raw[len(p.next):] {
		p.ids = append(p.ids, uuid.UUID(raw[:len(p.next)]))
	}
	return p
}

// lastID reads the page token of a list whose places are ids.
func lastID(req proto.Message, token string) (id uuid.UUID, err error) {
	last, err := readPageToken(req, token, len(id))
	copy(id[:], last)
	return id, err
}

// fromTime is zero for no time.
func fromTime(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
