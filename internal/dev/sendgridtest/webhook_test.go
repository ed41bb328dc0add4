package sendgridtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sendgrid/sendgrid-go/helpers/eventwebhook"
)

// receiver is a webhook's receiver that keeps what was posted.
type receiver struct {
	mu     sync.Mutex
	posts  []received
	status func(n int) int // of the nth post, from 1
}

type received struct {
	header http.Header
	body   []byte
	events []map[string]any
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	got := received{header: request.Header, body: body}
	_ = json.Unmarshal(body, &got.events)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, got)
	if r.status != nil {
		w.WriteHeader(r.status(len(r.posts)))
	}
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts)
}

// kinds are all events in the order in which they came. How they are spread
// over posts depends on how fast the posts go.
func (r *receiver) kinds() []string {
	var kinds []string
	for _, p := range r.all() {
		for _, e := range p.events {
			kinds = append(kinds, e["event"].(string))
		}
	}
	return kinds
}

func startReceiver(t *testing.T, r *receiver) string {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

// run sends a mail to the address and returns when all events were posted.
func run(t *testing.T, c Config, address string) WebhookStats {
	t.Helper()
	e, url := Start(t, c)
	mustSend(t, url, address)
	stats, err := e.Drain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func TestEventsAreSigned(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := PublicKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := eventwebhook.ConvertPublicKeyBase64ToECDSA(encoded)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{}
	now := time.Unix(1_700_000_000, 0)
	run(t, Config{
		Now:     func() time.Time { return now },
		Webhook: Webhook{URL: startReceiver(t, r), PrivateKey: private},
	}, "anna@example.com")

	p := r.all()[0]
	signature := p.header.Get(eventwebhook.VerificationHTTPHeader)
	timestamp := p.header.Get(eventwebhook.TimestampHTTPHeader)
	if !bytes.HasSuffix(p.body, []byte("}]\r\n")) {
		t.Errorf("the body doesn't end as SendGrid's does: %q", p.body)
	}
	if timestamp != "1700000000" {
		t.Errorf("timestamp %q", timestamp)
	}
	if ok, err := eventwebhook.VerifySignature(public, p.body, signature, timestamp); !ok || err != nil {
		t.Errorf("the signature is not SendGrid's: %v", err)
	}
	if ok, _ := eventwebhook.VerifySignature(public, append(p.body, ' '), signature, timestamp); ok {
		t.Error("the signature holds for another body")
	}
	if ok, _ := eventwebhook.VerifySignature(public, p.body, signature, "1700000001"); ok {
		t.Error("the signature holds for another timestamp")
	}
}

func TestEventHasSendGridsFields(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	e, url := Start(t, Config{
		Now:     func() time.Time { return time.Unix(1_700_000_000, 0) },
		Webhook: Webhook{URL: startReceiver(t, r)},
	})
	id := mustSend(t, url, "bounce+1@example.com")
	if _, err := e.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := r.all()[0].events[1]
	eventID, _ := got["sg_event_id"].(string)
	if eventID == "" || len(eventID) > 100 || eventID == r.all()[0].events[0]["sg_event_id"] {
		t.Errorf("sg_event_id %q", eventID)
	}
	delete(got, "sg_event_id")
	want := map[string]any{
		"email": "bounce+1@example.com", "event": "bounce", "timestamp": 1_700_000_001.0,
		"delivery_id": "d-1", "invitation_id": "i-1", "category": []any{"invitation"},
		"sg_message_id": id + ".recvd-5f54b5d587-abcde-1-64F0AA11-1.0", "smtp-id": "<" + id + "@geopod-ismtpd-1>",
		"type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address",
		"reason": "550 5.1.1 The email account that you tried to reach does not exist",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("event %v\nwant  %v", got, want)
	}
}

func TestLives(t *testing.T) {
	t.Parallel()
	soon := Webhook{DeferredFor: time.Millisecond, SlowFor: time.Millisecond}
	tests := []struct {
		name, address string
		webhook       Webhook
		faults        WebhookFaults
		want          []string
	}{
		{"ordinary", "anna@example.com", Webhook{}, WebhookFaults{}, []string{"processed", "delivered"}},
		{"bounced", "Bounce@example.com", Webhook{}, WebhookFaults{}, []string{"processed", "bounce"}},
		{"dropped", "drop+x@example.com", Webhook{}, WebhookFaults{}, []string{"dropped"}},
		{"spam", "spam@example.com", Webhook{}, WebhookFaults{}, []string{"processed", "delivered", "spamreport"}},
		{"deferred", "defer@example.com", soon, WebhookFaults{}, []string{"processed", "deferred", "delivered"}},
		{"deferred for ever", "defer@example.com", Webhook{DeferredFor: -1}, WebhookFaults{}, []string{"processed", "deferred"}},
		{"slow", "slow@example.com", soon, WebhookFaults{}, []string{"processed", "delivered"}},
		{"lost", "slow@example.com", Webhook{}, WebhookFaults{}, []string{"processed"}},
		{"all late", "anna@example.com", Webhook{Delay: time.Millisecond}, WebhookFaults{}, []string{"processed", "delivered"}},
		{"not bounced", "bouncer@example.com", Webhook{}, WebhookFaults{}, []string{"processed", "delivered"}},
		{"duplicates", "anna@example.com", Webhook{}, WebhookFaults{Duplicates: 2}, []string{"processed", "delivered", "processed", "delivered", "processed", "delivered"}},
		{"disorder", "anna@example.com", Webhook{}, WebhookFaults{Disorder: true}, []string{"delivered", "processed"}},
		{"disorder of a deferred one", "defer@example.com", soon, WebhookFaults{Disorder: true}, []string{"delivered", "deferred", "processed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &receiver{}
			test.webhook.URL = startReceiver(t, r)
			stats := run(t, Config{Webhook: test.webhook, Faults: Faults{Webhook: test.faults}}, test.address)
			if got := r.kinds(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("events %v, want %v", got, test.want)
			}
			if stats != (WebhookStats{Posted: len(r.all())}) {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

func TestDuplicatesHaveTheSameID(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	run(t, Config{Webhook: Webhook{URL: startReceiver(t, r)}, Faults: Faults{Webhook: WebhookFaults{Duplicates: 1}}}, "drop@example.com")
	if a, b := r.all()[0].events[0]["sg_event_id"], r.all()[1].events[0]["sg_event_id"]; a != b {
		t.Errorf("ids %v and %v", a, b)
	}
}
