package portal

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestEveryReasonHasWords in both languages, whatever the service may refuse with.
func TestEveryReasonHasWords(t *testing.T) {
	t.Parallel()
	for value, name := range pb.ErrorReason_name {
		complete(t, name, refusals[pb.ErrorReason(value)])
	}
}

// TestEveryWordIsSpoken: what the API may show a portal has a name on its pages.
func TestEveryWordIsSpoken(t *testing.T) {
	t.Parallel()
	for _, enum := range []protoreflect.Enum{
		pb.UserType(0), pb.Target(0), pb.AccountStatus(0), pb.InvitationState(0), pb.DeliveryState(0), pb.Action(0),
		pb.UndeliverableCause(0), pb.Channel(0), pb.EventType(0),
	} {
		values := enum.Descriptor().Values()
		for i := range values.Len() {
			if n := values.Get(i).Number(); n != 0 { // which is never sent
				complete(t, string(values.Get(i).Name()), spoken[enum.Type().New(n)])
			}
		}
	}
}

// TestEveryTypeIsOffered: forms offer every type of user, and each once.
func TestEveryTypeIsOffered(t *testing.T) {
	t.Parallel()
	offered := map[pb.UserType]bool{0: true}
	for _, kind := range userTypes {
		offered[kind] = true
	}
	if len(offered) != len(pb.UserType_name) || len(userTypes) != len(pb.UserType_name)-1 {
		t.Errorf("forms offer %v, and the types are %v", userTypes, pb.UserType_name)
	}
}

func complete(t *testing.T, name string, words page.Words) {
	t.Helper()
	for _, lang := range page.Langs() {
		if words.In(lang) == "" {
			t.Errorf("%s has no words in %q", name, lang)
		}
	}
}

// TestEveryActionHasAnEntry: an action that the service offers does something.
func TestEveryActionHasAnEntry(t *testing.T) {
	t.Parallel()
	for value, name := range pb.Action_name {
		e := newEntry(&pb.User{Email: "anna@example.com"}, pb.Action(value), pb.Target_TARGET_APP)
		if value != 0 && e.Do == "" && e.Dialog == "" {
			t.Errorf("the entry of %s does nothing", name)
		}
	}
}
