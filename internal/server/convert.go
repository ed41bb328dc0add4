package server

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/qr"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// fromMark takes KIWI's mark for one that is not specified.
func fromMark(m pb.Mark) qr.Mark {
	if m == pb.Mark_MARK_NONE {
		return qr.MarkNone
	}
	return qr.MarkKiwi
}

// toTime leaves out what never happened.
func toTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// toID is empty for no id.
func toID(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// The answers below carry every field of the domain that a caller may see; a
// word that the API does not have is an error, and no answer.

func (a *api) toUser(u *invitation.User, now time.Time) (user *pb.User, err error) {
	user = &pb.User{
		Id: u.ID, OrganizationId: u.OrganizationID, Type: userTypes.of(string(u.Type), &err),
		DisplayName: u.DisplayName, Locale: string(u.Language()),
		Email: u.Email.Address(), EmailConfirmedAt: toTime(u.EmailConfirmedAt),
		EmailUndeliverable: u.Undeliverable != "", EmailUndeliverableCause: causes.orNone(string(u.Undeliverable), &err),
		AccountStatus: accountStatuses.of(string(u.AccountStatus(now)), &err), DeactivatedAt: toTime(u.DeactivatedAt),
	}
	for _, target := range invitation.Targets() {
		if inv := u.Invitations[target]; inv != nil {
			m, failed := a.toInvitation(u, inv, now)
			user.Invitations, err = append(user.Invitations, m), errors.Join(err, failed)
		}
		if u.Type.Allows(target) {
			user.AvailableActions = append(user.AvailableActions, &pb.TargetActions{
				Target: targets.of(target.String(), &err), Actions: toActions(u.AvailableActions(target, now), &err),
			})
		}
	}
	return user, err
}

func toActions(actions []invitation.Action, err *error) []pb.Action {
	all := make([]pb.Action, len(actions))
	for i, a := range actions {
		all[i] = availableActions.of(string(a), err)
	}
	return all
}

func (a *api) toInvitation(u *invitation.User, inv *invitation.Invitation, now time.Time) (m *pb.Invitation, err error) {
	m = &pb.Invitation{
		Id: inv.ID.String(), UserId: u.ID, Target: targets.of(inv.Target.String(), &err), State: invitationStates.of(string(inv.State(now)), &err),
		IssuedAt: toTime(inv.IssuedAt), ExpiresAt: toTime(inv.ExpiresAt),
		RedeemedAt: toTime(inv.RedeemedAt), RevokedAt: toTime(inv.RevokedAt),
		AvailableActions: toActions(u.AvailableActions(inv.Target, now), &err),
	}
	if d := u.LatestDelivery(inv); d != nil {
		m.MailedTo = d.To.Address()
		m.Delivery = a.toDelivery(d, now, &err)
	}
	return m, err
}

func (a *api) toDelivery(d *invitation.Delivery, now time.Time, err *error) *pb.Delivery {
	return &pb.Delivery{
		Id: d.ID.String(), State: deliveryStates.of(string(d.State), err), ChangedAt: toTime(d.ChangedAt),
		Attempts: int32(d.Attempts), Reason: d.Reason, DropCause: dropCauses.orNone(string(d.DropCause), err),
		Stalled: d.State == invitation.Accepted && now.Sub(d.ChangedAt) > a.StalledAfter,
	}
}

func toEvent(e invitation.Event) (event *pb.Event, err error) {
	event = &pb.Event{
		Sequence: e.Sequence, Type: eventTypes.of(string(e.Type), &err), OccurredAt: toTime(e.At),
		OrganizationId: e.OrganizationID, UserId: e.UserID, InvitationId: toID(e.InvitationID),
		Channel: channels.orNone(string(e.Channel), &err), DeliveryId: toID(e.DeliveryID),
		DeliveryState: deliveryStates.orNone(string(e.DeliveryState), &err),
		Actor:         e.Request.Actor, Caller: e.Request.Caller, Cause: e.Request.Cause, Reason: e.Reason, RequestId: toID(e.Request.ID),
	}
	if e.InvitationID != uuid.Nil {
		event.Target = targets.of(e.Target.String(), &err)
	}
	return event, err
}

func toOrganization(o invitation.Organization) *pb.Organization {
	return &pb.Organization{
		Id: o.ID, Name: o.Name, ReplyTo: o.ReplyTo.Address(), Contact: o.Contact, Imprint: o.Imprint,
		DefaultLocale: string(o.DefaultLocale), DeliveryPausedAt: toTime(o.DeliveryPausedAt),
	}
}
