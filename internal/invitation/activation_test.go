package invitation_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// also brings the portal's invitation into a state, beside the app's.
func also(t testing.TB, state string) func(*invitation.User) {
	return func(u *invitation.User) {
		t.Helper()
		second, _ := inState(t, state, invitation.TargetPortal)
		u.Invitations[invitation.TargetPortal] = second.Invitations[invitation.TargetPortal]
		u.Deliveries = append(u.Deliveries, second.Deliveries...)
	}
}

// expire lets the time of the portal's invitation pass.
func expire(u *invitation.User) { u.Invitations[invitation.TargetPortal].ExpiresAt = start }

// TestResetActivation: what else a reset undoes hangs on what is left to prove
// the address.
func TestResetActivation(t *testing.T) {
	t.Parallel()
	const (
		reset       = "ACTIVATION_RESET"
		unconfirmed = reset + " EMAIL_UNCONFIRMED"
		stopped     = " DELIVERY_CHANGED MAILED_LINK_KILLED"
		revoked     = " INVITATION_REVOKED"
	)
	byQR := func(u *invitation.User) { u.EmailConfirmedAt = time.Time{} }
	for name, c := range map[string]struct {
		user      *invitation.User
		err       error
		told      string
		confirmed bool
		portal    invitation.State
	}{
		"deactivated first":           {user: person(t, "redeemed", deactivated), err: invitation.ErrUserDeactivated},
		"nothing else":                {user: person(t, "redeemed"), told: unconfirmed},
		"redeemed by a QR code":       {user: person(t, "redeemed", byQR), told: reset},
		"a QR code, and other mail":   {user: person(t, "redeemed", byQR, also(t, "mailed")), told: reset, portal: invitation.Pending},
		"other target redeemed":       {user: person(t, "redeemed", also(t, "redeemed")), told: reset, confirmed: true, portal: invitation.Redeemed},
		"other target mailed":         {user: person(t, "redeemed", also(t, "mailed")), told: unconfirmed + stopped + revoked, portal: invitation.Revoked},
		"other target mailed, shared": {user: person(t, "redeemed", also(t, "mailed, shared too")), told: unconfirmed + stopped, portal: invitation.Pending},
		"other target shared":         {user: person(t, "redeemed", also(t, "shared")), told: unconfirmed, portal: invitation.Pending},
		"other target revoked":        {user: person(t, "redeemed", also(t, "revoked")), told: unconfirmed, portal: invitation.Revoked},
		"other target expired":        {user: person(t, "redeemed", also(t, "mailed"), expire), told: unconfirmed + stopped + revoked, portal: invitation.Revoked},
		"marked":                      {user: person(t, "redeemed", marked), told: unconfirmed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, now := c.user, start.Add(time.Hour)
			link := tokenOf(u.Invitations[invitation.TargetApp], invitation.Mailed)
			cause := u.Undeliverable
			if err := u.ResetActivation(invitation.TargetApp, now); !errors.Is(err, c.err) {
				t.Fatalf("answers %v, want %v", err, c.err)
			}
			if c.err != nil {
				return
			}
			if got := told(u); got != c.told || u.EmailConfirmedAt.IsZero() == c.confirmed || u.Email != addressA || u.Undeliverable != cause {
				t.Errorf("the trail tells %q, want %q, and the address is confirmed: %s, marked: %q", got, c.told, u.EmailConfirmedAt, u.Undeliverable)
			}
			inv := u.Invitations[invitation.TargetApp]
			if inv.Stored != invitation.Revoked || !inv.RedeemedAt.IsZero() || !inv.RevokedAt.Equal(now) || inv.RevokedFor != invitation.EndRevoked {
				t.Errorf("the invitation is %+v", inv)
			}
			if got := u.Invitations[invitation.TargetPortal].State(start.Add(-1)); got != c.portal {
				t.Errorf("the other target is %s, want %s", got, c.portal)
			}
			if _, err := u.Check(link, now); !errors.Is(err, invitation.ErrInvitationRevoked) {
				t.Errorf("the link that was redeemed answers %v", err)
			}
			if err := u.RedeemedBy(link, now); !errors.Is(err, invitation.ErrInvitationRevoked) {
				t.Errorf("the redemption, asked for again, answers %v", err)
			}
		})
	}
}

