package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var organizations = declare("organizations", "o",
	text("id", func(o *invitation.Organization) *string { return &o.ID }, fixed),
	text("name", func(o *invitation.Organization) *string { return &o.Name }),
	address("reply_to", func(o *invitation.Organization) *invitation.Email { return &o.ReplyTo }),
	mailbox("reply_to_key", func(o *invitation.Organization) *invitation.Email { return &o.ReplyTo }),
	text("contact", func(o *invitation.Organization) *string { return &o.Contact }),
	lines("imprint", func(o *invitation.Organization) *[]string { return &o.Imprint }),
	text("default_locale", func(o *invitation.Organization) *invitation.Locale { return &o.DefaultLocale }),
	moment("updated_at", func(o *invitation.Organization) *time.Time { return &o.UpdatedAt }),
	moment("delivery_paused_at", func(o *invitation.Organization) *time.Time { return &o.DeliveryPausedAt }),
)

var (
	updateOrganizations = updateOf(organizations)
	// Those that calls change are locked, also if they were never described.
	addOrganizations  = `INSERT INTO organizations (id) SELECT * FROM unnest($1::text[]) AS o (id) ORDER BY id ON CONFLICT DO NOTHING`
	lockOrganizations = `SELECT ` + organizations.selected() + ` FROM organizations o WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE`
	getOrganization   = `SELECT ` + organizations.selected() + ` FROM organizations o WHERE id = $1`
)

// queueOrganizations locks and reads the organizations that calls change.
func (s *snapshot) queueOrganizations(b *pgx.Batch, group []*call) {
	var ids []string
	for _, k := range group {
		if k.organize != nil {
			ids = append(ids, k.organizationID)
		}
	}
	if len(ids) == 0 {
		return
	}
	b.Queue(addOrganizations, slices.Compact(slices.Sorted(slices.Values(ids))))
	b.Queue(lockOrganizations, ids).Query(func(rows pgx.Rows) error {
		r := organizations.scan()
		_, err := pgx.ForEachRow(rows, r.dests(), func() error {
			o := r.into(&invitation.Organization{})
			s.organizations[o.ID] = o
			return nil
		})
		return err
	})
}

// organize runs a rule on an organization, as rule does on a user.
func (o *outcome) organize(k *call, repeated bool) error {
	found := o.organizations[k.organizationID]
	if found == nil {
		found = o.before.organizations[k.organizationID]
	}
	if repeated {
		k.organization = *found
		return nil
	}
	is := *found
	is.Events = nil
	if err := k.organize(&is, o.before.now); err != nil {
		return err
	}
	o.organizations[is.ID] = &is
	o.record(is.Events, invitation.Event{OrganizationID: is.ID, Request: k.change.Request})
	o.saveRequest(k.change, "", nil)
	k.organization = is
	return nil
}

// Organization implements invitation.Store.
func (s *Store) Organization(ctx context.Context, id string) (invitation.Organization, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, getOrganization, id)
	if err != nil {
		return invitation.Organization{}, fmt.Errorf("read an organization: %w", translate(err))
	}
	o, r := invitation.Organization{ID: id}, organizations.scan()
	if _, err := pgx.ForEachRow(rows, r.dests(), func() error {
		r.into(&o)
		return nil
	}); err != nil {
		return invitation.Organization{}, fmt.Errorf("read an organization: %w", translate(err))
	}
	return o, nil
}
