package sendgridtest

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// What more than one field, or more than the kind of one, is asked for.

func someRecipient(r *report, field string, v any) {
	if len(v.([]any)) == 0 {
		r.about(field, "The to array is required for all personalization objects, and must have at least one email object with a valid email address.")
	}
}

// each calls f for every object of a list that may not be one, or not there.
func each(o object, name string, f func(i int, o object)) {
	all, _ := o.values[name].([]any)
	for i, v := range all {
		if element, ok := v.(object); ok {
			f(i, element)
		}
	}
}

func (o object) text(name string) string {
	s, _ := o.values[name].(string)
	return s
}

func (o object) has(name string) bool {
	_, ok := o.values[name]
	return ok
}

func recipients(r *report, _ string, v any) {
	const field = "personalizations"
	o, n := v.(object), 0
	if all, ok := o.values[field].([]any); !o.has(field) || ok && len(all) == 0 {
		r.add(field, "-Personalizations-Errors", "The personalizations field is required and must have at least one personalization.")
	}
	each(o, field, func(_ int, p object) {
		for _, list := range []string{"to", "cc", "bcc"} {
			each(p, list, func(int, object) { n++ })
		}
	})
	if n > maxRecipients {
		r.about(field, fmt.Sprintf("There is a limit of %d total recipients (to + cc + bcc) per request.", maxRecipients))
	}
}

func distinctRecipients(r *report, field string, v any) {
	seen, duplicate := map[string]bool{}, false
	for _, list := range []string{"to", "cc", "bcc"} {
		each(v.(object), list, func(_ int, box object) {
			address := box.text("email")
			key := strings.ToLower(address)
			if key != "" && seen[key] && !duplicate {
				duplicate = true
				r.add(field, "message.recipient-errors", fmt.Sprintf("Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [%s] in the %s.%s field.", address, field, list))
			}
			seen[key] = true
		})
	}
}

func distinctAddresses(r *report, field string, v any) {
	seen := map[string]bool{}
	for _, element := range v.([]any) {
		box, _ := element.(object)
		if key := strings.ToLower(box.text("email")); key != "" && seen[key] {
			r.about(field, "Each email address in reply_to_list should be unique.")
			return
		} else {
			seen[key] = true
		}
	}
}

func oneReplyTo(r *report, _ string, v any) {
	if o := v.(object); o.has("reply_to") && o.has("reply_to_list") {
		r.about("reply_to_list", "You can use either reply_to or reply_to_list, but not both.")
	}
}

func subjects(r *report, _ string, v any) {
	o := v.(object)
	if o.has("subject") || o.has("template_id") {
		return
	}
	missing := false
	each(o, "personalizations", func(_ int, p object) { missing = missing || !p.has("subject") })
	if missing {
		r.about("subject", "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.")
	}
}

func contents(r *report, _ string, v any) {
	o := v.(object)
	if all, ok := o.values["content"].([]any); o.has("template_id") || o.has("content") && (!ok || len(all) > 0) {
		return
	}
	r.about("content", "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.")
}

func contentOrder(r *report, field string, v any) {
	var before []string
	for _, element := range v.([]any) {
		block, _ := element.(object)
		kind := block.text("type")
		for i, earlier := range before {
			if earlier == kind && rank(kind) < rankOther {
				r.add(field, "", "If present, text/plain and text/html may only be provided once.")
			}
			if i == len(before)-1 && rank(kind) < rank(earlier) {
				r.add(field, "", "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs to be first, followed by text/html, followed by any other content.")
			}
		}
		before = append(before, kind)
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

func categories(r *report, field string, v any) {
	seen := map[string]bool{}
	for _, element := range v.([]any) {
		c, _ := element.(string)
		switch {
		case utf8.RuneCountInString(c) > maxCategory:
			r.about(field, fmt.Sprintf("Each category must not be longer than %d characters. %s exceeds this limit.", maxCategory, c))
		case !ascii(c):
			r.about(field, "Categories can not contain non-ASCII characters.")
		case seen[c]:
			r.about(field, fmt.Sprintf("The categories must be a unique list, and you have included %s more than once.", c))
		}
		seen[c] = true
	}
}

func stringValues(message string) rule {
	return must(func(o object) bool {
		for _, v := range o.values {
			if kindOf(v) != "string" {
				return false
			}
		}
		return true
	}, message)
}

func headerNames(r *report, field string, v any) {
	seen := map[string]bool{}
	for _, name := range v.(object).names {
		key := strings.ToLower(name)
		switch {
		case isReserved(name):
			r.about(field, "Header can not be one of the reserved keys.")
		case name == "" || !ascii(name) || strings.ContainsAny(name, " \t:"+lineBreaks):
			r.about(field, "Header keys cannot contain non-ASCII characters and empty spaces.")
		case seen[key]:
			r.about(field, "The headers cannot contain duplicate keys.")
		}
		seen[key] = true
	}
}

func headerValues(r *report, field string, v any) {
	for _, value := range v.(object).values {
		if s, _ := value.(string); strings.ContainsAny(s, lineBreaks) {
			r.about(field, "The header values cannot contain CRLF characters.")
			return
		}
	}
}

func substitutions(r *report, field string, v any) {
	if o := v.(object); len(o.values) > maxSubstitutions || size(o) > maxSubstitutions {
		r.about(field, "You are limited to 10,000 substitutions.")
	}
}

// mergedCustomArgs: SendGrid's description says 10,000 bytes; a newer table of
// its errors says 50,000. The smaller is the one to hold.
func mergedCustomArgs(r *report, _ string, v any) {
	o := v.(object)
	global, _ := o.values["custom_args"].(object)
	each(o, "personalizations", func(i int, p object) {
		own, _ := p.values["custom_args"].(object)
		merged := object{values: map[string]any{}}
		for _, args := range []object{global, own} {
			for name, value := range args.values {
				merged.values[name] = value
			}
		}
		if size(merged) > maxCustomArgs {
			r.about(fmt.Sprintf("personalizations.%d.custom_args", i), "The combined size of both global and personalization custom arguments may not exceed 10,000 bytes per personalization.")
		}
	})
}

// size is what names and values take.
func size(o object) int {
	n := 0
	for name := range o.values {
		n += len(name) + len(o.text(name))
	}
	return n
}

func soon(r *report, field string, v any) {
	at, _ := v.(json.Number).Int64()
	if at > r.now.Add(maxSchedule).Unix() {
		r.about(field, "Scheduling more than 72 hours in advance is forbidden.")
	}
}

func between(least, greatest int64, message string) rule {
	return must(func(n json.Number) bool {
		i, _ := n.Int64()
		return i >= least && i <= greatest
	}, message)
}

func oneBypass(r *report, field string, v any) {
	settings := v.(object)
	on := func(name string) bool {
		o, _ := settings.values[name].(object)
		enabled, _ := o.values["enable"].(bool)
		return enabled
	}
	if on("bypass_list_management") && (on("bypass_spam_management") || on("bypass_bounce_management") || on("bypass_unsubscribe_management")) {
		r.about(join(field, "bypass_list_management"), "bypass_list_management cannot be combined with any other bypass filter.")
	}
}

// validAddress takes what SendGrid is known to deliver to: one plain address
// in ASCII with a dotted domain. SendGrid's own rule is not published; that an
// address has 320 characters at most follows from this.
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
