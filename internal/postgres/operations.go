package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// mostLooked is how many mails a page of them looks at, to find those whose reason
// is asked for: nothing but looking finds that.
const mostLooked = 5000

// listDeliveries reads each branch of the index that the filter leads to, and
// filters what is left. It always returns a row, for where to go on: the last mail
// that was looked at, if there may be more.
var listDeliveries = `
WITH looked AS MATERIALIZED (
	SELECT d.id FROM unnest($1::text[]) AS s (state), LATERAL (
		SELECT id FROM deliveries WHERE {lead} AND state = s.state AND id < $2 AND id >= $3 ORDER BY id DESC LIMIT $4
	) AS d ORDER BY d.id DESC LIMIT $4
), page AS (
	SELECT d.user_id AS of_user, d.organization_id AS of_organization, i.target, i.delivery_id = d.id AS latest, ` + deliveries.selected() + `
	FROM looked JOIN deliveries d ON d.id = looked.id JOIN invitations i ON i.id = d.invitation_id
	WHERE strpos(lower(d.reason), lower($5)) > 0 AND (NOT $6 OR i.delivery_id = d.id AND i.state = 'PENDING')
	ORDER BY d.id DESC LIMIT $7
)
SELECT now(), (SELECT id FROM looked ORDER BY id DESC OFFSET $4 - 1 LIMIT 1), page.* FROM (SELECT) AS one LEFT JOIN page ON true ORDER BY page.id DESC`

// The indexes that may lead.
var (
	deliveriesEverywhere = leading(`true`)
	deliveriesOf         = leading(`organization_id = $8`)
	deliveriesOfUsers    = leading(`user_id = ANY ($8) AND ($9 = '' OR organization_id = $9)`)
)

func leading(condition string) string { return strings.Replace(listDeliveries, "{lead}", condition, 1) }

// Deliveries lists mails.
func (s *Store) Deliveries(ctx context.Context, f invitation.DeliveryFilter) (invitation.DeliveryPage, error) {
	ctx, leave, err := s.lists.enter(ctx, s.timeout)
	if err != nil {
		return invitation.DeliveryPage{}, err
	}
	defer leave()
	query, args := lead(f)
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return invitation.DeliveryPage{}, fmt.Errorf("list mails: %w", translate(err))
	}
	p, err := scanDeliveries(rows)
	if err != nil {
		return invitation.DeliveryPage{}, fmt.Errorf("list mails: %w", translate(err))
	}
	if len(p.Deliveries) > f.Limit {
		p.Deliveries = p.Deliveries[:f.Limit]
		p.Next = p.Deliveries[f.Limit-1].ID
	}
	return p, nil
}

// lead chooses the index that finds the fewest mails.
func lead(f invitation.DeliveryFilter) (query string, args []any) {
	looked, states, before := mostLooked, f.States, f.Before
	if f.Reason == "" && !f.Waiting {
		looked = f.Limit + 1
	}
	if len(states) == 0 {
		states = invitation.DeliveryStates()
	}
	if before == uuid.Nil {
		before = uuid.Max
	}
	if until := firstID(f.Until); !f.Until.IsZero() && until.String() < before.String() {
		before = until
	}
	args = []any{array(states, someText), some(before), some(firstID(f.Since)), looked, f.Reason, f.Waiting, f.Limit + 1}
	switch {
	case len(f.UserIDs) > 0:
		return deliveriesOfUsers, append(args, f.UserIDs, f.OrganizationID)
	case f.OrganizationID != "":
		return deliveriesOf, append(args, f.OrganizationID)
	default:
		return deliveriesEverywhere, args
	}
}

// firstID is the first id that can be drawn at a time: ids begin with theirs, in
// milliseconds. It is uuid.Nil for the zero time.
func firstID(at time.Time) (id uuid.UUID) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(min(max(at.UnixMilli(), 0), 1<<48-1)))
	copy(id[:6], ms[2:])
	return id
}

func scanDeliveries(rows pgx.Rows) (p invitation.DeliveryPage, err error) {
	var next pgtype.UUID
	var user, organization, target pgtype.Text
	var latest pgtype.Bool
	mail := deliveries.scan()
	_, err = pgx.ForEachRow(rows, append([]any{&p.Now, &next, &user, &organization, &target, &latest}, mail.dests()...), func() error {
		p.Next = next.Bytes
		if !user.Valid {
			return nil
		}
		d := invitation.ListedDelivery{
			Delivery: mail.into(&deliveryRow{}).Delivery, OrganizationID: organization.String, UserID: user.String, Latest: latest.Bool,
		}
		readTarget(&d.Target, target)
		p.Deliveries = append(p.Deliveries, d)
		return nil
	})
	return p, err
}

const describeRest = `SELECT since, until, probes, reason FROM delivery_rest`

// MailRest tells why the mail queue of all servers rests; nil if it does not.
func (s *Store) MailRest(ctx context.Context) (*invitation.MailRest, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var r invitation.MailRest
	err := s.pool.QueryRow(ctx, describeRest).Scan(&r.Since, &r.Until, &r.Probes, &r.Reason)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read why the mail queue rests: %w", translate(err))
	}
	return &r, nil
}

