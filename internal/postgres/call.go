package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/kiwi-ki/invitations/internal/group"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// call is one change on its way through a group: of a user, or of an
// organization.
type call struct {
	change invitation.Change
	result invitation.Result
	err    error
	// trace is what a mail that the change queues continues; empty for none.
	trace string

	organizationID string
	organize       func(o *invitation.Organization, now time.Time) error
	organization   invitation.Organization
}

// Update implements invitation.Store. A call that gives up while its group is
// in flight can't know whether it was carried out: repeating it with its
// request id is safe.
func (s *Store) Update(ctx context.Context, c invitation.Change) (invitation.Result, error) {
	k := &call{change: c}
	if s.trace != nil {
		k.trace = s.trace.Parent(ctx)
	}
	if err := s.writes.Do(ctx, k); err != nil {
		return invitation.Result{}, refusal(err)
	}
	return k.result, k.err
}

// UpdateOrganization implements invitation.Store.
func (s *Store) UpdateOrganization(ctx context.Context, c invitation.OrganizationChange) (invitation.Organization, error) {
	k := &call{
		change: invitation.Change{Request: c.Request}, organizationID: c.ID, organize: c.Rule,
	}
	if err := s.writes.Do(ctx, k); err != nil {
		return invitation.Organization{}, refusal(err)
	}
	return k.organization, k.err
}

// lookup is one Read on its way through a group: reads that wait while another
// is in flight share a round trip, as changes share a transaction.
type lookup struct {
	key    invitation.Key
	result invitation.Result
	err    error
}

// Read implements invitation.Store. Callers must not change the user: others may
// have got the same one.
func (s *Store) Read(ctx context.Context, k invitation.Key) (invitation.Result, error) {
	l := &lookup{key: k}
	if err := s.reads.Do(ctx, l); err != nil {
		return invitation.Result{}, refusal(err)
	}
	return l.result, l.err
}

// refusal says what a caller hears whose group failed as a whole, or whose
// context ended: a server that gives the database less time than the caller gave
// it can still answer.
func refusal(err error) error {
	if errors.Is(err, group.ErrFull) || errors.Is(err, context.DeadlineExceeded) {
		return unavailable
	}
	return translate(err)
}
