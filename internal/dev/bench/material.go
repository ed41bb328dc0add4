package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// organizationSize is how many users an organization has at the start.
const organizationSize = 100

// item is a user as a call needs it.
type item struct {
	number             int64
	user, organization string
	token              string // of the mailed link; empty if not invited
}

// stock says which users to make: those numbered from from to before to.
type stock struct {
	from, to     int64
	organization string // expression of {n}
	every        int64  // every which one is invited; 0 for none
	state        string // of the mails: DELIVERED, or QUEUED with a job
}

// Ordered by their ids, which have nothing to do with their numbers: whoever
// uses users by number reads here and there, as in real life.
const makeUsers = `
INSERT INTO users (id, organization_id, type, display_name, locale, email, email_key, undeliverable, created_at, account_status, invited_until)
SELECT {user}, {organization}, 'TENANT', 'Anna Schmidt', 'de', {email}, {email}, '', now(),
	CASE WHEN n % nullif($3::bigint, 0) = 0 THEN 'INVITED' ELSE 'OFFLINE' END,
	CASE WHEN n % nullif($3::bigint, 0) = 0 THEN now() + interval '336 h' END
FROM generate_series($1::bigint, $2::bigint - 1) AS n ORDER BY 1`

const makeInvitations = `
INSERT INTO invitations (id, user_id, organization_id, target, state, issued_at, expires_at,
	mailed_generation, mailed_open, shared_generation, shared_open, delivery_id, reminded, expiry_noted)
SELECT {invitation}, {user}, {organization}, 'APP', 'PENDING', now(), now() + interval '336 h', 1, true, 0, false, {delivery}, false, false
FROM generate_series($1::bigint, $2::bigint - 1) AS n WHERE n % $3::bigint = 0`

const makeDeliveries = `
INSERT INTO deliveries (id, invitation_id, user_id, organization_id, generation, reminder, despite_bounce, email, email_key,
	state, changed_at, attempts, reason)
SELECT {delivery}, {invitation}, {user}, {organization}, 1, false, false, {email}, {email}, $4, now(), CASE $4 WHEN 'QUEUED' THEN 0 ELSE 1 END, ''
FROM generate_series($1::bigint, $2::bigint - 1) AS n WHERE n % $3::bigint = 0`

const makeJobs = `
INSERT INTO river_job (args, kind, max_attempts, queue, state)
SELECT jsonb_build_object('delivery_id', {delivery}), 'invitation_mail', 10000, 'default', 'available'
FROM generate_series($1::bigint, $2::bigint - 1) AS n WHERE n % $3::bigint = 0`

// An event for every user.
const makeEvents = `
WITH fresh AS (
	SELECT n, {organization} AS organization, row_number() OVER (PARTITION BY {organization}) AS place
	FROM generate_series($1::bigint, $2::bigint - 1) AS n
), sizes AS (
	SELECT organization, count(*) AS size FROM fresh GROUP BY 1
), named AS (
	INSERT INTO organizations (id, name, updated_at) SELECT organization, 'Hausverwaltung Müller', now() FROM sizes ON CONFLICT DO NOTHING
), counted AS (
	INSERT INTO trails AS t SELECT organization, size FROM sizes
	ON CONFLICT (organization_id) DO UPDATE SET last_sequence = t.last_sequence + excluded.last_sequence
	RETURNING organization_id AS id, last_sequence
)
INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, channel, delivery_state, reason, actor, caller, cause)
SELECT organization, last_sequence - size + place, 'USER_CREATED', now(), {user}, '', '', '', '', '', 'UserService/CreateUser'
FROM fresh JOIN sizes USING (organization) JOIN counted ON counted.id = organization`

// step is one statement and its arguments.
type step struct {
	statement string
	args      []any
}

// make fills the tables, a statement per table. Nothing checks references
// meanwhile: they hold, and checking takes half the time.
func (s *site) make(ctx context.Context, k stock) error {
	steps := []step{
		{makeUsers, []any{k.from, k.to, k.every}},
		{makeEvents, []any{k.from, k.to}},
	}
	if k.every > 0 {
		invited := []any{k.from, k.to, k.every}
		steps = append(steps, step{makeInvitations, invited}, step{makeDeliveries, append(invited, k.state)})
		if k.state == string(invitation.Queued) {
			steps = append(steps, step{makeJobs, invited})
		}
	}
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		for _, step := range steps {
			statement := fill(strings.ReplaceAll(step.statement, "{organization}", k.organization), "n")
			if _, err := tx.Exec(ctx, statement, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make users %d to %d: %w", k.from, k.to, err)
	}
	return nil
}

// items reads users by their numbers, in that order, and signs their tokens.
func (s *site) items(ctx context.Context, numbers []int64) ([]item, error) {
	rows, err := s.db.Query(ctx, fill(`
SELECT n, u.id, u.organization_id, i.id FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (n, place)
JOIN users u ON u.id = {user} LEFT JOIN invitations i ON i.user_id = u.id AND i.target = 'APP'
ORDER BY place`, "n"), numbers)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (item, error) {
		var i item
		var id *uuid.UUID
		if err := row.Scan(&i.number, &i.user, &i.organization, &id); err != nil {
			return i, err
		}
		if id != nil {
			i.token = s.lab.ring.Sign(invitation.Token{InvitationID: *id, Channel: invitation.Mailed, Generation: 1})
		}
		return i, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return items, nil
}
