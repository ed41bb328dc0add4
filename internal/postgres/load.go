package postgres

import (
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Users are locked in one order whatever their keys are, so that groups wait
// for one another and never in a circle. What is read here is what the lock
// found; {wanted} is one of the conditions below.
var lockUsers = `
SELECT ` + personColumns + `
FROM users u` + joinOrganization + `
WHERE u.id {wanted} ORDER BY u.id FOR UPDATE OF u`

// skipLocked is added to lockUsers by those who don't wait.
const skipLocked = ` SKIP LOCKED`

// The latest mail comes with its invitation. A user without invitations has a row
// as well: whom this finds and the lock did not, somebody else has locked.
var selectInvitations = `
SELECT u.id, ` + invitations.selected() + `, ` + deliveries.selected() + `
FROM users u LEFT JOIN invitations i ON i.user_id = u.id LEFT JOIN deliveries d ON d.id = i.delivery_id
WHERE u.id {wanted}`

// selectUsers is all of it at once, without a lock.
var selectUsers = found + `WHERE u.id {wanted}`

// Who has an address that a call may want for somebody else. It is looked up
// behind the locks; the unique index decides what happens after that.
// Users who may come back want the address that they had.
const selectHolders = `
SELECT id, email_key FROM users
WHERE deactivated_at IS NULL AND email_key IN (
	SELECT unnest($1::text[])
	UNION SELECT email_key FROM users WHERE id = ANY ($2::text[]) AND deactivated_at IS NOT NULL)`

// queueLoad locks and reads what a group's calls need, into the snapshot. Users
// that somebody else has locked are waited for if the group is patient.
func queueLoad(b *pgx.Batch, group []*call, patient bool) *snapshot {
	var keys keySet
	var requests pgtype.FlatArray[pgtype.UUID]
	var claims, returning []string
	for _, k := range group {
		keys.add(k.change.Key)
		if id := keyOf(k.change.Request); id != uuid.Nil {
			requests = append(requests, some(id))
		}
		if claim := k.change.Claim; claim.Known() {
			claims = append(claims, claim.Key())
			if k.change.Yield {
				keys.holders = append(keys.holders, claim.Key())
			}
		}
		if k.change.Reclaim {
			returning = append(returning, k.change.Key.UserID)
		}
	}
	s := newSnapshot()
	where, args := keys.where()
	lock := wanting(lockUsers, where)
	if !patient {
		lock += skipLocked
	}
	b.Queue(lock, args...).Query(s.scanUsers)
	s.queueOrganizations(b, group)
	b.Queue(markRequests, requests).Query(s.scanRequests)
	b.Queue(wanting(selectInvitations, where), args...).Query(s.scanInvitations)
	if len(claims)+len(returning) > 0 {
		b.Queue(selectHolders, claims, returning).Query(s.scanHolders)
	}
	s.queueDeliveries(b, &keys)
	return s
}

// queueReads reads the same and locks nothing.
func (s *snapshot) queueReads(b *pgx.Batch, keys *keySet) {
	where, args := keys.where()
	b.Queue(wanting(selectUsers, where), args...).Query(s.scanFound)
	s.queueDeliveries(b, keys)
}

func (s *snapshot) queueDeliveries(b *pgx.Batch, keys *keySet) {
	if len(keys.deliveries) > 0 {
		b.Queue(selectDeliveries, keys.deliveries).Query(s.scanDeliveries)
	}
	if len(keys.mailed) > 0 {
		b.Queue(selectMailsTo, keys.mailed).Query(s.scanDeliveries)
	}
}

// keySet gathers the keys of a group as the statements take them.
type keySet struct {
	users       []string
	invitations pgtype.FlatArray[pgtype.UUID]
	deliveries  pgtype.FlatArray[pgtype.UUID]
	// holders are addresses whose holders are wanted too, mailed those of which
	// the mails are as well.
	holders, mailed []string
}

func (s *keySet) add(k invitation.Key) {
	switch {
	case k.UserID != "":
		s.users = append(s.users, k.UserID)
	case k.InvitationID != uuid.Nil:
		s.invitations = append(s.invitations, some(k.InvitationID))
	case k.DeliveryID != uuid.Nil:
		s.deliveries = append(s.deliveries, some(k.DeliveryID))
	case k.Email.Known():
		s.holders, s.mailed = append(s.holders, k.Email.Key()), append(s.mailed, k.Email.Key())
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
	UNION SELECT user_id FROM deliveries WHERE id = ANY ($3::uuid[])
	UNION SELECT id FROM users WHERE deactivated_at IS NULL AND email_key = ANY ($4::text[]))`
)

func (s *keySet) where() (condition string, args []any) {
	switch {
	case len(s.invitations) == 0 && len(s.deliveries) == 0 && len(s.holders) == 0:
		return amongUsers, []any{s.users}
	case len(s.users) == 0 && len(s.deliveries) == 0 && len(s.holders) == 0:
		return amongInvitations, []any{s.invitations}
	default:
		return amongAll, []any{s.users, s.invitations, s.deliveries, s.holders}
	}
}

func wanting(statement, condition string) string {
	return strings.Replace(statement, "{wanted}", condition, 1)
}

// snapshot is what a group found in the database.
type snapshot struct {
	now      time.Time
	users    map[string]*invitation.User
	byInv    map[uuid.UUID]string
	byMail   map[uuid.UUID]string
	requests map[uuid.UUID]request
	// holders are the active users by the address that they have, of those
	// addresses that calls claim.
	holders map[string]string
	// organizations are those that calls change.
	organizations map[string]*invitation.Organization
	// unlocked are users that exist, and that somebody else had locked or has
	// just created.
	unlocked map[string]bool
	// used is until when the past use of each limit counts; nil if that was not
	// read.
	used map[string]time.Time
}

func newSnapshot() *snapshot {
	return &snapshot{
		users:         map[string]*invitation.User{},
		byInv:         map[uuid.UUID]string{},
		byMail:        map[uuid.UUID]string{},
		requests:      map[uuid.UUID]request{},
		holders:       map[string]string{},
		organizations: map[string]*invitation.Organization{},
		unlocked:      map[string]bool{},
	}
}

func (s *snapshot) scanUsers(rows pgx.Rows) error {
	r := lockedRows.Get().(*lockedRow)
	defer lockedRows.Put(r)
	_, err := pgx.ForEachRow(rows, r.dests, func() error {
		u := r.read()
		s.users[u.ID] = u
		return nil
	})
	return err
}

func (s *snapshot) scanInvitations(rows pgx.Rows) error {
	r := invitedRows.Get().(*invitedRow)
	defer invitedRows.Put(r)
	_, err := pgx.ForEachRow(rows, r.dests, func() error {
		u := s.users[r.user]
		if u == nil {
			u = &invitation.User{ID: r.user}
			s.unlocked[r.user] = true
		}
		s.note(u, r.give(u))
		return nil
	})
	return err
}

// scanFound reads a user once per invitation.
func (s *snapshot) scanFound(rows pgx.Rows) error {
	r := foundRows.Get().(*foundRow)
	defer foundRows.Put(r)
	_, err := pgx.ForEachRow(rows, r.dests, func() error {
		read := r.read()
		u := s.users[read.ID]
		if u == nil {
			u = read
			s.users[u.ID] = u
		}
		s.now = r.now
		s.note(u, r.give(u))
		return nil
	})
	return err
}

func (s *snapshot) note(u *invitation.User, inv *invitation.Invitation) {
	if inv != nil {
		s.byInv[inv.ID] = u.ID
	}
}

func (s *snapshot) scanHolders(rows pgx.Rows) error {
	var user, key string
	_, err := pgx.ForEachRow(rows, []any{&user, &key}, func() error {
		s.holders[key] = user
		return nil
	})
	return err
}

func (s *snapshot) scanDeliveries(rows pgx.Rows) error {
	var user string
	r := deliveries.scan()
	_, err := pgx.ForEachRow(rows, append([]any{&user}, r.dests()...), func() error {
		mail := &r.into(&deliveryRow{}).Delivery
		s.byMail[mail.ID] = user
		if u := s.users[user]; u != nil && u.Delivery(mail.ID) == nil {
			u.Deliveries = append(u.Deliveries, mail)
		}
		return nil
	})
	return err
}

// invited scans an invitation with its latest mail, of left joins.
type invited struct {
	invitation scan[invitationRow]
	delivery   scan[deliveryRow]
}

func newInvited() invited { return invited{invitations.scan(), deliveries.scan()} }

func (r *invited) dests() []any { return append(r.invitation.dests(), r.delivery.dests()...) }

// give gives a user the invitation and the mail that were found, and returns the
// former; nil if there was none.
func (r *invited) give(u *invitation.User) *invitation.Invitation {
	inv := &r.invitation.into(&invitationRow{}).Invitation
	if inv.ID == uuid.Nil {
		return nil
	}
	u.Invitations[inv.Target] = inv
	if mail := &r.delivery.into(&deliveryRow{}).Delivery; mail.ID != uuid.Nil {
		u.Deliveries = append(u.Deliveries, mail)
	}
	return inv
}

// The rows of lockUsers, selectInvitations and found. What they are scanned into
// is used again: it is most of what a small group would leave to the collector.
type (
	lockedRow struct {
		person
		dests []any
	}
	invitedRow struct {
		user string
		invited
		dests []any
	}
	foundRow struct {
		person
		invited
		now   time.Time
		dests []any
	}
)

var (
	lockedRows = sync.Pool{New: func() any {
		r := &lockedRow{person: newPerson()}
		r.dests = r.person.dests()
		return r
	}}
	invitedRows = sync.Pool{New: func() any {
		r := &invitedRow{invited: newInvited()}
		r.dests = append([]any{&r.user}, r.invited.dests()...)
		return r
	}}
	foundRows = sync.Pool{New: func() any {
		r := &foundRow{person: newPerson(), invited: newInvited()}
		r.dests = append(append(r.person.dests(), r.invited.dests()...), &r.now)
		return r
	}}
)
