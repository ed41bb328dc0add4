package portal

import (
	"fmt"
	"strings"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// spoken is what the API's words are called here. A test finds those that are
// missing.
var spoken = map[any]page.Words{
	pb.UserType_USER_TYPE_EMPLOYEE:         {"Mitarbeiter", "Employee"},
	pb.UserType_USER_TYPE_TENANT:           {"Mieter", "Tenant"},
	pb.UserType_USER_TYPE_SERVICE_PROVIDER: {"Dienstleister", "Service provider"},
	pb.UserType_USER_TYPE_OWNER:            {"Wohnungseigentümer", "Owner"},

	pb.Target_TARGET_APP:    {"KIWI App", "KIWI App"},
	pb.Target_TARGET_PORTAL: {"KIWI Portal", "KIWI Portal"},

	pb.AccountStatus_ACCOUNT_STATUS_OFFLINE: {"Offline", "Offline"},
	pb.AccountStatus_ACCOUNT_STATUS_INVITED: {"Eingeladen", "Invited"},
	pb.AccountStatus_ACCOUNT_STATUS_ONLINE:  {"Online", "Online"},

	pb.InvitationState_INVITATION_STATE_PENDING:  {"Eingeladen", "Invited"},
	pb.InvitationState_INVITATION_STATE_REDEEMED: {"Aktiviert", "Activated"},
	pb.InvitationState_INVITATION_STATE_REVOKED:  {"Widerrufen", "Revoked"},
	pb.InvitationState_INVITATION_STATE_EXPIRED:  {"Abgelaufen", "Expired"},

	pb.DeliveryState_DELIVERY_STATE_QUEUED:        {"wartet auf den Versand", "waiting to be sent"},
	pb.DeliveryState_DELIVERY_STATE_ACCEPTED:      {"gesendet, wartet auf Zustellung", "sent, waiting to be delivered"},
	pb.DeliveryState_DELIVERY_STATE_DELIVERED:     {"zugestellt", "delivered"},
	pb.DeliveryState_DELIVERY_STATE_DEFERRED:      {"verzögert, wird weiter versucht", "delayed, is tried again"},
	pb.DeliveryState_DELIVERY_STATE_BOUNCED:       {"unzustellbar", "undeliverable"},
	pb.DeliveryState_DELIVERY_STATE_DROPPED:       {"nicht zugestellt: die Adresse ist gesperrt", "not delivered: the address is blocked"},
	pb.DeliveryState_DELIVERY_STATE_REPORTED_SPAM: {"als Spam gemeldet", "reported as spam"},
	pb.DeliveryState_DELIVERY_STATE_FAILED:        {"fehlgeschlagen", "failed"},
	pb.DeliveryState_DELIVERY_STATE_CANCELLED:     {"nicht mehr gesendet", "not sent any more"},

	pb.Action_ACTION_SEND:             {"Einladung senden", "Send invitation"},
	pb.Action_ACTION_RENEW:            {"Einladung erneuern", "Renew invitation"},
	pb.Action_ACTION_REVOKE:           {"Einladung widerrufen", "Revoke invitation"},
	pb.Action_ACTION_GENERATE_QR:      {"QR-Code generieren", "Generate QR code"},
	pb.Action_ACTION_RESET_ACTIVATION: {"Aktivierung zurücksetzen", "Reset activation"},

	pb.UndeliverableCause_UNDELIVERABLE_CAUSE_BOUNCED: {
		"Der Server des Empfängers hat die E-Mail endgültig abgewiesen.", "The recipient's server refused the mail for good.",
	},
	pb.UndeliverableCause_UNDELIVERABLE_CAUSE_UNSUBSCRIBED: {
		"Der Empfänger hat E-Mails von uns abbestellt.", "The recipient unsubscribed from our mail.",
	},
	pb.UndeliverableCause_UNDELIVERABLE_CAUSE_REPORTED_SPAM: {
		"Der Empfänger hat eine frühere E-Mail als Spam gemeldet.", "The recipient reported an earlier mail as spam.",
	},

	pb.Channel_CHANNEL_MAILED: {"per E-Mail", "by mail"},
	pb.Channel_CHANNEL_SHARED: {"als QR-Code oder Link", "as QR code or link"},

	pb.EventType_EVENT_TYPE_USER_CREATED:         {"Nutzer angelegt", "User created"},
	pb.EventType_EVENT_TYPE_USER_CHANGED:         {"Nutzer geändert", "User changed"},
	pb.EventType_EVENT_TYPE_USER_DEACTIVATED:     {"Nutzer deaktiviert", "User deactivated"},
	pb.EventType_EVENT_TYPE_USER_REACTIVATED:     {"Nutzer reaktiviert", "User brought back"},
	pb.EventType_EVENT_TYPE_USER_ERASED:          {"Nutzer gelöscht", "User erased"},
	pb.EventType_EVENT_TYPE_EMAIL_CHANGED:        {"E-Mail-Adresse geändert", "E-mail address changed"},
	pb.EventType_EVENT_TYPE_EMAIL_CONFIRMED:      {"E-Mail-Adresse bestätigt", "E-mail address confirmed"},
	pb.EventType_EVENT_TYPE_EMAIL_UNCONFIRMED:    {"E-Mail-Adresse gilt wieder als unbestätigt", "E-mail address counts as unconfirmed again"},
	pb.EventType_EVENT_TYPE_EMAIL_UNDELIVERABLE:  {"E-Mail-Adresse ist unzustellbar", "No mail arrives at the address"},
	pb.EventType_EVENT_TYPE_EMAIL_DELIVERABLE:    {"E-Mail-Adresse gilt wieder als zustellbar", "Mail arrives at the address again"},
	pb.EventType_EVENT_TYPE_EMAIL_LOST:           {"E-Mail-Adresse ging an jemanden, der sie bestätigt hat", "The address went to somebody who proved it"},
	pb.EventType_EVENT_TYPE_INVITATION_ISSUED:    {"Eingeladen", "Invited"},
	pb.EventType_EVENT_TYPE_INVITATION_MAILED:    {"Einladung gesendet", "Invitation mailed"},
	pb.EventType_EVENT_TYPE_INVITATION_RENEWED:   {"Einladung erneuert", "Invitation renewed"},
	pb.EventType_EVENT_TYPE_INVITATION_SHARED:    {"QR-Code oder Link angezeigt", "QR code or link shown"},
	pb.EventType_EVENT_TYPE_INVITATION_REVOKED:   {"Einladung widerrufen", "Invitation revoked"},
	pb.EventType_EVENT_TYPE_INVITATION_REMINDED:  {"An die Einladung erinnert", "Reminded of the invitation"},
	pb.EventType_EVENT_TYPE_INVITATION_EXPIRED:   {"Einladung abgelaufen", "Invitation expired"},
	pb.EventType_EVENT_TYPE_INVITATION_REDEEMED:  {"Einladung eingelöst", "Invitation redeemed"},
	pb.EventType_EVENT_TYPE_MAILED_LINK_KILLED:   {"Link der früheren E-Mail ungültig", "Link of the earlier mail is dead"},
	pb.EventType_EVENT_TYPE_DELIVERY_CHANGED:     {"E-Mail", "Mail"},
	pb.EventType_EVENT_TYPE_ACTIVATION_RESET:     {"Aktivierung zurückgesetzt", "Activation reset"},
	pb.EventType_EVENT_TYPE_ORGANIZATION_CHANGED: {"Organisation geändert", "Organization changed"},
	pb.EventType_EVENT_TYPE_DELIVERY_PAUSED:      {"Versand angehalten", "Mails are held back"},
	pb.EventType_EVENT_TYPE_DELIVERY_RESUMED:     {"Versand geht weiter", "Mails go out again"},
}

// word is what a value of the API is called. One that is newer than this program
// goes by its own name.
func word(lang page.Lang, value any) string {
	if words, ok := spoken[value]; ok {
		return words.In(lang)
	}
	return fmt.Sprint(value)
}

// standing is a user's account status in the portal's words.
func standing(lang page.Lang, u *pb.User) string {
	if u.GetDeactivatedAt() != nil {
		return page.Words{"Deaktiviert", "Deactivated"}.In(lang)
	}
	if u.GetAccountStatus() != pb.AccountStatus_ACCOUNT_STATUS_INVITED {
		return word(lang, u.GetAccountStatus())
	}
	var to []string
	for _, inv := range u.GetInvitations() {
		if inv.GetState() == pb.InvitationState_INVITATION_STATE_PENDING {
			to = append(to, map[pb.Target]page.Words{
				pb.Target_TARGET_APP: {"zur App", "to the app"}, pb.Target_TARGET_PORTAL: {"zum Portal", "to the portal"},
			}[inv.GetTarget()].In(lang))
		}
	}
	return word(lang, u.GetAccountStatus()) + " " + strings.Join(to, page.Words{" und ", " and "}.In(lang))
}

// tone is the colour of what is told.
func tone(about any) string {
	switch about := about.(type) {
	case *pb.User:
		if about.GetDeactivatedAt() != nil {
			return "off"
		}
		return tone(about.GetAccountStatus())
	case pb.AccountStatus:
		return map[pb.AccountStatus]string{
			pb.AccountStatus_ACCOUNT_STATUS_ONLINE: "good", pb.AccountStatus_ACCOUNT_STATUS_INVITED: "wait",
		}[about]
	case pb.DeliveryState:
		switch about {
		case pb.DeliveryState_DELIVERY_STATE_DELIVERED:
			return "good"
		case pb.DeliveryState_DELIVERY_STATE_BOUNCED, pb.DeliveryState_DELIVERY_STATE_DROPPED,
			pb.DeliveryState_DELIVERY_STATE_REPORTED_SPAM, pb.DeliveryState_DELIVERY_STATE_FAILED:
			return "bad"
		case pb.DeliveryState_DELIVERY_STATE_CANCELLED:
			return "off"
		}
		return "wait"
	}
	return ""
}

var statuses = []pb.AccountStatus{
	pb.AccountStatus_ACCOUNT_STATUS_OFFLINE, pb.AccountStatus_ACCOUNT_STATUS_INVITED, pb.AccountStatus_ACCOUNT_STATUS_ONLINE,
}

// userTypes are in the order in which forms offer them.
var userTypes = []pb.UserType{
	pb.UserType_USER_TYPE_TENANT, pb.UserType_USER_TYPE_OWNER, pb.UserType_USER_TYPE_EMPLOYEE, pb.UserType_USER_TYPE_SERVICE_PROVIDER,
}

// language is one in which mails may be asked for, in its own words.
type language struct{ Tag, Name string }

var languages = []language{
	{"de", "Deutsch"}, {"en", "English"}, {"tr", "Türkçe"}, {"pl", "Polski"}, {"uk", "Українська"},
	{"ru", "Русский"}, {"ar", "العربية"}, {"fa", "فارسی"}, {"fr", "Français"}, {"it", "Italiano"},
}
