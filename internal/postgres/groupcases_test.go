package postgres_test

import (
	"errors"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestGroupCases are the groups whose members get in each other's way most.
func TestGroupCases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken := emailOf(person(t, w.store))
	for name, c := range map[string]struct {
		prepare func(one, two string)
		changes func(one, two string) []invitation.Change
		want    []error
	}{
		"an address that is taken, and then another": {
			changes: func(one, _ string) []invitation.Change {
				return []invitation.Change{updateEmail(one, taken, true), updateEmail(one, email(one+"@free.example"), true)}
			},
			want: []error{invitation.ErrEmailInUse, nil},
		},
		"an address that is taken, by a new user who is then gone": {
			changes: func(one, _ string) []invitation.Change {
				return []invitation.Change{create(one+"-new", taken), deactivate(one + "-new")}
			},
			want: []error{invitation.ErrEmailInUse, invitation.ErrUserNotFound},
		},
		"an address that is taken, and a mail to it": {
			changes: func(one, _ string) []invitation.Change {
				return []invitation.Change{updateEmail(one, taken, false), send(one)}
			},
			want: []error{invitation.ErrEmailInUse, nil},
		},
		"a new address, and a mail to it": {
			changes: func(one, _ string) []invitation.Change {
				return []invitation.Change{updateEmail(one, email(one+"@new.example"), false), send(one)}
			},
			want: []error{nil, nil},
		},
		"one address for two": {
			changes: func(one, two string) []invitation.Change {
				wanted := email(one + "@wanted.example")
				return []invitation.Change{updateEmail(one, wanted, true), updateEmail(two, wanted, true)}
			},
			want: []error{nil, invitation.ErrEmailInUse},
		},
		"an address that is freed and taken": {
			changes: func(one, two string) []invitation.Change {
				return []invitation.Change{deactivate(one), updateEmail(two, emailOf(one), true)}
			},
			want: []error{nil, nil},
		},
		"two who swap": {
			changes: func(one, two string) []invitation.Change {
				return []invitation.Change{updateEmail(one, email(one+"@free.example"), false), updateEmail(two, emailOf(one), false), updateEmail(one, emailOf(two), false)}
			},
			want: []error{nil, nil, nil},
		},
		"a new user, and a mail": {
			changes: func(one, _ string) []invitation.Change {
				return []invitation.Change{create(one+"-new", email(one+"@new.example")), send(one + "-new"), send(one + "-new")}
			},
			want: []error{nil, nil, invitation.ErrInvitationPending},
		},
		"two redemptions": {
			prepare: func(one, _ string) { do(t, w.store, share(one)) },
			changes: func(one, _ string) []invitation.Change {
				link := token(read(t, w.store, one), invitation.Shared)
				return []invitation.Change{redeem(link), redeem(link), revoke(one)}
			},
			want: []error{nil, invitation.ErrInvitationRedeemed, invitation.ErrAlreadyActivated},
		},
		"one request three times, and another with its id": {
			changes: func(one, two string) []invitation.Change {
				request := newRequest()
				first := identified(send(one), request)
				return []invitation.Change{first, first, identified(send(two), request), first}
			},
			want: []error{nil, nil, invitation.ErrRequestIDReused, nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := person(t, w.store), person(t, w.store)
			if c.prepare != nil {
				c.prepare(one, two)
			}
			for i, err := range together(w.store, c.changes(one, two)...) {
				if !errors.Is(err, c.want[i]) {
					t.Errorf("member %d: %v, want %v", i, err, c.want[i])
				}
			}
		})
	}
	w.checkAlways()
}
