package postgres

import (
	"context"
	"slices"

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
	calls, contexts := make([]*call, len(members)), make([]context.Context, len(members))
	for i, m := range members {
		calls[i], contexts[i] = &call{change: m.Change}, m.Ctx
		if m.Ctx == nil {
			contexts[i] = context.Background()
		}
	}
	for i, err := range s.writes.Together(contexts, calls) {
		members[i].Result, members[i].Err = calls[i].result, calls[i].err
		if err != nil {
			members[i].Err = refusal(err)
		}
	}
	return members
}

// Waiting is how many calls wait for a group.
func (s *Store) Waiting() int { return s.writes.Waiting() }

// InsertEvent is a statement of the saving batch.
var InsertEvent = insertEvent

// Columns are the names and types of all columns that are declared, by table.
func Columns() map[string]map[string]string {
	all := map[string]map[string]string{}
	kinds(all, users)
	kinds(all, organizations)
	kinds(all, invitations)
	kinds(all, deliveries)
	kinds(all, events)
	return all
}

func kinds[R any](all map[string]map[string]string, t *table[R]) {
	all[t.name] = map[string]string{}
	for _, c := range slices.Concat(t.written, t.read) {
		all[t.name][c.name] = c.kind
	}
}

// Crowd takes every place that those have who read lists, and those who report.
func (s *Store) Crowd() {
	for _, b := range []bulkhead{s.lists, s.reports} {
		for range cap(b) {
			b <- struct{}{}
		}
	}
}
