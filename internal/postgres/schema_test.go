package postgres_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A row of each table that is in order, by its columns' SQL.
var goodRows = map[string]map[string]string{
	"organizations": {"id": `'org-9'`, "name": `''`},
	"trails":        {"organization_id": `'org-9'`, "last_sequence": `1`},
	"users": {
		"id": `'u'`, "organization_id": `'org'`, "type": `'EMPLOYEE'`, "display_name": `'Erika'`, "locale": `'de'`,
		"email": `'A@x.example'`, "email_key": `'a@x.example'`, "created_at": `now()`,
		"undeliverable": `''`, "account_status": `'OFFLINE'`,
	},
	"invitations": {
		"id": `'00000000-0000-0000-0000-000000000001'`, "user_id": `'owner'`, "organization_id": `'org'`, "reminded": `false`, "expiry_noted": `false`,
		"target": `'PORTAL'`, "state": `'PENDING'`, "issued_at": `now()`, "expires_at": `now() + interval '14 days'`,
		"mailed_generation": `1`, "mailed_open": `false`, "shared_generation": `1`, "shared_open": `true`,
	},
	"deliveries": {
		"id": `'00000000-0000-0000-0000-000000000002'`, "invitation_id": `'00000000-0000-0000-0000-00000000000a'`, "user_id": `'owner'`, "organization_id": `'org'`,
		"reminder": `false`, "despite_bounce": `false`, "attempts": `0`, "reason": `''`,
		"generation": `1`, "email": `'a@x.example'`, "email_key": `'a@x.example'`, "state": `'QUEUED'`, "changed_at": `now()`,
	},
	"events": {
		"organization_id": `'org'`, "sequence": `1`, "type": `'USER_CREATED'`, "occurred_at": `now()`, "user_id": `'owner'`, "cause": `'test'`,
		"channel": `''`, "delivery_state": `''`, "reason": `''`, "actor": `''`, "caller": `''`,
	},
	"requests": {
		"id": `'00000000-0000-0000-0000-000000000003'`, "fingerprint": `'x'`, "user_id": `'owner'`, "created_at": `now()`,
	},
	"reports":       {"event_id": `'r1'`},
	"delivery_rest": {"since": `now()`, "until": `now()`, "probes": `0`, "reason": `''`},
	"mail_limits":   {"key": `'k'`, "used_until": `now()`, "used_at": `now() - interval '1 minute'`, "per": `interval '1 minute'`},
}

// owners are what the good rows refer to.
const owners = `
INSERT INTO users (id, organization_id, type, display_name, locale, email, email_key, undeliverable, created_at, account_status)
VALUES ('owner', 'org', 'EMPLOYEE', 'O', 'de', 'owner@x.example', 'owner@x.example', '', now(), 'OFFLINE');
INSERT INTO invitations (id, user_id, organization_id, target, state, issued_at, expires_at,
	mailed_generation, mailed_open, shared_generation, shared_open, reminded, expiry_noted)
VALUES ('00000000-0000-0000-0000-00000000000a', 'owner', 'org', 'APP', 'PENDING', now(), now() + interval '1 day', 1, false, 1, true, false, false)`

// bad is what makes a good row wrong.
type bad struct {
	table   string
	columns map[string]string
	code    string // the SQLSTATE; a CHECK's if empty
}

const (
	unique  = "23505"
	foreign = "23503"
	null    = "23502"
)

