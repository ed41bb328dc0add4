package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
)

// The roles of deploy/postgres/roles.sql. Every process of this package's tests
// has the rights of its role and no more.
const (
	migrating = "invitation_migrating"
	serving   = "invitation_serving"
	password  = "as in tests"
)

// as is the database, seen by a role. An empty one stays so.
func as(role, dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.User == nil {
		return dsn
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

// migrateAsInProduction does what deploy/README.md tells whoever makes a database.
func migrateAsInProduction(ctx context.Context, dsn string) error {
	roles, err := os.ReadFile("../../deploy/postgres/roles.sql")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range []string{
		string(roles),
		string(roles), // a second time, as for a second database
		"ALTER ROLE " + migrating + " PASSWORD '" + password + "'; ALTER ROLE " + serving + " PASSWORD '" + password + "'",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return migrate(ctx, serving, []string{"DATABASE_URL=" + as(migrating, dsn)})
}

// TestWhatServingMayNot: a server that was taken over can't rewrite the audit
// trail or the schema. What it may is shown by all other tests of this package.
func TestWhatServingMayNot(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pool := pgtest.Pool(t, as(serving, dsn))
	for _, sql := range []string{
		"UPDATE events SET reason = ''",
		"TRUNCATE events",
		"ALTER TABLE events DISABLE TRIGGER ALL",
		"DROP TABLE events",
		"CREATE TABLE mine (id int)",
		"DELETE FROM users",
		"DELETE FROM invitations",
		"DELETE FROM deliveries",
		"DELETE FROM trails",
		"INSERT INTO installation DEFAULT VALUES",
		"UPDATE installation SET epoch = gen_random_uuid()",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)",
		"SET ROLE invitation_owner",
		"COPY users TO PROGRAM 'cat'",
	} {
		_, err := pool.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s: %v, want insufficient_privilege", sql, err)
		}
	}
}

// TestEveryTableIsGranted: a new table needs its line in Rights.
func TestEveryTableIsGranted(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Database(t))
	rows, err := pool.Query(t.Context(), `
		SELECT relname || ' of ' || relowner::regrole::text FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
			AND (relowner <> 'invitation_owner'::regrole OR relkind <> 'S' AND NOT has_table_privilege('invitation_serving', oid, 'SELECT'))`)
	must(t, err)
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if slices.Sort(left); len(left) > 0 {
		t.Errorf("not owned by invitation_owner, or not to be read by invitation_serving: %v", left)
	}
}
