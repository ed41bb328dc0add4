package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/sendgrid"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// hook is SendGrid's webhook in front of a stack's store.
type hook struct {
	http.Handler
	key    *ecdsa.PrivateKey
	log    bytes.Buffer
	halted string
}

func newHook(t *testing.T, s *stack) *hook {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	public, err := sendgridtest.PublicKey(key)
	must(t, err)
	h := &hook{key: key}
	h.Handler, err = sendgrid.NewWebhook(sendgrid.WebhookConfig{
		Keys: []string{public}, Record: s.store.Report, Logger: slog.New(slog.NewJSONHandler(&h.log, nil)),
		Halted:     func(_ context.Context, reason string) error { h.halted = reason; return nil },
		Reinstated: func(context.Context) error { return nil },
	})
	must(t, err)
	return h
}

func (h *hook) post(t *testing.T, body string) {
	t.Helper()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	digest := sha256.Sum256([]byte(stamp + body))
	signature, err := ecdsa.SignASN1(rand.Reader, h.key, digest[:])
	must(t, err)
	r := httptest.NewRequest(http.MethodPost, sendgrid.WebhookPath, strings.NewReader(body))
	r.Header.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	r.Header.Set("X-Twilio-Email-Event-Webhook-Timestamp", stamp)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusNoContent {
		t.Fatalf("%s is answered with %d", body, w.Code)
	}
}

// TestEventsThatWereLost posts what was once thrown away or misread, as it came:
// DELIVERY and ADDRESS are a mail's that was delivered, TIME is a second later.
func TestEventsThatWereLost(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	h := newHook(t, s)
	const delivered, bounced = pb.DeliveryState_DELIVERY_STATE_DELIVERED, pb.DeliveryState_DELIVERY_STATE_BOUNCED
	for _, c := range []struct {
		event  string
		state  pb.DeliveryState
		marked bool
	}{
		{`"event":"bounce","type":"bounce","status":"5.1.10","reason":"550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup","sg_message_id":"","sg_event_id":"ID"`, bounced, true},
		{`"event":"bounce","type":"bounce","status":"5.0.0","reason":"dial tcp 192.0.2.5:25: i/o timeout","delivery_id":"DELIVERY","sg_event_id":"ID"`, bounced, false},
		{`"event":"bounce","type":"bounce","status":"4.7.1","reason":"451 4.7.1 greylisted, try again later","delivery_id":"DELIVERY","sg_event_id":"ID"`, bounced, false},
		{`"event":"bounce","type":"bounce","status":"4.2.2","reason":"452 4.2.2 mailbox full","delivery_id":"DELIVERY","sg_event_id":"ID"`, bounced, false},
		{`"event":"bounce","type":"bounce","status":"5.7.1","bounce_classification":"Content","reason":"550 5.7.1 spam content","delivery_id":"DELIVERY","sg_event_id":"ID"`, bounced, false},
		{`"event":"bounce","type":"bounce","status":"5.1.1","reason":"550 5.1.1","delivery_id":"DELIVERY"`, bounced, true},
		{`"event":"bounce","type":"bounced","status":"5.1.1","unique_args":{"delivery_id":"DELIVERY"},"sg_event_id":"ID"`, bounced, true},
		{`"event":"delivered","unique_args":{"delivery_id":"DELIVERY"},"sg_event_id":"ID"`, delivered, false},
	} {
		id := s.person(pb.UserType_USER_TYPE_TENANT)
		s.send(id, app)
		s.report(id, invitation.Delivered)
		mail := s.invitation(id, app).GetDelivery().GetId()
		body := strings.NewReplacer("DELIVERY", strings.ToUpper(mail), "ID", "own-"+id).Replace(
			fmt.Sprintf(`[{"email":"%s@example.com","timestamp":%d,%s}]`, id, time.Now().Unix()+1, c.event))
		h.post(t, body)
		h.post(t, body)
		user := s.user(id)
		if got := user.GetInvitations()[0].GetDelivery(); got.GetState() != c.state || user.GetEmailUndeliverable() != c.marked {
			t.Errorf("%s\nmade the mail %v, marked %v", body, got, user.GetEmailUndeliverable())
		}
	}
	h.post(t, `[{"event":"account_status_change","type":"compliance_suspend","sg_event_id":"own-value-acc-1","timestamp":1795775000}]`)
	if !strings.Contains(h.halted, "compliance_suspend") || !strings.Contains(h.log.String(), `"ERROR"`) {
		t.Errorf("a suspension is told as %q, and logged as\n%s", h.halted, h.log.String())
	}
	if strings.Contains(h.log.String(), "@") {
		t.Errorf("the log has an address:\n%s", h.log.String())
	}
}
