package server

import (
	"fmt"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// The domain's words and the proto's differ by a prefix; TestWords holds each
// list against the other.
var (
	targets          = enum[pb.Target]{pb.Target_value, "TARGET_"}
	userTypes        = enum[pb.UserType]{pb.UserType_value, "USER_TYPE_"}
	invitationStates = enum[pb.InvitationState]{pb.InvitationState_value, "INVITATION_STATE_"}
	deliveryStates   = enum[pb.DeliveryState]{pb.DeliveryState_value, "DELIVERY_STATE_"}
	channels         = enum[pb.Channel]{pb.Channel_value, "CHANNEL_"}
	causes           = enum[pb.UndeliverableCause]{pb.UndeliverableCause_value, "UNDELIVERABLE_CAUSE_"}
	dropCauses       = enum[pb.DropCause]{pb.DropCause_value, "DROP_CAUSE_"}
	eventTypes       = enum[pb.EventType]{pb.EventType_value, "EVENT_TYPE_"}
	accountStatuses  = enum[pb.AccountStatus]{pb.AccountStatus_value, "ACCOUNT_STATUS_"}
	availableActions = enum[pb.Action]{pb.Action_value, "ACTION_"}
	keyUses          = enum[pb.KeyUse]{pb.KeyUse_value, "KEY_USE_"}
)

// enum is a proto enum whose values are the domain's words behind a prefix.
type enum[E interface {
	~int32
	String() string
}] struct {
	values map[string]int32
	prefix string
}

// of finds a word's value. A word that the proto does not have is a fault: it is
// noted in err, and the answer must not go out.
func (e enum[E]) of(word string, err *error) E {
	n, found := e.values[e.prefix+word]
	if (!found || n == 0) && *err == nil {
		*err = fmt.Errorf("the API has no %s%s", e.prefix, word)
	}
	return E(n)
}

// orNone is of, and the zero value where there is no word.
func (e enum[E]) orNone(word string, err *error) E {
	if word == "" {
		return 0
	}
	return e.of(word, err)
}

// word is the other way round, and empty for the zero value, which means no word
// or every one.
func (e enum[E]) word(value E) string {
	if value == 0 {
		return ""
	}
	return value.String()[len(e.prefix):]
}

// fromTarget takes a target that is specified.
func fromTarget(t pb.Target) invitation.Target { return invitation.Target(t - pb.Target_TARGET_APP) }
