//go:build !fast

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// pair is a primary and its synchronous standby, with a wire between them that can
// be cut.
type pair struct {
	primary, standby *pgserver.Server
	wire             *harness.Wire
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{primary: pgtest.NewServer(t)}
	from, err := url.Parse(p.primary.DSN("postgres"))
	must(t, err)
	p.wire = harness.NewWire(t, from.Host)
	from.Host = p.wire.Addr
	p.standby = pgtest.NewStandby(t, from.String())
	primary := pgtest.Pool(t, p.primary.DSN("postgres"))
	pgtest.Exec(t, primary, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
	pgtest.Exec(t, primary, `SELECT pg_reload_conf()`)
	for pgtest.Count(t, primary, `SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'`) == 0 {
		must(t, t.Context().Err())
	}
	return p
}

// dsn is that of whichever of the two takes writes.
func (p *pair) dsn(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(p.primary.DSN("postgres"))
	must(t, err)
	other, err := url.Parse(p.standby.DSN("postgres"))
	must(t, err)
	u.Host += "," + other.Host
	u.RawQuery += "&target_session_attrs=read-write&connect_timeout=2"
	return u.String()
}

// failOver kills the primary and has the standby take over.
func (p *pair) failOver(t *testing.T) {
	t.Helper()
	must(t, syscall.Kill(p.primary.Pid(), syscall.SIGKILL))
	<-p.primary.Done()
	pgtest.Exec(t, pgtest.Pool(t, p.standby.DSN("postgres")), `SELECT pg_promote()`)
}

// consumer is a program that acts upon each event that it is told of.
type consumer struct {
	mu   sync.Mutex
	seen []string
}

func (c *consumer) follow(ctx context.Context, from *client.Client) {
	for got, err := range from.Watch(ctx, "demo", "") {
		if err != nil {
			return
		}
		c.mu.Lock()
		c.seen = append(c.seen, describe(got.GetEvent()))
		c.mu.Unlock()
	}
}

func (c *consumer) events() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

func describe(e *pb.Event) string {
	return fmt.Sprint(e.GetSequence(), e.GetType(), e.GetUserId(), e.GetOccurredAt().AsTime())
}

// reporter posts SendGrid's signed reports.
type reporter struct {
	addr string
	key  *ecdsa.PrivateKey
}

// delivered reports that a mail was delivered, and returns the answer's status; 0
// for none in time.
func (r *reporter) delivered(ctx context.Context, t *testing.T, deliveryID string) int {
	t.Helper()
	body := fmt.Appendf(nil, `[{"event":"delivered","sg_event_id":"one","delivery_id":%q,"timestamp":%d}]`, deliveryID, time.Now().Unix())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+"/webhooks/sendgrid", bytes.NewReader(body))
	must(t, err)
	req.Header, err = sendgridtest.Sign(r.key, time.Now(), body)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	must(t, resp.Body.Close())
	return resp.StatusCode
}

// impatience is when callers give up while replication is cut, and try again until
// what they asked for can be read.
const impatience = 4 * time.Second

// TestFailover: replication is cut, so that commits are there to be read and can't
// be relied upon, and then the primary dies. Whatever was acknowledged, handed out
// or answered with 2xx holds on the new one, no token is redeemed twice, and what
// was not acknowledged can be repeated.
func TestFailover(t *testing.T) {
	t.Parallel()
	databases := newPair(t)
	w := newWorld(t, databases.dsn(t))
	reports := &reporter{addr: freeAddr(t)}
	var err error
	reports.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	public, err := sendgridtest.PublicKey(reports.key)
	must(t, err)
	w.env = []string{"INVITATION_WEBHOOK_ADDR=" + reports.addr, "SENDGRID_WEBHOOK_KEYS=" + public, "INVITATION_AGENDA_EVERY=1h"}
	p := w.serve()
	var told consumer
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	go told.follow(watching, p.Client)

	for _, id := range []string{"before", "during"} {
		_, err := p.CreateUser(t.Context(), newcomer(id, pb.Invite_INVITE_NOW))
		must(t, err)
	}
	before := &pb.RedeemRequest{Token: w.mailedToken("before@example.com"), RequestId: uuid.NewString()}
	_, err = p.Redeem(t.Context(), before)
	must(t, err)
	during := &pb.RedeemRequest{Token: w.mailedToken("during@example.com"), RequestId: uuid.NewString()}
	mail, err := w.inbox.AwaitTo(t.Context(), "during@example.com")
	must(t, err)
	deliveryID := mail.CustomArgs["delivery_id"]
	old := pgtest.Pool(t, databases.primary.DSN("postgres"))
	for pgtest.Count(t, old, `SELECT count(*) FROM deliveries WHERE state = 'ACCEPTED'`) < 2 {
		must(t, t.Context().Err())
	}

	databases.wire.Cut()
	readable := func() bool {
		return pgtest.Count(t, old, `SELECT count(*) FROM invitations WHERE state = 'REDEEMED'`) == 2 &&
			pgtest.Count(t, old, `SELECT count(*) FROM deliveries WHERE state = 'DELIVERED'`) == 1
	}
	for n := 0; n < 2 || !readable(); n++ { // and once more, as callers do
		must(t, t.Context().Err())
		ctx, giveUp := context.WithTimeout(t.Context(), impatience)
		if _, err := p.Redeem(ctx, during); err == nil {
			t.Error("a redemption that only one server has was acknowledged")
		}
		giveUp()
		ctx, giveUp = context.WithTimeout(t.Context(), impatience)
		if code := reports.delivered(ctx, t, deliveryID); code/100 == 2 {
			t.Errorf("a report that only one server has was answered with %d", code)
		}
		giveUp()
	}
	ctx, giveUp := context.WithTimeout(t.Context(), impatience)
	if resp, err := p.ListEvents(ctx, &pb.ListEventsRequest{OrganizationId: "demo", PageSize: 100}); err == nil {
		t.Errorf("%d events that only one server has were listed", len(resp.GetEvents()))
	}
	giveUp()
	databases.failOver(t)
	p.await(t, healthpb.HealthCheckResponse_SERVING)

	if _, err := p.Redeem(t.Context(), before); err != nil {
		t.Errorf("what was acknowledged before is lost: %v", err)
	}
	if _, err := p.Redeem(t.Context(), during); err != nil {
		t.Errorf("what was not acknowledged can't be repeated: %v", err)
	}
	again := &pb.RedeemRequest{Token: during.GetToken(), RequestId: uuid.NewString()}
	if _, err := p.Redeem(t.Context(), again); client.Reason(err) != pb.ErrorReason_INVITATION_REDEEMED {
		t.Errorf("the same token once more: %v", err)
	}
	if code := reports.delivered(t.Context(), t, deliveryID); code != http.StatusNoContent {
		t.Errorf("the report, posted again: %d", code)
	}
	kept, err := p.ListEvents(t.Context(), &pb.ListEventsRequest{OrganizationId: "demo", PageSize: 100})
	must(t, err)
	want := make([]string, 0, len(kept.GetEvents()))
	for _, e := range kept.GetEvents() {
		want = append(want, describe(e))
	}
	for len(told.events()) < len(want) {
		must(t, t.Context().Err())
	}
	if got := told.events(); !slices.Equal(got, want) {
		t.Errorf("a consumer was told\n%q, and there is\n%q", got, want)
	}
}
