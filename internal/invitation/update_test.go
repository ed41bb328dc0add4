package invitation_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestUpdate: what the portal corrects of a person, and what that costs them.
func TestUpdate(t *testing.T) {
	t.Parallel()
	name, locale, empty, tenant, employee := "Erika Muster", invitation.Locale("de-AT"), invitation.Locale(""), invitation.Tenant, invitation.Employee
	const changed = "USER_CHANGED"
	for title, c := range map[string]struct {
		user   *invitation.User
		change invitation.UserChange
		err    error
		told   string
	}{
		"nothing":                       {person(t, "mailed"), invitation.UserChange{}, nil, ""},
		"name":                          {person(t, "mailed"), invitation.UserChange{DisplayName: &name}, nil, changed},
		"locale":                        {person(t, "mailed"), invitation.UserChange{Locale: &locale}, nil, changed},
		"the same locale":               {person(t, "mailed"), invitation.UserChange{Locale: &empty}, nil, ""},
		"the same type":                 {person(t, "none", also(t, "mailed")), invitation.UserChange{Type: &employee}, nil, ""},
		"deactivated":                   {person(t, "mailed", deactivated), invitation.UserChange{DisplayName: &name}, invitation.ErrUserDeactivated, ""},
		"deactivated, nothing":          {person(t, "mailed", deactivated), invitation.UserChange{}, invitation.ErrUserDeactivated, ""},
		"type, never invited":           {person(t, "none"), invitation.UserChange{Type: &tenant}, nil, changed},
		"type, invited to the app":      {person(t, "mailed"), invitation.UserChange{Type: &tenant}, nil, changed},
		"type, redeemed the app":        {person(t, "redeemed"), invitation.UserChange{Type: &tenant}, nil, changed},
		"type, invited to the portal":   {person(t, "none", also(t, "shared")), invitation.UserChange{Type: &tenant}, nil, changed + " INVITATION_REVOKED"},
		"type, mail is queued":          {person(t, "none", also(t, "mailed")), invitation.UserChange{Type: &tenant}, nil, changed + " DELIVERY_CHANGED INVITATION_REVOKED"},
		"type, portal expired":          {person(t, "none", also(t, "shared"), expire), invitation.UserChange{Type: &tenant}, nil, changed + " INVITATION_REVOKED"},
		"type, portal revoked":          {person(t, "none", also(t, "revoked")), invitation.UserChange{Type: &tenant}, nil, changed},
		"type, redeemed the portal":     {person(t, "none", also(t, "redeemed")), invitation.UserChange{Type: &tenant, DisplayName: &name}, invitation.ErrAlreadyActivated, ""},
		"name, redeemed the portal":     {person(t, "none", also(t, "redeemed")), invitation.UserChange{DisplayName: &name}, nil, changed},
		"back to employee":              {person(t, "mailed", tenanted), invitation.UserChange{Type: &employee}, nil, changed},
		"back, portal revoked meantime": {person(t, "none", also(t, "revoked"), tenanted), invitation.UserChange{Type: &employee}, nil, changed},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if err := c.user.Update(c.change, start.Add(time.Hour)); !errors.Is(err, c.err) {
				t.Fatalf("answers %v, want %v", err, c.err)
			}
			if got := told(c.user); got != c.told {
				t.Errorf("the trail tells %q, want %q", got, c.told)
			}
			if c.err != nil {
				return
			}
			if c.change.DisplayName != nil && c.user.DisplayName != name || c.change.Locale != nil && c.user.Locale != *c.change.Locale ||
				c.change.Type != nil && c.user.Type != *c.change.Type {
				t.Errorf("saved is %s", snapshot(c.user))
			}
		})
	}
}

// TestNoEmployeeAnyMore: the portal's link is dead and can't come back, and what
// had expired before says so.
func TestNoEmployeeAnyMore(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		user *invitation.User
		end  error
	}{
		"pending": {person(t, "none", also(t, "shared")), invitation.ErrInvitationRevoked},
		"expired": {person(t, "none", also(t, "shared"), expire), invitation.ErrInvitationExpired},
	} {
		link := tokenOf(c.user.Invitations[invitation.TargetPortal], invitation.Shared)
		must(t, retype(c.user, invitation.Owner))
		if _, err := c.user.Check(link, start); !errors.Is(err, c.end) {
			t.Errorf("%s: the link answers %v, want %v", title, err, c.end)
		}
		for action, do := range doing {
			if err := do(c.user.Clone(), invitation.TargetPortal, start); !errors.Is(err, invitation.ErrTargetNotAllowed) {
				t.Errorf("%s: %s answers %v", title, action, err)
			}
		}
		must(t, retype(c.user, invitation.Employee))
		must(t, c.user.Send(invitation.TargetPortal, false, start, validity))
	}
}

// TestLanguage: one's own, else the organization's, else German.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ own, organization, want invitation.Locale }{
		{"", "", "de"}, {"", "tr", "tr"}, {"de-AT", "tr", "de-AT"}, {"en", "", "en"},
	} {
		u := &invitation.User{Locale: c.own, Organization: invitation.Organization{DefaultLocale: c.organization}}
		if got := u.Language(); got != c.want {
			t.Errorf("%q in an organization of %q reads %q, want %q", c.own, c.organization, got, c.want)
		}
	}
}

// TestOrganization: each detail is saved by itself, and only what is new is told.
func TestOrganization(t *testing.T) {
	t.Parallel()
	name, contact, locale, imprint, none := "Demo GmbH", "Tel. 030 1", invitation.Locale("en"), []string{"HRB 1", "Berlin"}, []string{}
	full := invitation.OrganizationDetails{Name: &name, ReplyTo: &addressA, Contact: &contact, Imprint: &imprint, DefaultLocale: &locale}
	for title, d := range map[string]invitation.OrganizationDetails{
		"name": {Name: &name}, "reply-to": {ReplyTo: &addressA}, "contact": {Contact: &contact}, "imprint": {Imprint: &imprint},
		"language": {DefaultLocale: &locale}, "all": full,
	} {
		o := invitation.Organization{ID: "org"}
		for range 2 {
			o.Update(d, start)
		}
		if len(o.Events) != 1 || o.Events[0].Type != invitation.OrganizationChanged || !o.UpdatedAt.Equal(start) {
			t.Errorf("%s, saved twice: %v at %s", title, o.Events, o.UpdatedAt)
		}
	}
	o := invitation.Organization{ID: "org"}
	o.Update(full, start)
	o.Update(invitation.OrganizationDetails{}, start.Add(1))
	if o.Name != name || o.ReplyTo != addressA || o.Contact != contact || !slices.Equal(o.Imprint, imprint) || o.DefaultLocale != locale || !o.UpdatedAt.Equal(start) {
		t.Errorf("saved is %+v", o)
	}
	imprint[0] = "changed by the caller"
	if o.Imprint[0] != "HRB 1" {
		t.Error("the organization shares its imprint with the caller")
	}
	o.Update(invitation.OrganizationDetails{Imprint: &none}, start.Add(1))
	o.Update(invitation.OrganizationDetails{Imprint: &none}, start.Add(2))
	if len(o.Events) != 2 || len(o.Imprint) != 0 || !o.UpdatedAt.Equal(start.Add(1)) {
		t.Errorf("an imprint taken away: %+v", o)
	}
}
