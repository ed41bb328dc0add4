package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
)

// undo outlives the attack.
func (f *field) undo(ctx context.Context, sql ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var errs []error
	for _, statement := range sql {
		errs = append(errs, f.exec(ctx, statement))
	}
	return errors.Join(errs...)
}

// fourConnections takes the service's connections away, but for four. The rate is
// looked at once the calls that were cut off have been repeated.
func fourConnections(ctx context.Context, f *field) error {
	if err := f.exec(ctx, `ALTER ROLE `+role+` CONNECTION LIMIT 4`); err != nil {
		return err
	}
	err := f.exec(ctx, `SELECT pg_terminate_backend(pid) FROM (
		SELECT pid FROM pg_stat_activity WHERE usename = '`+role+`' ORDER BY state = 'idle' DESC OFFSET 4) AS surplus`)
	<-ctx.Done()
	return errors.Join(err, f.undo(ctx, `ALTER ROLE `+role+` CONNECTION LIMIT -1`))
}

// alterTables changes a small table that every call reads: each statement that a
// session has prepared is then of another type.
func alterTables(ctx context.Context, f *field) error {
	for n := 300; ctx.Err() == nil; n++ {
		_, err := f.db.Exec(ctx, fmt.Sprintf(`ALTER TABLE organizations ALTER name TYPE varchar(%d)`, n))
		if err != nil && ctx.Err() == nil {
			return err
		}
		pause(ctx, settling)
	}
	return nil
}

const nextMigration = `-- +goose Up
SET LOCAL lock_timeout = '1s';
ALTER TABLE mail_limits ADD COLUMN besieged text;
-- +goose Down
ALTER TABLE mail_limits DROP COLUMN besieged;
`

// next is invitationd with another migration.
func (f *field) next() string { return filepath.Join(f.work, "next") }

func buildNext(ctx context.Context, f *field) error {
	source := f.next() + ".sql"
	if err := os.WriteFile(source, []byte(nextMigration), 0o600); err != nil {
		return err
	}
	return launch.Build(ctx, f.root, f.next(), [2]string{"internal/postgres/migrations/99999_next.sql", source})
}

// migrateBehindReader has somebody read a table for eight seconds, which the next
// release's migration wants to change, and everybody else writes to.
func migrateBehindReader(ctx context.Context, f *field) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	reader, err := f.db.Begin(ctx)
	if err != nil {
		return err
	}
	if _, err := reader.Exec(ctx, `SELECT count(*) FROM mail_limits`); err != nil {
		return err
	}
	migrate := exec.CommandContext(ctx, f.next(), "migrate")
	migrate.Env = []string{"DATABASE_URL=" + f.pg.DSN("postgres")}
	if err := migrate.Start(); err != nil {
		return err
	}
	pause(ctx, 8*time.Second)
	if err := reader.Rollback(ctx); err != nil {
		return err
	}
	return migrate.Wait()
}

func migrated(ctx context.Context, f *field, _ *seen) (string, error) {
	var n int
	err := f.db.QueryRow(ctx, `SELECT count(*) FROM information_schema.columns WHERE column_name = 'besieged'`).Scan(&n)
	if err == nil && n != 1 {
		err = errors.New("it never migrated")
	}
	return "migrated in the end", err
}

// fullDisk has every write fail as on a full disk: filling the machine's would be
// felt by others than the service.
func fullDisk(ctx context.Context, f *field) error {
	err := f.exec(ctx, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`)
	tables := []string{"users", "invitations", "events", "installation"}
	for _, table := range tables {
		err = errors.Join(err, f.exec(ctx, `CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON `+table+` FOR EACH STATEMENT EXECUTE FUNCTION full_disk()`))
	}
	err = errors.Join(err, f.awaitHealth(ctx, healthpb.HealthCheckResponse_NOT_SERVING))
	<-ctx.Done()
	for _, table := range tables {
		err = errors.Join(err, f.undo(ctx, `DROP TRIGGER full_disk ON `+table))
	}
	return err
}

// well checks that nobody heard worse than when to come back, and that all is well
// again by itself.
func well(ctx context.Context, f *field, s *seen) (string, error) {
	if err := f.awaitHealth(ctx, healthpb.HealthCheckResponse_SERVING); err != nil {
		return "", err
	}
	if worse := f.others.why.Load(); worse != nil {
		return "", fmt.Errorf("others heard %w", *worse)
	}
	after := f.observe(ctx, defaultLasting)
	note := fmt.Sprintf("not serving meanwhile, %d × UNAVAILABLE, then %.0f per second", s.attacked.failed, after.rate())
	if s.attacked.failed == 0 || after.rate() < 0.5*s.quiet.rate() {
		return note, errors.New("it does not recover, or the disk was not full")
	}
	return note, nil
}
