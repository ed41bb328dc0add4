// Package pgtest gives tests throw-away PostgreSQL databases.
//
// A package that needs them calls [Main] from its TestMain:
//
//	func TestMain(m *testing.M) { pgtest.Main(m, storetest.Migrate) }
//
// The package's tests then share one private server, and each takes its own
// copy of the migrated template with [Database]. The server ends with the test
// process, however that ends; a data directory that a killed process leaves behind
// is removed by the next run.
package pgtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
)

// template is the migrated database that tests get copies of.
const template = "template_migrated"

// shared is set by Main before any test runs.
var shared struct {
	server  *pgserver.Server
	migrate func(ctx context.Context, dsn string) error
	clone   string // SQL that copies the template to the database %s
}

// Main runs the package's tests and exits the process. migrate prepares an
// empty database; nil leaves it empty. When PostgreSQL is not installed it says
// so in one line and fails.
func Main(m *testing.M, migrate func(ctx context.Context, dsn string) error) {
	os.Exit(run(m, migrate))
}

func run(m interface{ Run() int }, migrate func(ctx context.Context, dsn string) error) int {
	flag.Parse()
	if flag.Lookup("test.list").Value.String() != "" {
		return m.Run()
	}
	sweep(os.TempDir())
	sweep(memory)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	shared.migrate = migrate
	cleanUp, err := startShared(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return 1
	}
	// One of the two cleans up, and a second one waits for the first.
	cleanUp = sync.OnceFunc(cleanUp)
	defer cleanUp()
	disarm := context.AfterFunc(ctx, func() {
		cleanUp()
		os.Exit(1)
	})
	defer disarm()
	return m.Run()
}

// startShared starts the server and makes the template.
func startShared(ctx context.Context) (cleanUp func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	server, cleanUp, err := startServer(ctx, "")
	if err != nil {
		return nil, err
	}
	if err := makeTemplate(ctx, server); err != nil {
		cleanUp()
		return nil, err
	}
	shared.server = server
	return cleanUp, nil
}

// makeTemplate closes the template for connections, because one keeps it from
// being copied.
func makeTemplate(ctx context.Context, server *pgserver.Server) error {
	conn, err := pgx.Connect(ctx, server.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+template); err != nil {
		return err
	}
	if err := migrate(ctx, server.DSN(template)); err != nil {
		return err
	}
	shared.clone = "CREATE DATABASE %s TEMPLATE " + template + strategy(conn.PgConn().ParameterStatus("server_version"))
	_, err = conn.Exec(ctx, "ALTER DATABASE "+template+" ALLOW_CONNECTIONS false; "+
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+template+"'")
	return err
}

// strategy takes half the time of the default, which came with version 15 and
// spares the disk a checkpoint that costs nothing here (14 ms instead of 24-31).
func strategy(serverVersion string) string {
	if serverVersion < "15" {
		return ""
	}
	return " STRATEGY file_copy"
}

func migrate(ctx context.Context, dsn string) error {
	if shared.migrate == nil {
		return nil
	}
	if err := shared.migrate(ctx, dsn); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Server is the server that the package's tests share.
func Server() *pgserver.Server {
	if shared.server == nil {
		panic("pgtest: no server: TestMain does not call pgtest.Main")
	}
	return shared.server
}

var databases atomic.Int64

// Database makes a database that is the test's own, migrated and otherwise
// empty, and returns its URL. It is dropped after the test together with the
// connections that are left in it. Parallel tests may call it.
func Database(t testing.TB) string {
	t.Helper()
	server := Server()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	harness.Must(t, cloneTemplate(ctx, server, name))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
		defer cancel()
		if err := execute(ctx, server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return server.DSN(name)
}

// cloneTemplate tries again when something of the server's own, such as
// autovacuum, is in the template. Postgres itself waits 5 s for it to leave.
func cloneTemplate(ctx context.Context, server *pgserver.Server, name string) error {
	const objectInUse = "55006"
	for {
		err := execute(ctx, server, fmt.Sprintf(shared.clone, name))
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != objectInUse || ctx.Err() != nil {
			return err
		}
	}
}

func execute(ctx context.Context, server *pgserver.Server, sql string) error {
	conn, err := pgx.Connect(ctx, server.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
