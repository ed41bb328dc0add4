package portal

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// refusals say why the service did not do it, and what to do about it. A test finds
// a reason that has no words.
var refusals = map[pb.ErrorReason]page.Words{
	pb.ErrorReason_ERROR_REASON_UNSPECIFIED: {
		"Der Einladungsdienst antwortet nicht. Bitte versuchen Sie es gleich noch einmal.",
		"The invitation service does not answer. Please try again in a moment.",
	},
	pb.ErrorReason_INVALID_FIELD: {"Bitte prüfen Sie die markierten Angaben.", "Please check what is marked."},
	pb.ErrorReason_EMAIL_INVALID: {"Das ist keine gültige E-Mail-Adresse.", "This is not a valid e-mail address."},
	pb.ErrorReason_USER_NOT_FOUND: {
		"Diesen Nutzer gibt es nicht, oder er wurde gelöscht.", "There is no such user, or the user was erased.",
	},
	pb.ErrorReason_INVITATION_NOT_FOUND: {"Diese Einladung gibt es nicht.", "There is no such invitation."},
	pb.ErrorReason_EMAIL_IN_USE: {
		"Diese E-Mail-Adresse wird bereits von einem anderen aktiven Konto verwendet. Es wurde nichts gespeichert.",
		"Another active account uses this e-mail address already. Nothing was saved.",
	},
	pb.ErrorReason_USER_EXISTS: {"Diese Nutzernummer ist schon vergeben.", "This user number is taken."},
	pb.ErrorReason_EMAIL_REQUIRED: {
		"Für eine Einladung per E-Mail fehlt die E-Mail-Adresse. Geben Sie eine ein, oder laden Sie mit einem QR-Code ein.",
		"An invitation by mail needs an e-mail address. Enter one, or invite with a QR code.",
	},
	pb.ErrorReason_EMAIL_CONFIRMED: {
		"Der Nutzer hat diese E-Mail-Adresse bestätigt: nur er selbst kann sie noch ändern, in der App.",
		"The user confirmed this e-mail address: only they can change it, in the app.",
	},
	pb.ErrorReason_EMAIL_UNDELIVERABLE: {
		"An diese E-Mail-Adresse kommt nichts an. Ändern Sie die Adresse, oder senden Sie trotzdem, wenn das Postfach wieder geht.",
		"No mail arrives at this address. Change it, or send in spite of that if the mailbox works again.",
	},
	pb.ErrorReason_NOT_INVITED: {
		"Dieser Nutzer wurde noch nicht eingeladen: senden Sie zuerst eine Einladung.",
		"This user was never invited: send an invitation first.",
	},
	pb.ErrorReason_INVITATION_PENDING: {
		"Dieser Nutzer ist schon eingeladen. Erneuern Sie die Einladung, wenn die E-Mail verloren ging.",
		"This user is invited already. Renew the invitation if the mail got lost.",
	},
	pb.ErrorReason_INVITATION_EXPIRED: {
		"Die Einladung ist abgelaufen: erneuern Sie sie.", "The invitation has expired: renew it.",
	},
	pb.ErrorReason_INVITATION_REVOKED: {
		"Die Einladung wurde widerrufen: senden Sie eine neue.", "The invitation was revoked: send a new one.",
	},
	pb.ErrorReason_INVITATION_SUPERSEDED: {
		"Die Einladung wurde inzwischen erneuert.", "The invitation was renewed meanwhile.",
	},
	pb.ErrorReason_EMAIL_CHANGED: {
		"Die E-Mail-Adresse wurde inzwischen geändert.", "The e-mail address was changed meanwhile.",
	},
	pb.ErrorReason_INVITATION_REDEEMED: {
		"Die Einladung wurde schon eingelöst.", "The invitation was redeemed already.",
	},
	pb.ErrorReason_ALREADY_ACTIVATED: {
		"Dieser Nutzer hat sein Konto schon aktiviert. Hatte die falsche Person den Link, setzen Sie die Aktivierung zurück.",
		"This user has activated the account already. If the wrong person had the link, reset the activation.",
	},
	pb.ErrorReason_NOT_ACTIVATED: {
		"Dieser Nutzer hat sein Konto noch nicht aktiviert: es gibt nichts zurückzusetzen.",
		"This user has not activated the account: there is nothing to reset.",
	},
	pb.ErrorReason_TARGET_NOT_ALLOWED: {
		"Zum KIWI Portal können nur Mitarbeiter eingeladen werden.", "Only employees can be invited to the KIWI Portal.",
	},
	pb.ErrorReason_USER_DEACTIVATED: {
		"Dieser Nutzer ist deaktiviert: reaktivieren Sie ihn zuerst.", "This user is deactivated: bring them back first.",
	},
	pb.ErrorReason_REQUEST_ID_REUSED: {
		"Dieses Formular wurde schon abgeschickt. Laden Sie die Seite neu, und füllen Sie es noch einmal aus.",
		"This form was sent before. Load the page again, and fill it in once more.",
	},
	pb.ErrorReason_MAIL_THROTTLED: {
		"Es gingen gerade zu viele E-Mails an diesen Empfänger oder aus dieser Organisation.",
		"Too many mails went to this recipient or from this organization just now.",
	},
	pb.ErrorReason_TOKEN_THROTTLED: {
		"Zu viele ungültige Links in kurzer Zeit.", "Too many invalid links in a short time.",
	},
	pb.ErrorReason_CALLER_NOT_ALLOWED: {
		"Dieses Portal darf das beim Einladungsdienst nicht.", "The invitation service does not let this portal do that.",
	},
	pb.ErrorReason_CALLER_UNKNOWN: {
		"Der Einladungsdienst erkennt dieses Portal nicht.", "The invitation service does not know this portal.",
	},
	pb.ErrorReason_SERVICE_UNAVAILABLE: {
		"Der Einladungsdienst ist gerade nicht verfügbar. Bitte versuchen Sie es gleich noch einmal.",
		"The invitation service is not available now. Please try again in a moment.",
	},
	pb.ErrorReason_CALL_ABANDONED: {
		"Das hat zu lange gedauert. Bitte versuchen Sie es noch einmal: es geschieht nichts doppelt.",
		"This took too long. Please try again: nothing is done twice.",
	},
	pb.ErrorReason_METHOD_UNKNOWN: {
		"Das kann dieser Einladungsdienst noch nicht.", "This invitation service can't do that yet.",
	},
	pb.ErrorReason_INTERNAL_FAULT: {
		"Im Einladungsdienst ist etwas schiefgegangen. Wir kümmern uns darum.", "Something went wrong in the invitation service.",
	},
	pb.ErrorReason_CURSOR_AHEAD: {
		"Der Einladungsdienst wurde zurückgesetzt. Laden Sie die Seite neu.", "The invitation service was restored. Load the page again.",
	},
	pb.ErrorReason_CURSOR_EXPIRED: {
		"Die Seite ist zu alt. Laden Sie sie neu.", "The page is too old. Load it again.",
	},
}

