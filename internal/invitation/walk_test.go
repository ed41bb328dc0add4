package invitation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestWalk goes to every state that rules can lead to, with the shortest way
// first, and holds the dropdown against the rules in each, in both directions.
// States count as one if they differ in nothing that a rule looks at.
func TestWalk(t *testing.T) {
	t.Parallel()
	type way struct {
		user  *invitation.User
		steps string
	}
	var queue []way
	seen := map[string]bool{}
	visit := func(u *invitation.User, steps string) {
		if key := abstract(u); !seen[key] {
			seen[key] = true
			queue = append(queue, way{u, steps})
		}
	}
	for _, email := range []invitation.Email{{}, addressA} {
		u := &invitation.User{ID: "user"}
		u.Create(invitation.Employee, "Erika", "", email, start)
		visit(u.Clone(), "created")
	}
	for ; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		for _, target := range invitation.Targets() {
			if problem := dishonest(from.user, target, start); problem != "" {
				t.Fatalf("after %s: %s", from.steps, problem)
			}
		}
		for name, step := range steps(from.user) {
			u := from.user.Clone()
			if step(u) == nil {
				forget(u)
				visit(u, from.steps+", "+name)
			}
		}
	}
	if len(seen) < 1000 {
		t.Errorf("the walk came to %d states only", len(seen))
	}
	t.Logf("%d states", len(seen))
}

// steps are all that may happen to a user. Time passes by moving expiries to the
// present, so that each invitation may expire before or after the other.
func steps(u *invitation.User) map[string]func(*invitation.User) error {
	type rule = func(*invitation.User) error
	all := map[string]rule{
		"ConfirmEmail(A)": func(u *invitation.User) error { return u.ConfirmEmail(addressA, start) },
		"ConfirmEmail(B)": func(u *invitation.User) error { return u.ConfirmEmail(addressB, start) },
		"UpdateEmail(A)": func(u *invitation.User) error {
			return u.UpdateEmail(addressA, invitation.FollowUp{}, start, validity)
		},
		"UpdateEmail(B)": func(u *invitation.User) error {
			return u.UpdateEmail(addressB, invitation.FollowUp{}, start, validity)
		},
		"Yield":                 func(u *invitation.User) error { return u.Yield(start) },
		"Deactivate":            func(u *invitation.User) error { u.Deactivate(start); return nil },
		"Erase":                 func(u *invitation.User) error { u.Erase(start); return nil },
		"Reactivate":            func(u *invitation.User) error { return u.Reactivate(false, start) },
		"Reactivate without":    func(u *invitation.User) error { return u.Reactivate(true, start) },
		"Update to a tenant":    func(u *invitation.User) error { return retype(u, invitation.Tenant) },
		"Update to an employee": func(u *invitation.User) error { return retype(u, invitation.Employee) },
	}
	for _, target := range invitation.Targets() {
		for action, do := range doing {
			all[fmt.Sprint(action, " ", target)] = func(u *invitation.User) error { return do(u, target, start) }
		}
		all[fmt.Sprint("Send despite bounce ", target)] = func(u *invitation.User) error { return u.Send(target, true, start, validity) }
		all[fmt.Sprint("UpdateEmail(B) and send ", target)] = func(u *invitation.User) error {
			return u.UpdateEmail(addressB, invitation.FollowUp{SendNow: true, Target: target}, start, validity)
		}
		inv := u.Invitations[target]
		if inv == nil {
			continue
		}
		all[fmt.Sprint("expiry of ", target)] = func(u *invitation.User) error { u.Invitations[target].ExpiresAt = start; return nil }
		for _, channel := range invitation.Channels() {
			all[fmt.Sprint("Redeem ", target, " ", channel)] = func(u *invitation.User) error { return u.Redeem(tokenOf(inv, channel), start) }
		}
		for _, to := range []invitation.DeliveryState{invitation.Failed, invitation.Dropped, invitation.Delivered} {
			all[fmt.Sprint(to, " ", target)] = func(u *invitation.User) error { return report(u, inv, invitation.Report{State: to}) }
		}
		all[fmt.Sprint("bounce of ", target)] = func(u *invitation.User) error {
			return report(u, inv, invitation.Report{State: invitation.Bounced, ForGood: true})
		}
		all[fmt.Sprint("unsubscription from ", target)] = func(u *invitation.User) error {
			return report(u, inv, invitation.Report{State: invitation.Dropped, DropCause: invitation.DropUnsubscribed})
		}
	}
	return all
}

func retype(u *invitation.User, kind invitation.UserType) error {
	return u.Update(invitation.UserChange{Type: &kind}, start)
}

func report(u *invitation.User, inv *invitation.Invitation, r invitation.Report) error {
	if r.State == invitation.Failed {
		u.Unsent(inv.DeliveryID, true, "", start)
		return nil
	}
	r.DeliveryID = inv.DeliveryID
	return u.Apply(r, start)
}

// forget drops the mails that a store would not load.
func forget(u *invitation.User) {
	var latest []*invitation.Delivery
	for _, inv := range u.Invitations {
		if d := u.LatestDelivery(inv); d != nil {
			latest = append(latest, d)
		}
	}
	u.Deliveries = latest
}

// abstract names what the rules look at. Of a mail that is whether it is still
// queued, and whether it never went out.
func abstract(u *invitation.User) string {
	var b strings.Builder
	fmt.Fprint(&b, u.Type, u.Email.Known(), u.EmailConfirmedAt.IsZero(), u.Undeliverable, u.DeactivatedAt.IsZero(), u.ErasedAt.IsZero())
	for _, inv := range u.Invitations {
		fmt.Fprint(&b, " ", inv.State(start))
		if inv == nil || inv.Stored == invitation.Revoked {
			continue
		}
		fmt.Fprint(&b, inv.Mailed.Open, inv.Shared.Open)
		if d := u.LatestDelivery(inv); d != nil && inv.Mailed.Open {
			fmt.Fprint(&b, d.State == invitation.Queued, d.State == invitation.Failed || d.State == invitation.Dropped)
		}
	}
	return b.String()
}
