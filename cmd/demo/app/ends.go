package app

import (
	"net/http"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// end is why a link does not work, and what its reader does about it.
type end struct {
	title, advice page.Words
	status        int
}

// ends are all that RedemptionService may answer a link with. A test holds them
// against what the API says of it.
var ends = map[pb.ErrorReason]end{
	pb.ErrorReason_INVITATION_EXPIRED: {
		page.Words{"Dieser Link ist abgelaufen", "This link has expired"},
		page.Words{
			"Bitten Sie Ihre Hausverwaltung, die Einladung zu erneuern. Sie bekommen dann eine neue E-Mail.",
			"Ask your property manager to renew the invitation. You will get a new mail.",
		}, http.StatusGone,
	},
	pb.ErrorReason_INVITATION_REVOKED: {
		page.Words{"Diese Einladung wurde zurückgezogen", "This invitation was withdrawn"},
		page.Words{
			"Wenn Sie meinen, dass das ein Irrtum ist, fragen Sie Ihre Hausverwaltung.",
			"If you think that is a mistake, ask your property manager.",
		}, http.StatusGone,
	},
	pb.ErrorReason_INVITATION_SUPERSEDED: {
		page.Words{"Es gibt eine neuere Einladung", "There is a newer invitation"},
		page.Words{
			"Dieser Link wurde durch einen neuen ersetzt. Öffnen Sie die neueste E-Mail, oder lassen Sie sich den neuen QR-Code zeigen.",
			"A newer link has replaced this one. Open the latest mail, or ask for the new QR code.",
		}, http.StatusGone,
	},
	pb.ErrorReason_EMAIL_CHANGED: {
		page.Words{"Diese Einladung ging an eine frühere Adresse", "This invitation went to an earlier address"},
		page.Words{
			"Ihre E-Mail-Adresse wurde geändert. Öffnen Sie den Link in der E-Mail an die neue Adresse.",
			"Your e-mail address was changed. Open the link in the mail to the new address.",
		}, http.StatusGone,
	},
	pb.ErrorReason_INVITATION_REDEEMED: {
		page.Words{"Sie sind schon dabei", "You are in already"},
		page.Words{
			"Dieser Link wurde schon eingelöst. Melden Sie sich einfach an. Waren Sie das nicht, sagen Sie es Ihrer Hausverwaltung.",
			"This link was redeemed before: just log in. If that was not you, tell your property manager.",
		}, http.StatusGone,
	},
	pb.ErrorReason_USER_DEACTIVATED: {
		page.Words{"Ihr Zugang ist nicht aktiv", "Your access is not active"},
		page.Words{
			"Ihre Hausverwaltung hat ihn deaktiviert. Fragen Sie dort nach.",
			"Your property manager has deactivated it. Please ask there.",
		}, http.StatusGone,
	},
	pb.ErrorReason_INVITATION_NOT_FOUND: {
		page.Words{"Dieser Link ist nicht vollständig", "This link is not complete"},
		page.Words{
			"Vielleicht wurde er beim Kopieren abgeschnitten. Öffnen Sie ihn noch einmal aus der E-Mail, oder scannen Sie den QR-Code noch einmal.",
			"It may have been cut when it was copied. Open it from the mail again, or scan the QR code again.",
		}, http.StatusNotFound,
	},
	pb.ErrorReason_TOKEN_THROTTLED: {
		page.Words{"Bitte warten Sie einen Augenblick", "Please wait a moment"},
		page.Words{
			"Gerade werden zu viele ungültige Links geöffnet. Versuchen Sie es in einer Minute noch einmal.",
			"Too many invalid links are being opened. Try again in a minute.",
		}, http.StatusTooManyRequests,
	},
}

// noPage is said of addresses that are no link's.
var noPage = end{
	page.Words{"Diese Seite gibt es nicht", "There is no such page"},
	page.Words{
		"Öffnen Sie den Link aus Ihrer Einladung, oder scannen Sie den QR-Code.",
		"Open the link in your invitation, or scan the QR code.",
	}, http.StatusNotFound,
}

// noAnswer is said where the service, and not the link, is the reason.
var noAnswer = end{
	page.Words{"Das hat gerade nicht geklappt", "That did not work just now"},
	page.Words{
		"Ihr Link ist nicht verbraucht. Versuchen Sie es gleich noch einmal.",
		"Your link is not used up. Please try again in a moment.",
	}, http.StatusServiceUnavailable,
}
