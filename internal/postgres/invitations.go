package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// invitationRow is an invitation with its user, some of whose columns it repeats.
type invitationRow struct {
	invitation.Invitation
	user *invitation.User
}

var invitations = declare("invitations", "i",
	optionalID("id", func(i *invitationRow) *uuid.UUID { return &i.ID }, fixed),
	text("user_id", func(i *invitationRow) *string { return &i.user.ID }, owned),
	text("organization_id", func(i *invitationRow) *string { return &i.user.OrganizationID }, owned),
	in("target", "text", func(i *invitationRow) *invitation.Target { return &i.Target }, targetName, readTarget, []usage{fixed}),
	text("state", func(i *invitationRow) *invitation.State { return &i.Stored }),
	moment("issued_at", func(i *invitationRow) *time.Time { return &i.IssuedAt }),
	moment("expires_at", func(i *invitationRow) *time.Time { return &i.ExpiresAt }),
	moment("redeemed_at", func(i *invitationRow) *time.Time { return &i.RedeemedAt }),
	moment("revoked_at", func(i *invitationRow) *time.Time { return &i.RevokedAt }),
	optionalText("revoked_for", func(i *invitationRow) *invitation.End { return &i.RevokedFor }),
	number("mailed_generation", func(i *invitationRow) *int { return &i.Mailed.Generation }),
	flag("mailed_open", func(i *invitationRow) *bool { return &i.Mailed.Open }),
	number("shared_generation", func(i *invitationRow) *int { return &i.Shared.Generation }),
	flag("shared_open", func(i *invitationRow) *bool { return &i.Shared.Open }),
	optionalID("delivery_id", func(i *invitationRow) *uuid.UUID { return &i.DeliveryID }),
	flag("reminded", func(i *invitationRow) *bool { return &i.Reminded }),
	flag("expiry_noted", func(i *invitationRow) *bool { return &i.ExpiryNoted }),
)

var (
	insertInvitations = insertInto(invitations)
	updateInvitations = updateOf(invitations)
)

func targetName(t invitation.Target) pgtype.Text { return someText(t.String()) }

func readTarget(t *invitation.Target, v pgtype.Text) {
	for _, known := range invitation.Targets() {
		if known.String() == v.String {
			*t = known
		}
	}
}

// A filter that is NULL selects all. The states are those of Invitation.State.
var (
	listInvitations = `
SELECT ` + personColumns + `, ` + invitations.selected() + `, ` + deliveries.selected() + `, now()
FROM invitations i
JOIN users u ON u.id = i.user_id` + joinOrganization + `
LEFT JOIN deliveries d ON d.id = i.delivery_id
WHERE i.organization_id = $1 AND i.id < $2` + amongInvitationsListed + ` AND u.erased_at IS NULL
ORDER BY i.id DESC LIMIT $6`

	// Where the mails' state is asked for, its index leads, and the mails' age is
	// what the list goes by: an older mail of an invitation may stand there too, and
	// is not the latest. OFFSET 0 has Postgres look each one up, in the index's order:
	// it would read and sort all of a state that it thinks is common.
	listByDelivery = `
SELECT ` + personColumns + `, ` + invitations.selected() + `, ` + deliveries.selected() + `, now()
FROM deliveries d CROSS JOIN LATERAL (
	SELECT * FROM invitations i
	WHERE i.id = d.invitation_id AND i.delivery_id = d.id` + amongInvitationsListed + `
	OFFSET 0
) AS i
JOIN users u ON u.id = i.user_id` + joinOrganization + `
WHERE d.organization_id = $1 AND d.id < $2 AND d.state = $7 AND u.erased_at IS NULL
	AND ($8::timestamptz IS NULL OR i.issued_at < $8)
ORDER BY d.id DESC LIMIT $6`

	listByIssue = `
SELECT ` + personColumns + `, ` + invitations.selected() + `, ` + deliveries.selected() + `, now()
FROM invitations i
JOIN users u ON u.id = i.user_id` + joinOrganization + `
LEFT JOIN deliveries d ON d.id = i.delivery_id
WHERE i.organization_id = $1 AND (i.issued_at, i.id) < ($7, $2) AND u.erased_at IS NULL` + amongInvitationsListed + `
ORDER BY i.issued_at DESC, i.id DESC LIMIT $6`
)

const amongInvitationsListed = `
	AND ($3::text IS NULL OR i.target = $3)
	AND ($4::text IS NULL OR i.state = $4)
	AND ($5::bool IS NULL OR (i.expires_at <= now()) = $5)`

// List implements invitation.Store.
func (s *Store) List(ctx context.Context, f invitation.ListFilter) ([]invitation.Listed, time.Time, error) {
	ctx, leave, err := s.lists.enter(ctx, s.timeout)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer leave()
	var target pgtype.Text
	if f.Target != nil {
		target = targetName(*f.Target)
	}
	before := f.Before
	if before == uuid.Nil && (f.Delivery != "" || f.IssuedBefore.IsZero()) {
		before = uuid.Max
	}
	stored, expired := storedState(f.State)
	if f.Waiting {
		stored, expired = nullText(invitation.Pending), pgtype.Bool{}
	}
	query, args := listInvitations, []any{f.OrganizationID, some(before), target, stored, expired, f.Limit}
	switch {
	case f.Delivery != "":
		query, args = listByDelivery, append(args, f.Delivery, nullTime(f.IssuedBefore))
	case !f.IssuedBefore.IsZero():
		query, args = listByIssue, append(args, f.IssuedBefore)
	}
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list invitations: %w", translate(err))
	}
	var listed []invitation.Listed
	r := foundRows.Get().(*foundRow)
	defer foundRows.Put(r)
	_, err = pgx.ForEachRow(rows, r.dests, func() error {
		u := r.read()
		listed = append(listed, invitation.Listed{User: u, Invitation: r.give(u)})
		return nil
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list invitations: %w", translate(err))
	}
	return listed, r.now, nil
}

// storedState says how a state is stored, and whether its time must be over.
func storedState(state invitation.State) (stored pgtype.Text, expired pgtype.Bool) {
	switch state {
	case invitation.Pending, invitation.Expired:
		return nullText(invitation.Pending), pgtype.Bool{Bool: state == invitation.Expired, Valid: true}
	default:
		return nullText(state), pgtype.Bool{}
	}
}
