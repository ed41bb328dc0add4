package server

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// notShown are the fields of the domain that no answer carries, and why.
var notShown = map[string]string{
	"User.Organization.ID":               "the user's organization_id",
	"User.Organization.Name":             "mails show it, and OrganizationService",
	"User.Organization.ReplyTo":          "the same",
	"User.Organization.Contact":          "the same",
	"User.Organization.Imprint":          "the same",
	"User.Organization.DefaultLocale":    "the user's own comes first",
	"User.Organization.UpdatedAt":        "the trail tells",
	"User.Organization.Events":           "the trail shows them",
	"User.Organization.DeliveryPausedAt": "OrganizationService shows it",
	"Organization.UpdatedAt":             "the trail tells",
	"Organization.Events":                "the trail shows them",
	"User.CreatedAt":                     "the trail tells",
	"User.ErasedAt":                      "nobody is shown an erased user",
	"User.Events":                        "the trail shows them",
	"Invitation.RevokedFor":              "dead links answer with it",
	"Invitation.Mailed.Generation":       "a part of links",
	"Invitation.Shared.Generation":       "a part of links",
	"Invitation.Shared.Open":             "the trail tells",
	"Invitation.Reminded":                "the workers' own",
	"Invitation.ExpiryNoted":             "the workers' own",
	"Delivery.InvitationID":              "a delivery is shown in its invitation",
	"Delivery.Reminder":                  "the trail tells",
	"Delivery.Generation":                "a part of its link",
	"Delivery.DespiteBounce":             "the trail tells",
	"Event.Request.Part":                 "to tell a batch's users apart by",
	"Event.EndedMailed":                  "dead links answer with what ended them",
	"Event.EndedShared":                  "the same",
	"Event.Request.Fingerprint":          "to compare requests by",
}

// TestEveryFieldIsShown changes every field of the domain, new ones too, and looks
// whether the answer changes with it.
func TestEveryFieldIsShown(t *testing.T) {
	t.Parallel()
	now := time.Now()
	of := func(part func(*invitation.User) any) func(change) proto.Message {
		return func(c change) proto.Message {
			u := somebody(t, now)
			c(reflect.ValueOf(part(u)).Elem())
			return answered[*pb.User](t)((&api{}).toUser(u, now))
		}
	}
	stale := maps.Clone(notShown)
	for name, answer := range map[string]func(change) proto.Message{
		"User":       of(func(u *invitation.User) any { return u }),
		"Invitation": of(func(u *invitation.User) any { return u.Invitations[invitation.TargetApp] }),
		"Delivery":   of(func(u *invitation.User) any { return u.Deliveries[0] }),
		"Organization": func(c change) proto.Message {
			o := &invitation.Organization{}
			fill(t, reflect.ValueOf(o).Elem())
			c(reflect.ValueOf(o).Elem())
			return toOrganization(*o)
		},
		"Event": func(c change) proto.Message {
			e := &invitation.Event{}
			fill(t, reflect.ValueOf(e).Elem())
			c(reflect.ValueOf(e).Elem())
			return answered[*pb.Event](t)(toEvent(*e))
		},
	} {
		var paths []string
		before := answer(func(v reflect.Value) {
			walk(v, name, func(path string, _ reflect.Value) { paths = append(paths, path) })
		})
		for _, changed := range paths {
			after := answer(func(v reflect.Value) {
				walk(v, name, func(path string, field reflect.Value) {
					if path == changed {
						alter(t, path, field)
					}
				})
			})
			why, hidden := notShown[changed]
			delete(stale, changed)
			switch shown := !proto.Equal(before, after); {
			case !shown && !hidden:
				t.Errorf("%s: no answer carries it; convert.go forgot it, or notShown says why", changed)
			case shown && hidden:
				t.Errorf("%s: an answer carries it, and notShown says %q", changed, why)
			}
		}
	}
	for path := range stale {
		t.Errorf("%s: notShown names it, and there is no such field", path)
	}
}

// TestStalled: a mail has stalled once more than the time for it has passed.
func TestStalled(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for late, want := range map[time.Duration]bool{-time.Second: false, 0: false, time.Nanosecond: true} {
		u := somebody(t, now)
		u.Deliveries[0].State, u.Deliveries[0].ChangedAt = invitation.Accepted, now.Add(-time.Hour-late)
		user, err := (&api{Config: Config{StalledAfter: time.Hour}}).toUser(u, now)
		if err != nil || user.GetInvitations()[0].GetDelivery().GetStalled() != want {
			t.Errorf("%v after its time: %v, %v", late, user, err)
		}
	}
}

// TestBatchSortsOut: who has the id or the address of one before waits, and nobody
// else does.
func TestBatchSortsOut(t *testing.T) {
	t.Parallel()
	b := &newUsers{}
	for _, u := range [][2]string{
		{"a", "a@x.example"}, {"b", "A@X.example"}, {"c", ""}, {"d", ""}, {"a", "d@x.example"}, {"e", "no address"}, {"f", "no address"},
		{"g", "g@x.example"},
	} {
		b.users = append(b.users, &pb.CreateUserRequest{UserId: u[0], Email: u[1]})
	}
	b.sortOut()
	if !slices.Equal(b.first, []int{0, 2, 3, 5, 7}) || !slices.Equal(b.later, []int{1, 4, 6}) {
		t.Errorf("at once %v, later %v", b.first, b.later)
	}
}

// change alters a part of the domain before it is answered.
type change func(part reflect.Value)

func answered[M proto.Message](t *testing.T) func(M, error) proto.Message {
	return func(m M, err error) proto.Message {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

// somebody is a user with an invitation that is pending, and its mail.
func somebody(t *testing.T, now time.Time) *invitation.User {
	u, inv, d := &invitation.User{}, &invitation.Invitation{}, &invitation.Delivery{}
	for _, part := range []any{u, inv, d} {
		fill(t, reflect.ValueOf(part).Elem())
	}
	u.DeactivatedAt, u.Undeliverable, u.Deliveries = time.Time{}, "", []*invitation.Delivery{d}
	u.Invitations[invitation.TargetApp] = inv
	inv.Target, inv.ExpiresAt, inv.DeliveryID = invitation.TargetApp, now.Add(time.Hour), d.ID
	return u
}

func fill(t *testing.T, part reflect.Value) {
	walk(part, part.Type().Name(), func(path string, field reflect.Value) { alter(t, path, field) })
}

// walk visits every field, and the fields of structs that have some of their own.
func walk(part reflect.Value, name string, visit func(path string, field reflect.Value)) {
	for i := range part.NumField() {
		field, path := part.Field(i), name+"."+part.Type().Field(i).Name
		switch field.Interface().(type) {
		case invitation.ChannelState, invitation.Request, invitation.Organization:
			walk(field, path, visit)
		default:
			visit(path, field)
		}
	}
}

// twoOf has two values of every type whose values are not free.
var twoOf = map[reflect.Type][2]any{
	reflect.TypeFor[invitation.UserType]():           {invitation.Employee, invitation.Tenant},
	reflect.TypeFor[invitation.Target]():             {invitation.TargetPortal, invitation.TargetApp},
	reflect.TypeFor[invitation.UndeliverableCause](): {invitation.UndeliverableCause(""), invitation.CauseBounced},
	reflect.TypeFor[invitation.DropCause]():          {invitation.DropCause(""), invitation.DropOverQuota},
	reflect.TypeFor[invitation.State]():              {invitation.Pending, invitation.Redeemed},
	reflect.TypeFor[invitation.DeliveryState]():      {invitation.Bounced, invitation.Delivered},
	reflect.TypeFor[invitation.Channel]():            {invitation.Mailed, invitation.Shared},
	reflect.TypeFor[invitation.EventType]():          {invitation.UserCreated, invitation.UserErased},
	reflect.TypeFor[invitation.Email]():              {invitation.NewEmail("a@x.example", "a@x.example"), invitation.NewEmail("b@x.example", "b@x.example")},
	reflect.TypeFor[time.Time]():                     {time.Unix(1e9, 0), time.Unix(2e9, 0)},
	reflect.TypeFor[uuid.UUID]():                     {uuid.UUID{1}, uuid.UUID{2}},
}

// alter gives a field another value than it has.
func alter(t *testing.T, path string, field reflect.Value) {
	if two, known := twoOf[field.Type()]; known {
		next := reflect.ValueOf(two[0])
		if field.Interface() == two[0] {
			next = reflect.ValueOf(two[1])
		}
		field.Set(next)
		return
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(field.String() + "x")
	case reflect.Bool:
		field.SetBool(!field.Bool())
	case reflect.Int, reflect.Int64:
		field.SetInt(field.Int() + 1)
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 1-min(field.Len(), 1), 1))
	case reflect.Array:
		field.SetZero()
	default:
		t.Fatalf("%s: there is no way here to change a %s", path, field.Type())
	}
}

// TestUnknownWords: a word that the API does not have is a fault, and no answer.
func TestUnknownWords(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for what, change := range map[string]func(*invitation.User){
		"type":           func(u *invitation.User) { u.Type = "ROBOT" },
		"no type":        func(u *invitation.User) { u.Type = "" },
		"cause":          func(u *invitation.User) { u.Undeliverable = "BORED" },
		"state":          func(u *invitation.User) { u.Invitations[invitation.TargetApp].Stored = "LOST" },
		"delivery state": func(u *invitation.User) { u.Deliveries[0].State = "LOST" },
	} {
		u := somebody(t, now)
		change(u)
		if m, err := (&api{}).toUser(u, now); err == nil {
			t.Errorf("%s: answered as %v", what, m)
		}
	}
	if m, err := toEvent(invitation.Event{Type: "SOMETHING"}); err == nil {
		t.Errorf("an event is answered as %v", m)
	}
}
