package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// situation is a column of the state × action table: how an invitation gets
// there.
type situation struct {
	name    string
	prepare func(s *stack, id string, target pb.Target) (token string)
}

var situations = []situation{
	{"none", func(*stack, string, pb.Target) string { return "" }},
	{"mailed", func(s *stack, id string, target pb.Target) string {
		s.send(id, target)
		return s.mailedToken(id, target)
	}},
	{"shared", func(s *stack, id string, target pb.Target) string { return s.shared(id, target) }},
	{"expired", func(s *stack, id string, target pb.Target) string {
		s.send(id, target)
		s.age(id, validity)
		return s.mailedToken(id, target)
	}},
	{"revoked", func(s *stack, id string, target pb.Target) string {
		s.send(id, target)
		token := s.mailedToken(id, target)
		_, err := s.Revoke(s.t.Context(), &pb.RevokeRequest{OrganizationId: org, UserId: id, Target: target})
		must(s.t, err)
		return token
	}},
	{"redeemed", func(s *stack, id string, target pb.Target) string {
		token := s.shared(id, target)
		_, err := s.Redeem(s.t.Context(), &pb.RedeemRequest{Token: token})
		must(s.t, err)
		return token
	}},
}

func (s *stack) send(id string, target pb.Target) {
	s.t.Helper()
	_, err := s.Send(s.t.Context(), &pb.SendRequest{OrganizationId: org, UserId: id, Target: target})
	must(s.t, err)
}

// actions are the rows of the table.
var actions = map[string]func(s *stack, id string, target pb.Target, token string) error{
	"Send": func(s *stack, id string, target pb.Target, _ string) error {
		_, err := s.Send(s.t.Context(), &pb.SendRequest{OrganizationId: org, UserId: id, Target: target})
		return err
	},
	"Renew": func(s *stack, id string, target pb.Target, _ string) error {
		_, err := s.Renew(s.t.Context(), &pb.RenewRequest{OrganizationId: org, UserId: id, Target: target})
		return err
	},
	"Revoke": func(s *stack, id string, target pb.Target, _ string) error {
		_, err := s.Revoke(s.t.Context(), &pb.RevokeRequest{OrganizationId: org, UserId: id, Target: target})
		return err
	},
	"GenerateQR": func(s *stack, id string, target pb.Target, _ string) error {
		_, err := s.GenerateQR(s.t.Context(), &pb.GenerateQRRequest{
			OrganizationId: org, UserId: id, Target: target, Format: pb.ImageFormat_IMAGE_FORMAT_SVG,
		})
		return err
	},
	"ResetActivation": func(s *stack, id string, target pb.Target, _ string) error {
		_, err := s.ResetActivation(s.t.Context(), &pb.ResetActivationRequest{OrganizationId: org, UserId: id, Target: target})
		return err
	},
	"Redeem": func(s *stack, _ string, _ pb.Target, token string) error {
		_, err := s.Redeem(s.t.Context(), &pb.RedeemRequest{Token: token})
		return err
	},
	"UpdateEmail now": func(s *stack, id string, target pb.Target, _ string) error {
		return s.updateEmail(id, target, pb.FollowUp_FOLLOW_UP_SEND_NOW)
	},
	"UpdateEmail later": func(s *stack, id string, target pb.Target, _ string) error {
		return s.updateEmail(id, target, pb.FollowUp_FOLLOW_UP_LATER)
	},
}

func (s *stack) updateEmail(id string, target pb.Target, next pb.FollowUp) error {
	_, err := s.UpdateEmail(s.t.Context(), &pb.UpdateEmailRequest{
		OrganizationId: org, UserId: id, Target: target, Email: "new-" + id + "@example.com", FollowUp: next,
	})
	return err
}

// cell is what an action does in a situation.
type cell struct {
	action, situation string
	reason            pb.ErrorReason
	state             string
	events            []string
	mails             int
}

