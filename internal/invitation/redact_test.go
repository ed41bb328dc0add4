package invitation_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	canaryLocal  = "Canary.Local"
	canaryDomain = "canary-domain.example"
)

// inside has them where no method of theirs is called by fmt.
type inside struct {
	email invitation.Email
	link  invitation.Link
	ring  *invitation.KeyRing
}

// TestNothingSecretIsPrinted prints whatever holds a secret, a link or an
// address, and all that holds one of those, in every way that a log may.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA, lineB)
	linker, err := invitation.NewLinker("https://kiwi.example/I/", r)
	if err != nil {
		t.Fatal(err)
	}
	email := invitation.NewEmail(canaryLocal+"@"+canaryDomain, strings.ToLower(canaryLocal)+"@"+canaryDomain)
	link := linker.Link(&invitation.Invitation{ID: someToken.InvitationID, Mailed: invitation.ChannelState{Generation: 1}}, invitation.Mailed)
	token := link.Reveal()[strings.LastIndex(link.Reveal(), "/")+1:]

	now := time.Now()
	user := &invitation.User{ID: "u", Type: invitation.Employee, DisplayName: "Erika", Email: email}
	if err := user.Send(invitation.TargetApp, false, now, time.Hour); err != nil {
		t.Fatal(err)
	}
	mail := invitation.Mail{To: email, Link: link, DisplayName: "Erika"}
	message := invitation.Message{To: email, ToName: "Erika", Subject: "Ihr Zugang", Text: "Hier: " + link.Reveal(), HTML: "<a href='" + link.Reveal() + "'>"}
	values := []any{
		r, *r, linker, *linker, email, &email, link, &link, user, *user, user.Deliveries, user.Deliveries[0], *user.Deliveries[0],
		user.Events, mail, &mail, message, &message, invitation.Result{User: user}, invitation.Listed{User: user},
		[]any{email, link}, map[string]any{"email": email, "link": link}, inside{email, link, r}, &inside{email, link, r},
		map[string]inside{"": {email, link, r}},
		fmt.Errorf("wrapped: %v, %w", link, errors.New(fmt.Sprint(email))),
	}
	secrets := []string{lineA[2:], lineB[2:], token, link.Reveal(), canaryLocal, canaryDomain}
	for _, line := range []string{lineA, lineB} {
		raw, err := base64.StdEncoding.DecodeString(line[2:])
		if err != nil {
			t.Fatal(err)
		}
		// As %v, %+v and %#v show bytes.
		secrets = append(secrets, strings.Trim(fmt.Sprintf("%v", raw[:8]), "[]"), fmt.Sprintf("%x", raw[:8]), string(raw))
		hexes := fmt.Sprintf("%#v", raw[:8])
		secrets = append(secrets, hexes[strings.Index(hexes, "{")+1:len(hexes)-1])
	}
	for i, value := range values {
		var leaks []string
		for form, text := range printed(value) {
			if slices.ContainsFunc(secrets, func(secret string) bool {
				return strings.Contains(strings.ToLower(text), strings.ToLower(secret))
			}) {
				leaks = append(leaks, form)
			}
		}
		if leaks != nil {
			t.Errorf("value %d, a %T, shows a secret as %q", i, value, leaks)
		}
	}
}

// printed shows a value in every way there is.
func printed(value any) map[string]string {
	forms := map[string]string{"Sprint": fmt.Sprint(value), "Sprintln": fmt.Sprintln(value), "error": fmt.Errorf("%v", value).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e", "%+q", "% x", "%#q", "%T", "%!", "%200.100v"} {
		forms[verb] = fmt.Sprintf(verb, value)
	}
	if raw, err := json.Marshal(value); err == nil {
		forms["JSON"] = string(raw)
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog as text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog as JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).With("with", value).Info("message", "value", value, slog.Group("group", "inner", value))
		forms[name] = b.String()
	}
	return forms
}

// TestRedactedIsNotEmpty: a placeholder stands where a value was, so that a
// log shows that there was one.
func TestRedactedIsNotEmpty(t *testing.T) {
	t.Parallel()
	email := invitation.NewEmail("a@b.example", "a@b.example")
	for _, value := range []any{email, invitation.NewLink("https://x/Y"), ring(t, lineA)} {
		for form, text := range printed(value) {
			if form != "JSON" && !strings.Contains(text, "redacted") && form != "%T" && form != "%!" {
				t.Errorf("%T as %s is %q", value, form, text)
			}
		}
	}
}

// TestMasked: enough for the owner to recognise, too little to use.
func TestMasked(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"bob@müller.de": "b***@müller.de", "b@b.example": "b***@b.example", "üx@y.example": "ü***@y.example",
		`"a@b"@c.example`: `"***@c.example`, "": "", "nobody": "", "@c.example": "",
	} {
		if got := invitation.NewEmail(address, address).Masked(); got != want {
			t.Errorf("%q is masked as %q, want %q", address, got, want)
		}
	}
}

// TestMailbox: mail goes to the local part as it was typed and the domain in
// ASCII.
func TestMailbox(t *testing.T) {
	t.Parallel()
	if got := invitation.NewEmail("Bob@müller.de", "bob@xn--mller-kva.de").Mailbox(); got != "Bob@xn--mller-kva.de" {
		t.Errorf("mailbox is %q", got)
	}
	if got := (invitation.Email{}).Mailbox(); got != "" {
		t.Errorf("no address has the mailbox %q", got)
	}
}
