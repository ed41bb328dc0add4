package sendgridtest

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func page(t *testing.T, url string) (reply, string) {
	t.Helper()
	response, body, err := do(t, http.MethodGet, url, "")
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestPagesEscapeHostileMails(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{})
	const hostile = `</title><script>alert(1)</script><img src=x onerror=alert(2)>`
	body := mailTo("anna@example.com")
	for _, field := range []string{`"Your invitation"`, `"Anna Muster"`, `"KIWI"`, `"Hello"`, `"d-1"`, `"<p>Hello</p>"`} {
		body = strings.Replace(body, field, `"`+hostile+`"`, 1)
	}
	response, answer, err := send(t, url, body)
	if err != nil || response.StatusCode != http.StatusAccepted {
		t.Fatalf("sending: %v, %s", err, answer)
	}
	id := response.Header.Get("X-Message-Id")
	for _, path := range []string{"/", "/messages/" + id, "/messages/" + id + "?view=text", "/messages/" + id + "?view=details"} {
		response, body := page(t, url+path)
		if response.StatusCode != http.StatusOK || strings.Contains(body, "<script") || strings.Contains(body, "<img") {
			t.Errorf("%s: %d with markup out of a mail:\n%s", path, response.StatusCode, body)
		}
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	response, frame := page(t, url+"/messages/"+id+"/html")
	policy := response.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "sandbox ") || strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("policy of the mail's HTML: %q", policy)
	}
	if !strings.Contains(frame, hostile) {
		t.Errorf("the mail's HTML was changed: %s", frame)
	}
}

func TestPagesFetchNothingFromOutside(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{})
	id := mustSend(t, url, "anna@example.com")
	for _, path := range []string{"/", "/messages/" + id, "/style.css"} {
		_, body := page(t, url+path)
		body = strings.ReplaceAll(body, "http://www.w3.org/2000/svg", "")
		if strings.Contains(body, "http://") || strings.Contains(body, "https://") || strings.Contains(body, "url(") {
			t.Errorf("%s names another host:\n%s", path, body)
		}
	}
}

func TestMessagePage(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{})
	body := strings.Replace(mailTo("anna@example.com"), `"Hello"`, `"Open https://kiwi.test/I/ABC234?x=1&y=2. Bye"`, 1)
	response, _, err := send(t, url, body)
	if err != nil {
		t.Fatal(err)
	}
	at := url + "/messages/" + response.Header.Get("X-Message-Id")
	wants := map[string][]string{
		at:                   {"Your invitation", "Anna Muster", "anna@example.com", `<iframe class="frame"`, `/html"></iframe>`},
		at + "?view=text":    {`<a href="https://kiwi.test/I/ABC234?x=1&amp;y=2" target="_blank"`, "</a>. Bye"},
		at + "?view=details": {"delivery_id", "d-1", `<span class="good">off</span>`, `<span class="bad">not switched off</span>`},
		at + "/html":         {"<p>Hello</p>", `<base target="_blank">`},
	}
	for path, texts := range wants {
		_, got := page(t, path)
		for _, text := range texts {
			if !strings.Contains(got, text) {
				t.Errorf("%s has no %q:\n%s", path, text, got)
			}
		}
	}
	if response, body := page(t, url+"/messages/unknown"); response.StatusCode != http.StatusNotFound || !strings.Contains(body, "No such mail") {
		t.Errorf("unknown mail: %d", response.StatusCode)
	}
}

func TestEmptyList(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{})
	if response, body := page(t, url+"/"); response.StatusCode != http.StatusOK || !strings.Contains(body, "No mails yet") {
		t.Errorf("empty list: %d", response.StatusCode)
	}
}

// TestListOfOne: one mail is "1 mail", and its time has a zone.
func TestListOfOne(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{})
	mustSend(t, url, "anna@example.com")
	_, body := page(t, url+"/")
	zone, _ := time.Now().Zone()
	if !strings.Contains(body, "<title>1 mail</title>") || !strings.Contains(body, " "+zone+"</time>") {
		t.Errorf("the list of one mail reads:\n%s", body)
	}
}

func TestLinksOutside(t *testing.T) {
	t.Parallel()
	const base = `<base target="_blank">`
	for in, want := range map[string]string{
		`<!doctype html><HEAD lang="de"><title>x</title>`: `<!doctype html><HEAD lang="de">` + base + `<title>x</title>`,
		`<header>x</header>`:                              `<header>x</header>` + base,
	} {
		if got := linksOutside(in); got != want {
			t.Errorf("linksOutside(%s) = %s", in, got)
		}
	}
}
