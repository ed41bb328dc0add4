package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Lost is an invitation of a database that was set back to an earlier time: nobody
// knows what became of it afterwards, and its links end.
type Lost struct {
	Due            invitation.Due
	OrganizationID string
	UserID         string
	Mailed, Shared bool
	// Pending says that its links are still alive.
	Pending bool
}

// Latest is the time of the latest event: the database is at least from then.
func (s *Store) Latest(ctx context.Context) (at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var latest pgtype.Timestamptz
	err = s.pool.QueryRow(ctx, `SELECT max(occurred_at) FROM trails t JOIN events e
		ON e.organization_id = t.organization_id AND e.sequence = t.last_sequence WHERE e.cause <> $1`, Restored).Scan(&latest)
	if err != nil {
		return at, fmt.Errorf("look for the latest event: %w", translate(err))
	}
	return latest.Time, nil
}

// Restored is the cause of the events by which lost invitations end.
const Restored = "restored"

// BeginHistory says that the database was set back to a time, from which on
// cursors of streams mean nothing any more. Saying it twice changes nothing.
func (s *Store) BeginHistory(ctx context.Context, setBackTo time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, `UPDATE installation SET epoch = gen_random_uuid(), set_back_to = $1
		WHERE set_back_to IS DISTINCT FROM $1`, setBackTo)
	if err != nil {
		return fmt.Errorf("begin another history: %w", translate(err))
	}
	return nil
}

// Those whose links have ended already are in the list until they are invited
// again: whoever was interrupted gets all of it with the next run.
const selectLost = `
SELECT id, target, organization_id, user_id, mailed_open, shared_open, state = 'PENDING' FROM invitations
WHERE id > $2 AND (state = 'PENDING' AND issued_at <= $1 AND expires_at > now()
	OR state = 'REVOKED' AND revoked_for = 'INVITATION_SUPERSEDED' AND issued_at <= $1)
ORDER BY id LIMIT $3`

// Lost returns some invitations that were pending at the time to which the database
// was set back, in the order of their ids, behind one of them or the zero value.
func (s *Store) Lost(ctx context.Context, setBackTo time.Time, after Lost, limit int) ([]Lost, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*s.timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, selectLost, setBackTo, after.Due.Key.InvitationID, limit)
	if err != nil {
		return nil, fmt.Errorf("look for lost invitations: %w", translate(err))
	}
	lost, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Lost, err error) {
		var target pgtype.Text
		err = row.Scan(&l.Due.Key.InvitationID, &target, &l.OrganizationID, &l.UserID, &l.Mailed, &l.Shared, &l.Pending)
		readTarget(&l.Due.Target, target)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for lost invitations: %w", translate(err))
	}
	return lost, nil
}

// Supersede ends a lost invitation.
func (s *Store) Supersede(ctx context.Context, l Lost, setBackTo time.Time) error {
	_, err := s.Update(ctx, invitation.Change{
		Key: l.Due.Key, Request: invitation.Request{Cause: Restored},
		Rule: func(u *invitation.User, now time.Time) error {
			u.Supersede(l.Due.Target, setBackTo, now)
			return nil
		},
	})
	return err
}
