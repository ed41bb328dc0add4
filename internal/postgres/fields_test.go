package postgres_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// The fields of these types that are in no column of their own, and why.
var elsewhere = map[string]string{
	"User.Organization":   "is the organization's row",
	"User.Invitations":    "are rows of their own",
	"User.Deliveries":     "are rows of their own",
	"User.Events":         "are rows of their own",
	"Organization.Events": "are rows of their own",
	"Request.Part":        "is in the key of a request",
}

// wordsOf has values that only some columns take: the CHECKs say so.
var wordsOf = map[string][]any{
	"User.Type":              {invitation.Employee, invitation.Owner},
	"User.Undeliverable":     {invitation.CauseBounced, invitation.CauseUnsubscribed},
	"Invitation.Target":      {invitation.TargetPortal},
	"Invitation.Stored":      {invitation.Revoked},
	"Invitation.RevokedFor":  {invitation.EndChanged, invitation.EndExpired},
	"Invitation.RedeemedAt":  {time.Time{}},
	"Invitation.IssuedAt":    {time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)},
	"Delivery.State":         {invitation.Deferred, invitation.Delivered},
	"Delivery.DropCause":     {invitation.DropOverQuota, invitation.DropOther},
	"Event.Type":             {invitation.UserChanged},
	"Event.Target":           {invitation.TargetPortal},
	"Event.Channel":          {invitation.Shared},
	"Event.DeliveryState":    {invitation.Bounced},
	"User.DeactivatedAt":     {time.Time{}, time.Date(2026, 5, 2, 3, 4, 5, 6000, time.UTC)},
	"User.ErasedAt":          {time.Time{}},
	"Invitation.DeliveryID":  {uuid.Nil},
	"Delivery.InvitationID":  {uuid.Nil},
	"Event.Sequence":         {int64(0)},
	"Event.OrganizationID":   {""},
	"Event.UserID":           {""},
	"Event.At":               {time.Time{}},
	"Request.Fingerprint":    {[]byte(nil)},
	"User.ID":                {""},
	"User.OrganizationID":    {""},
	"Invitation.ID":          {uuid.Nil},
	"Delivery.ID":            {uuid.Nil},
	"Delivery.Generation":    {11, 11},
	"Invitation.ExpiryNoted": {true, false},
}

// fill gives every field of a struct a value that is not its zero value: the
// first one, or with again another one. A zero value in wordsOf leaves a field to
// the caller.
func fill(t *testing.T, v reflect.Value, again bool) {
	t.Helper()
	for i := range v.NumField() {
		name := v.Type().Name() + "." + v.Type().Field(i).Name
		words, special := wordsOf[name]
		switch n := 1; {
		case elsewhere[name] != "":
		case special:
			if again {
				n = len(words)
			}
			if word := reflect.ValueOf(words[n-1]); !word.IsZero() || len(words) > 1 {
				v.Field(i).Set(word.Convert(v.Field(i).Type()))
			}
		default:
			fillField(t, name, v.Field(i), i, again)
		}
	}
}

