package invitation

import (
	"slices"
	"time"
)

// Organization is a property manager as its tenants know it. One that the portal
// never told anything about is fine: it has an id only.
type Organization struct {
	ID string
	// Name is shown in mails.
	Name string
	// ReplyTo is where answers to mails go.
	ReplyTo Email
	// Contact is a line on how to reach the organization otherwise.
	Contact string
	// Imprint has the lines that stand below every mail.
	Imprint []string
	// DefaultLocale is the language of users who have none of their own.
	DefaultLocale Locale
	// UpdatedAt is when any of this was changed; zero before the first time.
	UpdatedAt time.Time
	// DeliveryPausedAt is since when none of its mails goes out; zero if they do.
	DeliveryPausedAt time.Time

	// Events is what was recorded since the organization was read.
	Events []Event
}

// OrganizationDetails is what the portal may tell; what is nil stays.
type OrganizationDetails struct {
	Name          *string
	ReplyTo       *Email
	Contact       *string
	Imprint       *[]string
	DefaultLocale *Locale
}

// Update saves what the portal told. If that is nothing new, nothing changes.
func (o *Organization) Update(d OrganizationDetails, now time.Time) {
	was := *o
	o.Name, o.ReplyTo = valueOr(d.Name, o.Name), valueOr(d.ReplyTo, o.ReplyTo)
	o.Contact, o.Imprint = valueOr(d.Contact, o.Contact), slices.Clone(valueOr(d.Imprint, o.Imprint))
	o.DefaultLocale = valueOr(d.DefaultLocale, o.DefaultLocale)
	if o.Name == was.Name && o.ReplyTo == was.ReplyTo && o.Contact == was.Contact &&
		slices.Equal(o.Imprint, was.Imprint) && o.DefaultLocale == was.DefaultLocale {
		return
	}
	o.UpdatedAt = now
	o.Events = append(o.Events, Event{Type: OrganizationChanged})
}

// AllOrganizations is the id of what stands for all of them when mails are paused.
// No organization can be called so: ids have no @.
const AllOrganizations = "@all"

// PauseDelivery has the organization's mails wait.
func (o *Organization) PauseDelivery(now time.Time) {
	if o.DeliveryPausedAt.IsZero() {
		o.DeliveryPausedAt = now
		o.Events = append(o.Events, Event{Type: DeliveryPaused})
	}
}

// ResumeDelivery has them go out again.
func (o *Organization) ResumeDelivery(time.Time) {
	if !o.DeliveryPausedAt.IsZero() {
		o.DeliveryPausedAt = time.Time{}
		o.Events = append(o.Events, Event{Type: DeliveryResumed})
	}
}
