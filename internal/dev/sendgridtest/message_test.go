package sendgridtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAwait(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{Keep: 2})
	got := make(chan []Message)
	go func() {
		all, err := e.Await(t.Context(), 3)
		if err != nil {
			t.Error(err)
		}
		got <- all
	}()
	for i := range 3 {
		mustSend(t, url, fmt.Sprintf("r%d@example.com", i))
	}
	if all := <-got; len(all) != 2 || all[0].To != "r1@example.com" || all[1].To != "r2@example.com" {
		t.Errorf("mails %v, want the last two", all)
	}
}

func TestAwaitGivesUpWithTheContext(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	mustSend(t, url, "a@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	all, err := e.Await(ctx, 2)
	if len(all) != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("Await: %v, %v", all, err)
	}
	if _, err := e.AwaitTo(ctx, "b@example.com"); !errors.Is(err, context.Canceled) {
		t.Errorf("AwaitTo: %v", err)
	}
}

func TestAwaitTo(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	got := make(chan Message)
	go func() {
		m, err := e.AwaitTo(t.Context(), "ANNA@example.com")
		if err != nil {
			t.Error(err)
		}
		got <- m
	}()
	mustSend(t, url, "bob@example.com")
	id := mustSend(t, url, "anna@example.com")
	if m := <-got; m.ID != id {
		t.Errorf("got the mail to %s", m.To)
	}
}

func TestMessagesAreCopies(t *testing.T) {
	t.Parallel()
	e, url := Start(t, Config{})
	mustSend(t, url, "a@example.com")
	m := e.Messages()[0]
	m.CustomArgs["delivery_id"], m.Categories[0] = "x", "x"
	if again := e.Messages()[0]; again.CustomArgs["delivery_id"] != "d-1" || again.Categories[0] != "invitation" {
		t.Errorf("a caller changed what is kept: %+v", again)
	}
}

func TestMessagesOverHTTP(t *testing.T) {
	t.Parallel()
	_, url := Start(t, Config{})
	list := func(query string) (all []map[string]any) {
		t.Helper()
		_, answer, err := do(t, http.MethodGet, url+"/api/messages"+query, "")
		if err != nil || json.Unmarshal([]byte(answer), &all) != nil || all == nil {
			t.Fatalf("GET: %v %s, want an array", err, answer)
		}
		return all
	}
	if got := list(""); len(got) != 0 {
		t.Errorf("mails before the first: %v", got)
	}
	first, second := mustSend(t, url, "a@example.com"), mustSend(t, url, "b@example.com")
	all := list("")
	if len(all) != 2 || all[0]["id"] != second || all[1]["id"] != first {
		t.Fatalf("list %v, want the newest first", all)
	}
	for _, field := range []string{"id", "received_at", "from", "to", "subject", "text", "html", "custom_args", "tracking"} {
		if all[0][field] == nil {
			t.Errorf("the list has no %s", field)
		}
	}
	if got := list("?to=A@example.com"); len(got) != 1 || got[0]["id"] != first {
		t.Errorf("list by recipient: %v", got)
	}
	if _, answer, _ := do(t, http.MethodGet, url+"/api/messages/"+first, ""); !strings.Contains(answer, `"to":"a@example.com"`) {
		t.Errorf("GET one: %s", answer)
	}
	if response, _, _ := do(t, http.MethodDelete, url+"/api/messages", ""); response.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: %v", response)
	}
	if response, _, _ := do(t, http.MethodGet, url+"/api/messages/"+first, ""); response.StatusCode != http.StatusNotFound {
		t.Errorf("GET one after DELETE: %v", response)
	}
	if got := list(""); len(got) != 0 {
		t.Errorf("mails after DELETE: %v", got)
	}
}
