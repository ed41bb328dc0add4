package delivery_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mail"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/sendgrid"
)

var must = harness.Must

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childEnv); dsn != "" {
		child(dsn, os.Getenv(childProviderEnv))
	}
	pgtest.Main(m, storetest.Migrate)
}

const (
	validity = 14 * 24 * time.Hour
	app      = invitation.TargetApp
	apiKey   = "SG.test"
	name     = "Erika Mustermann"
	patience = harness.Patience
)

// stack is a database, a store, and a provider that takes mails.
type stack struct {
	testing.TB
	dsn    string
	pool   *pgxpool.Pool
	store  *postgres.Store
	linker *invitation.Linker
	inbox  *sendgridtest.Emulator
	url    string
}

func newStack(t testing.TB) *stack {
	t.Helper()
	s := &stack{TB: t, dsn: pgtest.Database(t), linker: harness.Linker()}
	s.connect()
	s.inbox, s.url = sendgridtest.Start(t, sendgridtest.Config{APIKey: apiKey, Keep: 5000})
	return s
}

// connect opens connections and a store of the stack's own, as another server would.
func (s *stack) connect() {
	s.Helper()
	s.pool = pgtest.Pool(s, s.dsn, func(c *pgxpool.Config) { c.MaxConns = 12 })
	s.store = storetest.New(s, s.pool)
}

// provider returns a client of the stack's provider.
func (s *stack) provider(settings ...func(*sendgrid.Config)) *sendgrid.Client {
	s.Helper()
	c := sendgrid.Config{APIKey: apiKey, BaseURL: s.url, FromAddress: "invitation@kiwi.example", FromName: "KIWI"}
	for _, set := range settings {
		set(&c)
	}
	client, err := sendgrid.New(c)
	must(s, err)
	s.Cleanup(client.Close)
	return client
}

// agenda has nothing to do.
type agenda struct{}

func (agenda) Expired(context.Context, int) ([]invitation.Due, error) { return nil, nil }
func (agenda) Ending(context.Context, time.Duration, int) ([]invitation.Due, error) {
	return nil, nil
}
func (agenda) Forget(context.Context) error { return nil }

func (s *stack) config() delivery.Config {
	c := s.bareConfig()
	c.Sender = s.provider()
	return c
}

func (s *stack) bareConfig() delivery.Config {
	return delivery.Config{
		Pool: s.pool, Store: s.store, Linker: s.linker, Render: mail.Render,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Concurrency: 8, Agenda: agenda{}, AgendaEvery: time.Hour,
		Rest: s.store, RestFor: 50 * time.Millisecond, AnswerAfter: 10 * time.Millisecond,
	}
}

// work starts workers, until the test ends.
func (s *stack) work(settings ...func(*delivery.Config)) *delivery.Workers {
	s.Helper()
	c := s.config()
	for _, set := range settings {
		set(&c)
	}
	w, err := delivery.NewWorkers(c)
	must(s, err)
	must(s, w.Start(context.Background()))
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = w.Stop(ctx)
	})
	return w
}

var counter atomic.Int64

// invite creates a user and mails an invitation. It returns the user's id.
func (s *stack) invite() string {
	s.Helper()
	id := fmt.Sprintf("user-%d", counter.Add(1))
	s.create(id)
	s.change(id, func(u *invitation.User, now time.Time) error { return u.Send(app, false, now, validity) })
	return id
}

func addressOf(id string) string { return id + "@example.com" }

func (s *stack) create(id string) {
	s.Helper()
	_, err := s.store.Update(s.Context(), invitation.Change{
		Key: invitation.Key{UserID: id, OrganizationID: "org"}, Create: true, Request: invitation.Request{Cause: "test"},
		Rule: func(u *invitation.User, now time.Time) error {
			u.Create(invitation.Employee, name, invitation.German, invitation.NewEmail(addressOf(id), addressOf(id)), now)
			return nil
		},
	})
	must(s, err)
}

func (s *stack) change(id string, rule func(u *invitation.User, now time.Time) error) *invitation.User {
	s.Helper()
	res, err := s.store.Update(s.Context(), invitation.Change{
		Key: invitation.Key{UserID: id}, Request: invitation.Request{Cause: "test"}, Rule: rule,
	})
	must(s, err)
	return res.User
}

// sender does something else than the provider.
type sender func(ctx context.Context, m invitation.Message) error

func (f sender) Send(ctx context.Context, m invitation.Message) error { return f(ctx, m) }

func with(f sender) func(*delivery.Config) { return func(c *delivery.Config) { c.Sender = f } }
