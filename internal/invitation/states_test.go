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
                     | Send                          | Renew                                 | Revoke          | GenerateQR                       | ResetActivation
none                 | PENDING both new 14 days mail | ErrNotInvited                         | ErrNotInvited   | PENDING both new 14 days         | ErrNotInvited
mailed               | ErrInvitationPending          | PENDING both new 14 days mail stopped | REVOKED stopped | PENDING                          | ErrNotActivated
mailed, shared too   | ErrInvitationPending          | PENDING both new 14 days mail stopped | REVOKED stopped | PENDING                          | ErrNotActivated
failed               | PENDING 14 days mail          | PENDING both new 14 days mail         | REVOKED         | PENDING                          | ErrNotActivated
dropped              | PENDING 14 days mail          | PENDING both new 14 days mail         | REVOKED         | PENDING                          | ErrNotActivated
shared               | PENDING 14 days mail          | PENDING both new 14 days mail         | REVOKED         | PENDING                          | ErrNotActivated
expired              | ErrInvitationExpired          | PENDING both new 14 days mail stopped | REVOKED stopped | PENDING both new 14 days stopped | ErrNotActivated
expired, only shared | ErrInvitationExpired          | PENDING both new 14 days mail         | REVOKED         | PENDING both new 14 days         | ErrNotActivated
expired, failed      | ErrInvitationExpired          | PENDING both new 14 days mail         | REVOKED         | PENDING both new 14 days         | ErrNotActivated
revoked              | PENDING both new 14 days mail | ErrInvitationRevoked                  | nothing         | PENDING both new 14 days         | ErrNotActivated
redeemed             | ErrAlreadyActivated           | ErrAlreadyActivated                   | ErrAlreadyActivated | ErrAlreadyActivated          | REVOKED
`

var refusals = map[string]error{
	"ErrNotInvited": invitation.ErrNotInvited, "ErrInvitationPending": invitation.ErrInvitationPending, "ErrInvitationExpired": invitation.ErrInvitationExpired,
	"ErrInvitationRevoked": invitation.ErrInvitationRevoked, "ErrAlreadyActivated": invitation.ErrAlreadyActivated, "ErrNotActivated": invitation.ErrNotActivated,
}

// TestStateTable goes through every cell, for both targets. The rows and columns
// of stateTable are those of domain.md turned.
func TestStateTable(t *testing.T) {
	t.Parallel()
	names := map[string]invitation.Action{
		"Send": invitation.ActionSend, "Renew": invitation.ActionRenew, "Revoke": invitation.ActionRevoke,
		"GenerateQR": invitation.ActionGenerateQR, "ResetActivation": invitation.ActionResetActivation,
	}
	lines := strings.Split(strings.Trim(stateTable, "\n"), "\n")
	heads := cells(lines[0])
	for _, line := range lines[1:] {
		row := cells(line)
		for column, want := range row[1:] {
			for _, target := range invitation.Targets() {
				u, now := inState(t, row[0], target)
				tried := u.Clone()
				err := doing[names[heads[column+1]]](tried, target, now)
				if refusal := refusals[want]; refusal != nil || err != nil {
					if !errors.Is(err, refusal) || refusal == nil {
						t.Errorf("%s on %s for %s: %v, want %s", heads[column+1], row[0], target, err, want)
					}
				} else if got := describe(u, tried, target, now); got != want {
					t.Errorf("%s on %s for %s: %q, want %q", heads[column+1], row[0], target, got, want)
				}
			}
		}
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
