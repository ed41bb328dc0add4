package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

var must = harness.Must

func TestMain(m *testing.M) {
	if dsn := os.Getenv(migrateEnv); dsn != "" {
		os.Exit(migrateOnly(dsn))
	}
	pgtest.Main(m, storetest.Migrate)
}

const (
	validity = 14 * 24 * time.Hour
	org      = "org-1"
	app      = invitation.TargetApp
	patience = harness.Patience
)

// db is a database of the test's own.
type db struct {
	testing.TB
	dsn  string
	pool *pgxpool.Pool
}

func newDB(t testing.TB) *db {
	t.Helper()
	return openDB(t, pgtest.Database(t))
}

func openDB(t testing.TB, dsn string) *db {
	t.Helper()
	return &db{TB: t, dsn: dsn, pool: pgtest.Pool(t, dsn)}
}

// server starts a Store with connections of its own, as another server would.
func (d *db) server(settings ...func(*postgres.Config)) *postgres.Store {
	d.Helper()
	return storetest.New(d, pgtest.Pool(d, d.dsn), settings...)
}

var counter atomic.Int64

// newID is a user's id that no other user has.
func newID() string { return fmt.Sprintf("user-%06d", counter.Add(1)) }

func emailOf(id string) invitation.Email { return email(id + "@example.com") }

func email(address string) invitation.Email {
	return invitation.NewEmail(address, strings.ToLower(address))
}

// person creates an employee with an address, and returns the id.
func person(t testing.TB, s *postgres.Store) string {
	t.Helper()
	id := newID()
	do(t, s, create(id, emailOf(id)))
	return id
}

// do carries out what must succeed.
func do(t testing.TB, s *postgres.Store, c invitation.Change) invitation.Result {
	t.Helper()
	res, err := s.Update(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", c.Request.Cause, err)
	}
	return res
}

func read(t testing.TB, s *postgres.Store, id string) *invitation.User {
	t.Helper()
	res, err := s.Read(t.Context(), invitation.Key{UserID: id})
	must(t, err)
	return res.User
}

func (d *db) exec(sql string, args ...any) {
	d.Helper()
	pgtest.Exec(d, d.pool, sql, args...)
}

func (d *db) count(sql string, args ...any) int {
	d.Helper()
	return pgtest.Count(d, d.pool, sql, args...)
}

// text returns a query's rows, a line each.
func (d *db) text(sql string, args ...any) string {
	d.Helper()
	return pgtest.Text(d, d.pool, sql, args...)
}

// events counts a user's events of a type.
func (d *db) events(id string, kind invitation.EventType) int {
	d.Helper()
	return d.count(`SELECT count(*) FROM events WHERE user_id = $1 AND type = $2`, id, string(kind))
}

// jobs counts the jobs of all mails of a user.
func (d *db) jobs(id string) int {
	d.Helper()
	return d.count(`SELECT count(*) FROM river_job j JOIN deliveries d ON d.id = (j.args->>'delivery_id')::uuid WHERE d.user_id = $1`, id)
}

// row is a user's row with its invitations and mails, as text.
func (d *db) row(id string) string {
	d.Helper()
	return d.text(`SELECT u::text FROM users u WHERE id = $1
		UNION ALL SELECT i::text FROM invitations i WHERE user_id = $1
		UNION ALL SELECT m::text FROM deliveries m WHERE user_id = $1`, id)
}

// as names the refusal that an error is, for reports.
func as(err error) string {
	if err == nil {
		return "OK"
	}
	for _, known := range []error{
		invitation.ErrUserNotFound, invitation.ErrInvitationNotFound, invitation.ErrEmailInUse, invitation.ErrUserExists,
		invitation.ErrRequestIDReused, invitation.ErrUnavailable, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	text, _, _ := strings.Cut(err.Error(), " at goroutine")
	return text
}

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }

func newRequest() uuid.UUID { return uuid.New() }