var table = []cell{
	{"Send", "none", 0, "PENDING", []string{"INVITATION_ISSUED"}, 1},
	{"Send", "mailed", pb.ErrorReason_INVITATION_PENDING, "PENDING", nil, 1},
	{"Send", "shared", 0, "PENDING", []string{"INVITATION_MAILED"}, 1},
	{"Send", "expired", pb.ErrorReason_INVITATION_EXPIRED, "EXPIRED", nil, 1},
	{"Send", "revoked", 0, "PENDING", []string{"INVITATION_ISSUED"}, 1},
	{"Send", "redeemed", pb.ErrorReason_ALREADY_ACTIVATED, "REDEEMED", nil, 0},

	{"Renew", "none", pb.ErrorReason_NOT_INVITED, "", nil, 0},
	{"Renew", "mailed", 0, "PENDING", []string{"DELIVERY_CHANGED", "INVITATION_RENEWED"}, 1},
	{"Renew", "shared", 0, "PENDING", []string{"INVITATION_RENEWED"}, 1},
	{"Renew", "expired", 0, "PENDING", []string{"DELIVERY_CHANGED", "INVITATION_RENEWED"}, 1},
	{"Renew", "revoked", pb.ErrorReason_INVITATION_REVOKED, "REVOKED", nil, 0},
	{"Renew", "redeemed", pb.ErrorReason_ALREADY_ACTIVATED, "REDEEMED", nil, 0},

	{"Revoke", "none", pb.ErrorReason_NOT_INVITED, "", nil, 0},
	{"Revoke", "mailed", 0, "REVOKED", []string{"DELIVERY_CHANGED", "INVITATION_REVOKED"}, 0},
	{"Revoke", "shared", 0, "REVOKED", []string{"INVITATION_REVOKED"}, 0},
	{"Revoke", "expired", 0, "REVOKED", []string{"DELIVERY_CHANGED", "INVITATION_REVOKED"}, 0},
	{"Revoke", "revoked", 0, "REVOKED", nil, 0},
	{"Revoke", "redeemed", pb.ErrorReason_ALREADY_ACTIVATED, "REDEEMED", nil, 0},

	{"GenerateQR", "none", 0, "PENDING", []string{"INVITATION_ISSUED"}, 0},
	{"GenerateQR", "mailed", 0, "PENDING", []string{"INVITATION_SHARED"}, 1},
	{"GenerateQR", "shared", 0, "PENDING", []string{"INVITATION_SHARED"}, 0},
	{"GenerateQR", "expired", 0, "PENDING", []string{"DELIVERY_CHANGED", "INVITATION_RENEWED"}, 0},
	{"GenerateQR", "revoked", 0, "PENDING", []string{"INVITATION_ISSUED"}, 0},
	{"GenerateQR", "redeemed", pb.ErrorReason_ALREADY_ACTIVATED, "REDEEMED", nil, 0},

	{"ResetActivation", "none", pb.ErrorReason_NOT_INVITED, "", nil, 0},
	{"ResetActivation", "mailed", pb.ErrorReason_NOT_ACTIVATED, "PENDING", nil, 1},
	{"ResetActivation", "shared", pb.ErrorReason_NOT_ACTIVATED, "PENDING", nil, 0},
	{"ResetActivation", "expired", pb.ErrorReason_NOT_ACTIVATED, "EXPIRED", nil, 1},
	{"ResetActivation", "revoked", pb.ErrorReason_NOT_ACTIVATED, "REVOKED", nil, 0},
	{"ResetActivation", "redeemed", 0, "REVOKED", []string{"ACTIVATION_RESET"}, 0},

	{"Redeem", "mailed", 0, "REDEEMED", []string{"DELIVERY_CHANGED", "INVITATION_REDEEMED", "EMAIL_CONFIRMED"}, 0},
	{"Redeem", "shared", 0, "REDEEMED", []string{"INVITATION_REDEEMED"}, 0},
	{"Redeem", "expired", pb.ErrorReason_INVITATION_EXPIRED, "EXPIRED", nil, 1},
	{"Redeem", "revoked", pb.ErrorReason_INVITATION_REVOKED, "REVOKED", nil, 0},
	{"Redeem", "redeemed", pb.ErrorReason_INVITATION_REDEEMED, "REDEEMED", nil, 0},

	{"UpdateEmail now", "none", 0, "PENDING", []string{"EMAIL_CHANGED", "INVITATION_ISSUED"}, 1},
	{"UpdateEmail now", "mailed", 0, "PENDING", []string{"EMAIL_CHANGED", "DELIVERY_CHANGED", "MAILED_LINK_KILLED", "INVITATION_MAILED"}, 1},
	{"UpdateEmail now", "shared", 0, "PENDING", []string{"EMAIL_CHANGED", "INVITATION_MAILED"}, 1},
	{"UpdateEmail now", "expired", 0, "PENDING", []string{"EMAIL_CHANGED", "DELIVERY_CHANGED", "MAILED_LINK_KILLED", "INVITATION_RENEWED"}, 1},
	{"UpdateEmail now", "revoked", 0, "PENDING", []string{"EMAIL_CHANGED", "INVITATION_ISSUED"}, 1},
	{"UpdateEmail now", "redeemed", pb.ErrorReason_ALREADY_ACTIVATED, "REDEEMED", nil, 0},

	{"UpdateEmail later", "none", 0, "", []string{"EMAIL_CHANGED"}, 0},
	{"UpdateEmail later", "mailed", 0, "REVOKED", []string{"EMAIL_CHANGED", "DELIVERY_CHANGED", "MAILED_LINK_KILLED", "INVITATION_REVOKED"}, 0},
	{"UpdateEmail later", "shared", 0, "PENDING", []string{"EMAIL_CHANGED"}, 0},
	{"UpdateEmail later", "expired", 0, "REVOKED", []string{"EMAIL_CHANGED", "DELIVERY_CHANGED", "MAILED_LINK_KILLED", "INVITATION_REVOKED"}, 0},
	{"UpdateEmail later", "revoked", 0, "REVOKED", []string{"EMAIL_CHANGED"}, 0},
	{"UpdateEmail later", "redeemed", 0, "REDEEMED", []string{"EMAIL_CHANGED"}, 0},
}

