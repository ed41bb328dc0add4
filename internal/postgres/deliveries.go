package postgres

import (
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// deliveryRow is a mail with its user, some of whose columns it repeats.
type deliveryRow struct {
	invitation.Delivery
	user *invitation.User
}

var deliveries = declare("deliveries", "d",
	optionalID("id", func(d *deliveryRow) *uuid.UUID { return &d.ID }, fixed),
	optionalID("invitation_id", func(d *deliveryRow) *uuid.UUID { return &d.InvitationID }, fixed),
	text("user_id", func(d *deliveryRow) *string { return &d.user.ID }, owned),
	text("organization_id", func(d *deliveryRow) *string { return &d.user.OrganizationID }, owned),
	number("generation", func(d *deliveryRow) *int { return &d.Generation }, fixed),
	flag("reminder", func(d *deliveryRow) *bool { return &d.Reminder }, fixed),
	flag("despite_bounce", func(d *deliveryRow) *bool { return &d.DespiteBounce }, fixed),
	address("email", func(d *deliveryRow) *invitation.Email { return &d.To }, fixed),
	mailbox("email_key", func(d *deliveryRow) *invitation.Email { return &d.To }, fixed),
	text("state", func(d *deliveryRow) *invitation.DeliveryState { return &d.State }),
	moment("changed_at", func(d *deliveryRow) *time.Time { return &d.ChangedAt }),
	number("attempts", func(d *deliveryRow) *int { return &d.Attempts }),
	text("reason", func(d *deliveryRow) *string { return &d.Reason }),
	text("drop_cause", func(d *deliveryRow) *invitation.DropCause { return &d.DropCause }),
)

var (
	insertDeliveries = insertInto(deliveries)
	updateDeliveries = updateOf(deliveries)
)

// Older mails are only read if they are asked for by name, or by an address that
// is still its user's.
var (
	selectDeliveries = `SELECT d.user_id, ` + deliveries.selected() + ` FROM deliveries d WHERE d.id = ANY ($1::uuid[])`
	selectMailsTo    = `SELECT d.user_id, ` + deliveries.selected() + `
FROM users u JOIN deliveries d ON d.user_id = u.id AND d.email_key = u.email_key
WHERE u.deactivated_at IS NULL AND u.email_key = ANY ($1::text[])`
)
