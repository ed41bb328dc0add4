package sendgridtest

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
)

// SendGrid's limits (Mail Send API overview and its table of errors).
const (
	maxBody             = 30 << 20 // bytes
	maxPersonalizations = 1000
	maxRecipients       = 1000
	maxCustomArgs       = 10_000 // bytes, names and values together
	maxCategories       = 10
	maxCategory         = 255 // characters
)

// problem is one entry of {"errors":[…]}. Field and Help are null when empty.
type problem struct {
	Message string  `json:"message"`
	Field   *string `json:"field"`
	Help    *string `json:"help"`
}

const helpPage = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"

// validator collects all that is wrong, as SendGrid does.
type validator struct{ problems []problem }

func (v *validator) add(field, help, format string, args ...any) {
	p := problem{Message: fmt.Sprintf(format, args...), Field: &field}
	if help != "" {
		help = helpPage + help
		p.Help = &help
	}
	v.problems = append(v.problems, p)
}

// validate returns what SendGrid would complain about, or nothing.
func (r *mailRequest) validate() []problem {
	v := &validator{}
	v.personalizations(r)
	v.sender(r)
	v.subject(r)
	v.content(r)
	v.categories(r.Categories)
	return v.problems
}

func (v *validator) personalizations(r *mailRequest) {
	const field, help = "personalizations", "message.personalizations"
	switch n := len(r.Personalizations); {
	case n == 0:
		v.add(field, "-Personalizations-Errors", "The personalizations field is required and must have at least one personalization.")
	case n > maxPersonalizations:
		v.add(field, help, "The personalization block is limited to %d personalizations per API request. You have provided %d personalizations. Please consider splitting this into multiple requests and resending your request.", maxPersonalizations, n)
	}
	recipients := 0
	for i, p := range r.Personalizations {
		recipients += len(p.To) + len(p.CC) + len(p.BCC)
		v.recipients(fmt.Sprintf("personalizations.%d", i), p)
		v.customArgs(fmt.Sprintf("personalizations.%d.custom_args", i), r, p)
	}
	if recipients > maxRecipients {
		v.add(field, help, "There is a limit of %d total recipients (to + cc + bcc) per request.", maxRecipients)
	}
}

func (v *validator) recipients(field string, p personalization) {
	if len(p.To) == 0 {
		v.add(field+".to", "message.personalizations.to", "The to array is required for all personalization objects, and must have at least one email object with a valid email address.")
	}
	seen := map[string]bool{}
	duplicate := false
	lists := []struct {
		name  string
		boxes []mailbox
	}{{"to", p.To}, {"cc", p.CC}, {"bcc", p.BCC}}
	for _, list := range lists {
		for i, box := range list.boxes {
			if !validAddress(box.Email) {
				v.add(fmt.Sprintf("%s.%s.%d.email", field, list.name, i), "message.personalizations."+list.name, "Does not contain a valid address.")
			}
			key := strings.ToLower(box.Email)
			if seen[key] && !duplicate {
				duplicate = true
				v.add(field, "message.recipient-errors", "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [%s] in the %s.%s field.", box.Email, field, list.name)
			}
			seen[key] = true
		}
	}
}

// customArgs: the overview says 10,000 bytes; SendGrid's newer table of errors
// says 50,000. The smaller is the one to hold.
func (v *validator) customArgs(field string, r *mailRequest, p personalization) {
	const help = "message.personalizations.custom_args"
	for _, args := range []map[string]json.RawMessage{r.CustomArgs, p.CustomArgs} {
		for _, value := range args {
			if value[0] != '"' {
				v.add(field, help, "All values of custom arguments object must be strings")
				return
			}
		}
	}
	size := 0
	for name, value := range mergedArgs(r.CustomArgs, p.CustomArgs) {
		size += len(name) + len(value)
	}
	if size > maxCustomArgs {
		v.add(field, help, "The combined size of both global and personalization custom arguments may not exceed 10,000 bytes per personalization.")
	}
}

const exampleObject = `e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.`

func (v *validator) sender(r *mailRequest) {
	switch {
	case r.From == nil || r.From.Email == "":
		v.add("from.email", "message.from", "The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  %s", exampleObject)
	case !validAddress(r.From.Email):
		v.add("from.email", "message.from", "The from email does not contain a valid address.")
	}
	if r.ReplyTo != nil && !validAddress(r.ReplyTo.Email) {
		v.add("reply_to.email", "message.reply_to", "The reply_to email does not contain a valid address.")
	}
}

func (v *validator) subject(r *mailRequest) {
	if r.Subject != "" || r.TemplateID != "" {
		return
	}
	for _, p := range r.Personalizations {
		if p.Subject == "" {
			v.add("subject", "message.subject", "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.")
			return
		}
	}
}

func (v *validator) content(r *mailRequest) {
	if len(r.Content) == 0 && r.TemplateID == "" {
		v.add("content", "message.content", "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.")
	}
	seen := map[string]bool{}
	for i, c := range r.Content {
		field := fmt.Sprintf("content.%d.", i)
		switch {
		case c.Type == "":
			v.add(field+"type", "message.content.type", "A content type is required, this tells email clients how to display the email.")
		case strings.ContainsAny(c.Type, ";\r\n"):
			v.add(field+"type", "message.content.type", "Cannot contain ';', or CRLF characters.")
		}
		if c.Value == "" {
			v.add(field+"value", "message.content.value", "The content value must be a string at least one character in length.")
		}
		if seen[c.Type] && rank(c.Type) < rankOther {
			v.add("content", "", "If present, text/plain and text/html may only be provided once.")
		}
		seen[c.Type] = true
		if i > 0 && rank(c.Type) < rank(r.Content[i-1].Type) {
			v.add("content", "", "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs to be first, followed by text/html, followed by any other content.")
		}
	}
}

const rankOther = 2

func rank(contentType string) int {
	switch contentType {
	case "text/plain":
		return 0
	case "text/html":
		return 1
	}
	return rankOther
}

func (v *validator) categories(all []string) {
	const field, help = "categories", "message.categories"
	if len(all) > maxCategories {
		v.add(field, help, "There is a limit of %d categories for each email that is sent. You provided %d categories.", maxCategories, len(all))
	}
	seen := map[string]bool{}
	for _, c := range all {
		switch {
		case len(c) > maxCategory:
			v.add(field, help, "Each category must not be longer than %d characters. %s exceeds this limit.", maxCategory, c)
		case !ascii(c):
			v.add(field, help, "Categories can not contain non-ASCII characters.")
		case seen[c]:
			v.add(field, help, "The categories must be a unique list, and you have included %s more than once.", c)
		}
		seen[c] = true
	}
}

// validAddress takes what SendGrid is known to deliver to: one plain address
// in ASCII with a dotted domain. SendGrid's own rule is not published.
func validAddress(address string) bool {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || !ascii(address) {
		return false
	}
	at := strings.LastIndexByte(address, '@')
	local, domain := address[:at], address[at+1:]
	return len(local) <= 64 && len(domain) <= 255 && strings.Contains(domain, ".")
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 })
}