var badRows = []bad{
	{table: "organizations", columns: map[string]string{"id": `''`}},
	{table: "organizations", columns: map[string]string{"reply_to": `'A@x.example'`}},
	{table: "trails", columns: map[string]string{"last_sequence": `0`}},
	{table: "organizations", columns: map[string]string{"name": `NULL`}, code: null},

	{table: "users", columns: map[string]string{"id": `''`}},
	{table: "users", columns: map[string]string{"id": `'owner'`}, code: unique},
	{table: "users", columns: map[string]string{"organization_id": `''`}},
	{table: "users", columns: map[string]string{"type": `'ADMIN'`}},
	{table: "users", columns: map[string]string{"undeliverable": `'LOST'`}},
	{table: "users", columns: map[string]string{"account_status": `'AWAY'`}},
	{table: "users", columns: map[string]string{"account_status": `'INVITED'`}},
	{table: "users", columns: map[string]string{"display_name": `''`}},
	{table: "users", columns: map[string]string{"email": `NULL`}},
	{table: "users", columns: map[string]string{"email_key": `NULL`}},
	{table: "users", columns: map[string]string{"email_key": `'owner@x.example'`}, code: unique},
	{table: "users", columns: map[string]string{"email": `NULL`, "email_key": `NULL`, "email_confirmed_at": `now()`}},
	{table: "users", columns: map[string]string{"email": `NULL`, "email_key": `NULL`, "undeliverable": `'BOUNCED'`}},
	{table: "users", columns: map[string]string{"erased_at": `now()`, "deactivated_at": `now()`, "display_name": `''`}},
	{table: "users", columns: map[string]string{"erased_at": `now()`, "deactivated_at": `now()`, "email": `NULL`, "email_key": `NULL`}},
	{table: "users", columns: map[string]string{"erased_at": `now()`, "display_name": `''`, "email": `NULL`, "email_key": `NULL`}},

	{table: "invitations", columns: map[string]string{"target": `'WEB'`}},
	{table: "invitations", columns: map[string]string{"target": `'APP'`}, code: unique},
	{table: "invitations", columns: map[string]string{"user_id": `'nobody'`}, code: foreign},
	{table: "invitations", columns: map[string]string{"state": `'EXPIRED'`}},
	{table: "invitations", columns: map[string]string{"state": `'REDEEMED'`}},
	{table: "invitations", columns: map[string]string{"redeemed_at": `now()`}},
	{table: "invitations", columns: map[string]string{"state": `'REVOKED'`, "revoked_for": `'INVITATION_REVOKED'`}},
	{table: "invitations", columns: map[string]string{"state": `'REVOKED'`, "revoked_at": `now()`}},
	{table: "invitations", columns: map[string]string{"state": `'REVOKED'`, "revoked_at": `now()`, "revoked_for": `'BOREDOM'`}},
	{table: "invitations", columns: map[string]string{"revoked_at": `now()`}},
	{table: "invitations", columns: map[string]string{"revoked_for": `'INVITATION_REVOKED'`}},
	{table: "invitations", columns: map[string]string{"expires_at": `now()`}},
	{table: "invitations", columns: map[string]string{"mailed_generation": `-1`}},
	{table: "invitations", columns: map[string]string{"mailed_generation": `0`, "mailed_open": `true`, "delivery_id": `'00000000-0000-0000-0000-0000000000ff'`}},
	{table: "invitations", columns: map[string]string{"mailed_generation": `67108864`}},
	{table: "invitations", columns: map[string]string{"shared_generation": `-1`}},
	{table: "invitations", columns: map[string]string{"shared_generation": `0`}},
	{table: "invitations", columns: map[string]string{"shared_generation": `67108864`}},
	{table: "invitations", columns: map[string]string{"shared_open": `false`}},
	{table: "invitations", columns: map[string]string{"mailed_open": `true`}},
	{table: "invitations", columns: map[string]string{"delivery_id": `'00000000-0000-0000-0000-0000000000ff'`}, code: foreign},

	{table: "deliveries", columns: map[string]string{"invitation_id": `'00000000-0000-0000-0000-0000000000ff'`}, code: foreign},
	{table: "deliveries", columns: map[string]string{"generation": `0`}},
	{table: "deliveries", columns: map[string]string{"drop_cause": `'LOST'`}},
	{table: "deliveries", columns: map[string]string{"email": `NULL`}},
	{table: "deliveries", columns: map[string]string{"email_key": `NULL`}},
	{table: "deliveries", columns: map[string]string{"state": `'SENT'`}},
	{table: "deliveries", columns: map[string]string{"state": `'ACCEPTED'`}},
	{table: "deliveries", columns: map[string]string{"attempts": `-1`}},
	{table: "deliveries", columns: map[string]string{"reason": `repeat('x', 501)`}},
	{table: "deliveries", columns: map[string]string{"drop_cause": `'BOREDOM'`}},

	{table: "events", columns: map[string]string{"sequence": `0`}},
	{table: "events", columns: map[string]string{"type": `'USER_LOST'`}},
	{table: "events", columns: map[string]string{"channel": `'POST'`}},
	{table: "events", columns: map[string]string{"delivery_state": `'SENT'`}},
	{table: "events", columns: map[string]string{"target": `'WEB'`, "invitation_id": `'00000000-0000-0000-0000-00000000000a'`}},
	{table: "events", columns: map[string]string{"target": `'APP'`}},
	{table: "events", columns: map[string]string{"invitation_id": `'00000000-0000-0000-0000-00000000000a'`}},

	{table: "requests", columns: map[string]string{"uses": `0`}},
	{table: "reports", columns: map[string]string{"event_id": `''`}},
	{table: "reports", columns: map[string]string{"event_id": `repeat('x', 201)`}},
	{table: "delivery_rest", columns: map[string]string{"one": `false`}},
	{table: "delivery_rest", columns: map[string]string{"probes": `-1`}},
	{table: "delivery_rest", columns: map[string]string{"reason": `repeat('x', 501)`}},
	{table: "mail_limits", columns: map[string]string{"used_at": `now() - interval '1 minute'`, "per": `interval '59 seconds'`}},
}

func insert(table string, changed map[string]string) string {
	row := maps.Clone(goodRows[table])
	maps.Copy(row, changed)
	names := slices.Sorted(maps.Keys(row))
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = row[name]
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, table, strings.Join(names, ", "), strings.Join(values, ", "))
}

// TestWrongRowsAreRefused: the database knows by itself what can't be, and
// every CHECK it has is shown to hold.
func TestWrongRowsAreRefused(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	d.exec(owners)
	try := func(statement string) error {
		_, err := d.pool.Exec(t.Context(), `BEGIN; `+statement+`; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK`)
		return err
	}
	for table := range goodRows {
		if err := try(insert(table, nil)); err != nil {
			t.Errorf("the good row of %s: %v", table, err)
		}
	}
	hit := map[string]bool{}
	for _, b := range badRows {
		err := try(insert(b.table, b.columns))
		var refused *pgconn.PgError
		want := b.code
		if want == "" {
			want = "23514"
		}
		if !errors.As(err, &refused) || refused.Code != want {
			t.Errorf("%s with %v: %v, want SQLSTATE %s", b.table, b.columns, err, want)
			continue
		}
		hit[refused.ConstraintName] = true
	}
	for _, name := range strings.Fields(d.text(`SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
		WHERE contype IN ('c', 'f') AND relnamespace = 'public'::regnamespace AND relname = ANY ($1)`, slices.Sorted(maps.Keys(goodRows)))) {
		if !hit[name] {
			t.Errorf("no row shows that %s holds", name)
		}
	}
}

// TestAddressIsFreeAgain: the same address may belong to any number of users
// who are deactivated.
func TestAddressIsFreeAgain(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	for i := range 3 {
		d.exec(insert("users", map[string]string{"id": fmt.Sprintf(`'u%d'`, i), "deactivated_at": `now()`}))
	}
	d.exec(insert("users", nil))
	if n := d.count(`SELECT count(*) FROM users WHERE email_key = 'a@x.example'`); n != 4 {
		t.Errorf("%d users", n)
	}
}
