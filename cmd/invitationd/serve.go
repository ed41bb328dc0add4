package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/keyfile"
	"github.com/kiwi-ki/invitations/internal/mail"
	"github.com/kiwi-ki/invitations/internal/metrics"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/sendgrid"
	"github.com/kiwi-ki/invitations/internal/server"
	"github.com/kiwi-ki/invitations/internal/tracing"
)

// keysEvery is how often the files with keys are looked at.
const keysEvery = 5 * time.Second

// serve runs the service until the context ends, and then drains it: the API
// first, so that no call finds the rest gone.
func serve(ctx context.Context, role string, environ []string, stdout io.Writer) error {
	api, work := role != "worker", role != "api"
	if role != "all" && api && work {
		return fmt.Errorf("there is no role %q", role)
	}
	c, err := readConfig(environ)
	if err != nil {
		return err
	}
	var level slog.LevelVar
	log := newLogger(stdout, &level)
	version, commit := release()
	if c.tracer, err = tracing.New(ctx, version, log); err != nil {
		return err
	}
	if c.tracer != nil {
		defer c.tracer.Close(ctx)
		log = slog.New(tracing.Handler(log.Handler()))
	}
	linker, err := c.linker()
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	sessions := maps.Clone(postgres.Bounds)
	sessions["application_name"] = postgres.ApplicationName(role, version, host, os.Getpid())
	pool, err := c.pool(ctx, sessions)
	if err != nil {
		return err
	}
	defer pool.Close()
	m := metrics.New(version, commit)
	store := postgres.New(c.store(pool, linker, m))
	defer store.Close()

	state := &looker{pool: pool, store: store, keys: func() int { return len(linker.Keys()) }}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		keyfile.Watch(ctx, c.KeysFile, keysEvery, linker.SetRing, log)
		return nil
	})
	if c.DebugAddr != "" {
		group.Go(func() error { return c.runDebug(ctx, &level, log) })
	}
	if work {
		sender, err := c.sender()
		if err != nil {
			return err
		}
		workers, err := c.workers(pool, store, measured{sender, m, c.tracer}, linker, log)
		if err != nil {
			return err
		}
		group.Go(func() error {
			sender.Follow(ctx, keysEvery, log)
			return nil
		})
		group.Go(func() error { return runWorkers(ctx, workers, store.Ping, c.DrainTimeout, log) })
	}
	if api {
		s, err := c.server(operations{store, pool}, linker, m, log)
		if err != nil {
			return err
		}
		state.streams, state.expiry = s.OpenStreams, s.CertificateExpiry
		group.Go(func() error { return c.runServer(ctx, s, log) })
		if c.WebhookAddr != "" {
			group.Go(func() error { return c.runWebhook(ctx, pool, store, m, log) })
		}
		if !c.DatabasePooler {
			group.Go(func() error {
				store.Listen(ctx)
				return nil
			})
		}
	}
	if c.MetricsAddr != "" {
		m.Follow(state.look)
		group.Go(func() error { return c.runMetrics(ctx, m, store.Ping, log) })
	}
	return group.Wait()
}

func (c config) store(pool *pgxpool.Pool, linker *invitation.Linker, m *metrics.Metrics) postgres.Config {
	s := postgres.Config{
		Pool: pool, Enqueue: delivery.Enqueue,
		PerRecipient: c.PerRecipient.Limit, PerOrganization: c.PerOrganization.Limit, Pseudonym: linker.Pseudonym,
	}
	if c.MetricsAddr != "" {
		s.OnGroup, s.OnSaved = m.Group, countEvents(m)
	}
	if c.tracer != nil {
		s.Trace = c.tracer
	}
	return s
}

// operations is what the store tells people in operations, and the queue.
type operations struct {
	*postgres.Store
	pool *pgxpool.Pool
}

// MailQueue implements server.Operations.
func (o operations) MailQueue(ctx context.Context) (invitation.MailQueue, error) {
	return delivery.Depth(ctx, o.pool)
}

// WakeMails implements server.Operations.
func (o operations) WakeMails(ctx context.Context) error { return delivery.WakeMails(ctx, o.pool) }

func (c config) server(store operations, linker *invitation.Linker, m *metrics.Metrics, log *slog.Logger) (*server.Server, error) {
	callers, err := c.access(log)
	if err != nil {
		return nil, err
	}
	version, commit := release()
	s := server.Config{
		Store: store, Operations: store, Version: version, Commit: commit, Linker: linker, Validity: c.Validity, StalledAfter: c.StalledAfter, Logger: log,
		InvalidTokens: server.InvalidTokens{N: c.InvalidTokens.N, Per: c.InvalidTokens.Per},
		Access:        callers, Ping: store.Ping, PingReads: store.PingReads, PingDelivery: store.PingDelivery,
	}
	if c.MetricsAddr != "" {
		s.Observe = m.Call
	}
	if c.tracer != nil {
		s.Trace = c.tracer.Call
	}
	return server.New(s)
}