// TestAfterReset: whoever comes next starts from the beginning, and the address
// may be put right.
func TestAfterReset(t *testing.T) {
	t.Parallel()
	u := person(t, "redeemed")
	old := tokenOf(u.Invitations[invitation.TargetApp], invitation.Mailed)
	must(t, u.ResetActivation(invitation.TargetApp, start))
	must(t, u.UpdateEmail(addressB, app, start, validity))
	inv := u.Invitations[invitation.TargetApp]
	must(t, u.Redeem(tokenOf(inv, invitation.Mailed), start))
	if err := u.RedeemedBy(old, start); !errors.Is(err, invitation.ErrInvitationRevoked) {
		t.Errorf("the first redemption counts as the second: %v", err)
	}
	must(t, u.RedeemedBy(tokenOf(inv, invitation.Mailed), start))
	must(t, u.ResetActivation(invitation.TargetApp, start))
	if u.AccountStatus(start) != invitation.Offline {
		t.Errorf("after the second reset the user is %s", u.AccountStatus(start))
	}
}

// TestDeactivate: everything that waits is revoked, and what had expired says so.
func TestDeactivate(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]struct {
		stored invitation.State
		end    invitation.End
	}{
		"mailed": {invitation.Revoked, invitation.EndDeactivated}, "shared": {invitation.Revoked, invitation.EndDeactivated},
		"expired": {invitation.Revoked, invitation.EndExpired}, "expired, only shared": {invitation.Revoked, invitation.EndExpired},
		"revoked": {invitation.Revoked, invitation.EndRevoked}, "redeemed": {invitation.Redeemed, ""},
	} {
		u, now := inState(t, state, invitation.TargetApp)
		u.Deactivate(now)
		first := told(u)
		u.Deactivate(now.Add(1))
		if inv := u.Invitations[invitation.TargetApp]; inv.State(now) != want.stored || inv.RevokedFor != want.end || !u.DeactivatedAt.Equal(now) || told(u) != first {
			t.Errorf("%s: %+v", state, inv)
		}
		for _, inv := range u.Invitations {
			if d := u.LatestDelivery(inv); d != nil && d.State == invitation.Queued && state != "revoked" {
				t.Errorf("%s: a mail is still queued", state)
			}
		}
	}
}

// TestReactivate: the person is back as they were, with nothing pending.
func TestReactivate(t *testing.T) {
	t.Parallel()
	u := person(t, "redeemed", also(t, "mailed"), marked, deactivated)
	confirmedAt := u.EmailConfirmedAt
	must(t, u.Reactivate(false, start))
	if told(u) != "USER_REACTIVATED" || u.Email != addressA || !u.EmailConfirmedAt.Equal(confirmedAt) || u.Undeliverable != invitation.CauseBounced ||
		u.AccountStatus(start) != invitation.Online || u.Invitations[invitation.TargetPortal].State(start) != invitation.Revoked || !u.DeactivatedAt.IsZero() {
		t.Errorf("%q, and the user is %s", told(u), snapshot(u))
	}

	u = person(t, "redeemed", marked, deactivated)
	must(t, u.Reactivate(true, start))
	if told(u) != "USER_REACTIVATED EMAIL_CHANGED" || u.Email.Known() || !u.EmailConfirmedAt.IsZero() || u.Undeliverable != "" {
		t.Errorf("without the address: %q, and the user is %s", told(u), snapshot(u))
	}
	u = person(t, "none", unknown, deactivated)
	if must(t, u.Reactivate(true, start)); told(u) != "USER_REACTIVATED" {
		t.Errorf("without an address that there was not: %q", told(u))
	}
	u = person(t, "mailed")
	if must(t, u.Reactivate(true, start)); told(u) != "" || u.Email != addressA {
		t.Errorf("an active user: %q, %s", told(u), snapshot(u))
	}
	u = person(t, "mailed", func(u *invitation.User) { u.Erase(start) })
	if err := u.Reactivate(false, start); !errors.Is(err, invitation.ErrUserNotFound) {
		t.Errorf("an erased user: %v", err)
	}
}

// TestDeadAfterReactivation: links of before stay dead.
func TestDeadAfterReactivation(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]error{
		"mailed": invitation.ErrUserDeactivated, "expired": invitation.ErrInvitationExpired, "revoked": invitation.ErrInvitationRevoked,
		"redeemed": invitation.ErrInvitationRedeemed,
	} {
		u, now := inState(t, state, invitation.TargetApp)
		link := tokenOf(u.Invitations[invitation.TargetApp], invitation.Mailed)
		u.Deactivate(now)
		if _, err := u.Check(link, now); !errors.Is(err, invitation.ErrUserDeactivated) {
			t.Errorf("%s and deactivated: %v", state, err)
		}
		if err := u.RedeemedBy(link, now); !errors.Is(err, invitation.ErrUserDeactivated) {
			t.Errorf("%s, deactivated, and asked for again: %v", state, err)
		}
		must(t, u.Reactivate(false, now))
		if _, err := u.Check(link, now); !errors.Is(err, want) {
			t.Errorf("%s, deactivated and back: %v, want %v", state, err, want)
		}
	}
}
