package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// report tells the store what the provider says of a user's latest mail.
func (s *stack) report(id string, states ...invitation.DeliveryState) (known int) {
	s.t.Helper()
	mail := uuid.MustParse(s.invitation(id, app).GetDelivery().GetId())
	var reports []invitation.Report
	for i, state := range states {
		reports = append(reports, invitation.Report{
			EventID: uuid.NewString(), DeliveryID: mail, State: state, Reason: "reason for " + string(state),
			At: time.Now().Add(time.Duration(i) * time.Second), ForGood: state == invitation.Bounced,
		})
	}
	known, err := s.store.Report(s.t.Context(), reports)
	must(s.t, err)
	return known
}

// TestEveryOrderOfReports: all orders, in one batch and one by one, with every
// report twice, end in one state.
func TestEveryOrderOfReports(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	said := []invitation.DeliveryState{invitation.Accepted, invitation.Deferred, invitation.Delivered, invitation.Bounced}
	ends := map[string]int{}
	for _, together := range []bool{true, false} {
		harness.Permutations(len(said), func(order []int) {
			id := s.person(pb.UserType_USER_TYPE_TENANT)
			s.send(id, app)
			mail := uuid.MustParse(s.invitation(id, app).GetDelivery().GetId())
			var reports []invitation.Report
			for _, i := range append(order, order...) {
				reports = append(reports, invitation.Report{
					EventID: fmt.Sprintf("%s-%d", mail, i), DeliveryID: mail, State: said[i], Reason: string(said[i]),
					At: time.Unix(1_790_000_000+int64(i), 0), ForGood: said[i] == invitation.Bounced,
				})
			}
			for len(reports) > 0 {
				n := 1
				if together {
					n = len(reports)
				}
				_, err := s.store.Report(t.Context(), reports[:n])
				must(t, err)
				reports = reports[n:]
			}
			user := s.user(id)
			d := user.GetInvitations()[0].GetDelivery()
			ends[fmt.Sprintf("%v %v %v undeliverable:%v", d.GetState(), d.GetReason(), d.GetChangedAt().AsTime(), user.GetEmailUndeliverable())]++
		})
	}
	if len(ends) != 1 {
		t.Errorf("the order of reports matters: %v", ends)
	}
	for end := range ends {
		if end != "DELIVERY_STATE_BOUNCED BOUNCED 2026-09-21 14:13:23 +0000 UTC undeliverable:true" {
			t.Errorf("all end as %s", end)
		}
	}
}

// TestHardBounce: the address is shown to be undeliverable and takes no mail
// until it is changed.
func TestHardBounce(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	s.report(id, invitation.Delivered, invitation.Bounced)
	if !s.user(id).GetEmailUndeliverable() {
		t.Fatal("the address is not marked")
	}
	for _, name := range []string{"Renew"} {
		want(t, actions[name](s, id, app, ""), codes.FailedPrecondition, pb.ErrorReason_EMAIL_UNDELIVERABLE)
	}
	s.revoke(id)
	want(t, actions["Send"](s, id, app, ""), codes.FailedPrecondition, pb.ErrorReason_EMAIL_UNDELIVERABLE)
	must(t, actions["GenerateQR"](s, id, app, ""))
	must(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_SEND_NOW))
	if s.user(id).GetEmailUndeliverable() {
		t.Error("a new address inherits the mark")
	}
}

// TestLateBounce: a bounce of the old address says nothing about the new one.
func TestLateBounce(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	old := uuid.MustParse(s.invitation(id, app).GetDelivery().GetId())
	must(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_SEND_NOW))
	known, err := s.store.Report(t.Context(), []invitation.Report{
		{EventID: "late", DeliveryID: old, State: invitation.Bounced, ForGood: true},
		{EventID: "unknown", DeliveryID: uuid.New(), State: invitation.Bounced, ForGood: true},
	})
	must(t, err)
	if known != 1 {
		t.Errorf("%d reports were about our mails, want 1", known)
	}
	if user := s.user(id); user.GetEmailUndeliverable() || user.GetInvitations()[0].GetDelivery().GetState() != pb.DeliveryState_DELIVERY_STATE_QUEUED {
		t.Errorf("the new address suffers: %v", user)
	}
}

// TestStalled: taken by the provider, and not a word since.
func TestStalled(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	s.exec(`UPDATE deliveries SET state = 'ACCEPTED', attempts = 1, changed_at = now() - interval '59 minutes' WHERE user_id = $1`, id)
	if s.invitation(id, app).GetDelivery().GetStalled() {
		t.Error("stalled too early")
	}
	s.exec(`UPDATE deliveries SET changed_at = now() - interval '61 minutes' WHERE user_id = $1`, id)
	if !s.invitation(id, app).GetDelivery().GetStalled() {
		t.Error("not stalled after the time")
	}
	s.report(id, invitation.Deferred)
	if s.invitation(id, app).GetDelivery().GetStalled() {
		t.Error("still stalled after a word")
	}
}

// TestSendAgain: a mail that never went out is offered to be sent again, with the
// same link and its time anew; one that did is not.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for state, again := range map[invitation.DeliveryState]bool{
		invitation.Dropped: true, invitation.Failed: true, invitation.Accepted: false, invitation.Delivered: false, invitation.Deferred: false, invitation.Bounced: false,
	} {
		id := s.person(pb.UserType_USER_TYPE_TENANT)
		s.send(id, app)
		token := s.mailedToken(id, app)
		s.report(id, state)
		s.age(id, 24*time.Hour)
		before := s.invitation(id, app)
		offered := slices.Contains(before.GetAvailableActions(), pb.Action_ACTION_SEND)
		_, err := s.Send(t.Context(), &pb.SendRequest{OrganizationId: org, UserId: id, Target: app})
		if offered != again || (err == nil) != again {
			t.Errorf("%s: offered %v, answer %v", state, offered, err)
		}
		if again && (s.mailedToken(id, app) != token || !s.invitation(id, app).GetExpiresAt().AsTime().After(before.GetExpiresAt().AsTime()) || s.jobs(id) != 1) {
			t.Errorf("%s: it is not the same link, anew", state)
		}
	}
}
