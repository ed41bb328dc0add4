package invitation

// Target is what an invitation activates.
type Target int

// The targets. Their order is that of User.Invitations.
const (
	TargetApp Target = iota
	TargetPortal
	targetCount
)

// Targets lists every target.
func Targets() [targetCount]Target { return [...]Target{TargetApp, TargetPortal} }

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
)

// Allows reports whether users of this type may be invited to the target.
func (t UserType) Allows(target Target) bool {
	return target == TargetApp || t == Employee
}

// Locale is the language a user reads, as a BCP 47 tag.
type Locale string

// The locales that mails are written in.
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

// AccountStatus sums a user's invitations up.
type AccountStatus int

// The account statuses: nothing redeemed and nothing pending, something
// pending, something redeemed.
const (
	Offline AccountStatus = iota
	Invited
	Online
)

// Action is an entry of the portal's dropdown "Einladen".
type Action int

// The actions.
const (
	ActionSend Action = iota
	ActionRenew
	ActionRevoke
	ActionGenerateQR
)

// Channel is the way that a link takes to its reader.
type Channel string

// The channels. Redeeming a mailed link proves the address; a shared one was
// handed over as QR code or text and proves nothing about it.
const (
	NoChannel Channel = ""
	Mailed    Channel = "MAILED"
	Shared    Channel = "SHARED"
)
