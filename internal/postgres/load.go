package postgres

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Every key leads to a user.
const wanted = `
WITH wanted (id) AS (
	SELECT unnest($1::text[])
	UNION SELECT user_id FROM invitations WHERE id = ANY ($2::uuid[])
	UNION SELECT user_id FROM deliveries WHERE id = ANY ($3::uuid[])
)`

// Users are locked in one order whatever their keys are, so that groups wait
// for one another and never in a circle.
const lockUsers = wanted + `
SELECT u.id FROM users u JOIN wanted USING (id) ORDER BY u.id FOR UPDATE OF u`

// A request that is repeated writes too; see the package's comment.
const markRequests = `
UPDATE requests SET uses = uses + 1 WHERE id = ANY ($1::uuid[])
RETURNING id, fingerprint, user_id, answer`

const selectUsers = wanted + `
SELECT ` + userColumns + `, ` + invitationColumns + `
FROM wanted JOIN users u USING (id)
LEFT JOIN organizations o ON o.id = u.organization_id
LEFT JOIN invitations i ON i.user_id = u.id`

// The latest mails, and those that were asked for by name.
const selectDeliveries = wanted + `
SELECT d.user_id, ` + deliveryColumns + `
FROM wanted JOIN invitations i ON i.user_id = wanted.id JOIN deliveries d ON d.id = i.delivery_id
UNION
SELECT d.user_id, ` + deliveryColumns + ` FROM deliveries d WHERE d.id = ANY ($3::uuid[])`

// queueLoad locks and reads what a group's calls need, into the snapshot.
func queueLoad(b *pgx.Batch, group []*call) *snapshot {
	var keys keySet
	var requests []uuid.UUID
	for _, k := range group {
		keys.add(k.change.Key)
		if id := k.change.Request.ID; id != uuid.Nil {
			requests = append(requests, id)
		}
	}
	s := newSnapshot()
	b.Queue(lockUsers, keys.args()...).Query(s.scanLocked)
	if len(requests) > 0 {
		b.Queue(markRequests, requests).Query(s.scanRequests)
	}
	s.queueReads(b, &keys)
	return s
}

// keySet gathers the keys of a group as the statements take them.
type keySet struct {
	users       []string
	invitations []uuid.UUID
	deliveries  []uuid.UUID
}

func (s *keySet) add(k invitation.Key) {
	switch {
	case k.UserID != "":
		s.users = append(s.users, k.UserID)
	case k.InvitationID != uuid.Nil:
		s.invitations = append(s.invitations, k.InvitationID)
	default:
		s.deliveries = append(s.deliveries, k.DeliveryID)
	}
}

func (s *keySet) args() []any { return []any{s.users, s.invitations, s.deliveries} }

func newSnapshot() *snapshot {
	return &snapshot{
		users:    map[string]*invitation.User{},
		byInv:    map[uuid.UUID]string{},
		byMail:   map[uuid.UUID]string{},
		requests: map[uuid.UUID]request{},
	}
}

// queueReads reads the users and what belongs to them, and then the clock.
func (s *snapshot) queueReads(b *pgx.Batch, keys *keySet) {
	b.Queue(selectUsers, keys.args()...).Query(s.scanUsers)
	b.Queue(selectDeliveries, keys.args()...).Query(s.scanDeliveries)
	b.Queue(`SELECT clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(&s.now) })
}

func (s *snapshot) scanLocked(rows pgx.Rows) error {
	s.locked = map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		s.locked[id] = true
	}
	return rows.Err()
}

func (s *snapshot) scanRequests(rows pgx.Rows) error {
	for rows.Next() {
		var id uuid.UUID
		var r request
		if err := rows.Scan(&id, &r.fingerprint, &r.userID, &r.answer); err != nil {
			return err
		}
		s.requests[id] = r
	}
	return rows.Err()
}

// errStale says that a user was created after those that exist were locked.
var errStale = errors.New("a user is not locked")

// scanUsers reads a user once per invitation.
func (s *snapshot) scanUsers(rows pgx.Rows) error {
	for rows.Next() {
		u, inv, err := scanUser(rows)
		if err != nil {
			return err
		}
		if s.locked != nil && !s.locked[u.ID] {
			return errStale
		}
		if known := s.users[u.ID]; known != nil {
			u = known
		}
		s.users[u.ID] = u
		if inv != nil {
			u.Invitations[inv.Target] = inv
			s.byInv[inv.ID] = u.ID
		}
	}
	return rows.Err()
}

func (s *snapshot) scanDeliveries(rows pgx.Rows) error {
	for rows.Next() {
		var r deliveryRow
		if err := rows.Scan(r.fields()...); err != nil {
			return fmt.Errorf("scan a delivery: %w", err)
		}
		s.byMail[*r.id] = *r.userID
		if u := s.users[*r.userID]; u != nil {
			u.Deliveries = append(u.Deliveries, r.delivery())
		}
	}
	return rows.Err()
}
