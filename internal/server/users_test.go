package server_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

func newcomer(id string, change func(*pb.CreateUserRequest)) *pb.CreateUserRequest {
	req := &pb.CreateUserRequest{
		OrganizationId: org, UserId: id, Type: pb.UserType_USER_TYPE_EMPLOYEE, DisplayName: "Erika Mustermann",
		Email: id + "@example.com", Invite: pb.Invite_INVITE_NOW, Target: pb.Target_TARGET_PORTAL,
	}
	change(req)
	return req
}

// TestCreateUser: with INVITE_NOW the invitation is out in the same call, and a
// refusal leaves no user behind.
func TestCreateUser(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	resp, err := s.CreateUser(t.Context(), newcomer("a", func(*pb.CreateUserRequest) {}))
	must(t, err)
	if u := resp.GetUser(); u.GetAccountStatus() != pb.AccountStatus_ACCOUNT_STATUS_INVITED || u.GetLocale() != "de" || s.jobs("a") != 1 {
		t.Errorf("created %v", u)
	}
	for reason, change := range map[pb.ErrorReason]func(*pb.CreateUserRequest){
		pb.ErrorReason_EMAIL_REQUIRED:     func(r *pb.CreateUserRequest) { r.Email = "" },
		pb.ErrorReason_TARGET_NOT_ALLOWED: func(r *pb.CreateUserRequest) { r.Type = pb.UserType_USER_TYPE_TENANT },
		pb.ErrorReason_EMAIL_IN_USE:       func(r *pb.CreateUserRequest) { r.Email = "A@EXAMPLE.com" },
		pb.ErrorReason_USER_EXISTS:        func(r *pb.CreateUserRequest) { r.UserId = "a" },
	} {
		code := codes.FailedPrecondition
		if reason == pb.ErrorReason_EMAIL_IN_USE || reason == pb.ErrorReason_USER_EXISTS {
			code = codes.AlreadyExists
		}
		before := s.rows()
		_, err := s.CreateUser(t.Context(), newcomer("b", change))
		want(t, err, code, reason)
		if after := s.rows(); after != before {
			t.Errorf("%v: rows %s, before %s", reason, after, before)
		}
	}
}

// TestAddresses: one mailbox, one account, in whatever spelling; deactivating
// frees it; a taken one changes nothing.
func TestAddresses(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	ctx := t.Context()
	_, err := s.CreateUser(ctx, newcomer("bob", func(r *pb.CreateUserRequest) { r.Email = "Bob@MÜLLER.de" }))
	must(t, err)
	if got := s.user("bob").GetEmail(); got != "Bob@müller.de" {
		t.Errorf("the address reads %q", got)
	}
	other := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(other, app)
	before, events := s.user(other), len(s.events(other, 0))
	claim := &pb.UpdateEmailRequest{OrganizationId: org, UserId: other, Email: "bob@xn--mller-kva.de", FollowUp: pb.FollowUp_FOLLOW_UP_LATER}
	_, err = s.UpdateEmail(ctx, claim)
	want(t, err, codes.AlreadyExists, pb.ErrorReason_EMAIL_IN_USE)
	if after := s.user(other); after.String() != before.String() || len(s.events(other, events)) > 0 {
		t.Errorf("a taken address changed something: %v, before %v", after, before)
	}
	_, err = s.DeactivateUser(ctx, &pb.DeactivateUserRequest{OrganizationId: org, UserId: "bob"})
	must(t, err)
	_, err = s.UpdateEmail(ctx, claim)
	must(t, err)
}

// TestConfirmedAddress: the portal may not touch it, the app may.
func TestConfirmedAddress(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	resp, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: s.mailedToken(id, app)})
	must(t, err)
	if resp.GetUser().GetEmailConfirmedAt() == nil {
		t.Error("redeeming a mailed link did not confirm the address")
	}
	want(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_LATER), codes.FailedPrecondition, pb.ErrorReason_EMAIL_CONFIRMED)
	changed, err := s.ConfirmEmail(t.Context(), &pb.ConfirmEmailRequest{UserId: id, Email: "mine@example.org"})
	must(t, err)
	if u := changed.GetUser(); u.GetEmail() != "mine@example.org" || u.GetEmailConfirmedAt() == nil {
		t.Errorf("got %v", u)
	}
}

