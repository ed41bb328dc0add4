package invitation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// inState returns an employee whose invitation to a target is in one of the
// table's columns, and what time it is.
func inState(t testing.TB, state string, target invitation.Target) (*invitation.User, time.Time) {
	t.Helper()
	u := &invitation.User{ID: "user", Type: invitation.Employee, DisplayName: "Erika", Email: addressA, CreatedAt: start}
	now := start.Add(time.Hour)
	kind, more, _ := strings.Cut(state, ", ")
	switch {
	case kind == "none":
		return u, now
	case kind == "shared" || more == "only shared":
		must(t, u.GenerateQR(target, start, validity))
	default:
		must(t, u.Send(target, false, start, validity))
	}
	inv := u.Invitations[target]
	if more == "shared too" {
		must(t, u.GenerateQR(target, start, validity))
	}
	if kind == "failed" || more == "failed" {
		u.Unsent(inv.DeliveryID, true, "HTTP 400", start)
	}
	switch kind {
	case "dropped":
		must(t, u.Apply(invitation.Report{DeliveryID: inv.DeliveryID, State: invitation.Dropped, At: start}, start))
	case "expired":
		now = start.Add(validity)
	case "revoked":
		must(t, u.Revoke(target, start))
	case "redeemed":
		must(t, u.Redeem(tokenOf(inv, invitation.Mailed), start))
	}
	return u.Clone(), now
}

// The table of domain.md, each cell as what it does or refuses; see describe.
const stateTable = `
                     | Send                          | Renew                                 | Revoke              | GenerateQR                       | ResetActivation | Redeem                | UpdateEmail
none                 | PENDING both new 14 days mail | ErrNotInvited                         | ErrNotInvited       | PENDING both new 14 days         | ErrNotInvited   | ErrInvitationNotFound | PENDING both new 14 days mail
mailed               | ErrInvitationPending          | PENDING both new 14 days mail stopped | REVOKED stopped     | PENDING                          | ErrNotActivated | REDEEMED stopped      | PENDING mailed new 14 days mail stopped
mailed, shared too   | ErrInvitationPending          | PENDING both new 14 days mail stopped | REVOKED stopped     | PENDING                          | ErrNotActivated | REDEEMED stopped      | PENDING mailed new 14 days mail stopped
failed               | PENDING 14 days mail          | PENDING both new 14 days mail         | REVOKED             | PENDING                          | ErrNotActivated | REDEEMED              | PENDING mailed new 14 days mail
dropped              | PENDING 14 days mail          | PENDING both new 14 days mail         | REVOKED             | PENDING                          | ErrNotActivated | REDEEMED              | PENDING mailed new 14 days mail
shared               | PENDING 14 days mail          | PENDING both new 14 days mail         | REVOKED             | PENDING                          | ErrNotActivated | REDEEMED              | PENDING 14 days mail
expired              | ErrInvitationExpired          | PENDING both new 14 days mail stopped | REVOKED stopped     | PENDING both new 14 days stopped | ErrNotActivated | ErrInvitationExpired  | PENDING both new 14 days mail stopped
expired, only shared | ErrInvitationExpired          | PENDING both new 14 days mail         | REVOKED             | PENDING both new 14 days         | ErrNotActivated | ErrInvitationExpired  | PENDING both new 14 days mail
expired, failed      | ErrInvitationExpired          | PENDING both new 14 days mail         | REVOKED             | PENDING both new 14 days         | ErrNotActivated | ErrInvitationExpired  | PENDING both new 14 days mail
revoked              | PENDING both new 14 days mail | ErrInvitationRevoked                  | nothing             | PENDING both new 14 days         | ErrNotActivated | ErrInvitationRevoked  | PENDING both new 14 days mail
redeemed             | ErrAlreadyActivated           | ErrAlreadyActivated                   | ErrAlreadyActivated | ErrAlreadyActivated              | REVOKED         | ErrInvitationRedeemed | ErrAlreadyActivated
`

var refusals = map[string]error{
	"ErrNotInvited": invitation.ErrNotInvited, "ErrInvitationPending": invitation.ErrInvitationPending, "ErrInvitationExpired": invitation.ErrInvitationExpired,
	"ErrInvitationRevoked": invitation.ErrInvitationRevoked, "ErrAlreadyActivated": invitation.ErrAlreadyActivated, "ErrNotActivated": invitation.ErrNotActivated,
	"ErrInvitationRedeemed": invitation.ErrInvitationRedeemed, "ErrInvitationNotFound": invitation.ErrInvitationNotFound,
}

// calls are the table's columns. UpdateEmail is that with another address and
// FOLLOW_UP_SEND_NOW; Redeem takes the mailed link if there is one.
var calls = map[string]func(*invitation.User, invitation.Target, time.Time) error{
	"Send": doing[invitation.ActionSend], "Renew": doing[invitation.ActionRenew], "Revoke": doing[invitation.ActionRevoke],
	"GenerateQR": doing[invitation.ActionGenerateQR], "ResetActivation": doing[invitation.ActionResetActivation],
	"Redeem": func(u *invitation.User, target invitation.Target, now time.Time) error {
		switch inv := u.Invitations[target]; {
		case inv == nil:
			return u.Redeem(someToken, now)
		case inv.Mailed.Open:
			return u.Redeem(tokenOf(inv, invitation.Mailed), now)
		default:
			return u.Redeem(tokenOf(inv, invitation.Shared), now)
		}
	},
	"UpdateEmail": func(u *invitation.User, target invitation.Target, now time.Time) error {
		return u.UpdateEmail(addressB, invitation.FollowUp{SendNow: true, Target: target}, now, validity)
	},
}

