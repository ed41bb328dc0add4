package sendgrid

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	// maxReason bounds a reason in characters, all of them ASCII.
	maxReason   = 200
	maxProblems = 3
	redacted    = "[redacted]"
)

// reason is one line about a refusal: the status and what SendGrid's error
// body says, as far as it can't be somebody's address, link or name. SendGrid
// does echo addresses ("We found the first duplicate instance of [...]"), and
// the reason ends up in the database, in logs and before operators.
func reason(code int, body string, m invitation.Message) string {
	said := problems(body, m)
	if len(said) == 0 {
		return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", code, http.StatusText(code)))
	}
	return shortened(fmt.Sprintf("HTTP %d: %s", code, strings.Join(said, "; ")))
}

// shortened bounds a line of ASCII.
func shortened(line string) string {
	if len(line) > maxReason {
		line = line[:maxReason-3] + "..."
	}
	return line
}

// problems reads {"errors":[{"message":…,"field":…}]}, and the bare strings
// that older endpoints have in the place of the objects.
func problems(body string, m invitation.Message) []string {
	var answer struct {
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal([]byte(body), &answer) != nil {
		return nil
	}
	var said []string
	for _, raw := range answer.Errors[:min(len(answer.Errors), maxProblems)] {
		if p := problem(raw, m); p != "" {
			said = append(said, p)
		}
	}
	return said
}

// errorFields are the fields that an error body names.
func errorFields(body string) (fields []string) {
	var answer struct{ Errors []struct{ Field any } }
	if json.Unmarshal([]byte(body), &answer) != nil {
		return nil
	}
	for _, e := range answer.Errors {
		field, _ := e.Field.(string)
		fields = append(fields, field)
	}
	return fields
}

func problem(raw json.RawMessage, m invitation.Message) string {
	var fields struct{ Message, Field any }
	if json.Unmarshal(raw, &fields) != nil && json.Unmarshal(raw, &fields.Message) != nil {
		return ""
	}
	message, _ := fields.Message.(string)
	field, _ := fields.Field.(string)
	text := harmless(message, m)
	if !ourField.MatchString(field) {
		return text
	}
	return strings.TrimSpace(text + " (" + field + ")")
}

var (
	// ourField is the path of something that we send, such as
	// personalizations.0.to.0.email.
	ourField = regexp.MustCompile(`^(personalizations|from|reply_to|subject|content|custom_args|categories|mail_settings|tracking_settings)(\.([0-9]{1,4}|[a-z_]{1,24})){0,5}$`)
	// enclosed is where SendGrid puts what it quotes.
	enclosed = regexp.MustCompile(`\[[^\]]*\]?|"[^"]*"?|\{[^}]*\}?|<[^>]*>?`)
	// harmlessWord is an English word or a small number. Addresses, domains,
	// URLs and tokens all have a character or a length that these have not.
	harmlessWord = regexp.MustCompile("^[(`']*" +
		`([A-Za-z][A-Za-z_'-]{0,23}|[0-9]{1,5}|[0-9]{1,3},[0-9]{3}|[0-9]{1,3}MB|e\.g\.|text/plain|text/html)` +
		"[)`'.,:;!?]*$")
)

// sayings are what SendGrid's documentation and answers say of whole accounts and
// bodies. Their words are kept even where the recipient's name or address has one
// of them, as half of all addresses have "mail": said in this order, they are no
// echo.
var sayings = sentences(`
	access forbidden
	authenticated user is not authorized to send mail
	permission denied wrong credentials
	maximum credits exceeded
	the provided authorization grant is invalid expired or revoked
	the from address does not match a verified sender identity
	mail cannot be sent until this error is resolved
	to see the sender identity requirements
	the following reasons
	the from email does not contain a valid address
	does not contain a valid address
	unable to send mail
	too many requests
	the subject is required
	the content value must be a string at least one character in length
	your account has been temporarily suspended
	account under review
	the mail send permission
`)

func sentences(text string) (all [][]string) {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			all = append(all, words)
		}
	}
	return all
}

// said marks the words that belong to a saying.
func said(words []string) []bool {
	marked, bare := make([]bool, len(words)), make([]string, len(words))
	for i, word := range words {
		bare[i] = strings.ToLower(strings.Trim(word, "`'().,:;!?"))
	}
	for _, saying := range sayings {
		for i := 0; i+len(saying) <= len(bare); i++ {
			if slices.Equal(bare[i:i+len(saying)], saying) {
				for j := range saying {
					marked[i+j] = true
				}
			}
		}
	}
	return marked
}

// harmless keeps the words that are harmless in themselves and have nothing
// to do with this mail. It lets through what it knows, for nobody can list
// the shapes in which an address may come back.
func harmless(message string, m invitation.Message) string {
	message = enclosed.ReplaceAllString(message, " "+redacted+" ")
	if m.Subject != "" {
		message = strings.ReplaceAll(message, m.Subject, redacted)
	}
	words, personal := strings.Fields(message), personalWords(m)
	ofSayings := said(words)
	var kept []string
	for i, word := range words {
		known := harmlessWord.MatchString(word) || ourField.MatchString(strings.Trim(word, "`'().,:;"))
		if !known || !ofSayings[i] && mentions(word, personal) {
			word = redacted
		}
		if word == redacted && len(kept) > 0 && kept[len(kept)-1] == redacted {
			continue
		}
		kept = append(kept, word)
	}
	if len(kept) == 1 && kept[0] == redacted {
		return ""
	}
	return strings.Join(kept, " ")
}

// personalWords are the recipient's name and address, cut into words.
func personalWords(m invitation.Message) map[string]bool {
	words := map[string]bool{}
	for _, text := range []string{m.ToName, m.To.Mailbox()} {
		for _, word := range strings.FieldsFunc(text, notLetter) {
			if len(word) > 2 {
				words[strings.ToLower(word)] = true
			}
		}
	}
	return words
}

func mentions(word string, personal map[string]bool) bool {
	return slices.ContainsFunc(strings.FieldsFunc(word, notLetter), func(part string) bool {
		return personal[strings.ToLower(part)]
	})
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }
