package invitation_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Many stories, as each soon comes to a state that nothing leads out of. A flag
// of the command line wins.
func init() {
	if err := flag.Set("rapid.checks", "300"); err != nil {
		panic(err)
	}
}

const validity = 14 * 24 * time.Hour

// TestRules runs random sequences of everything that happens to two users, saves
// them as the store does, and holds the rules' promises against each state.
// model_promises_test.go has the promises, model_store_test.go what is saved, and the
// other model_*_test.go the steps.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, kind := range []invitation.UserType{invitation.Employee, invitation.Tenant} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				anna, bert := newModel(rt, kind), newModel(rt, kind)
				anna.other, bert.other = bert, anna
				if anna.user.Email.Same(bert.user.Email) {
					bert.user.Email = invitation.Email{}
				}
				actions := rapid.StateMachineActions(anna)
				for name, action := range rapid.StateMachineActions(bert) {
					if name != "" {
						actions[name+" of the other"] = action
					}
				}
				rt.Repeat(actions)
			})
		})
	}
}

// stepless are methods of User that stories need no step for: Create is how each
// begins, and the others change nothing.
var stepless = []string{"Create", "AvailableActions", "Check", "Delivery", "Language", "LatestDelivery"}

// TestEveryRuleIsAStep: what a new rule does to the promises shows only in stories
// that it is a part of.
func TestEveryRuleIsAStep(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("model_*_test.go")
	must(t, err)
	var steps strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		must(t, err)
		steps.Write(source)
	}
	user := reflect.TypeFor[*invitation.User]()
	for i := range user.NumMethod() {
		name := user.Method(i).Name
		if !regexp.MustCompile(`\.`+name+`\b`).MatchString(steps.String()) && !slices.Contains(stepless, name) {
			t.Errorf("no step in model_*_test.go calls User.%s", name)
		}
	}
}

// model is a user as a database holds it, and what the world remembers of it.
type model struct {
	now  time.Time
	user *invitation.User
	// other may have the address that this one wants.
	other *model
	// mails are all that were ever queued; the user is loaded with the latest.
	mails map[uuid.UUID]*invitation.Delivery
	// queued is when each mail was.
	queued map[uuid.UUID]time.Time
	// ends are what the audit trail says of each ended generation.
	ends map[invitation.Token]invitation.End
	// links are the tokens that were ever handed out, and how each one fares:
	// nil while it is good, else what it is refused with, for ever.
	links map[invitation.Token]error
	// fresh are those that the current step handed out.
	fresh []invitation.Token
	// redemptions counts those that were not taken back, per invitation.
	redemptions map[uuid.UUID]int
	// told are the expiries that the audit trail tells of.
	told map[expiry]bool
}

type expiry struct {
	id uuid.UUID
	at time.Time
}

func newModel(rt *rapid.T, kind invitation.UserType) *model {
	m := &model{
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), mails: map[uuid.UUID]*invitation.Delivery{}, queued: map[uuid.UUID]time.Time{},
		ends: map[invitation.Token]invitation.End{}, links: map[invitation.Token]error{}, redemptions: map[uuid.UUID]int{},
		told: map[expiry]bool{},
	}
	m.user = &invitation.User{ID: "user", OrganizationID: "org"}
	m.user.Create(kind, "Erika Mustermann", invitation.German, drawEmail(rt), m.now)
	return m
}

// drawEmail draws from a few addresses, some of which are one in two spellings,
// and none.
func drawEmail(rt *rapid.T) invitation.Email {
	return rapid.SampledFrom([]invitation.Email{
		{}, invitation.NewEmail("a@x.example", "a@x.example"), invitation.NewEmail("A@X.example", "a@x.example"),
		invitation.NewEmail("b@müller.de", "b@xn--mller-kva.de"),
	}).Draw(rt, "email")
}

func drawAddress(rt *rapid.T) invitation.Email {
	email := drawEmail(rt)
	if !email.Known() {
		rt.Skip("the API takes no empty address")
	}
	return email
}

func drawTarget(rt *rapid.T) invitation.Target {
	return rapid.SampledFrom([]invitation.Target{invitation.TargetApp, invitation.TargetPortal}).Draw(rt, "target")
}

// verdict is what redeeming a link answers as soon as the user is active. While
// they are not, links of a current generation all answer that.
func (m *model) verdict(rt *rapid.T, token invitation.Token) error {
	u := m.load()
	_, err := u.Check(token, m.now)
	if !u.DeactivatedAt.IsZero() {
		if !errors.Is(err, invitation.ErrOldGeneration) && !errors.Is(err, invitation.ErrUserDeactivated) {
			rt.Fatalf("a deactivated user's link answers %v", err)
		}
		u.DeactivatedAt = time.Time{}
		_, err = u.Check(token, m.now)
	}
	if errors.Is(err, invitation.ErrOldGeneration) {
		end, known := m.ends[token]
		if !known {
			return fmt.Errorf("the trail does not say what ended %+v", token)
		}
		return end.Err()
	}
	return err
}

// snapshot shows a user with all that hangs on it.
func snapshot(u *invitation.User) string {
	text := fmt.Sprintf("%+v %q", *u, u.Email.Address())
	for _, inv := range u.Invitations {
		text += fmt.Sprintf("\n%+v", inv)
	}
	for _, d := range u.Deliveries {
		text += fmt.Sprintf("\n%+v %q", d, d.To.Address())
	}
	return text
}