// ApplicationName is what a server's connections are called, so that others see it:
// by Postgres's rules up to 63 bytes.
func ApplicationName(role, version, host string, pid int) string {
	process := "/" + strconv.Itoa(pid)
	name := strings.Join([]string{"invitationd", role, version, host}, "/")
	return name[:min(len(name), 63-len(process))] + process
}

const selectServers = `
SELECT application_name, count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name LIKE 'invitationd/%'
GROUP BY application_name ORDER BY application_name LIMIT $1`

// Servers are those that are connected. A role sees its own sessions only, and a
// pooler's have no name.
func (s *Store) Servers(ctx context.Context, limit int) (all []invitation.Server, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, selectServers, limit)
	if err != nil {
		return nil, fmt.Errorf("look for servers: %w", translate(err))
	}
	var name string
	var connections int
	_, err = pgx.ForEachRow(rows, []any{&name, &connections}, func() error {
		if part := strings.Split(name, "/"); len(part) == 5 {
			all = append(all, invitation.Server{Role: part[1], Version: part[2], Name: part[3] + ":" + part[4], Connections: connections})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for servers: %w", translate(err))
	}
	return all, nil
}

// Schema tells the version of the schema that this release needs, and the one that
// the database has.
func (s *Store) Schema(ctx context.Context) (needs, has int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	has, err = schemaVersion(ctx, s.pool.Pool)
	if err != nil {
		err = fmt.Errorf("read the schema's version: %w", translate(err))
	}
	return SchemaVersion(), has, err
}

// Who paused an organization stands somewhere in its trail; that of all is short.
const selectPauses = `
SELECT o.id, o.delivery_paused_at, coalesce(e.actor, ''), coalesce(e.caller, '')
FROM organizations o LEFT JOIN LATERAL (
	SELECT actor, caller FROM events WHERE organization_id = o.id AND type = 'DELIVERY_PAUSED' ORDER BY sequence DESC LIMIT 1
) AS e ON true
WHERE o.id = '` + invitation.AllOrganizations + `' AND o.delivery_paused_at IS NOT NULL
UNION ALL (
	SELECT id, delivery_paused_at, '', '' FROM organizations
	WHERE delivery_paused_at IS NOT NULL AND id <> '` + invitation.AllOrganizations + `' ORDER BY id LIMIT $1)`

// MailPauses tells whose mails operations has wait.
func (s *Store) MailPauses(ctx context.Context, limit int) ([]invitation.MailPause, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, selectPauses, limit)
	if err != nil {
		return nil, fmt.Errorf("read whose mails wait: %w", translate(err))
	}
	pauses, err := pgx.CollectRows(rows, pgx.RowToStructByPos[invitation.MailPause])
	if err != nil {
		return nil, fmt.Errorf("read whose mails wait: %w", translate(err))
	}
	return pauses, nil
}

const countWaiting = `SELECT count(*) FROM (SELECT FROM invitations WHERE organization_id = $1 AND state = 'PENDING' LIMIT $2) AS waiting`

// CountWaiting counts an organization's invitations that nobody redeemed and nobody
// revoked, up to a limit.
func (s *Store) CountWaiting(ctx context.Context, organizationID string, limit int) (n int, err error) {
	ctx, leave, err := s.lists.enter(ctx, s.timeout)
	if err != nil {
		return 0, err
	}
	defer leave()
	if err := s.pool.QueryRow(ctx, countWaiting, organizationID, limit).Scan(&n); err != nil {
		return 0, fmt.Errorf("count invitations: %w", translate(err))
	}
	return n, nil
}

// exportUser takes rows as they are, so that no new column is forgotten. What is left
// out is not about the person: generations are a part of links.
const exportUser = `
SELECT jsonb_build_object(
	'user', to_jsonb(u) - 'email_key',
	'invitations', (SELECT coalesce(jsonb_agg(to_jsonb(i) - 'mailed_generation' - 'shared_generation'), '[]') FROM invitations i WHERE i.user_id = u.id),
	'deliveries', (SELECT coalesce(jsonb_agg(to_jsonb(d) - 'generation' - 'email_key'), '[]') FROM deliveries d WHERE d.user_id = u.id),
	'events', (SELECT coalesce(jsonb_agg(to_jsonb(e) - 'ended_mailed' - 'ended_shared'), '[]')
		FROM (SELECT * FROM events WHERE user_id = u.id ORDER BY sequence LIMIT 10000) AS e),
	'requests', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'created_at', r.created_at, 'answer', encode(r.answer, 'base64'))), '[]')
		FROM requests r WHERE r.user_id = u.id))
FROM users u WHERE u.id = $1`

// ExportUser returns all that is stored about a person, as JSON.
func (s *Store) ExportUser(ctx context.Context, id string) (data []byte, err error) {
	ctx, leave, err := s.lists.enter(ctx, s.timeout)
	if err != nil {
		return nil, err
	}
	defer leave()
	err = s.pool.QueryRow(ctx, exportUser, id).Scan(&data)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, invitation.ErrUserNotFound
	case err != nil:
		return nil, fmt.Errorf("export a user: %w", translate(err))
	}
	return data, nil
}
