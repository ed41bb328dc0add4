package sendgridtest

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestFates: what an address has happen to a first mail and to a second one.
func TestFates(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ first, second string }{
		"bounce":            {"processed bounce", "dropped: Bounced Address"},
		"full":              {"processed bounce", "dropped: Bounced Address"},
		"async":             {"processed delivered bounce", "dropped: Bounced Address"},
		"block":             {"processed bounce", "blocked"},
		"expire":            {"processed deferred bounce", "expired"},
		"defer":             {"processed deferred delivered", "delivered"},
		"slow":              {"processed delivered", "delivered"},
		"spam":              {"processed delivered spamreport", "dropped: Spam Reporting Address"},
		"unsubscribe":       {"processed delivered unsubscribe", "dropped: Unsubscribed Address"},
		"leave":             {"processed delivered group_unsubscribe", "group_unsubscribe"},
		"drop":              {"dropped", "dropped: Bounced Address"},
		"drop-spam":         {"dropped", "dropped: Spam Reporting Address"},
		"drop-unsubscribed": {"dropped", "dropped: Unsubscribed Address"},
		"drop-invalid":      {"dropped", "dropped: Invalid"},
		"drop-content":      {"dropped", "dropped: Spam Content"},
		"drop-header":       {"dropped", "dropped: Invalid SMTPAPI header"},
		"drop-quota":        {"dropped", "dropped: Recipient List over Package Quota"},
		"anna":              {"processed delivered", "delivered"},
	}
	if len(tests) != len(fates)+1 {
		t.Errorf("%d fates are tested of %d", len(tests)-1, len(fates))
	}
	for local, test := range tests {
		t.Run(local, func(t *testing.T) {
			t.Parallel()
			r := &receiver{}
			e, url := Start(t, Config{Webhook: Webhook{URL: startReceiver(t, r), DeferredFor: time.Millisecond, SlowFor: time.Millisecond}})
			mustSend(t, url, local+"+x@example.com")
			if _, err := e.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.kinds(), " "); got != test.first {
				t.Errorf("events of the first mail: %s, want %s", got, test.first)
			}
			mustSend(t, url, strings.ToUpper(local)+"+X@example.com")
			if got := e.Messages()[1].Fate; got != test.second {
				t.Errorf("fate of the second mail: %s, want %s", got, test.second)
			}
		})
	}
}

func TestAsynchronousBounceTellsOnlyTheAddress(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	run(t, Config{Webhook: Webhook{URL: startReceiver(t, r), DeferredFor: time.Millisecond}}, "async@example.com")
	posts := r.all()
	last := posts[len(posts)-1].events
	bounce := last[len(last)-1]
	delete(bounce, "sg_event_id")
	delete(bounce, "timestamp")
	want := map[string]any{
		"event": "bounce", "type": "bounce", "email": "async@example.com", "sg_message_id": "", "status": "5.1.10",
		"reason": "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup",
	}
	if !reflect.DeepEqual(bounce, want) {
		t.Errorf("event %v, want %v", bounce, want)
	}
}

func TestBypass(t *testing.T) {
	t.Parallel()
	tests := map[string]map[List]bool{ // setting: which lists it passes
		"bypass_list_management":        {Bounces: true, SpamReports: true, Unsubscribes: true},
		"bypass_bounce_management":      {Bounces: true},
		"bypass_spam_management":        {SpamReports: true},
		"bypass_unsubscribe_management": {Unsubscribes: true},
	}
	for setting, passes := range tests {
		for _, list := range allLists {
			e, url := Start(t, Config{})
			e.Suppress(list, "Anna@example.com")
			body := strings.Replace(mailTo("anna@example.com"), `"subject"`, `"mail_settings": {"`+setting+`": {"enable": true}}, "subject"`, 1)
			if response, answer, err := send(t, url, body); err != nil || response.StatusCode != http.StatusAccepted {
				t.Fatalf("sending: %v %s", err, answer)
			}
			got := e.Messages()[0].Fate
			if want := passes[list] || list == Blocks; (got == "delivered") != want {
				t.Errorf("%s, address in %s: %s", setting, list, got)
			}
		}
	}
}