// wrong is what to say beside a field that breaks its rule.
var wrong = map[string]page.Words{
	"user_id":        {"höchstens 128 Zeichen, ohne Leerzeichen, Umlaute und @", "up to 128 characters, without blanks, umlauts and @"},
	"display_name":   {`ein Name von höchstens 200 Zeichen, ohne < > und \`, `a name of up to 200 characters, without < > and \`},
	"name":           {`höchstens 200 Zeichen in einer Zeile, ohne < > und \`, `up to 200 characters on one line, without < > and \`},
	"contact":        {`höchstens 200 Zeichen in einer Zeile, ohne < > und \`, `up to 200 characters on one line, without < > and \`},
	"imprint":        {`höchstens 10 Zeilen zu 200 Zeichen, ohne < > und \`, `up to 10 lines of 200 characters, without < > and \`},
	"email":          {"eine E-Mail-Adresse wie anna@example.com", "an e-mail address such as anna@example.com"},
	"reply_to":       {"eine E-Mail-Adresse wie buero@example.com", "an e-mail address such as office@example.com"},
	"type":           {"Mieter, Wohnungseigentümer, Mitarbeiter oder Dienstleister", "tenant, owner, employee or service provider"},
	"target":         {"bitte wählen", "please choose"},
	"invite":         {"bitte wählen", "please choose"},
	"follow_up":      {"bitte wählen", "please choose"},
	"locale":         {"eine Sprache wie de oder en-GB", "a language such as de or en-GB"},
	"default_locale": {"eine Sprache wie de oder en-GB", "a language such as de or en-GB"},
}

// refusal is why the service did not do it, for who reads the page.
type refusal struct {
	Text   string
	fields map[string]string
}

// Field is what to say beside a field; nothing if it is right.
func (r *refusal) Field(name string) string {
	if r == nil {
		return ""
	}
	return r.fields[name]
}

// wrongField says what is wrong with a field: in the service's words where this
// program has none.
func wrongField(lang page.Lang, violation interface {
	GetField() string
	GetDescription() string
}) string {
	name, _, _ := strings.Cut(violation.GetField(), "[") // imprint[2] is imprint here
	if words, ok := wrong[name]; ok {
		return words.In(lang)
	}
	return violation.GetField() + " " + violation.GetDescription()
}

// why says a reason in words. One that is newer than this program goes by its name.
func why(lang page.Lang, reason pb.ErrorReason) string {
	if words, ok := refusals[reason]; ok {
		return words.In(lang)
	}
	return reason.String()
}

// refusalOf reads an error of the service's.
func refusalOf(r *http.Request, err error) *refusal {
	lang := page.LangOf(r)
	reason := client.Reason(err)
	if reason == pb.ErrorReason_ERROR_REASON_UNSPECIFIED && r.Context().Err() == nil {
		slog.Error("the service was of no use", "code", status.Code(err), "reason", reason)
	}
	said := &refusal{Text: why(lang, reason), fields: map[string]string{}}
	for _, violation := range client.FieldViolations(err) {
		name, _, _ := strings.Cut(violation.GetField(), "[")
		said.fields[name] = wrongField(lang, violation)
	}
	if delay, ok := client.RetryDelay(err); ok {
		said.Text += " " + again(lang, delay)
	}
	return said
}

// refusalOfOne reads why one user has no page.
func refusalOfOne(r *http.Request, result *pb.GenerateInfoSheetsResponse) *refusal {
	return &refusal{Text: whyOne(page.LangOf(r), result.GetReason(), result.GetRetryDelay())}
}

// again tells when a call that was refused for now is taken.
func again(lang page.Lang, delay time.Duration) string {
	if delay < time.Minute {
		return page.Words{"In einer Minute geht es wieder.", "Try again in a minute."}.In(lang)
	}
	return fmt.Sprintf(page.Words{"In %d Minuten geht es wieder.", "Try again in %d minutes."}.In(lang),
		int(math.Ceil(delay.Minutes())))
}

// httpStatus is for the reader's browser: pages say it in words.
func httpStatus(err error) int {
	switch status.Code(err) {
	case codes.NotFound:
		return http.StatusNotFound
	case codes.Internal, codes.Unknown:
		return http.StatusBadGateway
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnprocessableEntity
	}
}

// whyOne is the same for one user of a batch.
func whyOne(lang page.Lang, reason pb.ErrorReason, delay *durationpb.Duration) string {
	if delay == nil {
		return why(lang, reason)
	}
	return why(lang, reason) + " " + again(lang, delay.AsDuration())
}
