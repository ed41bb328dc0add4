package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/metrics"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/tracing"
)

// runMetrics serves metrics and probes until the context ends. They say nothing of
// anybody, but are for nobody outside.
func (c config) runMetrics(ctx context.Context, m *metrics.Metrics, ready func(context.Context) error, log *slog.Logger) error {
	l, err := net.Listen("tcp", c.MetricsAddr)
	if err != nil {
		return fmt.Errorf("listen on INVITATION_METRICS_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := errors.Join(ctx.Err(), ready(r.Context())); err != nil {
			http.Error(w, "not ready: the log says why", http.StatusServiceUnavailable)
		}
	})
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	log.Info("open for metrics and probes", "metrics_addr", l.Addr().String())
	return serveHTTP(ctx, web, l, web.Close)
}

// countEvents counts what was saved.
func countEvents(m *metrics.Metrics) func([]*invitation.Event) {
	return func(events []*invitation.Event) {
		for _, e := range events {
			m.Event(string(e.Type), string(e.DeliveryState), e.SinceQueued())
		}
	}
}

// measured is a sender whose mails are counted, and followed unless tracer is nil.
type measured struct {
	delivery.Sender
	*metrics.Metrics
	tracer *tracing.Tracer
}

// Send implements delivery.Sender.
func (s measured) Send(ctx context.Context, m invitation.Message) error {
	ended := func(string) {}
	if s.tracer != nil {
		ctx, ended = s.tracer.Post(ctx)
	}
	start := time.Now()
	err := s.Sender.Send(ctx, m)
	s.Sent(outcome(err), time.Since(start))
	ended(outcome(err))
	return err
}

// outcome names what became of a mail at the provider.
func outcome(err error) string {
	var refusal *invitation.SendError
	switch {
	case err == nil:
		return "accepted"
	case !errors.As(err, &refusal):
		return "no_answer"
	case refusal.Permanent:
		return "refused"
	case refusal.Account:
		return "account"
	default:
		return "later"
	}
}

func countPosts(m *metrics.Metrics) func(status int, cause string, known, unknown int, lag time.Duration) {
	return func(status int, cause string, known, unknown int, lag time.Duration) {
		m.Post(strconv.Itoa(status), cause, known, unknown, lag)
	}
}

// mostPauses are counted: beyond a few nobody wants to know how many.
const mostPauses = 100

// looker looks how things are, for metrics.
type looker struct {
	pool    *pgxpool.Pool
	store   *postgres.Store
	keys    func() int
	streams func() int
	expiry  func() (server, callers time.Time)
}

func (l *looker) look(ctx context.Context) metrics.State {
	pool := l.pool.Stat()
	s := metrics.State{
		Keys: l.keys(),
		Connections: metrics.Connections{
			InUse: int(pool.AcquiredConns()), Idle: int(pool.IdleConns()), Most: int(pool.MaxConns()),
			Waits: pool.EmptyAcquireCount(), Waited: pool.EmptyAcquireWaitTime(),
		},
	}
	if l.streams != nil {
		s.Streams = l.streams()
	}
	if l.expiry != nil {
		s.Certificate, s.CallersCA = l.expiry()
	}
	if db, err := l.database(ctx); err == nil {
		s.Database = db
	}
	return s
}

func (l *looker) database(ctx context.Context) (*metrics.Database, error) {
	needs, has, err := l.store.Schema(ctx)
	if err != nil {
		return nil, err
	}
	queue, err := delivery.Depth(ctx, l.pool)
	if err != nil {
		return nil, err
	}
	rest, err := l.store.MailRest(ctx)
	if err != nil {
		return nil, err
	}
	pauses, err := l.store.MailPauses(ctx, mostPauses)
	if err != nil {
		return nil, err
	}
	db := &metrics.Database{
		SchemaVersion: has, Needed: needs, Pauses: len(pauses),
		Queued: map[string]int{"due": int(queue.Due), "running": int(queue.Running), "put_aside": int(queue.PutAside)},
	}
	if !queue.OldestDueAt.IsZero() {
		db.Oldest = max(time.Since(queue.OldestDueAt), 0)
	}
	if rest != nil {
		db.Rested = max(time.Since(rest.Since), time.Second)
	}
	return db, nil
}
