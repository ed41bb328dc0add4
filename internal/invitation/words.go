package invitation

// Every list of words in this package is complete: TestLists reads the source.

// Target is what an invitation activates.
type Target int

// The targets. Their order is that of User.Invitations.
const (
	TargetApp Target = iota
	TargetPortal
	targetCount
)

// Targets lists every target.
func Targets() (all []Target) {
	for t := range targetCount {
		all = append(all, t)
	}
	return all
}

// String is the name under which the database knows the target.
func (t Target) String() string { return [...]string{"APP", "PORTAL"}[t] }

// UserType is the kind of person, as the portal files it.
type UserType string

// The user types. Every type may be invited to the app, only employees to the
// portal.
const (
	Employee        UserType = "EMPLOYEE"
	Tenant          UserType = "TENANT"
	ServiceProvider UserType = "SERVICE_PROVIDER"
	Owner           UserType = "OWNER"
)

// UserTypes lists every user type.
func UserTypes() []UserType { return []UserType{Employee, Tenant, ServiceProvider, Owner} }

// Allows reports whether users of this type may be invited to the target.
func (t UserType) Allows(target Target) bool {
	return target == TargetApp || t == Employee
}

// Locale is a language as a BCP 47 tag. Any is kept as it was given; mails go
// out in the best match of those that they are written in.
type Locale string

// Some locales; German is what is spoken where nobody says otherwise.
const (
	German  Locale = "de"
	English Locale = "en"
)

// State is where an invitation stands.
type State string

// The states. None means that there is no invitation; None and Expired are
// never stored.
const (
	None     State = ""
	Pending  State = "PENDING"
	Redeemed State = "REDEEMED"
	Revoked  State = "REVOKED"
	Expired  State = "EXPIRED"
)

// States lists the states in which an invitation may be.
func States() []State { return []State{Pending, Redeemed, Revoked, Expired} }

// AccountStatus sums a user's invitations up.
type AccountStatus string

// The account statuses: nothing redeemed and nothing pending, something
// pending, something redeemed.
const (
	Offline AccountStatus = "OFFLINE"
	Invited AccountStatus = "INVITED"
	Online  AccountStatus = "ONLINE"
)

// AccountStatuses lists every account status.
func AccountStatuses() []AccountStatus { return []AccountStatus{Offline, Invited, Online} }

// Action is an entry of the portal's dropdown "Einladen".
type Action string

// The actions.
const (
	ActionSend            Action = "SEND"
	ActionRenew           Action = "RENEW"
	ActionRevoke          Action = "REVOKE"
	ActionGenerateQR      Action = "GENERATE_QR"
	ActionResetActivation Action = "RESET_ACTIVATION"
)

// Actions lists every action.
func Actions() []Action {
	return []Action{ActionSend, ActionRenew, ActionRevoke, ActionGenerateQR, ActionResetActivation}
}

// Channel is the way that a link takes to its reader.
type Channel string

// The channels. Redeeming a mailed link proves the address; a shared one was
// handed over as QR code or text and proves nothing about it.
const (
	NoChannel Channel = ""
	Mailed    Channel = "MAILED"
	Shared    Channel = "SHARED"
)

// Channels lists both channels.
func Channels() []Channel { return []Channel{Mailed, Shared} }

// UndeliverableCause is why an address gets no mail.
type UndeliverableCause string

// The causes. The empty one marks nobody.
const (
	CauseBounced      UndeliverableCause = "BOUNCED"
	CauseUnsubscribed UndeliverableCause = "UNSUBSCRIBED"
	CauseReportedSpam UndeliverableCause = "REPORTED_SPAM"
)

// DropCause is why the provider did not try to deliver a mail.
type DropCause string

// The causes: what the address is known for, then what is wrong with the mail or
// the account.
const (
	DropBounced      DropCause = "BOUNCED_ADDRESS"
	DropInvalid      DropCause = "INVALID_ADDRESS"
	DropUnsubscribed DropCause = "UNSUBSCRIBED_ADDRESS"
	DropReportedSpam DropCause = "SPAM_REPORTING_ADDRESS"
	DropSpamContent  DropCause = "SPAM_CONTENT"
	DropBadHeader    DropCause = "INVALID_HEADER"
	DropOverQuota    DropCause = "OVER_QUOTA"
	DropOther        DropCause = "OTHER"
)

// DropCauses lists every cause.
func DropCauses() []DropCause {
	return []DropCause{
		DropBounced, DropInvalid, DropUnsubscribed, DropReportedSpam, DropSpamContent, DropBadHeader, DropOverQuota, DropOther,
	}
}

// undeliverable is what a drop says of the address; nothing if it was for the
// mail's or the account's sake.
func (c DropCause) undeliverable() UndeliverableCause {
	switch c {
	case DropBounced, DropInvalid:
		return CauseBounced
	case DropUnsubscribed:
		return CauseUnsubscribed
	case DropReportedSpam:
		return CauseReportedSpam
	default:
		return ""
	}
}

// UndeliverableCauses lists every cause.
func UndeliverableCauses() []UndeliverableCause {
	return []UndeliverableCause{CauseBounced, CauseUnsubscribed, CauseReportedSpam}
}
