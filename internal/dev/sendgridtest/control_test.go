package sendgridtest

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func submit(t *testing.T, to string, form url.Values, header ...string) (reply, string) {
	t.Helper()
	header = append(header, "Content-Type", "application/x-www-form-urlencoded")
	response, body, err := do(t, http.MethodPost, to, form.Encode(), header...)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestFaultsByForm(t *testing.T) {
	t.Parallel()
	e, at := Start(t, Config{})
	tests := map[string]struct {
		form url.Values
		want Faults
	}{
		"nothing":       {url.Values{"fault": {""}, "times": {" "}}, Faults{}},
		"some requests": {url.Values{"fault": {"quota_used_up"}, "times": {"2"}}, Faults{Next: []Fault{QuotaUsedUp, QuotaUsedUp}}},
		"all requests":  {url.Values{"fault": {"bad_gateway"}}, Faults{Rates: map[Fault]float64{BadGateway: 1}}},
		"own answer": {url.Values{"status": {"403"}, "body": {"<p>no</p>"}, "content_type": {"text/html"}, "times": {"3"}},
			Faults{Always: &Answer{Status: 403, Body: "<p>no</p>", ContentType: "text/html", Times: 3}}},
		"slow, few, twice": {url.Values{"delay_ms": {"5"}, "per_window": {"20"}, "window_seconds": {"5"}, "duplicates": {"1"}, "disorder": {"1"}},
			Faults{DelayMS: 5, PerWindow: 20, WindowSeconds: 5, Webhook: WebhookFaults{Duplicates: 1, Disorder: true}}},
	}
	for name, test := range tests {
		response, body := submit(t, at+"/control/faults", test.form)
		if got := e.Faults(); response.StatusCode != http.StatusOK || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %d, faults %+v, want %+v\n%s", name, response.StatusCode, got, test.want, body)
		}
	}
	before := e.Faults()
	for _, form := range []url.Values{{"times": {"many"}}, {"status": {"99"}}, {"fault": {"explode"}}, {"per_window": {"1"}}, {"delay_ms": {"-1"}}} {
		response, body := submit(t, at+"/control/faults", form)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Nothing was changed: ") || !reflect.DeepEqual(e.Faults(), before) {
			t.Errorf("%v: %d, faults %+v", form, response.StatusCode, e.Faults())
		}
	}
}

func TestAccountByForm(t *testing.T) {
	t.Parallel()
	e, at := Start(t, Config{})
	form := url.Values{"keys": {"SG.a\r\nSG.b\r\n"}, "senders": {"kiwi.test"}, "status": {"compliance_ban"}}
	response, body := submit(t, at+"/control/account", form)
	want := Account{Keys: []string{"SG.a", "SG.b"}, Senders: []string{"kiwi.test"}, Status: Banned}
	if got := e.Account(); response.StatusCode != http.StatusOK || !reflect.DeepEqual(got, want) {
		t.Errorf("%d, account %+v, want %+v", response.StatusCode, got, want)
	}
	if !strings.Contains(body, `<option value="compliance_ban" selected>`) {
		t.Errorf("the page doesn't show it:\n%s", body)
	}
	if response, _ := submit(t, at+"/control/account", url.Values{"status": {"sleepy"}}); response.StatusCode != http.StatusBadRequest {
		t.Errorf("unknown status: %d", response.StatusCode)
	}
}

func TestReleaseByForm(t *testing.T) {
	t.Parallel()
	e, at := Start(t, Config{})
	e.Suppress(SpamReports, "anna@example.com")
	if _, body := page(t, at+"/control"); !strings.Contains(body, `aria-label="Take anna@example.com off spam_reports"`) {
		t.Errorf("the page has no button for it:\n%s", body)
	}
	submit(t, at+"/control/release", url.Values{"list": {"spam_reports"}, "email": {"anna@example.com"}})
	if left := e.Suppressed(SpamReports); len(left) != 0 {
		t.Errorf("still on the list: %v", left)
	}
}

// TestOtherSitesSetNothing: a page that a developer visits may post forms too.
func TestOtherSitesSetNothing(t *testing.T) {
	t.Parallel()
	e, at := Start(t, Config{})
	response, _ := submit(t, at+"/control/faults", url.Values{"fault": {"quota_used_up"}}, "Sec-Fetch-Site", "cross-site")
	if response.StatusCode != http.StatusForbidden || !reflect.DeepEqual(e.Faults(), Faults{}) {
		t.Errorf("%d, faults %+v", response.StatusCode, e.Faults())
	}
}
