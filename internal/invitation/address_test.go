package invitation_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// person is an employee to whom the app's invitation was mailed, changed as a
// case needs it.
func person(t testing.TB, state string, changes ...func(*invitation.User)) *invitation.User {
	t.Helper()
	u, _ := inState(t, state, invitation.TargetApp)
	for _, change := range changes {
		change(u)
	}
	return u.Clone()
}

func confirmed(u *invitation.User)   { u.EmailConfirmedAt = start.Add(-time.Hour) }
func marked(u *invitation.User)      { u.Undeliverable = invitation.CauseBounced }
func unknown(u *invitation.User)     { u.Email = invitation.Email{} }
func tenanted(u *invitation.User)    { u.Type = invitation.Tenant }
func deactivated(u *invitation.User) { u.Deactivate(start) }

var (
	later   = invitation.FollowUp{}
	app     = invitation.FollowUp{SendNow: true, Target: invitation.TargetApp}
	portal  = invitation.FollowUp{SendNow: true, Target: invitation.TargetPortal}
	despite = invitation.FollowUp{SendNow: true, Target: invitation.TargetApp, DespiteBounce: true}
)

// TestUpdateEmail: what is refused first, what an unchanged address does, and
// what the trail tells.
func TestUpdateEmail(t *testing.T) {
	t.Parallel()
	const (
		killed  = "MAILED_LINK_KILLED"
		stopped = "DELIVERY_CHANGED " + killed
		mailed  = "INVITATION_MAILED"
		issued  = "INVITATION_ISSUED"
		revoked = "INVITATION_REVOKED"
		changed = "EMAIL_CHANGED"
	)
	for name, c := range map[string]struct {
		user *invitation.User
		to   invitation.Email
		next invitation.FollowUp
		err  error
		told string
	}{
		"deactivated before all":       {person(t, "redeemed", confirmed, tenanted, deactivated), addressB, portal, invitation.ErrUserDeactivated, ""},
		"deactivated, the same, later": {person(t, "none", deactivated), addressA, later, invitation.ErrUserDeactivated, ""},
		"target before state":          {person(t, "none", confirmed, tenanted), addressB, portal, invitation.ErrTargetNotAllowed, ""},
		"state before address":         {person(t, "redeemed", confirmed), addressB, app, invitation.ErrAlreadyActivated, ""},
		"state before the same":        {person(t, "redeemed", confirmed), addressA, app, invitation.ErrAlreadyActivated, ""},
		"confirmed":                    {person(t, "none", confirmed), addressB, later, invitation.ErrEmailConfirmed, ""},
		"confirmed, mailing":           {person(t, "none", confirmed), addressB, app, invitation.ErrEmailConfirmed, ""},
		"confirmed, despite a bounce":  {person(t, "mailed", confirmed, marked), addressB, despite, invitation.ErrEmailConfirmed, ""},
		"confirmed and redeemed":       {person(t, "redeemed"), addressB, later, invitation.ErrEmailConfirmed, ""},

		"the same, later":                      {person(t, "mailed"), respelledA, later, nil, ""},
		"the same, marked, later":              {person(t, "mailed", marked), respelledA, later, nil, ""},
		"the same, confirmed, later":           {person(t, "mailed", confirmed), respelledA, later, nil, ""},
		"the same, redeemed, later":            {person(t, "redeemed"), respelledA, later, nil, ""},
		"the same, marked":                     {person(t, "mailed", marked), addressA, app, invitation.ErrEmailUndeliverable, ""},
		"the same, marked, respelled":          {person(t, "mailed", marked), respelledA, app, invitation.ErrEmailUndeliverable, ""},
		"the same, marked, despite":            {person(t, "mailed", marked), addressA, despite, nil, "EMAIL_DELIVERABLE " + stopped + " " + mailed},
		"the same, confirmed, marked":          {person(t, "none", confirmed, marked), addressA, app, invitation.ErrEmailUndeliverable, ""},
		"the same, confirmed, marked, despite": {person(t, "none", confirmed, marked), respelledA, despite, nil, "EMAIL_DELIVERABLE " + issued},
		"the same, despite what is not marked": {person(t, "none"), addressA, despite, nil, issued},
		"the same, pending":                    {person(t, "mailed"), addressA, app, nil, stopped + " " + mailed},
		"the same, respelled":                  {person(t, "shared"), respelledA, app, nil, changed + " " + mailed},
		"the same, confirmed, respelled":       {person(t, "shared", confirmed), respelledA, app, nil, mailed},

		"first":                    {person(t, "none", unknown), addressB, later, nil, changed},
		"first, mailing":           {person(t, "none", unknown), addressB, app, nil, changed + " " + issued},
		"other":                    {person(t, "mailed"), addressB, later, nil, changed + " " + stopped + " " + revoked},
		"other, marked":            {person(t, "failed", marked), addressB, later, nil, changed + " " + killed + " " + revoked},
		"other, shared too":        {person(t, "mailed, shared too"), addressB, later, nil, changed + " " + stopped},
		"other, only shared":       {person(t, "shared"), addressB, later, nil, changed},
		"other, mailing":           {person(t, "mailed"), addressB, app, nil, changed + " " + stopped + " " + mailed},
		"other, mailing portal":    {person(t, "mailed"), addressB, portal, nil, changed + " " + stopped + " " + revoked + " " + issued},
		"other, mailing a shared":  {person(t, "shared"), addressB, app, nil, changed + " " + mailed},
		"other, marked, mailing":   {person(t, "none", marked), addressB, app, nil, changed + " " + issued},
		"other, revoked, mailing":  {person(t, "revoked"), addressB, app, nil, changed + " " + issued},
		"other, redeemed by a QR":  {person(t, "redeemed", func(u *invitation.User) { u.EmailConfirmedAt = time.Time{} }), addressB, later, nil, changed},
		"other, redeemed, mailing": {person(t, "redeemed", func(u *invitation.User) { u.EmailConfirmedAt = time.Time{} }), addressB, app, invitation.ErrAlreadyActivated, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, markedBefore := c.user.Clone(), c.user.Undeliverable
			err := c.user.UpdateEmail(c.to, c.next, start.Add(time.Hour), validity)
			if !errors.Is(err, c.err) {
				t.Fatalf("answers %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if got := told(c.user); got != c.told {
				t.Errorf("the trail tells %q, want %q", got, c.told)
			}
			if c.told == "" && (c.user.Email != before.Email || c.user.Undeliverable != markedBefore) {
				t.Error("nothing is told and something changed")
			}
			if c.user.EmailConfirmedAt != before.EmailConfirmedAt {
				t.Error("the portal made an address confirmed or unconfirmed")
			}
		})
	}
}