// kinds are all user types.
func kinds() (all []pb.UserType) {
	for _, word := range invitation.UserTypes() {
		all = append(all, pb.UserType(pb.UserType_value["USER_TYPE_"+string(word)]))
	}
	return all
}

// TestStateTable runs every cell for every user type and target.
func TestStateTable(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, kind := range kinds() {
		for _, target := range []pb.Target{pb.Target_TARGET_APP, pb.Target_TARGET_PORTAL} {
			if target == pb.Target_TARGET_PORTAL && kind != pb.UserType_USER_TYPE_EMPLOYEE {
				continue // TestTargetNotAllowed
			}
			for _, c := range table {
				t.Run(fmt.Sprintf("%v/%v/%s/%s", kind, target, c.action, c.situation), func(t *testing.T) {
					t.Parallel()
					c.run(s.with(t), kind, target)
				})
			}
		}
	}
}

// with returns the stack on behalf of a subtest.
func (s *stack) with(t testing.TB) *stack {
	sub := *s
	sub.t = t
	return &sub
}

func (c cell) run(s *stack, kind pb.UserType, target pb.Target) {
	id := s.person(kind)
	token := situationNamed(c.situation).prepare(s, id, target)
	address, events := s.user(id).GetEmail(), len(s.events(id, 0))

	err := actions[c.action](s, id, target, token)

	if c.reason == 0 {
		want(s.t, err, codes.OK, 0)
	} else {
		want(s.t, err, codes.FailedPrecondition, c.reason)
		if got := s.user(id).GetEmail(); got != address {
			s.t.Errorf("a refused call changed the address")
		}
	}
	state := ""
	if inv := s.invitation(id, target); inv != nil {
		state = inv.GetState().String()[len("INVITATION_STATE_"):]
	}
	if state != c.state {
		s.t.Errorf("state is %q, want %q", state, c.state)
	}
	if got := s.events(id, events); !slices.Equal(got, c.events) {
		s.t.Errorf("events are %v, want %v", got, c.events)
	}
	if got := s.jobs(id); got != c.mails {
		s.t.Errorf("%d mails wait to be sent, want %d", got, c.mails)
	}
}

