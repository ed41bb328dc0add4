package server

import (
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/qr"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// The domain's words and the proto's differ by a prefix; a test holds every one
// of them against the other.

func toTarget(t invitation.Target) pb.Target { return pb.Target(t) + pb.Target_TARGET_APP }

// fromTarget takes a target that is specified.
func fromTarget(t pb.Target) invitation.Target { return invitation.Target(t - pb.Target_TARGET_APP) }

func toUserType(t invitation.UserType) pb.UserType {
	return pb.UserType(pb.UserType_value["USER_TYPE_"+string(t)])
}

func fromUserType(t pb.UserType) invitation.UserType {
	return invitation.UserType(t.String()[len("USER_TYPE_"):])
}

func toState(s invitation.State) pb.InvitationState {
	return pb.InvitationState(pb.InvitationState_value["INVITATION_STATE_"+string(s)])
}

// fromState returns the zero State for "every state".
func fromState(s pb.InvitationState) invitation.State {
	if s == pb.InvitationState_INVITATION_STATE_UNSPECIFIED {
		return ""
	}
	return invitation.State(s.String()[len("INVITATION_STATE_"):])
}

func toDeliveryState(s invitation.DeliveryState) pb.DeliveryState {
	return pb.DeliveryState(pb.DeliveryState_value["DELIVERY_STATE_"+string(s)])
}

// fromDeliveryState returns the zero DeliveryState for "every state".
func fromDeliveryState(s pb.DeliveryState) invitation.DeliveryState {
	if s == pb.DeliveryState_DELIVERY_STATE_UNSPECIFIED {
		return ""
	}
	return invitation.DeliveryState(s.String()[len("DELIVERY_STATE_"):])
}

func toChannel(c invitation.Channel) pb.Channel {
	return pb.Channel(pb.Channel_value["CHANNEL_"+string(c)])
}

func toEventType(t invitation.EventType) pb.EventType {
	return pb.EventType(pb.EventType_value["EVENT_TYPE_"+string(t)])
}

func toAccountStatus(s invitation.AccountStatus) pb.AccountStatus {
	return pb.AccountStatus(s) + pb.AccountStatus_ACCOUNT_STATUS_OFFLINE
}

func toActions(actions []invitation.Action) []pb.Action {
	all := make([]pb.Action, len(actions))
	for i, a := range actions {
		all[i] = pb.Action(a) + pb.Action_ACTION_SEND
	}
	return all
}

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

func (a *api) toUser(u *invitation.User, now time.Time) *pb.User {
	user := &pb.User{
		Id: u.ID, OrganizationId: u.OrganizationID, Type: toUserType(u.Type),
		DisplayName: u.DisplayName, Locale: string(u.Locale),
		Email: u.Email.Address(), EmailConfirmedAt: toTime(u.EmailConfirmedAt), EmailUndeliverable: u.EmailUndeliverable,
		AccountStatus: toAccountStatus(u.AccountStatus(now)), DeactivatedAt: toTime(u.DeactivatedAt),
	}
	for _, target := range invitation.Targets() {
		if inv := u.Invitations[target]; inv != nil {
			user.Invitations = append(user.Invitations, a.toInvitation(u, inv, now))
		}
		if u.Type.Allows(target) {
			user.AvailableActions = append(user.AvailableActions, &pb.TargetActions{
				Target: toTarget(target), Actions: toActions(u.AvailableActions(target, now)),
			})
		}
	}
	return user
}

func (a *api) toInvitation(u *invitation.User, inv *invitation.Invitation, now time.Time) *pb.Invitation {
	m := &pb.Invitation{
		Id: inv.ID.String(), UserId: u.ID, Target: toTarget(inv.Target), State: toState(inv.State(now)),
		IssuedAt: toTime(inv.IssuedAt), ExpiresAt: toTime(inv.ExpiresAt),
		RedeemedAt: toTime(inv.RedeemedAt), RevokedAt: toTime(inv.RevokedAt),
		AvailableActions: toActions(u.AvailableActions(inv.Target, now)),
	}
	if d := u.LatestDelivery(inv); d != nil {
		m.MailedTo = d.To.Address()
		m.Delivery = &pb.Delivery{
			Id: d.ID.String(), State: toDeliveryState(d.State), ChangedAt: toTime(d.ChangedAt),
			Attempts: int32(d.Attempts), Reason: d.Reason,
			Stalled: d.State == invitation.Accepted && now.Sub(d.ChangedAt) > a.StalledAfter,
		}
	}
	return m
}

func toEvent(e invitation.Event) *pb.Event {
	event := &pb.Event{
		Sequence: e.Sequence, Type: toEventType(e.Type), OccurredAt: toTime(e.At),
		OrganizationId: e.OrganizationID, UserId: e.UserID, InvitationId: toID(e.InvitationID),
		Channel: toChannel(e.Channel), DeliveryId: toID(e.DeliveryID), DeliveryState: toDeliveryState(e.DeliveryState),
		Actor: e.Request.Actor, Caller: e.Request.Caller, Cause: e.Request.Cause, Reason: e.Reason, RequestId: toID(e.Request.ID),
	}
	if e.InvitationID != uuid.Nil {
		event.Target = toTarget(e.Target)
	}
	return event
}
