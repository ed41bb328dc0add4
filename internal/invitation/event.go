package invitation

import (
	"time"

	"github.com/google/uuid"
)

// EventType is what happened.
type EventType string

// The events.
const (
	UserCreated          EventType = "USER_CREATED"
	UserDeactivated      EventType = "USER_DEACTIVATED"
	UserErased           EventType = "USER_ERASED"
	EmailChanged         EventType = "EMAIL_CHANGED"
	EmailConfirmed       EventType = "EMAIL_CONFIRMED"
	EmailUndeliverable   EventType = "EMAIL_UNDELIVERABLE"
	InvitationIssued     EventType = "INVITATION_ISSUED"
	InvitationMailed     EventType = "INVITATION_MAILED"
	InvitationRenewed    EventType = "INVITATION_RENEWED"
	InvitationShared     EventType = "INVITATION_SHARED"
	InvitationRevoked    EventType = "INVITATION_REVOKED"
	MailedLinkKilled     EventType = "MAILED_LINK_KILLED"
	InvitationRedeemed   EventType = "INVITATION_REDEEMED"
	InvitationExpired    EventType = "INVITATION_EXPIRED"
	InvitationReminded   EventType = "INVITATION_REMINDED"
	DeliveryStateChanged EventType = "DELIVERY_CHANGED"
	ActivationReset      EventType = "ACTIVATION_RESET"
	EmailUnconfirmed     EventType = "EMAIL_UNCONFIRMED"
	EmailDeliverable     EventType = "EMAIL_DELIVERABLE"
	EmailLost            EventType = "EMAIL_LOST"
	UserChanged          EventType = "USER_CHANGED"
	UserReactivated      EventType = "USER_REACTIVATED"
	OrganizationChanged  EventType = "ORGANIZATION_CHANGED"
	DeliveryPaused       EventType = "DELIVERY_PAUSED"
	DeliveryResumed      EventType = "DELIVERY_RESUMED"
)

// EventTypes lists every type of event.
func EventTypes() []EventType {
	return []EventType{
		UserCreated, UserDeactivated, UserErased, EmailChanged, EmailConfirmed, EmailUndeliverable,
		InvitationIssued, InvitationMailed, InvitationRenewed, InvitationShared, InvitationRevoked, MailedLinkKilled,
		InvitationRedeemed, InvitationExpired, InvitationReminded, DeliveryStateChanged,
		ActivationReset, EmailUnconfirmed, EmailDeliverable, EmailLost, UserChanged, UserReactivated, OrganizationChanged,
		DeliveryPaused, DeliveryResumed,
	}
}

// Event is one entry of the audit trail. It holds no personal data but ids.
// Rules fill in what happened; the Store adds who asked, when, and the place in
// the organization's trail.
type Event struct {
	Type EventType
	// About an invitation: which, and which of its channels and mails.
	InvitationID  uuid.UUID
	Target        Target
	Channel       Channel
	DeliveryID    uuid.UUID
	DeliveryState DeliveryState
	// Reason says why: an End, or the provider's own reason.
	Reason string
	// EndedMailed and EndedShared are the generations whose links died with
	// this event, if it moved a channel on; Reason is then their End.
	EndedMailed, EndedShared int

	// Sequence, OrganizationID, UserID, At and Request are the Store's. There is
	// no UserID if the event is about the organization.
	Sequence       int64
	OrganizationID string
	UserID         string
	At             time.Time
	Request        Request
}

func (e *Event) ended(name Channel, generation int) {
	if name == Mailed {
		e.EndedMailed = generation
	} else {
		e.EndedShared = generation
	}
}

// about starts an event on an invitation.
func about(inv *Invitation, t EventType) Event {
	return Event{Type: t, InvitationID: inv.ID, Target: inv.Target}
}

// SinceQueued is how long before the event its mail was queued, as the mail's id
// tells; zero if it is about none.
func (e *Event) SinceQueued() time.Duration {
	if e.DeliveryID == uuid.Nil {
		return 0
	}
	seconds, nanoseconds := e.DeliveryID.Time().UnixTime()
	return e.At.Sub(time.Unix(seconds, nanoseconds))
}
