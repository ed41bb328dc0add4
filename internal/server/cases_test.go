package server_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestNoDeadLinkIsShown: a repeated GenerateQR shows the link that it showed first,
// or none.
func TestNoDeadLinkIsShown(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for name, c := range map[string]struct {
		between func(s *stack, id string)
		alive   bool
	}{
		"nothing": {func(*stack, string) {}, true},
		"sent":    {func(s *stack, id string) { s.send(id, app) }, true},
		"renewed": {func(s *stack, id string) { s.renew(id) }, false},
		"revoked": {func(s *stack, id string) { s.revoke(id) }, false},
		"expired": {func(s *stack, id string) { s.age(id, validity) }, false},
		"renewed, shared again": {func(s *stack, id string) {
			s.renew(id)
			s.shared(id, app)
		}, false},
		"deactivated": {func(s *stack, id string) { s.deactivate(id) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.with(t)
			id := s.person(pb.UserType_USER_TYPE_TENANT)
			req := &pb.GenerateQRRequest{OrganizationId: org, UserId: id, Target: app, RequestId: uuid.NewString()}
			first, err := s.GenerateQR(t.Context(), req)
			must(t, err)
			c.between(s, id)
			again, err := s.GenerateQR(t.Context(), req)
			must(t, err)
			if c.alive && again.GetLink() != first.GetLink() || !c.alive && (again.GetLink() != "" || len(again.GetImage()) > 0) {
				t.Errorf("the link is shown: %v, want %v", again.GetLink() != "", c.alive)
			}
			if again.GetLink() != "" {
				must(t, s.preview(tokenOf(again.GetLink())))
			}
		})
	}
}

func (s *stack) deactivate(id string) {
	s.t.Helper()
	_, err := s.DeactivateUser(s.t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: id})
	must(s.t, err)
}

// TestLinkIsReadAsPasted: with what chat programs leave around a token or a link.
func TestLinkIsReadAsPasted(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	resp, err := s.GenerateQR(t.Context(), &pb.GenerateQRRequest{OrganizationId: org, UserId: id, Target: app})
	must(t, err)
	link := resp.GetLink()
	for _, text := range []string{tokenOf(link), link, strings.Replace(link, "https://app", "HTTPS://App", 1), link + "?utm=1#x"} {
		for _, around := range []string{"", ".", ")", " ", "\n", "<>", "„“", "\u00a0", "\u200b", ",", "](", "!"} {
			must(t, s.preview(around+text+around))
		}
	}
	redeem := &pb.RedeemRequest{Token: tokenOf(link), RequestId: uuid.NewString()}
	first, err := s.Redeem(t.Context(), redeem)
	must(t, err)
	redeem.Token, redeem.RequestId = link+".", strings.ToUpper(redeem.GetRequestId())
	again, err := s.Redeem(t.Context(), redeem) // the same request in another spelling
	must(t, err)
	if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
		t.Errorf("the second answer differs: %s", diff)
	}
}

// TestRedeemAgain: its first answer again, but for who was deactivated or reset.
func TestRedeemAgain(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for name, c := range map[string]struct {
		between func(s *stack, id string)
		reason  pb.ErrorReason
	}{
		"deactivated": {func(s *stack, id string) { s.deactivate(id) }, pb.ErrorReason_USER_DEACTIVATED},
		"reset":       {func(s *stack, id string) { s.reset(id, app) }, pb.ErrorReason_INVITATION_REVOKED},
		"reset, invited again": {func(s *stack, id string) {
			s.reset(id, app)
			s.send(id, app)
		}, pb.ErrorReason_INVITATION_REVOKED},
		"confirmed": {func(s *stack, id string) { s.confirm(id, "mine-"+id+"@example.org") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.with(t)
			id := s.person(pb.UserType_USER_TYPE_TENANT)
			redeem := &pb.RedeemRequest{Token: s.shared(id, app), RequestId: uuid.NewString()}
			_, err := s.Redeem(t.Context(), redeem)
			must(t, err)
			c.between(s, id)
			code := codes.FailedPrecondition
			if c.reason == 0 {
				code = codes.OK
			}
			_, err = s.Redeem(t.Context(), redeem)
			want(t, err, code, c.reason)
		})
	}
}

func (s *stack) reset(id string, target pb.Target) *pb.User {
	s.t.Helper()
	resp, err := s.ResetActivation(s.t.Context(), &pb.ResetActivationRequest{OrganizationId: org, UserId: id, Target: target})
	must(s.t, err)
	return resp.GetUser()
}

func (s *stack) confirm(id, email string) {
	s.t.Helper()
	_, err := s.ConfirmEmail(s.t.Context(), &pb.ConfirmEmailRequest{UserId: id, Email: email, OrganizationId: org})
	must(s.t, err)
}

// TestResetActivation: there is a way back from a redemption by the wrong person,
// and the address counts as unproved unless another redemption stands.
func TestResetActivation(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
	for _, target := range []pb.Target{app, pb.Target_TARGET_PORTAL} {
		s.send(id, target)
		_, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: s.mailedToken(id, target)})
		must(t, err)
	}
	if u := s.reset(id, app); u.GetEmailConfirmedAt() == nil || u.GetAccountStatus() != pb.AccountStatus_ACCOUNT_STATUS_ONLINE {
		t.Errorf("with the portal still activated: %v", u)
	}
	s.send(id, app)
	if u := s.reset(id, pb.Target_TARGET_PORTAL); u.GetEmailConfirmedAt() != nil || u.GetAccountStatus() != pb.AccountStatus_ACCOUNT_STATUS_OFFLINE {
		t.Errorf("with nothing activated: %v", u)
	}
	must(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_SEND_NOW))
	must(t, s.preview(s.mailedToken(id, app)))
}

