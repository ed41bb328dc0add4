package sendgridtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const help = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"

// TestValidation compares with SendGrid's texts: its table of errors, or an
// answer of the real API that somebody published.
func TestValidation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new             string // what is replaced by what
		message, field, help string
	}{
		"no personalizations": {
			`[{"to": [{"email": "%TO%", "name": "Anna Muster"}], "custom_args": {"delivery_id": "d-1"}}]`, `[]`,
			"The personalizations field is required and must have at least one personalization.",
			"personalizations", help + "-Personalizations-Errors",
		},
		"no to": {
			`[{"email": "%TO%", "name": "Anna Muster"}]`, `[]`,
			"The to array is required for all personalization objects, and must have at least one email object with a valid email address.",
			"personalizations.0.to", help + "message.personalizations.to",
		},
		"invalid to": {
			"%TO%", "anna",
			"Does not contain a valid address.", "personalizations.0.to.0.email", help + "message.personalizations.to",
		},
		"to without a domain's dot": {
			"%TO%", "anna@localhost",
			"Does not contain a valid address.", "personalizations.0.to.0.email", help + "message.personalizations.to",
		},
		"to with a name in it": {
			"%TO%", "Anna <anna@example.com>",
			"Does not contain a valid address.", "personalizations.0.to.0.email", help + "message.personalizations.to",
		},
		"two to at once": {
			"%TO%", "anna@example.com, eve@example.com",
			"Does not contain a valid address.", "personalizations.0.to.0.email", help + "message.personalizations.to",
		},
		"Unicode domain": {
			"%TO%", "bob@müller.de",
			"Does not contain a valid address.", "personalizations.0.to.0.email", help + "message.personalizations.to",
		},
		"the same in to and cc": {
			`"custom_args": {"delivery_id"`, `"cc": [{"email": "ANNA@example.com"}], "custom_args": {"delivery_id"`,
			"Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [ANNA@example.com] in the personalizations.0.cc field.",
			"personalizations.0", help + "message.recipient-errors",
		},
		"1001 recipients": {
			`"custom_args": {"delivery_id"`, `"bcc": ` + addresses(1000) + `, "custom_args": {"delivery_id"`,
			"There is a limit of 1000 total recipients (to + cc + bcc) per request.",
			"personalizations", help + "message.personalizations",
		},
		"custom argument that is no string": {
			`"i-1"`, `7`,
			"All values of custom arguments object must be strings",
			"custom_args", help + "message.custom_args",
		},
		"custom arguments too large": {
			`"i-1"`, `"` + strings.Repeat("x", 10_000-len("invitation_id")-len("delivery_idd-1")+1) + `"`,
			"The combined size of both global and personalization custom arguments may not exceed 10,000 bytes per personalization.",
			"personalizations.0.custom_args", help + "message.personalizations.custom_args",
		},
		"no from": {
			`"from": {"email": "no-reply@kiwi.test", "name": "KIWI"},`, ``,
			`The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.`,
			"from.email", help + "message.from",
		},
		"invalid from": {
			"no-reply@kiwi.test", "no-reply",
			"The from email does not contain a valid address.", "from.email", help + "message.from",
		},
		"no subject": {
			`"subject": "Your invitation",`, ``,
			"The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.",
			"subject", help + "message.subject",
		},
		"no content": {
			`[{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}]`, `[]`,
			"Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.",
			"content", help + "message.content",
		},
		"empty content": {
			`"Hello"`, `""`,
			"The content value must be a string at least one character in length.", "content.0.value", help + "message.content.value",
		},
		"HTML first": {
			`{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}`, `{"type": "text/html", "value": "a"}, {"type": "text/plain", "value": "b"}`,
			"Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs to be first, followed by text/html, followed by any other content.",
			"content", "",
		},
		"text twice": {
			"text/html", "text/plain",
			"If present, text/plain and text/html may only be provided once.", "content", "",
		},
		"type with a parameter": {
			"text/html", "text/html; charset=utf-8",
			"Cannot contain ';', or CRLF characters.", "content.1.type", help + "message.content.type",
		},
		"11 categories": {
			`["invitation"]`, `["1","2","3","4","5","6","7","8","9","10","11"]`,
			"There is a limit of 10 categories for each email that is sent. You provided 11 categories.", "categories", help + "message.categories",
		},
		"category twice": {
			`["invitation"]`, `["a","a"]`,
			"The categories must be a unique list, and you have included a more than once.", "categories", help + "message.categories",
		},
		"wrong JSON type": {
			`"Your invitation"`, `["a"]`,
			"Invalid type. Expected: string, given: array.", "subject", "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := strings.ReplaceAll(test.old, "%TO%", "anna@example.com")
			if !strings.Contains(mailTo("anna@example.com"), old) {
				t.Fatalf("%q is not in the request", old)
			}
			body := strings.Replace(mailTo("anna@example.com"), old, test.new, 1)
			_, problems := parse([]byte(body), time.Now())
			if len(problems) != 1 {
				t.Fatalf("problems: %s, want one", asJSON(problems))
			}
			want := problem{Message: test.message, Field: &test.field}
			if test.help != "" {
				want.Help = &test.help
			}
			if got, want := asJSON(problems[0]), asJSON(want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	body := strings.Replace(mailTo("anna@example.com"), `"custom_args": {"delivery_id"`,
		`"bcc": `+addresses(999)+`, "custom_args": {"delivery_id"`, 1)
	body = strings.Replace(body, `"i-1"`, `"`+strings.Repeat("x", 10_000-len("invitation_id")-len("delivery_idd-1"))+`"`, 1)
	if _, problems := parse([]byte(body), time.Now()); len(problems) != 0 {
		t.Errorf("refused: %s", asJSON(problems))
	}
}

func TestValidationTellsEverything(t *testing.T) {
	t.Parallel()
	if _, problems := parse([]byte(`{}`), time.Now()); len(problems) != 3 {
		t.Errorf("problems of {}: %s", asJSON(problems))
	}
}

func addresses(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"email": "r%d@example.com"}`, i)
	}
	return "[" + strings.Join(all, ",") + "]"
}

func asJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
