package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var users = declare("users", "u",
	text("id", func(u *invitation.User) *string { return &u.ID }, fixed),
	text("organization_id", func(u *invitation.User) *string { return &u.OrganizationID }, fixed),
	text("type", func(u *invitation.User) *invitation.UserType { return &u.Type }),
	text("display_name", func(u *invitation.User) *string { return &u.DisplayName }),
	text("locale", func(u *invitation.User) *invitation.Locale { return &u.Locale }),
	address("email", func(u *invitation.User) *invitation.Email { return &u.Email }),
	mailbox("email_key", func(u *invitation.User) *invitation.Email { return &u.Email }),
	moment("email_confirmed_at", func(u *invitation.User) *time.Time { return &u.EmailConfirmedAt }),
	text("undeliverable", func(u *invitation.User) *invitation.UndeliverableCause { return &u.Undeliverable }),
	moment("created_at", func(u *invitation.User) *time.Time { return &u.CreatedAt }, fixed),
	moment("deactivated_at", func(u *invitation.User) *time.Time { return &u.DeactivatedAt }),
	moment("erased_at", func(u *invitation.User) *time.Time { return &u.ErasedAt }),
	sum("account_status", "text", func(u *invitation.User) string { return string(statusOf(u)) }, someText[string]),
	sum("invited_until", "timestamptz", invitedUntil, nullTime),
)

var (
	insertUsers = insertInto(users)
	updateUsers = updateOf(users)
)

// statusOf is the account status as a list finds it: an invitation counts as
// pending until an event tells of its expiry, and the time decides until then.
func statusOf(u *invitation.User) invitation.AccountStatus {
	status := invitation.Offline
	for _, inv := range u.Invitations {
		switch {
		case inv == nil:
		case inv.Stored == invitation.Redeemed:
			return invitation.Online
		case inv.Stored == invitation.Pending && !inv.ExpiryNoted:
			status = invitation.Invited
		}
	}
	return status
}

// invitedUntil is zero unless the status is INVITED.
func invitedUntil(u *invitation.User) (until time.Time) {
	if statusOf(u) != invitation.Invited {
		return until
	}
	for _, inv := range u.Invitations {
		if inv != nil && inv.Stored == invitation.Pending && !inv.ExpiryNoted && inv.ExpiresAt.After(until) {
			until = inv.ExpiresAt
		}
	}
	return until.UTC()
}

// person scans a user with the organization.
type person struct {
	user         scan[invitation.User]
	organization scan[invitation.Organization]
}

const joinOrganization = ` LEFT JOIN organizations o ON o.id = u.organization_id`

var personColumns = users.selected() + ", " + organizations.selected()

func newPerson() person { return person{users.scan(), organizations.scan()} }

func (p *person) dests() []any { return append(p.user.dests(), p.organization.dests()...) }

func (p *person) read() *invitation.User {
	u := p.user.into(&invitation.User{})
	p.organization.into(&u.Organization)
	u.Organization.ID = u.OrganizationID
	return u
}

// found selects users with everything that rules look at.
var found = `
SELECT ` + personColumns + `, ` + invitations.selected() + `, ` + deliveries.selected() + `, now()
FROM users u` + joinOrganization + `
LEFT JOIN invitations i ON i.user_id = u.id
LEFT JOIN deliveries d ON d.id = i.delivery_id
`

// allUsers reads each branch of the index that the filter asks for up to a page.
// Whose time has passed since the status was written is OFFLINE; those few have
// an index of their own.
var allUsers = `
WITH lapsed AS MATERIALIZED (
	SELECT id FROM users WHERE organization_id = $1 AND account_status = 'INVITED' AND invited_until <= now()
), page AS (
	SELECT branch.id FROM unnest($2::bool[]) AS d (deactivated), unnest($3::text[]) AS s (status), LATERAL (
		SELECT id FROM users
		WHERE organization_id = $1 AND (deactivated_at IS NOT NULL) = d.deactivated AND account_status = s.status
			AND erased_at IS NULL AND id > $4 AND (s.status <> 'INVITED' OR invited_until > now())
		ORDER BY id LIMIT $5
	) AS branch
	UNION ALL
	SELECT id FROM users
	WHERE 'OFFLINE' = ANY ($3::text[]) AND id IN (SELECT id FROM lapsed) AND id > $4
		AND (deactivated_at IS NOT NULL) = ANY ($2::bool[]) AND erased_at IS NULL
)` + found + `WHERE u.id IN (SELECT id FROM page ORDER BY id LIMIT $5) ORDER BY u.id`

// namedUsers are those that the filter names by id or by address, of any
// organization if it names none.
var namedUsers = `
WITH named AS MATERIALIZED (
	SELECT id FROM users WHERE id = ANY ($6::text[])
	UNION SELECT id FROM users WHERE email_key = $7 AND deactivated_at IS NULL
	UNION SELECT id FROM users WHERE email_key = $7 AND deactivated_at IS NOT NULL
), page AS (
	SELECT id FROM users
	WHERE id IN (SELECT id FROM named) AND ($1 = '' OR organization_id = $1) AND erased_at IS NULL AND id > $4
		AND (deactivated_at IS NOT NULL) = ANY ($2::bool[])
		AND CASE WHEN invited_until <= now() THEN 'OFFLINE' ELSE account_status END = ANY ($3::text[])
		AND ($6::text[] IS NULL OR id = ANY ($6::text[])) AND ($7::text IS NULL OR email_key = $7)
)` + found + `WHERE u.id IN (SELECT id FROM page ORDER BY id LIMIT $5) ORDER BY u.id`

// ListUsers implements invitation.Store.
func (s *Store) ListUsers(ctx context.Context, f invitation.UserFilter) ([]*invitation.User, time.Time, error) {
	ctx, leave, err := s.lists.enter(ctx, s.timeout)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer leave()
	statuses, deactivated := invitation.AccountStatuses(), []bool{false, true}
	if f.Status != "" {
		statuses = []invitation.AccountStatus{f.Status}
	}
	if f.Deactivated != nil {
		deactivated = []bool{*f.Deactivated}
	}
	query, args := allUsers, []any{f.OrganizationID, deactivated, array(statuses, someText), f.After, f.Limit}
	if len(f.IDs) > 0 || f.Email.Known() {
		query, args = namedUsers, append(args, f.IDs, nullText(f.Email.Key()))
	}
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list users: %w", translate(err))
	}
	snap := newSnapshot()
	if err := snap.scanFound(rows); err != nil {
		return nil, time.Time{}, fmt.Errorf("list users: %w", translate(err))
	}
	listed := slices.SortedFunc(maps.Values(snap.users), func(a, b *invitation.User) int { return strings.Compare(a.ID, b.ID) })
	return listed, snap.now, nil
}
