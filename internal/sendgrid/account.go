package sendgrid

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"time"
)

// accountChange is SendGrid's word that the account's own standing has changed.
type accountChange struct {
	kind string
	at   time.Time
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
	c := accountChange{kind: plain(e.Type), at: time.Time(e.Timestamp)}
	if !word.MatchString(c.kind) {
		c.kind = unreadable
	}
	return c
}

func (c accountChange) reinstated() bool { return reinstated.MatchString(c.kind) }

func (c accountChange) halted() bool { return !c.reinstated() && halted.MatchString(c.kind) }

// followAccount tells people of what changed, and the mail queue of how it ended.
func (h *webhook) followAccount(ctx context.Context, changes []accountChange) error {
	changes = slices.SortedStableFunc(slices.Values(changes), func(a, b accountChange) int { return a.at.Compare(b.at) })
	var follow func() error
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
	if follow == nil {
		return nil
	}
	return follow()
}
