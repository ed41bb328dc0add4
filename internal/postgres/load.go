package postgres

import (
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Users are locked in one order whatever their keys are, so that groups wait
// for one another and never in a circle. What is read here is what the lock
// found; {wanted} is one of the conditions below.
const lockUsers = `
SELECT ` + userColumns + `
FROM users u LEFT JOIN organizations o ON o.id = u.organization_id
WHERE u.id {wanted} ORDER BY u.id FOR UPDATE OF u`

// skipLocked is added to lockUsers by those who don't wait.
const skipLocked = ` SKIP LOCKED`

// A request that is repeated writes too; see the package's comment. The time is
// read behind the locks, so that times never run against the order of changes.
const markRequests = `
WITH marked AS (
	UPDATE requests SET uses = uses + 1 WHERE id = ANY ($1::uuid[]) RETURNING id, fingerprint, user_id, answer
)
SELECT clock_timestamp(), marked.* FROM (SELECT) AS clock LEFT JOIN marked ON true`

// The latest mail comes with its invitation. Users are there even if they have
// none: those that are not locked are told by it.
const selectInvitations = `
SELECT u.id, ` + invitationColumns + `, ` + deliveryColumns + `
FROM users u LEFT JOIN invitations i ON i.user_id = u.id LEFT JOIN deliveries d ON d.id = i.delivery_id
WHERE u.id {wanted}`

// selectUsers is all of it at once, without a lock.
const selectUsers = `
SELECT ` + userColumns + `, ` + invitationColumns + `, ` + deliveryColumns + `, now()
FROM users u LEFT JOIN organizations o ON o.id = u.organization_id
LEFT JOIN invitations i ON i.user_id = u.id
LEFT JOIN deliveries d ON d.id = i.delivery_id
WHERE u.id {wanted}`

// Older mails are only read if they are asked for by name.
const selectDeliveries = `SELECT d.user_id, ` + deliveryColumns + ` FROM deliveries d WHERE d.id = ANY ($1::uuid[])`

// queueLoad locks and reads what a group's calls need, into the snapshot. Users
// that somebody else has locked are waited for if the group is patient.
func queueLoad(b *pgx.Batch, group []*call, patient bool) *snapshot {
	var keys keySet
	var requests pgtype.FlatArray[pgtype.UUID]
	for _, k := range group {
		keys.add(k.change.Key)
		if id := k.change.Request.ID; id != uuid.Nil {
			requests = append(requests, some(id))
		}
	}
	s := newSnapshot()
	where, args := keys.where()
	lock := wanting(lockUsers, where)
	if !patient {
		lock += skipLocked
	}
	b.Queue(lock, args...).Query(s.scanUsers)
	b.Queue(markRequests, requests).Query(s.scanRequests)
	b.Queue(wanting(selectInvitations, where), args...).Query(s.scanInvitations)
	s.queueDeliveries(b, &keys)
	return s
}

// queueReads reads the same and locks nothing.
func (s *snapshot) queueReads(b *pgx.Batch, keys *keySet) {
	where, args := keys.where()
	b.Queue(wanting(selectUsers, where), args...).Query(s.scanAll)
	s.queueDeliveries(b, keys)
}

func (s *snapshot) queueDeliveries(b *pgx.Batch, keys *keySet) {
	if len(keys.deliveries) > 0 {
		b.Queue(selectDeliveries, keys.deliveries).Query(s.scanDeliveries)
	}
}

// keySet gathers the keys of a group as the statements take them.
type keySet struct {
	users       []string
	invitations pgtype.FlatArray[pgtype.UUID]
	deliveries  pgtype.FlatArray[pgtype.UUID]
}

func (s *keySet) add(k invitation.Key) {
	switch {
	case k.UserID != "":
		s.users = append(s.users, k.UserID)
	case k.InvitationID != uuid.Nil:
		s.invitations = append(s.invitations, some(k.InvitationID))
	default:
		s.deliveries = append(s.deliveries, some(k.DeliveryID))
	}
}

// The conditions on a user's id, and their arguments: most groups have keys of
// one kind, which costs Postgres less.
const (
	amongUsers       = `= ANY ($1::text[])`
	amongInvitations = `IN (SELECT user_id FROM invitations WHERE id = ANY ($1::uuid[]))`
	amongAll         = `IN (
	SELECT unnest($1::text[])
	UNION SELECT user_id FROM invitations WHERE id = ANY ($2::uuid[])
	UNION SELECT user_id FROM deliveries WHERE id = ANY ($3::uuid[]))`
)

func (s *keySet) where() (condition string, args []any) {
	switch {
	case len(s.invitations) == 0 && len(s.deliveries) == 0:
		return amongUsers, []any{s.users}
	case len(s.users) == 0 && len(s.deliveries) == 0:
		return amongInvitations, []any{s.invitations}
	default:
		return amongAll, []any{s.users, s.invitations, s.deliveries}
	}
}

func wanting(statement, condition string) string {
	return strings.Replace(statement, "{wanted}", condition, 1)
}

func newSnapshot() *snapshot {
	return &snapshot{
		users:    map[string]*invitation.User{},
		byInv:    map[uuid.UUID]string{},
		byMail:   map[uuid.UUID]string{},
		requests: map[uuid.UUID]request{},
		unlocked: map[string]bool{},
	}
}

func (s *snapshot) scanUsers(rows pgx.Rows) error {
	var r userRow
	_, err := pgx.ForEachRow(rows, r.fields(), func() error {
		u := r.user()
		s.users[u.ID] = u
		return nil
	})
	return err
}

// scanRequests reads the time too, which is there even if no request is.
func (s *snapshot) scanRequests(rows pgx.Rows) error {
	var id pgtype.UUID
	var user pgtype.Text
	var fingerprint, answer []byte
	_, err := pgx.ForEachRow(rows, []any{&s.now, &id, &fingerprint, &user, &answer}, func() error {
		if id.Valid {
			s.requests[id.Bytes] = request{fingerprint, user.String, answer}
		}
		return nil
	})
	return err
}

func (s *snapshot) scanInvitations(rows pgx.Rows) error {
	var user string
	var inv invitationRow
	var mail deliveryRow
	_, err := pgx.ForEachRow(rows, append(append([]any{&user}, inv.fields()...), mail.fields()...), func() error {
		if u := s.users[user]; u != nil {
			s.add(u, &inv, &mail)
			return nil
		}
		s.unlocked[user] = true
		if inv.id.Valid {
			s.byInv[inv.id.Bytes] = user
		}
		return nil
	})
	return err
}

// scanAll reads a user once per invitation.
func (s *snapshot) scanAll(rows pgx.Rows) error {
	var r listedRow
	_, err := pgx.ForEachRow(rows, r.fields(), func() error {
		u := s.users[r.user.id]
		if u == nil {
			u = r.user.user()
			s.users[u.ID] = u
		}
		s.now = r.now
		s.add(u, &r.invitation, &r.delivery)
		return nil
	})
	return err
}

// add gives a user an invitation and its mail, if there are any.
func (s *snapshot) add(u *invitation.User, r *invitationRow, d *deliveryRow) {
	if inv := r.invitation(); inv != nil {
		u.Invitations[inv.Target] = inv
		s.byInv[inv.ID] = u.ID
	}
	if mail := d.delivery(); mail != nil {
		u.Deliveries = append(u.Deliveries, mail)
	}
}

func (s *snapshot) scanDeliveries(rows pgx.Rows) error {
	var user string
	var r deliveryRow
	_, err := pgx.ForEachRow(rows, append([]any{&user}, r.fields()...), func() error {
		mail := r.delivery()
		s.byMail[mail.ID] = user
		if u := s.users[user]; u != nil && u.Delivery(mail.ID) == nil {
			u.Deliveries = append(u.Deliveries, mail)
		}
		return nil
	})
	return err
}
