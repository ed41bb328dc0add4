package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/net/netutil"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/metrics"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/sendgrid"
)

// maxWebhookConns is far more than SendGrid opens, and bounds with a body's length
// what strangers can have the server hold.
const maxWebhookConns = 64

// haltedFor is how long the mail queue rests at least when SendGrid has stopped the
// account; then it tries one mail now and then.
const haltedFor = time.Minute

// runWebhook takes the provider's reports in until the context ends. Its requests
// are signed, so that it may be reached from everywhere.
func (c config) runWebhook(ctx context.Context, pool *pgxpool.Pool, store *postgres.Store, m *metrics.Metrics, log *slog.Logger) error {
	handler, err := sendgrid.NewWebhook(sendgrid.WebhookConfig{
		Keys: c.WebhookKeys, Record: store.Report, Logger: log, OnPost: countPosts(m),
		Halted: func(ctx context.Context, reason string) error {
			_, err := store.RestMail(ctx, haltedFor, reason)
			return err
		},
		Reinstated: func(ctx context.Context) error {
			return errors.Join(store.ProbeFailed(ctx, 0, 0, ""), delivery.WakeMails(ctx, pool))
		},
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.WebhookAddr)
	if err != nil {
		return fmt.Errorf("listen on INVITATION_WEBHOOK_ADDR: %w", err)
	}
	l = netutil.LimitListener(l, maxWebhookConns)
	web := sendgrid.NewWebhookServer(handler, log)
	log.Info("taking reports in", "webhook_addr", l.Addr().String())
	return serveHTTP(ctx, web, l, func() error {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.DrainTimeout)
		defer cancel()
		return web.Shutdown(drain)
	})
}