func (c config) runServer(ctx context.Context, s *server.Server, log *slog.Logger) error {
	l, err := c.listen()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Serve(l) })
	group.Go(func() error {
		s.Watch(ctx, time.Second)
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.DrainTimeout)
		defer cancel()
		s.Drain(drain)
		return nil
	})
	log.Info("serving", "addr", l.Addr().String())
	defer log.Info("stopped serving")
	return group.Wait()
}

// retryStart is how long workers wait for a database that is not there yet.
const retryStart = 2 * time.Second

func runWorkers(ctx context.Context, w *delivery.Workers, ping func(context.Context) error, drain time.Duration, log *slog.Logger) error {
	for said := ""; ; {
		err := w.Start(ctx)
		if err == nil {
			break
		}
		reason := fmt.Sprintf("%T", err)
		if ill := ping(ctx); ill != nil {
			reason = ill.Error()
		}
		if reason != said {
			log.Warn("the workers can't start yet", "reason", reason)
			said = reason
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryStart):
		}
	}
	log.Info("sending mails")
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return w.Stop(stop)
}

func (c config) sender() (*sendgrid.Client, error) {
	return sendgrid.New(sendgrid.Config{
		APIKey: c.SendGridKey, KeyFile: c.SendGridKeyFile, BaseURL: c.SendGridURL, Sandbox: c.SendGridSandbox, BypassUnsubscribes: c.SendGridBypass,
		Timeout: c.SendGridTimeout, FromAddress: c.MailFrom, FromName: c.MailFromName,
	})
}

func (c config) workers(
	pool *pgxpool.Pool, store *postgres.Store, sender delivery.Sender, linker *invitation.Linker, log *slog.Logger,
) (*delivery.Workers, error) {
	w := delivery.Config{
		Pool: pool, Store: store, Sender: sender, Linker: linker, Render: mail.Render, Logger: log,
		Rest: store, Concurrency: c.MailWorkers, PollOnly: c.DatabasePooler,
		Pace: c.pace(store), Agenda: agenda{store, postgres.Memory{Requests: c.RequestMemory, Addresses: c.AddressMemory, Events: c.EventMemory}}, AgendaEvery: c.AgendaEvery,
		RemindBefore: c.RemindBefore, RescueAfter: c.RescueAfter,
	}
	if c.tracer != nil {
		w.Trace = c.tracer.Mail
	}
	return delivery.NewWorkers(w)
}

// pace is nil without a limit.
func (c config) pace(store *postgres.Store) *delivery.Pace {
	if c.MailRate.N == 0 {
		return nil
	}
	return &delivery.Pace{
		Cost: c.MailRate.Per / time.Duration(c.MailRate.N),
		Reserve: func(ctx context.Context, n int) (time.Duration, error) {
			return store.Reserve(ctx, "provider", c.MailRate.Limit, n)
		},
	}
}

// agenda is the store's, with what the configuration says.
type agenda struct {
	*postgres.Store
	memory postgres.Memory
}

// Forget implements delivery.Agenda.
func (a agenda) Forget(ctx context.Context) error { return a.Store.Forget(ctx, a.memory) }

// pool prepares connections and does not wait for the first one. Their sessions
// have some settings more; a pooler's can have none.
func (c config) pool(ctx context.Context, more map[string]string) (*pgxpool.Pool, error) {
	settings, err := pgxpool.ParseConfig(c.DatabaseURL)
	if err != nil {
		// The driver's error quotes the URL, and with it the password.
		return nil, fmt.Errorf("read DATABASE_URL: it is no connection string")
	}
	settings.MaxConns = c.DatabaseConns
	settings.MaxConnLifetime = 5 * time.Minute
	settings.HealthCheckPeriod = 2 * time.Second
	settings.ConnConfig.ConnectTimeout = 2 * time.Second
	if c.tracer != nil {
		settings.ConnConfig.Tracer = c.tracer.Statements()
	}
	if c.DatabasePooler {
		// Named statements live in a session, which a pooler gives away.
		settings.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	} else {
		settings.ConnConfig.RuntimeParams["application_name"] = "invitationd"
		// Statements take arrays of any length, for which Postgres would plan anew
		// with every call; a test holds the generic plans against a million rows.
		settings.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
		// A plan made while a table was empty, as a queue's often is, would look
		// at all of it until statistics say that it has grown.
		settings.ConnConfig.RuntimeParams["enable_seqscan"] = "off"
		// One caller's list is not worth three of the server's cores.
		settings.ConnConfig.RuntimeParams["max_parallel_workers_per_gather"] = "0"
		maps.Copy(settings.ConnConfig.RuntimeParams, more)
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("prepare database connections: %w", err)
	}
	return pool, nil
}