func fillField(t *testing.T, name string, v reflect.Value, n int, again bool) {
	t.Helper()
	text := fmt.Sprintf("%s %v", name, again)
	switch v.Interface().(type) {
	case time.Time:
		at := time.Date(2026, 3, 4, 5, 6, n, 7000, time.UTC)
		if again {
			at = at.AddDate(1, 0, 0)
		}
		v.Set(reflect.ValueOf(at))
		return
	case uuid.UUID:
		v.Set(reflect.ValueOf(uuid.NewSHA1(uuid.NameSpaceOID, []byte(text))))
		return
	case invitation.Email:
		v.Set(reflect.ValueOf(email(fmt.Sprintf("%s.%v@Fields.example", name, again))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(!again)
	case reflect.Int:
		v.SetInt(int64(n + 1))
		if again {
			v.SetInt(int64(n + 101))
		}
	case reflect.Slice:
		v.Set(reflect.ValueOf([]string{text, "and more"}))
	case reflect.Struct:
		fill(t, v, again)
	default:
		t.Fatalf("%s is new and of a type that this test can't fill: %s", name, v.Type())
	}
}

// same names the fields in which two structs differ.
func same(t *testing.T, place string, want, got any) {
	t.Helper()
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	for i := range w.NumField() {
		name := w.Type().Name() + "." + w.Type().Field(i).Name
		wanted, found := w.Field(i).Interface(), g.Field(i).Interface()
		at, isTime := wanted.(time.Time)
		switch {
		case elsewhere[name] != "":
		case isTime && at.Equal(found.(time.Time)), !isTime && reflect.DeepEqual(wanted, found):
		default:
			t.Errorf("%s is forgotten %s: %v, want %v", name, place, show(found), show(wanted))
		}
	}
}

func show(v any) any {
	if e, is := v.(invitation.Email); is {
		return e.Address()
	}
	return v
}

// once are the fields that are written with the row and never change.
var once = []string{
	"User.ID", "User.OrganizationID", "User.CreatedAt", "User.ErasedAt", "Invitation.ID", "Invitation.Target",
	"Delivery.ID", "Delivery.InvitationID", "Delivery.Generation", "Delivery.Reminder", "Delivery.DespiteBounce", "Delivery.To",
}

// tied are the fields that a CHECK ties to another one's value.
var tied = []string{"Invitation.Stored", "Invitation.RedeemedAt", "Invitation.DeliveryID"}

// TestEveryFieldIsKept: whatever a rule changes in a user, an invitation, a mail,
// an organization or an event is there for whoever reads it, through every way
// of reading. A new field joins by itself.
func TestEveryFieldIsKept(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	var organization invitation.Organization
	fill(t, reflect.ValueOf(&organization).Elem(), false)
	organization.ID, organization.Events = "org-fields", nil
	_, err := s.UpdateOrganization(t.Context(), invitation.OrganizationChange{
		ID: organization.ID, Rule: func(o *invitation.Organization, _ time.Time) error { *o = organization; return nil },
	})
	must(t, err)
	u := filledUser(t, s, organization.ID)
	for place, read := range readers(s, u) {
		got := read(t)
		same(t, place, *u, *got)
		same(t, place, *u.Invitations[1], *got.Invitations[1])
		same(t, place, *u.Deliveries[0], *got.Deliveries[0])
		same(t, place, organization, got.Organization)
	}
	got, err := s.Organization(t.Context(), organization.ID)
	must(t, err)
	same(t, "by Organization", organization, got)
	eventIsKept(t, s, u)
}

// TestEveryChangeIsSaved: a rule that changes one field, whichever, and nothing
// else, has it saved.
func TestEveryChangeIsSaved(t *testing.T) {
	t.Parallel()
	s := newDB(t).server()
	u := filledUser(t, s, org)
	parts := map[string]func(*invitation.User) reflect.Value{
		"User":       func(u *invitation.User) reflect.Value { return reflect.ValueOf(u).Elem() },
		"Invitation": func(u *invitation.User) reflect.Value { return reflect.ValueOf(u.Invitations[1]).Elem() },
		"Delivery":   func(u *invitation.User) reflect.Value { return reflect.ValueOf(u.Deliveries[0]).Elem() },
	}
	changed := 0
	for kind, part := range parts {
		other := reflect.New(part(u).Type()).Elem()
		fill(t, other, true)
		for i := range other.NumField() {
			name := kind + "." + other.Type().Field(i).Name
			if elsewhere[name] != "" || slices.Contains(once, name) || slices.Contains(tied, name) {
				continue
			}
			do(t, s, invitation.Change{
				Key: invitation.Key{UserID: u.ID}, Request: invitation.Request{Cause: "test"},
				Rule: func(is *invitation.User, _ time.Time) error { part(is).Field(i).Set(other.Field(i)); return nil },
			})
			found, want := part(read(t, s, u.ID)).Field(i).Interface(), other.Field(i).Interface()
			if at, isTime := want.(time.Time); isTime && !at.Equal(found.(time.Time)) || !isTime && !reflect.DeepEqual(want, found) {
				t.Errorf("%s is forgotten when only it changes: %v, want %v", name, show(found), show(want))
			}
			changed++
		}
	}
	if changed < 15 {
		t.Errorf("only %d fields were changed", changed)
	}
}

// filledUser creates a user with one invitation and its mail, of which every
// field has a value.
func filledUser(t *testing.T, s *postgres.Store, organization string, changes ...func(*invitation.User)) (u *invitation.User) {
	t.Helper()
	do(t, s, invitation.Change{
		Key: invitation.Key{UserID: newID(), OrganizationID: organization}, Create: true, Request: invitation.Request{Cause: "test"},
		Rule: func(is *invitation.User, _ time.Time) error {
			inv, mail := &invitation.Invitation{}, &invitation.Delivery{}
			for _, part := range []any{is, inv, mail} {
				fill(t, reflect.ValueOf(part).Elem(), false)
			}
			inv.ID, mail.ID = uuid.New(), uuid.New()
			inv.DeliveryID, mail.InvitationID = mail.ID, inv.ID
			is.Invitations[1], is.Deliveries = inv, []*invitation.Delivery{mail}
			for _, change := range changes {
				change(is)
			}
			u = is
			return nil
		},
	})
	return u
}

// readers are the ways to a user.
func readers(s *postgres.Store, u *invitation.User) map[string]func(t *testing.T) *invitation.User {
	one := func(t *testing.T, res invitation.Result, err error) *invitation.User {
		t.Helper()
		must(t, err)
		return res.User
	}
	nothing := func(*invitation.User, time.Time) error { return nil }
	key := invitation.Key{UserID: u.ID}
	return map[string]func(t *testing.T) *invitation.User{
		"by Read": func(t *testing.T) *invitation.User {
			res, err := s.Read(t.Context(), key)
			return one(t, res, err)
		},
		"by Read of a mail": func(t *testing.T) *invitation.User {
			res, err := s.Read(t.Context(), invitation.Key{DeliveryID: u.Deliveries[0].ID})
			return one(t, res, err)
		},
		"for a rule": func(t *testing.T) *invitation.User {
			res, err := s.Update(t.Context(), invitation.Change{Key: key, Request: invitation.Request{Cause: "test"}, Rule: nothing})
			return one(t, res, err)
		},
		"by ListUsers": func(t *testing.T) *invitation.User {
			users, _, err := s.ListUsers(t.Context(), invitation.UserFilter{OrganizationID: u.OrganizationID, Limit: 1})
			must(t, err)
			return users[0]
		},
		"by List": func(t *testing.T) *invitation.User {
			listed, _, err := s.List(t.Context(), invitation.ListFilter{OrganizationID: u.OrganizationID, Limit: 1})
			must(t, err)
			return listed[0].User
		},
	}
}

func eventIsKept(t *testing.T, s *postgres.Store, u *invitation.User) {
	t.Helper()
	var e invitation.Event
	fill(t, reflect.ValueOf(&e).Elem(), false)
	e.OrganizationID, e.UserID = u.OrganizationID, u.ID
	request := e.Request
	request.Fingerprint = []byte("any")
	res, err := s.Update(t.Context(), invitation.Change{
		Key: invitation.Key{UserID: e.UserID}, Request: request,
		Rule: func(u *invitation.User, _ time.Time) error { u.Events = []invitation.Event{e}; return nil },
	})
	must(t, err)
	events, err := s.Events(t.Context(), invitation.EventFilter{OrganizationID: u.OrganizationID, Limit: 10})
	must(t, err)
	e.At, e.Sequence = res.Now, int64(len(events))
	same(t, "by Events", e, events[len(events)-1])
}

// remains are the fields that the erasure leaves, and why.
var remains = map[string]string{
	"Delivery.Reason": "names nobody",
	"Event.Reason":    "the same",
	"Request.Actor":   "who did it, by id",
	"Request.Caller":  "the same",
	"Request.Cause":   "what was called",
}

var said = regexp.MustCompile(`(?i)\b(User|Invitation|Delivery|Event|Request)\.[a-z]+`)

// TestEraseLeavesNothing: of what a user's fields said, and those of their
// invitations, mails and events, no row has anything left, in whatever column it
// stood. Ids are no personal data.
func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := newID()
	c := create(id, email("x@y.example"))
	c.Rule = func(u *invitation.User, _ time.Time) error {
		fill(t, reflect.ValueOf(u).Elem(), false)
		u.Undeliverable = ""
		return nil
	}
	do(t, s, c)
	c = identified(send(id), newRequest())
	c.Answer = func(u *invitation.User, _ time.Time) ([]byte, error) { return []byte(u.DisplayName), nil }
	do(t, s, c)
	do(t, s, renew(id))
	// Two users can't have one address.
	other := filledUser(t, s, org, func(u *invitation.User) { u.Email = email("User.OtherEmail@fields.example") })
	eventIsKept(t, s, other)
	for _, want := range []string{"users: User.DisplayName", "deliveries: User.Email", "requests: User.DisplayName", "deliveries: Delivery.To"} {
		if !slices.Contains(d.told(), want) {
			t.Fatalf("the test does not find %s", want)
		}
	}
	do(t, s, erase(id))
	do(t, s, erase(other.ID))
	for _, left := range d.told() {
		table, field, _ := strings.Cut(left, ": ")
		if remains[field] == "" {
			t.Errorf("%s is forgotten by the erasure: a row of %s has it", field, table)
		}
	}
}

// told are the fields whose values stand somewhere, each behind its table.
func (d *db) told() (all []string) {
	d.Helper()
	for _, row := range d.everything() {
		table, text, _ := strings.Cut(row, ": ")
		for _, field := range said.FindAllString(text, -1) {
			all = append(all, table+": "+field)
		}
	}
	return all
}

// everything is every row of every table, as text.
func (d *db) everything() (rows []string) {
	d.Helper()
	for _, table := range strings.Fields(d.text(`SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)) {
		all := d.text(fmt.Sprintf(`SELECT '%s: ' || r::text || encode(coalesce(to_jsonb(r)->>'answer', '')::bytea, 'escape') FROM %[1]s r`, table))
		rows = append(rows, strings.Split(all, "\n")...)
	}
	return rows
}
