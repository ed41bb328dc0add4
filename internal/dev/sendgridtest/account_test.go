package sendgridtest

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// status sends a valid mail and returns what came of it.
func status(t *testing.T, url string) (int, string) {
	t.Helper()
	response, answer, err := send(t, url, mailTo("anna@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func TestKeysChange(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{APIKey: key})
	for _, test := range []struct {
		keys []string
		want int
	}{
		{[]string{key, "SG.next"}, 202}, {[]string{"SG.next"}, 401}, {nil, 202},
	} {
		e.SetAccount(Account{Keys: test.keys})
		if got, answer := status(t, url); got != test.want || got == 401 && !strings.Contains(answer, keyRefused) {
			t.Errorf("with the keys %v: %d %s, want %d", test.keys, got, answer, test.want)
		}
	}
}

func TestUnverifiedSenders(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{Senders: []string{"other.test", "NO-REPLY@kiwi.test"}})
	if got, answer := status(t, url); got != 202 {
		t.Errorf("a verified address: %d %s", got, answer)
	}
	for sender, want := range map[string]int{"kiwi.test": 202, "help@kiwi.test": 403, "test": 403, "sub.kiwi.test": 403} {
		e.SetAccount(Account{Senders: []string{sender}})
		got, answer := status(t, url)
		if got != want || got == 403 && !strings.Contains(answer, `verified Sender Identity`) || got == 403 && !strings.Contains(answer, `"field":"from"`) {
			t.Errorf("with %s verified: %d %s, want %d", sender, got, answer, want)
		}
	}
	e.SetAccount(Account{Senders: []string{"kiwi.test"}})
	body := strings.Replace(mailTo("anna@example.com"), `{"to"`, `{"from": {"email": "who@unverified.example"}, "to"`, 1)
	if response, answer, _ := send(t, url, body); response.StatusCode != 403 {
		t.Errorf("a personalization's own sender: %d %s", response.StatusCode, answer)
	}
}

func TestStatusOfTheAccount(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	e, url := Start(t, Config{Webhook: Webhook{URL: startReceiver(t, r)}})
	var want []any
	for _, s := range []Status{Suspended, Deactivated, Banned, Active} {
		e.SetAccount(Account{Status: s})
		e.SetAccount(Account{Status: s, Senders: []string{"kiwi.test"}}) // no change of it
		wanted := 401
		if s == Active {
			wanted, s = 202, "reactivate"
		}
		want = append(want, string(s))
		if got, answer := status(t, url); got != wanted {
			t.Errorf("%s: %d %s, want %d", s, got, answer, wanted)
		}
	}
	if _, err := e.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []any
	ids := map[any]bool{}
	for _, p := range r.all() {
		for _, event := range p.events {
			if event["event"] == "account_status_change" {
				got = append(got, event["type"])
				ids[event["sg_event_id"]] = true
			}
		}
	}
	if !reflect.DeepEqual(got, want) || len(ids) != len(want) {
		t.Errorf("events %v with %d ids, want %v", got, len(ids), want)
	}
}

func TestAccountOverHTTP(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	const set = `{"keys":["SG.a"],"senders":["kiwi.test"],"status":"compliance_suspend"}`
	response, answer, err := do(t, http.MethodPut, url+"/api/account", set)
	if err != nil || response.StatusCode != http.StatusOK || strings.TrimSpace(answer) != set {
		t.Errorf("PUT: %v, %v %s", err, response, answer)
	}
	for _, body := range []string{``, `{"key":"SG.a"}`, `{"status":"sleepy"}`} {
		if response, answer, _ := do(t, http.MethodPut, url+"/api/account", body); response.StatusCode != http.StatusBadRequest {
			t.Errorf("PUT %s: %d %s, want 400", body, response.StatusCode, answer)
		}
	}
	_, answer, _ = do(t, http.MethodGet, url+"/api/account", "")
	if strings.TrimSpace(answer) != set || e.Account().Status != Suspended {
		t.Errorf("GET: %s, want what was set", answer)
	}
}
