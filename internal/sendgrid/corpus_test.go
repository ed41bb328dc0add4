package sendgrid

import (
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// refusals are what SendGrid answers of accounts, senders and bodies, and what of it
// reaches people.
var refusals = map[string]string{
	"Maximum credits exceeded": "Maximum credits exceeded",
	"The provided authorization grant is invalid, expired, or revoked": "The provided authorization grant is invalid, expired, or revoked",
	"Authenticated user is not authorized to send mail":                "Authenticated user is not authorized to send mail",
	"access forbidden":                         "access forbidden",
	"Permission denied, wrong credentials":     "Permission denied, wrong credentials",
	"too many requests":                        "too many requests",
	"Does not contain a valid address.":        "Does not contain a valid address.",
	"Rejected for the following reasons: spam": "Rejected for the following reasons: spam",
	"The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender Identity requirements": "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. Visit [redacted] to see the Sender Identity requirements",
}

// awkward are people whose names and addresses are made of the words of answers.
var awkward = []invitation.Message{
	{ToName: "Erika Mail", To: invitation.NewEmail("mail@send.example", "mail@send.example")},
	{ToName: "Will Match", To: invitation.NewEmail("from.address@match.example", "from.address@match.example")},
	{ToName: "The Sender", To: invitation.NewEmail("sender@identity.example", "sender@identity.example")},
	{ToName: "Credits Grant", To: invitation.NewEmail("user@authorized.example", "user@authorized.example")},
	{ToName: "Access Denied", To: invitation.NewEmail("valid@reasons.example", "valid@reasons.example")},
}

// TestAnswersStayReadable: whoever a mail was for, an operator reads what is wrong
// with the account.
func TestAnswersStayReadable(t *testing.T) {
	t.Parallel()
	for _, m := range append(awkward, message(1)) {
		for said, want := range refusals {
			if len(want) > maxReason-len("HTTP 403: ") {
				want = want[:maxReason-len("HTTP 403: ")-3] + "..."
			}
			got := reason(403, errorsWith(said), m)
			if got != "HTTP 403: "+want {
				t.Errorf("to %s:\n%q, want\n%q", m.To.Masked(), got, want)
			}
		}
	}
}

// TestAnswersLeakNothing: the words of an answer cover up for no echo, neither of
// the same words elsewhere nor of an address, a name, a link or a host in between.
func TestAnswersLeakNothing(t *testing.T) {
	t.Parallel()
	for _, m := range awkward {
		for word := range personalWords(m) {
			for _, said := range []string{word, "unknown: " + word, "(" + word + ") not authorized", word + " does not match", "authorized " + word} {
				if got := strings.ToLower(reason(400, `{"errors":["`+said+`"]}`, m)); strings.Contains(got, word) {
					t.Errorf("reason %q of %q to %s", got, said, m.To.Masked())
				}
			}
		}
	}
	for said := range refusals {
		words := strings.Fields(said)
		for i := range words {
			for _, secret := range append(secrets, "mail.erika1.example", "erika1.mail", "mx.erika1.kiwi.test") {
				echo := strings.Join(words[:i], " ") + " " + secret + " " + strings.Join(words[i:], " ")
				got := strings.ToLower(reason(400, errorsWith(echo), message(1)))
				for _, leak := range []string{strings.ToLower(secret), "erika", "mustermann", "mller", "token1", "canary"} {
					if strings.Contains(got, leak) {
						t.Fatalf("reason %q of %q", got, echo)
					}
				}
			}
		}
	}
}

// TestAnswersLeakNobody: a name, an address or a link gets through in no spelling,
// whether it is the recipient's or somebody else's.
func TestAnswersLeakNobody(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"erikamustermann", "ErikaM", "Mueller", "Muller", "MULLER", "Erikas", "Musterm", "Jonas Weber", "Hausverwaltung Lindner", "Bo Li",
		"erika at mueller dot example", "erika_mustermann", "erika-mueller", "akire", "E=72ika", "Rmyhy", "ZXJpa2FAbXVlbGxlcg", "656c6c6572",
		"kiwi dot example slash I", "AbCdEfGhIjKlMnOp QrStUvWxYzAbCdEf", "AbCdEfGh-IjKlMnOp", "Ahornallee", "10115 Berlin", "+49 30123456",
	} {
		for _, body := range []string{
			errorsWith("unknown: " + secret), errorsWith(secret + " is not authorized to send mail"), `{"errors":["` + secret + `"]}`,
			`{"errors":[{"message":"invalid","field":"content.` + secret + `"}]}`, "<html><body>" + secret + "</body></html>",
		} {
			got := reason(403, body, message(1))
			for word := range strings.FieldsSeq(secret) {
				if word != "at" && word != "example" && word != "I" && strings.Contains(got, word) {
					t.Errorf("reason %q of %q", got, body)
				}
			}
		}
	}
}

// replies are what mail servers say, and what of it reaches people.
var replies = map[string]string{
	"550 5.1.1 no such user here":                                                                                                   "550 5.1.1 no such user here",
	"550 sorry, no mailbox here by that name. (#5.1.1)":                                                                             "550 sorry, no mailbox here by that name. [redacted]",
	"451 4.7.1 Greylisting in action, please come back later":                                                                       "451 4.7.1 Greylisting in action, please come back later",
	"450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.7]":                                                        "450 4.7.1 Client host rejected: cannot find your hostname, [redacted]",
	"550 5.7.0 Message rejected for the following reasons: it does not meet our guidelines":                                         "550 5.7.0 Message rejected for the following reasons: it does not meet our guidelines",
	"550 5.7.23 The message was rejected because of Sender Policy Framework violation":                                              "550 5.7.23 The message was rejected because of Sender Policy Framework violation",
	"550 5.7.509 Access denied, sending domain kiwi.test does not pass DMARC verification and has a DMARC policy of reject":         "550 5.7.509 Access denied, sending domain [redacted] does not pass DMARC verification and has a DMARC policy of reject",
	"552 5.2.2 The email account that you tried to reach is over quota. Please direct the recipient to https://kiwi.test/?p=erika1": "552 5.2.2 The email account that you tried to reach is over quota. Please direct the recipient to [redacted]",
	"554 Transaction failed. Reject due to policy restrictions. For explanation visit https://kiwi.test/erika1":                     "554 Transaction failed. Reject due to policy restrictions. For explanation visit [redacted]",
	"dial tcp 192.0.2.5:25: i/o timeout":                                                                                            "dial tcp [redacted] timeout",
	"unable to get mx info: failed to get IPs from PTR record: lookup <nil>: unrecognized address":                                  "unable to get mx info: failed to get IPs from PTR record: lookup [redacted] unrecognized address",
	"550 Frau Erika Mustermann ist umgezogen":                                                                                       "550 [redacted]",
	"550 5.1.1 <erika1@xn--mller-kva.example> erika1.mail.example does not exist":                                                   "550 5.1.1 [redacted] does not exist",
}

// TestRepliesStayReadable: the words that help are kept, and only they.
func TestRepliesStayReadable(t *testing.T) {
	t.Parallel()
	for said, want := range replies {
		if got := harmlessReply(said); got != want {
			t.Errorf("%q, want\n%q", got, want)
		}
	}
}
