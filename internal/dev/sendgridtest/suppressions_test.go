package sendgridtest

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask speaks to SendGrid's API with the key.
func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	response, answer, err := do(t, method, url, body, "Authorization", "Bearer "+key)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(answer)
}

func TestSuppressionsAPI(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{APIKey: key, Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	mustSend(t, url, "bounce+1@example.com")
	mustSend(t, url, "bounce+2@example.com")
	mustSend(t, url, "spam@example.com")
	const (
		first  = `{"created":1700000000,"email":"bounce+1@example.com","reason":"` + noSuchMailbox + `","status":"5.1.1"}`
		second = `{"created":1700000000,"email":"bounce+2@example.com","reason":"` + noSuchMailbox + `","status":"5.1.1"}`
		spam   = `{"created":1700000000,"email":"spam@example.com"}`
	)
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "suppression/bounces", "", 200, "[" + first + "," + second + "]"},
		{"GET", "suppression/bounces?limit=1&offset=1", "", 200, "[" + second + "]"},
		{"GET", "suppression/bounces?offset=7", "", 200, "[]"},
		{"GET", "suppression/bounces?start_time=1700000001", "", 200, "[]"},
		{"GET", "suppression/bounces/Bounce+1@example.com", "", 200, "[" + first + "]"},
		{"GET", "suppression/bounces/anna@example.com", "", 200, "[]"},
		{"GET", "suppression/spam_reports", "", 200, "[" + spam + "]"},
		{"GET", "suppression/blocks", "", 200, "[]"},
		{"GET", "suppression/nonsense", "", 404, ""},
		{"DELETE", "suppression/bounces/bounce+1@example.com", "", 204, ""},
		{"DELETE", "suppression/bounces/bounce+1@example.com", "", 404, ""},
		{"DELETE", "suppression/bounces", `{"delete_all":true,"emails":["bounce+2@example.com"]}`, 400, ""},
		{"DELETE", "suppression/bounces", `{}`, 400, ""},
		{"DELETE", "suppression/bounces", `{"emails":["BOUNCE+2@example.com"]}`, 204, ""},
		{"GET", "suppression/bounces", "", 200, "[]"},
		{"DELETE", "suppression/spam_reports", `{"delete_all":true}`, 204, ""},
		{"GET", "suppression/spam_reports", "", 200, "[]"},
		{"POST", "asm/suppressions/global", `{}`, 400, ""},
		{"POST", "asm/suppressions/global", `{"recipient_emails":["anna@example.com"]}`, 201, `{"recipient_emails":["anna@example.com"]}`},
		{"GET", "suppression/unsubscribes", "", 200, `[{"created":1700000000,"email":"anna@example.com"}]`},
		{"GET", "asm/suppressions/global/anna@example.com", "", 200, `{"recipient_email":"anna@example.com"}`},
		{"DELETE", "asm/suppressions/global/anna@example.com", "", 204, ""},
		{"GET", "asm/suppressions/global/anna@example.com", "", 200, `{}`},
	} {
		got, answer := ask(t, step.method, url+"/v3/"+step.path, step.body)
		if got != step.status || got < 300 && answer != step.want {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, got, answer, step.status, step.want)
		}
	}
	if response, _, _ := do(t, http.MethodGet, url+"/v3/suppression/bounces", ""); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the key: %d", response.StatusCode)
	}
}

// TestReleasedAddress: off the list, the address gets mail again.
func TestReleasedAddress(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	e.Suppress(Bounces, "anna@example.com")
	mustSend(t, url, "anna@example.com")
	if !e.Release(Bounces, "anna@example.com") {
		t.Error("the address was on no list")
	}
	mustSend(t, url, "anna@example.com")
	if got := e.Messages(); got[0].Fate != "dropped: Bounced Address" || got[1].Fate != "delivered" {
		t.Errorf("fates %q and %q", got[0].Fate, got[1].Fate)
	}
}