// TestAddressChangeReachesBothTargets: links that were mailed to the old address
// die for every target, the one to be mailed next aside.
func TestAddressChangeReachesBothTargets(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
	s.send(id, app)
	s.send(id, pb.Target_TARGET_PORTAL)
	portal := s.mailedToken(id, pb.Target_TARGET_PORTAL)
	must(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_SEND_NOW))
	s.wantDead(portal, pb.ErrorReason_EMAIL_CHANGED)
	if got := s.invitation(id, pb.Target_TARGET_PORTAL).GetState(); got != pb.InvitationState_INVITATION_STATE_REVOKED {
		t.Errorf("the portal's invitation is %v", got)
	}
	if n := s.jobs(id); n != 1 {
		t.Errorf("%d mails wait, want the new one", n)
	}
}

// TestSameAddressAgain: saving the address that is there kills no link, and
// sending it now replaces the mail.
func TestSameAddressAgain(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	token := s.mailedToken(id, app)
	same := &pb.UpdateEmailRequest{OrganizationId: org, UserId: id, Email: id + "@EXAMPLE.COM", FollowUp: pb.FollowUp_FOLLOW_UP_LATER}
	_, err := s.UpdateEmail(t.Context(), same)
	must(t, err)
	must(t, s.preview(token))
	same.FollowUp, same.Target = pb.FollowUp_FOLLOW_UP_SEND_NOW, app
	_, err = s.UpdateEmail(t.Context(), same)
	must(t, err)
	s.wantDead(token, pb.ErrorReason_INVITATION_SUPERSEDED)
}

// TestErased: nobody finds an erased user, and the id stays taken.
func TestErased(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	_, err := s.EraseUser(t.Context(), &pb.EraseUserRequest{OrganizationId: org, UserId: id})
	must(t, err)
	_, err = s.GetUser(t.Context(), &pb.GetUserRequest{OrganizationId: org, UserId: id})
	want(t, err, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND)
	_, err = s.CreateUser(t.Context(), newcomer(id, func(*pb.CreateUserRequest) {}))
	want(t, err, codes.AlreadyExists, pb.ErrorReason_USER_EXISTS)
	if list, err := s.ListInvitations(t.Context(), &pb.ListInvitationsRequest{OrganizationId: org}); err != nil || len(list.GetInvitations()) > 0 {
		t.Errorf("an erased user's invitation is listed: %v %v", list, err)
	}
	if got := s.events(id, 0); !slices.Equal(got[len(got)-1:], []string{"USER_ERASED"}) {
		t.Errorf("events are %v", got)
	}
}

// TestAvailableActions: the dropdown offers what would not be refused.
func TestAvailableActions(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	offered := map[pb.Action]string{
		pb.Action_ACTION_SEND: "Send", pb.Action_ACTION_RENEW: "Renew", pb.Action_ACTION_REVOKE: "Revoke", pb.Action_ACTION_GENERATE_QR: "GenerateQR",
		pb.Action_ACTION_RESET_ACTIVATION: "ResetActivation",
	}
	for _, situation := range situations {
		for action, name := range offered {
			id := s.person(pb.UserType_USER_TYPE_TENANT)
			situation.prepare(s, id, app)
			offer := slices.Contains(s.user(id).GetAvailableActions()[0].GetActions(), action)
			err := actions[name](s, id, app, "")
			if harmless := situation.name == "revoked" && name == "Revoke"; offer != (err == nil) && !harmless {
				t.Errorf("%s, %s: offered %v, answer %v", situation.name, name, offer, err)
			}
		}
	}
}
