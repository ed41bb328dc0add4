package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
)

// migrateEnv makes the test binary migrate this database and do nothing else,
// as a second server does that starts at the same moment.
const migrateEnv = "POSTGRES_TEST_MIGRATE"

func migrateOnly(dsn string) int {
	if err := storetest.Migrate(context.Background(), dsn); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// empty makes a database without a schema.
func empty(t *testing.T, name string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.Server().DSN("postgres"))
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0")
	must(t, err)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), pgtest.Server().DSN("postgres"))
		must(t, err)
		defer func() { _ = conn.Close(context.Background()) }()
		_, err = conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		must(t, err)
	})
	return pgtest.Server().DSN(name)
}

const schema = `SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns
	WHERE table_schema = 'public' ORDER BY 1`

// TestMigrateTwice: migrating what is migrated changes nothing, data included.
func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	id := person(t, d.server())
	columns, row := d.text(schema), d.row(id)
	must(t, storetest.Migrate(t.Context(), d.dsn))
	if d.text(schema) != columns || d.row(id) != row {
		t.Error("a second migration changed something")
	}
	if columns == "" {
		t.Error("there is no schema")
	}
}

// TestMigrateAtOnce: servers that start together, on an empty database, all end
// up with one schema.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := empty(t, "migrated_at_once")
	type process struct {
		cmd *exec.Cmd
		out *bytes.Buffer
	}
	var processes []process
	for range 4 {
		p := process{exec.CommandContext(t.Context(), os.Args[0]), &bytes.Buffer{}}
		p.cmd.Env = append(os.Environ(), migrateEnv+"="+dsn)
		p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
		must(t, p.cmd.Start())
		processes = append(processes, p)
	}
	for i, p := range processes {
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("process %d: %v: %s", i, err, p.out)
		}
	}
	d := openDB(t, dsn)
	if got, want := d.text(schema), newDB(t).text(schema); got != want {
		t.Errorf("the schema is\n%s\nwant\n%s", got, want)
	}
	if n := d.count(`SELECT count(*) FROM (SELECT FROM goose_db_version GROUP BY version_id HAVING count(*) > 1) t`); n > 0 {
		t.Errorf("%d migrations ran more than once", n)
	}
	checkWorks(t, d)
}

// checkWorks runs one call of each kind that matters.
func checkWorks(t *testing.T, d *db) {
	t.Helper()
	s := d.server()
	id := person(t, s)
	do(t, s, send(id))
	if d.jobs(id) != 1 || read(t, s, id).Invitations[app] == nil {
		t.Error("the database does not work")
	}
}
