package sendgrid

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"
)

// accountChange is SendGrid's word that the account's own standing has changed.
type accountChange struct {
	id, kind string
	at       time.Time
}

// unreadable stands for a kind that is no single word.
const unreadable = "unreadable"

var (
	word = regexp.MustCompile(`^[a-z][a-z_-]{0,49}$`)
	// SendGrid documents compliance_suspend, and that accounts may be activated,
	// deactivated, suspended and banned.
	reinstated = regexp.MustCompile(`reactivat|(^|[_-])activ|reinstat|restor|lifted|un-?(suspend|ban|block|freez)`)
	halted     = regexp.MustCompile(`complian|suspend|deactivat|ban|block|terminat|disabl|clos|fr[eo]z`)
)

func (e event) accountChange() accountChange {
	c := accountChange{id: string(e.ID), kind: plain(e.Type), at: time.Time(e.Timestamp)}
	if !word.MatchString(c.kind) {
		c.kind = unreadable
	}
	return c
}

func (c accountChange) reinstated() bool { return reinstated.MatchString(c.kind) }

func (c accountChange) halted() bool { return !c.reinstated() && halted.MatchString(c.kind) }

// account is what this server has heard of the account.
type account struct {
	mu     sync.Mutex
	heard  map[string]bool // ids
	latest time.Time
}

// maxHeard bounds the ids that are remembered: the status changes a few times in
// a year.
const maxHeard = 1000

// fresh are the changes that were not heard of before, in the order of their
// times. A repeated suspension must not undo what came after it; another server
// may not know that, and has the queue rest for a minute in vain.
func (a *account) fresh(changes []accountChange) (fresh []accountChange) {
	for _, c := range changes {
		if !a.heard[c.id] && (c.at.IsZero() || !c.at.Before(a.latest)) {
			fresh = append(fresh, c)
		}
	}
	slices.SortStableFunc(fresh, func(a, b accountChange) int { return a.at.Compare(b.at) })
	return fresh
}

func (a *account) remember(changes []accountChange) {
	if len(a.heard) > maxHeard || a.heard == nil {
		a.heard = map[string]bool{}
	}
	for _, c := range changes {
		if !c.at.IsZero() {
			a.latest = c.at
		}
		if c.id != "" {
			a.heard[c.id] = true
		}
	}
}

// followAccount tells people of what changed, and the mail queue of how it ended.
func (h *webhook) followAccount(ctx context.Context, changes []accountChange) error {
	h.account.mu.Lock()
	defer h.account.mu.Unlock()
	changes = h.account.fresh(changes)
	follow := func() error { return nil }
	for _, c := range changes {
		level := slog.LevelError
		switch {
		case c.reinstated():
			level, follow = slog.LevelInfo, func() error { return h.config.Reinstated(ctx) }
		case c.halted():
			follow = func() error { return h.config.Halted(ctx, "SendGrid changed the account's status: "+c.kind) }
		}
		h.config.Logger.LogAttrs(ctx, level, "SendGrid changed the account's status", slog.String("kind", c.kind))
	}
	if err := follow(); err != nil {
		return err
	}
	h.account.remember(changes)
	return nil
}
