package sendgridtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSendKeepsTheMail(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e, url := Start(t, Config{APIKey: key, Now: func() time.Time { return now }})

	response, answer, err := send(t, url, mailTo("anna@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusAccepted || answer != "" {
		t.Errorf("answer: %d %q, want 202 with no body", response.StatusCode, answer)
	}
	want := []Message{{
		ID: response.Header.Get("X-Message-Id"), ReceivedAt: now,
		From: "no-reply@kiwi.test", FromName: "KIWI", ReplyTo: "help@kiwi.test",
		To: "anna@example.com", ToName: "Anna Muster",
		Subject: "Your invitation", Text: "Hello", HTML: "<p>Hello</p>",
		CustomArgs: map[string]string{"delivery_id": "d-1", "invitation_id": "i-1"},
		Categories: []string{"invitation"},
		Tracking:   Tracking{Subscription: true, Analytics: true},
		Fate:       "delivered",
	}}
	if got := e.Messages(); !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	if id := want[0].ID; len(id) != 22 {
		t.Errorf("X-Message-Id %q has not SendGrid's 22 characters", id)
	}
}

func TestSendMakesOneMailPerRecipient(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	body := strings.Replace(mailTo("a@example.com"), `"custom_args": {"delivery_id"`,
		`"cc": [{"email": "b@example.com"}], "custom_args": {"delivery_id"`, 1)
	response, _, err := send(t, url, body)
	if err != nil {
		t.Fatal(err)
	}
	id := response.Header.Get("X-Message-Id")
	got := e.Messages()
	if len(got) != 2 || got[0].ID != id || got[1].ID != id+"-2" || got[1].To != "b@example.com" {
		t.Errorf("kept %+v", got)
	}
}

func TestSandboxKeepsNothing(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	body := strings.Replace(mailTo("a@example.com"), `"subject"`, `"mail_settings": {"sandbox_mode": {"enable": true}}, "subject"`, 1)
	response, _, err := send(t, url, body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("answer: %v, %v, want 200", response, err)
	}
	if got := e.Messages(); len(got) != 0 {
		t.Errorf("kept %v", got)
	}
}

func TestRefusalsBeforeTheContent(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{APIKey: key})
	const path = "/v3/mail/send"
	auth := []string{"Authorization", "Bearer " + key}
	jsonAuth := slices.Concat(auth, []string{"Content-Type", "application/json; charset=utf-8"})
	tests := map[string]struct {
		method, path, body string
		header             []string
		status             int
		message            string
	}{
		"no key":       {"POST", path, "", nil, 401, "The provided authorization grant is invalid, expired, or revoked"},
		"wrong key":    {"POST", path, "", []string{"Authorization", "Bearer SG.other"}, 401, "The provided authorization grant is invalid, expired, or revoked"},
		"other scheme": {"POST", path, "", []string{"Authorization", "Basic " + key}, 401, "The provided authorization grant is invalid, expired, or revoked"},
		"no type":      {"POST", path, "", auth, 415, "Content-Type should be application/json."},
		"wrong type":   {"POST", path, "", slices.Concat(auth, []string{"Content-Type", "text/plain"}), 415, "Content-Type should be application/json."},
		"no JSON":      {"POST", path, "{", jsonAuth, 400, "Bad Request"},
		"no UTF-8":     {"POST", path, "{\"subject\":\"\xff\"}", jsonAuth, 400, "Invalid UTF8 in request."},
		"wrong method": {"GET", path, "", jsonAuth, 405, "method not allowed"},
		"wrong path":   {"POST", "/v3/mail", "", jsonAuth, 404, "not found"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, answer, err := do(t, test.method, url+test.path, test.body, test.header...)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"errors":[{"message":"` + test.message + `","field":null,"help":null}]}`
			if response.StatusCode != test.status || strings.TrimSpace(answer) != want {
				t.Errorf("answer: %d %s, want %d %s", response.StatusCode, answer, test.status, want)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{APIKey: key})
	body := `{"subject":"` + string(bytes.Repeat([]byte("x"), maxBody)) + `"}`
	response, answer, err := send(t, url, body)
	if err != nil {
		t.Fatal(err)
	}
	var errors struct{ Errors []problem }
	if response.StatusCode != http.StatusRequestEntityTooLarge || json.Unmarshal([]byte(answer), &errors) != nil || len(errors.Errors) != 1 {
		t.Errorf("answer: %d %s, want 413 with an error", response.StatusCode, answer)
	}
}
