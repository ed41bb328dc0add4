package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestPingKnowsTheSchema: a server whose schema was never made, or is older than
// it needs, says so, and is well once that is mended.
func TestPingKnowsTheSchema(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, spoil, mend, want string }{
		{"never migrated", `ALTER TABLE goose_db_version RENAME TO gone`, `ALTER TABLE gone RENAME TO goose_db_version`, "version 0"},
		{"older", `UPDATE goose_db_version SET version_id = -version_id`, `UPDATE goose_db_version SET version_id = -version_id`, "invitationd migrate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDB(t)
			d.exec(c.spoil)
			s := d.server()
			err := s.Ping(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, invitation.ErrUnavailable) {
				t.Errorf("a server on that schema is ill of %v", err)
			}
			d.exec(c.mend)
			must(t, s.Ping(t.Context()))
		})
	}
}

// TestPingKnowsOfWrites: what keeps changes from being saved and passes by itself
// is UNAVAILABLE to callers, shows in a ping, and is over when writing works.
func TestPingKnowsOfWrites(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	d.exec(`ALTER TABLE requests RENAME TO gone`)
	d.exec(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$;
		CREATE TRIGGER full_disk BEFORE UPDATE ON installation FOR EACH STATEMENT EXECUTE FUNCTION full_disk()`)
	if _, err := s.Update(t.Context(), share(id)); !errors.Is(err, invitation.ErrUnavailable) {
		t.Errorf("a change that can't be saved for now: %v", err)
	}
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "53100") {
		t.Errorf("the server is ill of %v", err)
	}
	must(t, s.PingReads(t.Context()))
	d.exec(`ALTER TABLE gone RENAME TO requests; DROP TRIGGER full_disk ON installation`)
	must(t, s.Ping(t.Context()))
	do(t, s, share(id))
}

// TestWhatPasses: whatever SQLSTATE a change meets that passes by itself, its caller
// hears that and when to come back, a ping says which one it is, and both are well
// again once it is over. A fault that stays is none of these.
func TestWhatPasses(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	do(t, s, send(id))
	fail := func(code string) {
		d.exec(fmt.Sprintf(`CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it' USING ERRCODE = '%s'; END $$`, code))
		for _, table := range []string{"invitations", "installation"} {
			d.exec(`CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON ` + table + ` FOR EACH STATEMENT EXECUTE FUNCTION fail()`)
		}
	}
	over := func() { d.exec(`DROP TRIGGER fail ON invitations; DROP TRIGGER fail ON installation`) }
	for _, code := range []string{
		"53000", "53100", "53200", "53300", "53400", "58000", "58030", "58P01", "57P01", "57P02", "57P03", "57P04", "57P05", "57014",
		"08000", "08003", "08006", "0A000", "25006", "25P03", "25P04", "55P03", "40001", "40P01", "42P01", "42703",
	} {
		fail(code)
		if _, err := s.Update(t.Context(), renew(id)); !errors.Is(err, invitation.ErrUnavailable) {
			t.Errorf("%s is %v", code, err)
		}
		if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("after %s the server is ill of %v", code, err)
		}
		over()
		must(t, s.Ping(t.Context()))
		do(t, s, renew(id))
	}
	fail("XX001")
	if _, err := s.Update(t.Context(), renew(id)); err == nil || errors.Is(err, invitation.ErrUnavailable) {
		t.Errorf("damaged data is %v", err)
	}
	must(t, s.Ping(t.Context()))
}

// TestNoWayIn: whatever keeps a server from connecting passes by itself too.
func TestNoWayIn(t *testing.T) {
	t.Parallel()
	dsn, err := url.Parse(pgtest.Database(t))
	must(t, err)
	nowhere, nobody := *dsn, *dsn
	nowhere.Path = "/nowhere"
	nobody.User = url.User("nobody")
	for name, way := range map[string]string{"no such database": nowhere.String(), "no such role": nobody.String()} {
		s := storetest.New(t, pgtest.Pool(t, way))
		_, err := s.Update(t.Context(), share("anybody"))
		if !errors.Is(err, invitation.ErrUnavailable) || !errors.Is(s.Ping(t.Context()), invitation.ErrUnavailable) {
			t.Errorf("%s: %v, ill of %v", name, err, s.Ping(t.Context()))
		}
	}
}

// TestChangedTable: a column that is altered while the server runs costs no call
// anything: what Postgres says of its cached plans passes.
func TestChangedTable(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	do(t, s, send(id))
	read(t, s, id)
	d.exec(`ALTER TABLE users ALTER COLUMN display_name TYPE varchar(300)`)
	do(t, s, renew(id))
	read(t, s, id)
}

// TestMigrateKnowsNewer: an older release leaves the schema of a newer one alone,
// and says so.
func TestMigrateKnowsNewer(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	d.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	if err := postgres.Migrate(t.Context(), d.pool); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("migrating a newer schema: %v", err)
	}
}

// TestGiveWay: a migration that others keep from its locks tries again, what else
// goes wrong ends it.
func TestGiveWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := postgres.GiveWay(t.Context(), func() error {
			if tries++; tries < 5 {
				return fmt.Errorf("migrate: %w", &pgconn.PgError{Code: "55P03"})
			}
			return nil
		})
		if err != nil || tries != 5 {
			t.Errorf("%v after %d tries", err, tries)
		}
		tries = 0
		err = postgres.GiveWay(t.Context(), func() error { tries++; return &pgconn.PgError{Code: "42601"} })
		if err == nil || tries != 1 {
			t.Errorf("%v after %d tries", err, tries)
		}
	})
}
