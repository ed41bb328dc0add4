package sendgrid

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

func TestReason(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		code int
		body string
		want string
	}{
		{"no body", 400, ``, "HTTP 400 Bad Request"},
		{"unknown status", 599, ``, "HTTP 599"},
		{"HTML", 502, `<html><body>erika1@xn--mller-kva.example</body></html>`, "HTTP 502 Bad Gateway"},
		{"broken JSON", 400, `{"errors":[{"message":"Bad`, "HTTP 400 Bad Request"},
		{"other JSON", 400, `[1,2]`, "HTTP 400 Bad Request"},
		{"no errors", 400, `{"errors":[]}`, "HTTP 400 Bad Request"},
		{"errors of no kind", 400, `{"errors":[null,7,[],{"message":7,"field":{}}]}`, "HTTP 400 Bad Request"},
		{"one", 403, `{"errors":[{"field":null,"message":"access forbidden"}]}`, "HTTP 403: access forbidden"},
		{"string", 401, `{"errors":["Permission denied, wrong credentials"],"message":"error"}`, "HTTP 401: Permission denied, wrong credentials"},
		{"two", 400, `{"errors":[{"message":"Bad Request","field":"from"},{"message":"not found"}]}`, "HTTP 400: Bad Request (from); not found"},
		{"field only", 400, `{"errors":[{"message":"","field":"content.0.value"}]}`, "HTTP 400: (content.0.value)"},
		{"foreign field", 400, `{"errors":[{"message":"Bad Request","field":"erika.example.com"}]}`, "HTTP 400: Bad Request"},
		{"address as field", 400, `{"errors":[{"message":"Bad Request","field":"from.erika@example.com"}]}`, "HTTP 400: Bad Request"},
		{"token as field", 400, `{"errors":[{"message":"Bad Request","field":"content.abcdefghijklmnopqrstuvwxyzab"}]}`, "HTTP 400: Bad Request"},
		{"echoed in brackets", 400, `{"errors":[{"message":"We found the first duplicate instance of [erika1@xn--mller-kva.example] in the personalizations.0.to field.","field":"personalizations.0"}]}`,
			"HTTP 400: We found the first duplicate instance of [redacted] in the personalizations.0.to field. (personalizations.0)"},
		{"quoted words", 400, `{"errors":[{"message":"The name [our own words] is as wrong as \"some others\" and {a: b} and <c> and [what never ends"}]}`,
			"HTTP 400: The name [redacted] is as wrong as [redacted] and [redacted] and [redacted] and [redacted]"},
		{"echoed bare", 400, `{"errors":[{"message":"unknown: erika1@xn--mller-kva.example, Erika Mustermann"}]}`, "HTTP 400: unknown: [redacted]"},
		{"nothing but an echo", 400, `{"errors":[{"message":"erika1@xn--mller-kva.example"}]}`, "HTTP 400 Bad Request"},
		{"content order", 400, `{"errors":[{"message":"text/plain needs to be first, followed by text/html, e.g. RFC 1341","field":"content","help":null}]}`,
			"HTTP 400: text/plain needs to be first, followed by text/html, e.g. RFC 1341 (content)"},
	}
	for _, test := range tests {
		if got := reason(test.code, test.body, message(1)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestReasonIsBounded(t *testing.T) {
	t.Parallel()
	bodies := []string{
		errorsWith(strings.Repeat("word ", 10_000)),
		errorsWith(strings.Repeat("ü", 10_000)),
		`{"errors":[` + strings.Repeat(`{"message":"a b c"},`, 5_000) + `{}]}`,
		`{"errors":` + strings.Repeat(`[`, 20_000),
		errorsWith(strings.Repeat(`[`, 10_000)),
		errorsWith("a\nb\r\nc\x00d\u2028e"),
	}
	for _, body := range bodies {
		got := reason(400, body, message(1))
		if len(got) > maxReason || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("reason %q of %.40s", got, body)
		}
	}
}

// secrets are what a provider may send back of this mail or know of us.
var secrets = []string{
	"erika1@xn--mller-kva.example", "Erika1@müller.example", "ERIKA1@XN--MLLER-KVA.EXAMPLE", "erika1%40xn--mller-kva.example",
	"erika1", "xn--mller-kva.example", "müller.example", "Mustermann", "mustermann's", "Mustermann-Erika",
	"https://kiwi.test/I/TOKEN1", "kiwi.test/I/TOKEN1", "HTTPS://KIWI.TEST/I/ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", "abcdefghijklmnopqrstuvwxyzabcdef", "TOKEN1", key,
	"6f1c6c1e-93d2-4f0c-8f2e-0d4f0c1b2a33", "192.0.2.1", "[2001:db8::1]:443", "+4930123456", "Ihre Einladung 1",
}

func TestReasonHasNothingPersonal(t *testing.T) {
	t.Parallel()
	forms := []string{"%", "invalid: %.", "(%)", "[%]", "'%'", `"%"`, "<%>", "`%`", "to=%;", "a,%,b", "user:%", "%\u200b", "mailto:%?x", "{\"email\":\"%\"}", "[%", "\"%"}
	for _, secret := range secrets {
		for _, form := range forms {
			text := strings.ReplaceAll(form, "%", secret)
			got := strings.ToLower(reason(400, errorsWith(text), message(1)))
			for _, leak := range []string{strings.ToLower(secret), "erika", "mustermann", "mller", "token1", "canary"} {
				if strings.Contains(got, leak) {
					t.Errorf("reason %q of %q", got, text)
					break
				}
			}
		}
	}
}

// TestShortNames: words of two letters are kept, whoever is called like one.
func TestShortNames(t *testing.T) {
	t.Parallel()
	m := message(1)
	m.ToName = "An Ian"
	if got := reason(400, errorsWith("An error of Ian"), m); got != "HTTP 400: An error of [redacted]" {
		t.Errorf("reason %q", got)
	}
}

func errorsWith(text string) string {
	body, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"message": text, "field": text}}})
	return string(body)
}

func FuzzReason(f *testing.F) {
	f.Add(`{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email"}]}`)
	f.Add(errorsWith("erika1@xn--mller-kva.example"))
	f.Add(errorsWith("Authenticated user Erika is not authorized to send mail"))
	f.Add(errorsWith("does not match (Mustermann) a verified Sender Identity"))
	f.Fuzz(func(t *testing.T, body string) {
		m := message(1)
		got := reason(400, body, m)
		for _, leak := range []string{"erika", "mustermann", "mller", "token1"} {
			if strings.Contains(strings.ToLower(got), leak) {
				t.Errorf("reason %q", got)
			}
		}
		if got == "" || len(got) > maxReason || strings.ContainsAny(got, "@\n\r") || strings.Contains(got, "://") || got != reason(400, body, m) {
			t.Errorf("reason %q", got)
		}
	})
}

func TestReasonOfAnEmptyMessage(t *testing.T) {
	t.Parallel()
	if got := reason(400, errorsWith("Bad Request"), invitation.Message{}); got != "HTTP 400: Bad Request" {
		t.Errorf("reason %q", got)
	}
}
