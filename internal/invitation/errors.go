package invitation

import (
	"errors"
	"time"
)

// Refusals. A rule that returns one has changed nothing that may be kept.
var (
	ErrUserNotFound       = errors.New("no such user in this organization")
	ErrInvitationNotFound = errors.New("no such invitation")
	ErrEmailInUse         = errors.New("another active user has this e-mail address")
	ErrUserExists         = errors.New("the user id is taken")

	ErrEmailRequired      = errors.New("the user has no e-mail address")
	ErrEmailConfirmed     = errors.New("the end user confirmed the e-mail address, so that only the app may change it")
	ErrEmailUndeliverable = errors.New("mail to this address does not arrive: change it, or say that it works now")
	ErrNotInvited         = errors.New("the user was never invited to this target")
	ErrInvitationPending  = errors.New("an invitation was mailed already and is good: renew it instead")
	ErrAlreadyActivated   = errors.New("the user redeemed an invitation to this target")
	ErrNotActivated       = errors.New("the user redeemed no invitation to this target")
	ErrTargetNotAllowed   = errors.New("only employees may be invited to the portal")
	ErrUserDeactivated    = errors.New("the user is deactivated")

	ErrInvitationExpired    = errors.New("the invitation has expired")
	ErrInvitationRevoked    = errors.New("the invitation was revoked")
	ErrInvitationSuperseded = errors.New("a newer link replaced this one")
	ErrEmailChanged         = errors.New("the link was mailed to an address that the user no longer has")
	ErrInvitationRedeemed   = errors.New("the invitation was redeemed before")

	ErrRequestIDReused = errors.New("the request id came with another request before")
	ErrMailThrottled   = errors.New("too much mail")

	ErrCursorAhead   = errors.New("the trail ends before this cursor, as after a restored backup: read it from its beginning")
	ErrCursorExpired = errors.New("the trail no longer has what follows this cursor: read it from its beginning")

	// ErrUnavailable says that nothing is known to be wrong with the call: the
	// same call, with the same request id, may succeed later.
	ErrUnavailable = errors.New("the service is unavailable for now")
)

// RetryError adds to ErrMailThrottled or ErrUnavailable when to try again.
type RetryError struct {
	Err   error
	After time.Duration
}

func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap returns what the caller has to wait for.
func (e *RetryError) Unwrap() error { return e.Err }

// FieldError refuses one field of a request. Its text reaches the caller: it
// never quotes the value.
type FieldError struct {
	// Field is the path of the field in the request, such as "user_ids[3]".
	Field string
	// Problem says what is wrong with it.
	Problem string
	// Email says that the field is an address that can't be one.
	Email bool
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// End is what ended a generation of links. It reads as the API's reason.
type End string

// The ends of a generation.
const (
	EndExpired     End = "INVITATION_EXPIRED"
	EndRevoked     End = "INVITATION_REVOKED"
	EndSuperseded  End = "INVITATION_SUPERSEDED"
	EndChanged     End = "EMAIL_CHANGED"
	EndDeactivated End = "USER_DEACTIVATED"
)

// Ends lists every end.
func Ends() []End {
	return []End{EndExpired, EndRevoked, EndSuperseded, EndChanged, EndDeactivated}
}

// Err is what a link of a generation that ended so is refused with. An end that
// is no longer on record counts as superseded: something newer there was.
func (e End) Err() error {
	switch e {
	case EndExpired:
		return ErrInvitationExpired
	case EndRevoked:
		return ErrInvitationRevoked
	case EndChanged:
		return ErrEmailChanged
	case EndDeactivated:
		return ErrUserDeactivated
	default:
		return ErrInvitationSuperseded
	}
}
