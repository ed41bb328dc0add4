package invitation_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// doing has each action as its rule.
var doing = map[invitation.Action]func(*invitation.User, invitation.Target, time.Time) error{
	invitation.ActionSend: func(u *invitation.User, target invitation.Target, now time.Time) error {
		return u.Send(target, false, now, validity)
	},
	invitation.ActionRenew: func(u *invitation.User, target invitation.Target, now time.Time) error {
		return u.Renew(target, false, now, validity)
	},
	invitation.ActionRevoke: (*invitation.User).Revoke,
	invitation.ActionGenerateQR: func(u *invitation.User, target invitation.Target, now time.Time) error {
		return u.GenerateQR(target, now, validity)
	},
	invitation.ActionResetActivation: (*invitation.User).ResetActivation,
}

// dishonest tells which action is offered and refused, or the other way round. A
// missing address does not count, because the portal asks for it first, nor does
// a revocation that changes nothing.
func dishonest(u *invitation.User, target invitation.Target, now time.Time) string {
	offered := u.AvailableActions(target, now)
	for _, action := range invitation.Actions() {
		tried := u.Clone()
		err := doing[action](tried, target, now)
		works := err == nil && len(tried.Events) > 0 || errors.Is(err, invitation.ErrEmailRequired)
		if works != slices.Contains(offered, action) {
			return fmt.Sprintf("%s %s: offered are %v, and it answers %v", action, target, offered, err)
		}
	}
	return ""
}

// TestAvailableActions has the dropdown's entries as an operator reads them.
func TestAvailableActions(t *testing.T) {
	t.Parallel()
	const send, renew, revoke, qr, reset = invitation.ActionSend, invitation.ActionRenew, invitation.ActionRevoke, invitation.ActionGenerateQR, invitation.ActionResetActivation
	for _, c := range []struct {
		state                string
		healthy, undelivered []invitation.Action
	}{
		{"none", []invitation.Action{send, qr}, []invitation.Action{qr}},
		{"mailed", []invitation.Action{renew, revoke, qr}, []invitation.Action{renew, revoke, qr}[1:]},
		{"failed", []invitation.Action{send, renew, revoke, qr}, []invitation.Action{revoke, qr}},
		{"dropped", []invitation.Action{send, renew, revoke, qr}, []invitation.Action{revoke, qr}},
		{"shared", []invitation.Action{send, renew, revoke, qr}, []invitation.Action{revoke, qr}},
		{"expired", []invitation.Action{renew, revoke, qr}, []invitation.Action{revoke, qr}},
		{"expired, only shared", []invitation.Action{renew, revoke, qr}, []invitation.Action{revoke, qr}},
		{"expired, failed", []invitation.Action{renew, revoke, qr}, []invitation.Action{revoke, qr}},
		{"revoked", []invitation.Action{send, qr}, []invitation.Action{qr}},
		{"redeemed", []invitation.Action{reset}, []invitation.Action{reset}},
	} {
		u, now := inState(t, c.state, invitation.TargetApp)
		if got := u.AvailableActions(invitation.TargetApp, now); !slices.Equal(got, c.healthy) {
			t.Errorf("%s: offered are %v, want %v", c.state, got, c.healthy)
		}
		u.Undeliverable = invitation.CauseBounced
		if got := u.AvailableActions(invitation.TargetApp, now); !slices.Equal(got, c.undelivered) {
			t.Errorf("%s and undeliverable: offered are %v, want %v", c.state, got, c.undelivered)
		}
		u.Deactivate(now)
		if got := u.AvailableActions(invitation.TargetApp, now); got != nil {
			t.Errorf("%s and deactivated: offered are %v", c.state, got)
		}
	}
	for _, kind := range invitation.UserTypes() {
		u := &invitation.User{Type: kind}
		if got := u.AvailableActions(invitation.TargetPortal, start); (got == nil) == (kind == invitation.Employee) {
			t.Errorf("%s are offered %v for the portal", kind, got)
		}
		if u.AvailableActions(invitation.TargetApp, start) == nil {
			t.Errorf("%s are not offered the app", kind)
		}
	}
}