func situationNamed(name string) situation {
	return situations[slices.IndexFunc(situations, func(s situation) bool { return s.name == name })]
}

// TestTableIsComplete holds the table against its rows and columns.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	for action := range actions {
		for _, situation := range situations {
			if action == "Redeem" && situation.name == "none" {
				continue // there is no token yet
			}
			if !slices.ContainsFunc(table, func(c cell) bool { return c.action == action && c.situation == situation.name }) {
				t.Errorf("no cell for %s in %s", action, situation.name)
			}
		}
	}
}

// TestTargetNotAllowed: only employees may be invited to the portal.
func TestTargetNotAllowed(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, kind := range kinds() {
		if kind == pb.UserType_USER_TYPE_EMPLOYEE {
			continue
		}
		id := s.person(kind)
		for name, action := range actions {
			if name == "Redeem" || name == "UpdateEmail later" {
				continue // neither is about a target
			}
			t.Run(fmt.Sprintf("%v/%s", kind, name), func(t *testing.T) {
				want(t, action(s.with(t), id, pb.Target_TARGET_PORTAL, ""), codes.FailedPrecondition, pb.ErrorReason_TARGET_NOT_ALLOWED)
			})
		}
		if got := s.events(id, 1); got != nil {
			t.Errorf("refused calls left events: %v", got)
		}
	}
}

// TestDeactivated: whatever the situation was, nothing more can be done, no mail
// goes out, nothing counts as pending or expired, and every link says why.
func TestDeactivated(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, situation := range situations {
		t.Run(situation.name, func(t *testing.T) {
			s := s.with(t)
			id := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
			token := situation.prepare(s, id, pb.Target_TARGET_APP)
			_, err := s.DeactivateUser(t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: id})
			must(t, err)
			for name, action := range actions {
				if name != "Redeem" || token != "" {
					want(t, action(s, id, pb.Target_TARGET_APP, token), codes.FailedPrecondition, pb.ErrorReason_USER_DEACTIVATED)
				}
			}
			if n := s.jobs(id); n != 0 {
				t.Errorf("%d mails still wait to be sent", n)
			}
			state := pb.InvitationState_INVITATION_STATE_REVOKED
			if situation.name == "redeemed" {
				state = pb.InvitationState_INVITATION_STATE_REDEEMED
			}
			if inv := s.invitation(id, app); inv != nil && inv.GetState() != state {
				t.Errorf("the invitation is %v, want %v", inv.GetState(), state)
			}
		})
	}
}

// TestValidity: what an issue, a new generation and a first mail do to the
// invitation's time, by the database's clock.
func TestValidity(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.shared(id, pb.Target_TARGET_APP)
	s.age(id, 24*time.Hour)
	before := s.invitation(id, pb.Target_TARGET_APP)
	s.shared(id, pb.Target_TARGET_APP)
	if after := s.invitation(id, pb.Target_TARGET_APP); !after.GetExpiresAt().AsTime().Equal(before.GetExpiresAt().AsTime()) {
		t.Error("sharing again changed the invitation's time")
	}
	s.send(id, pb.Target_TARGET_APP)
	var left time.Duration
	must(t, s.pool.QueryRow(t.Context(), `SELECT expires_at - now() FROM invitations WHERE user_id = $1`, id).Scan(&left))
	if left > validity || left < validity-time.Minute {
		t.Errorf("after the first mail %v are left, want %v", left, validity)
	}
}
