package postgres

import (
	"context"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Member is a call that tests put into a group of their choice.
type Member struct {
	Change invitation.Change
	// Ctx is the caller's; nil stands for one that waits for ever.
	Ctx context.Context

	Result invitation.Result
	Err    error
}

// RunGroup carries the members out as one group, in this order, as if they had
// waited together, and returns them with their answers.
func (s *Store) RunGroup(members ...Member) []Member {
	calls := make([]*call, len(members))
	for i, m := range members {
		calls[i] = &call{change: m.Change, ctx: m.Ctx, done: make(chan struct{})}
		if m.Ctx == nil {
			calls[i].ctx = context.Background()
		}
	}
	s.run(append([]*call(nil), calls...), false)
	for i, k := range calls {
		<-k.done
		members[i].Result, members[i].Err = k.result, k.err
	}
	return members
}

// Waiting is how many calls wait for a group.
func (s *Store) Waiting() int { return len(s.waiting) }

// InsertEvents is a statement of the saving batch.
const InsertEvents = insertEvents
