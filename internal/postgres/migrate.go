package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to date. Several may run at once: one migrates,
// the others wait. It needs a session of its own, so it must not go through a
// pooler in transaction mode. A schema of a newer release is left alone, and an
// error.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("prepare migration lock: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return GiveWay(ctx, func() error {
		if _, err := provider.Up(ctx); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		has, err := schemaVersion(ctx, pool)
		if err != nil {
			return fmt.Errorf("read the schema's version: %w", translate(err))
		}
		if knows := SchemaVersion(); has > knows {
			return fmt.Errorf("the schema is at version %d, and this release knows %d: a newer one has migrated it", has, knows)
		}
		return nil
	})
}

// Migrating is what a session that migrates needs: it gives way to those who hold
// a lock, behind whom everybody else would have to wait with it. Calls wait for three
// seconds.
var Migrating = map[string]string{"lock_timeout": "1s"}

// migrateTries and migratePause are how often, and after which times, a migration
// is tried again that gave way.
const (
	migrateTries = 60
	migratePause = 2 * time.Second
)

// GiveWay carries a migration out again as long as others hold a lock that it
// needs.
func GiveWay(ctx context.Context, migrate func() error) error {
	for n := 1; ; n++ {
		err := migrate()
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55P03" || n == migrateTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(migratePause):
		}
	}
}

// SchemaVersion is the version of the schema that this release needs.
var SchemaVersion = sync.OnceValue(func() int64 {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		panic("no migrations are embedded")
	}
	version, err := goose.NumericComponent(slices.Max(files))
	if err != nil {
		panic(err)
	}
	return version
})

func schemaVersion(ctx context.Context, pool *pgxpool.Pool) (version int64, err error) {
	err = pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P01" {
		return 0, nil // it was never migrated
	}
	return version, err
}