// TestBouncedAddress: nothing forgets that mail bounces but another address, a
// proof, or an operator who says so.
func TestBouncedAddress(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	ctx := t.Context()
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	s.report(id, invitation.Bounced)
	email, events := s.user(id).GetEmail(), len(s.events(id, 0))

	later := &pb.UpdateEmailRequest{OrganizationId: org, UserId: id, Email: strings.ToUpper(email), FollowUp: pb.FollowUp_FOLLOW_UP_LATER}
	_, err := s.UpdateEmail(ctx, later)
	must(t, err)
	u := s.user(id)
	if !u.GetEmailUndeliverable() || u.GetEmailUndeliverableCause() != pb.UndeliverableCause_UNDELIVERABLE_CAUSE_BOUNCED || u.GetEmail() != email || len(s.events(id, events)) > 0 {
		t.Errorf("saving the same address changed something: %v", u)
	}
	_, err = s.Renew(ctx, &pb.RenewRequest{OrganizationId: org, UserId: id, Target: app})
	want(t, err, codes.FailedPrecondition, pb.ErrorReason_EMAIL_UNDELIVERABLE)
	_, err = s.Renew(ctx, &pb.RenewRequest{OrganizationId: org, UserId: id, Target: app, DespiteBounce: true})
	must(t, err)
	if u := s.user(id); u.GetEmailUndeliverable() || s.jobs(id) != 1 || s.events(id, events)[0] != "EMAIL_DELIVERABLE" {
		t.Errorf("the operator's word changed nothing: %v, %v", u, s.events(id, events))
	}
}

// TestBouncedConfirmedAddress: a confirmed address that bounces has a way out too.
func TestBouncedConfirmedAddress(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
	s.send(id, app)
	_, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: s.mailedToken(id, app)})
	must(t, err)
	s.age(id, 0)
	s.exec(`UPDATE users SET undeliverable = 'BOUNCED' WHERE id = $1`, id)
	update := &pb.UpdateEmailRequest{OrganizationId: org, UserId: id, Email: s.user(id).GetEmail(), FollowUp: pb.FollowUp_FOLLOW_UP_SEND_NOW, Target: pb.Target_TARGET_PORTAL}
	_, err = s.UpdateEmail(t.Context(), update)
	want(t, err, codes.FailedPrecondition, pb.ErrorReason_EMAIL_UNDELIVERABLE)
	update.DespiteBounce = true
	_, err = s.UpdateEmail(t.Context(), update)
	must(t, err)
	if u := s.user(id); u.GetEmailConfirmedAt() == nil || u.GetEmailUndeliverable() {
		t.Errorf("got %v", u)
	}
}

// TestProofBeatsClaim: who claimed an address loses it to who proves it, and does
// not learn to whom; who proved it too does not.
func TestProofBeatsClaim(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	const email = "owner@example.com"
	claimer, owner, third := s.person(pb.UserType_USER_TYPE_TENANT), s.person(pb.UserType_USER_TYPE_TENANT), s.person(pb.UserType_USER_TYPE_TENANT)
	_, err := s.UpdateEmail(t.Context(), &pb.UpdateEmailRequest{OrganizationId: org, UserId: claimer, Email: email, FollowUp: pb.FollowUp_FOLLOW_UP_SEND_NOW, Target: app})
	must(t, err)
	claimed, events := s.mailedToken(claimer, app), len(s.events(claimer, 0))

	s.confirm(owner, "Owner@Example.com")

	u := s.user(claimer)
	if u.GetEmail() != "" || u.GetAccountStatus() != pb.AccountStatus_ACCOUNT_STATUS_OFFLINE || s.jobs(claimer) != 0 {
		t.Errorf("the claimer kept something: %v", u)
	}
	s.wantDead(claimed, pb.ErrorReason_EMAIL_CHANGED)
	if got := s.events(claimer, events); got[0] != "EMAIL_LOST" {
		t.Errorf("the claimer's events are %v", got)
	}
	list, err := s.ListEvents(t.Context(), &pb.ListEventsRequest{OrganizationId: org, UserId: claimer, PageSize: 500})
	must(t, err)
	if text := list.String(); strings.Contains(text, owner+`"`) {
		t.Errorf("the claimer's events tell who took the address: %s", text)
	}
	_, err = s.ConfirmEmail(t.Context(), &pb.ConfirmEmailRequest{UserId: third, Email: email})
	want(t, err, codes.AlreadyExists, pb.ErrorReason_EMAIL_IN_USE)
}

// TestConfirmNamesTheOrganization: a mixed-up id confirms nobody else's address.
func TestConfirmNamesTheOrganization(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	_, err := s.ConfirmEmail(t.Context(), &pb.ConfirmEmailRequest{UserId: id, Email: "a@example.org", OrganizationId: "another"})
	want(t, err, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND)
	s.confirm(id, "a@example.org")
}
