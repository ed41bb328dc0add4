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
	ourField = regexp.MustCompile(`^(personalizations|from|reply_to|subject|content|headers|custom_args|categories|mail_settings|tracking_settings)` +
		`(\.([0-9]{1,4}|to|email|name|subject|type|value|headers|custom_args|delivery_id|invitation_id|enable|enable_text|sandbox_mode|` +
		`bypass_(bounce|unsubscribe)_management|(click|open|subscription)_tracking|ganalytics)){0,5}$`)
	// enclosed is where SendGrid puts what it quotes.
	enclosed = regexp.MustCompile(`\[[^\]]*\]?|"[^"]*"?|\{[^}]*\}?|<[^>]*>?`)
	// smallNumber is one of the limits that SendGrid names.
	smallNumber = regexp.MustCompile(`^([0-9]{1,4}|[0-9]{1,3},[0-9]{3}|[0-9]{1,3}MB)$`)
)

// answerWords are those that SendGrid's answers have beside the vocabulary of mail
// servers: the ones of its page of errors, and of accounts, keys and plans.
var answerWords = set(`
	advance api appeared application argument arguments around array ascii attachments authorization backend balance base64
	batch_id bcc between billing blocks both bypass bytes capacity categories category cc character characters charset
	combination combined complained complete completed compliance conflict consider considered considers container content-type
	contents continue convert converted correct cpu create created credential credentials credit credits crlf currency custom
	custom_args dashboard date deactivate decode default defined depleted deprecated describe described description developer
	developers different disallow disconnect display displayed disposition downgrade downgraded duplicated e.g each edit empty enable
	enabled enclosed encode encoded ended endpoint endpoints enforced english ensure enter entity every everything exactly
	example exclusive existence expect expected expects expire expiry explicit false feature features field fields filename files
	fill filtering filters first follow followed footer forever formats fraud free frozen fulfil fulfill function gateway general
	generate generated give global gone grant greater group groups gzip handle html hundred id identifier identities ids image images
	inactivity include included includes including incomplete inline instance instances instead into integer integers invoice invoices
	issue issues items json just key keys knows language last least leave legal length less level licence license lines lists
	lock longer lower lowercase made mail_settings maintenance make manage management mandatory matches matching may means media
	medium merge method methods minimum misconfigured mode monthly most multiple namely names need needed needs neither next
	nonexistent nor nothing null numbers numeric object objects obtain occurrence official ok old older once operation
	operations option optional options order organization otherwise outside outstanding overdue overloaded overridden page paid
	pair pairs paragraph parameter parameters parent parse parsed parsing partial particular path paths pause paused pay payload
	payment pending per perform period permissions personalization personalizations plain plan plans platform pool positive
	possibly post_to_url prefix present preview previous primary probable probably process processed processing product
	production profile programmatically prohibit proof properties property provide provides purchase push put range ready
	recently recommend redirect refer region regional registered regular remain remaining remains remember removing renew
	reply_to reply_to_list report reports represent requestor requestor's requests requirement requiring resending reserved resolved
	responses resubmit result retries review reviewed reviewing revoke revoked rfc root sample sandbox save schedule scheduled
	scheduling schema scope scopes second seconds section sections segment select send_at sendgrid sendgrid's served
	services set setting settings several short should show shown shows shut signature signed single skip special specific
	specified specify split splitting staff standard start started starting starts state still strict strings structure
	structured subjects submit submitted subscribe subscription substitution substitutions subuser subusers suggest suite
	supplied supply supported suppress suppressed suppression suppressions switch take takes target team tell tells template
	template_id templates term terms test text thing third three threshold through together token tokens top
	total trial true trust trusted twice twilio twilio's two type types typically under unicode unique unless unlimited
	unparseable unprocessable unsubscribe unsubscribes until unverified update updated upgrade upgraded upper uppercase upstream
	url urls useful username usually utf utf8 v2 v3 value values variable version versions view void warmup warning we web
	went whatever where whether whitelist whitelisted who whole whose widely word words write written xml year yes zero zone
`)

// isAnswerWord knows the words of SendGrid's answers. Who writes one says what they
// like: an address, a name, a link, in whatever spelling; so that only what is known
// gets through.
func isAnswerWord(word string) bool {
	core := strings.Trim(word, "`'().,:;!?")
	return smallNumber.MatchString(core) || ourField.MatchString(core) || known(core, vocabulary, answerWords)
}

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

// harmless keeps the words that are known, and have nothing to do with this mail:
// nobody can list the shapes in which an address may come back.
func harmless(message string, m invitation.Message) string {
	message = enclosed.ReplaceAllString(message, " "+redacted+" ")
	if m.Subject != "" {
		message = strings.ReplaceAll(message, m.Subject, redacted)
	}
	words, personal := strings.Fields(message), personalWords(m)
	ofSayings := said(words)
	var kept []string
	for i, word := range words {
		if !isAnswerWord(word) || !ofSayings[i] && mentions(word, personal) {
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
