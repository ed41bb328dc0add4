package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net"
	"net/http"
	"strings"
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestDeliveryIsTold: what the provider reports shows on the invitation and in
// the stream of events, also when it reports twice and in disorder.
func TestDeliveryIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	addr := freeAddr(t)
	w.report(addr)
	p := w.serve()
	for address, state := range map[string]pb.DeliveryState{
		"anna@example.com":        pb.DeliveryState_DELIVERY_STATE_DELIVERED,
		"bounce+bela@example.com": pb.DeliveryState_DELIVERY_STATE_BOUNCED,
		"drop+carl@example.com":   pb.DeliveryState_DELIVERY_STATE_DROPPED,
		"async+fritz@example.com": pb.DeliveryState_DELIVERY_STATE_BOUNCED,
		"spam+dora@example.com":   pb.DeliveryState_DELIVERY_STATE_REPORTED_SPAM,
		"slow+emil@example.com":   pb.DeliveryState_DELIVERY_STATE_ACCEPTED,
	} {
		id, _, _ := strings.Cut(strings.ReplaceAll(address, "+", "-"), "@")
		req := newcomer(id, pb.Invite_INVITE_NOW)
		req.Email = address
		_, err := p.CreateUser(t.Context(), req)
		must(t, err)
		p.awaitDelivery(t, id, state)
		user, err := p.GetUser(t.Context(), &pb.GetUserRequest{OrganizationId: "demo", UserId: id})
		must(t, err)
		if marked := user.GetUser().GetEmailUndeliverable(); marked != (state == pb.DeliveryState_DELIVERY_STATE_BOUNCED) && state != pb.DeliveryState_DELIVERY_STATE_DROPPED {
			t.Errorf("%s: undeliverable %v", id, marked)
		}
	}
	resp, err := http.Post("http://"+addr+"/webhooks/sendgrid", "application/json", strings.NewReader(`[{"event":"bounce"}]`))
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unsigned report is answered with %s", resp.Status)
	}
}

// TestAccountSuspended: no mail is tried while SendGrid has stopped the account,
// and at once when it says that it is active again.
func TestAccountSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	w.report(freeAddr(t))
	p := w.serve()
	w.inbox.SetAccount(sendgridtest.Account{Status: sendgridtest.Suspended})
	p.awaitHealth(t, "delivery", healthpb.HealthCheckResponse_NOT_SERVING)
	_, err := p.CreateUser(t.Context(), newcomer("gerda", pb.Invite_INVITE_NOW))
	must(t, err)
	w.awaitCount(1, `SELECT count(*) FROM river_job WHERE kind = 'invitation_mail' AND state = 'scheduled'`)
	w.inbox.SetAccount(sendgridtest.Account{})
	p.awaitDelivery(t, "gerda", pb.DeliveryState_DELIVERY_STATE_DELIVERED)
	p.awaitHealth(t, "delivery", healthpb.HealthCheckResponse_SERVING)
}

// report makes the inbox report to a process that listens there.
func (w *world) report(addr string) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w.t, err)
	public, err := sendgridtest.PublicKey(key)
	must(w.t, err)
	w.env = append(w.env, "INVITATION_WEBHOOK_ADDR="+addr, "SENDGRID_WEBHOOK_KEYS="+public)
	w.inbox, w.mailURL = sendgridtest.Start(w.t, sendgridtest.Config{
		APIKey:  "SG.test",
		Faults:  sendgridtest.Faults{Webhook: sendgridtest.WebhookFaults{Duplicates: 1, Disorder: true}},
		Webhook: sendgridtest.Webhook{URL: "http://" + addr + "/webhooks/sendgrid", PrivateKey: key},
	})
}

// awaitDelivery follows the trail until a user's mail is in a state.
func (p *process) awaitDelivery(t testing.TB, id string, state pb.DeliveryState) {
	t.Helper()
	watch, err := p.WatchEvents(t.Context(), &pb.WatchEventsRequest{OrganizationId: "demo"})
	must(t, err)
	for {
		got, err := watch.Recv()
		must(t, err)
		if e := got.GetEvent(); e.GetUserId() == id && e.GetDeliveryState() == state {
			return
		}
	}
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}