// TestStateTable goes through every cell, for both targets. The rows and columns
// of stateTable are those of domain.md turned.
func TestStateTable(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.Trim(stateTable, "\n"), "\n")
	heads := cells(lines[0])
	for _, line := range lines[1:] {
		row := cells(line)
		for column, want := range row[1:] {
			for _, target := range invitation.Targets() {
				checkCell(t, row[0], heads[column+1], target, want)
			}
		}
	}
}

func checkCell(t *testing.T, state, call string, target invitation.Target, want string) {
	t.Helper()
	u, now := inState(t, state, target)
	tried := u.Clone()
	err := calls[call](tried, target, now)
	if refusal := refusals[want]; refusal != nil || err != nil {
		if !errors.Is(err, refusal) || refusal == nil {
			t.Errorf("%s on %s for %s: %v, want %s", call, state, target, err, want)
		}
	} else if got := describe(u, tried, target, now); got != want {
		t.Errorf("%s on %s for %s: %q, want %q", call, state, target, got, want)
	}
}

// TestOrderOfRefusals: of several reasons the first is given, as domain.md orders
// them.
func TestOrderOfRefusals(t *testing.T) {
	t.Parallel()
	for action, do := range doing {
		u := person(t, "none", also(t, "redeemed"), tenanted, marked, deactivated)
		if err := do(u, invitation.TargetPortal, start); !errors.Is(err, invitation.ErrUserDeactivated) {
			t.Errorf("%s for a deactivated tenant to the portal: %v", action, err)
		}
		u = person(t, "none", also(t, "expired"), tenanted, unknown)
		if err := do(u, invitation.TargetPortal, start); !errors.Is(err, invitation.ErrTargetNotAllowed) {
			t.Errorf("%s for a tenant to the portal: %v", action, err)
		}
	}
	for state, want := range map[string][2]error{
		"none":     {invitation.ErrEmailRequired, invitation.ErrNotInvited},
		"mailed":   {invitation.ErrInvitationPending, invitation.ErrEmailRequired},
		"failed":   {invitation.ErrEmailRequired, invitation.ErrEmailRequired},
		"shared":   {invitation.ErrEmailRequired, invitation.ErrEmailRequired},
		"expired":  {invitation.ErrInvitationExpired, invitation.ErrEmailRequired},
		"revoked":  {invitation.ErrEmailRequired, invitation.ErrInvitationRevoked},
		"redeemed": {invitation.ErrAlreadyActivated, invitation.ErrAlreadyActivated},
	} {
		u, now := inState(t, state, invitation.TargetApp)
		unknown(u)
		for _, despite := range []bool{false, true} {
			if err := u.Clone().Send(invitation.TargetApp, despite, now, validity); !errors.Is(err, want[0]) {
				t.Errorf("Send on %s without an address: %v, want %v", state, err, want[0])
			}
			if err := u.Clone().Renew(invitation.TargetApp, despite, now, validity); !errors.Is(err, want[1]) {
				t.Errorf("Renew on %s without an address: %v, want %v", state, err, want[1])
			}
		}
	}
}

func cells(line string) []string {
	row := strings.Split(line, "|")
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	return row
}

// describe says what became of an invitation: its state, which of its channels
// moved on, whether its time starts anew, whether a mail was queued and whether
// one that was still queued is stopped.
func describe(before, after *invitation.User, target invitation.Target, now time.Time) string {
	was, is := before.Invitations[target], after.Invitations[target]
	if len(after.Events) == 0 && *was == *is {
		return "nothing"
	}
	words := []string{string(is.State(now))}
	say := func(word string, really bool) {
		if really {
			words = append(words, word)
		}
	}
	if was == nil {
		was = &invitation.Invitation{}
	}
	moved := func(c invitation.Channel) bool { return was.Channel(c).Generation != is.Channel(c).Generation }
	issued := is.IssuedAt != was.IssuedAt
	say("both new", issued && moved(invitation.Mailed) && moved(invitation.Shared))
	say("mailed new", !issued && was.Mailed.Open && moved(invitation.Mailed))
	say("shared new", !issued && was.Shared.Open && moved(invitation.Shared))
	say("14 days", !is.ExpiresAt.Equal(was.ExpiresAt) && is.ExpiresAt.Equal(now.Add(validity)))
	say("mail", is.DeliveryID != was.DeliveryID && after.LatestDelivery(is).State == invitation.Queued)
	if old := before.LatestDelivery(was); old != nil {
		say("stopped", old.State == invitation.Queued && after.Delivery(old.ID).State == invitation.Cancelled)
	}
	return strings.Join(words, " ")
}
