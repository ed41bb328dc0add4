package server

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// TestComplaint: an illness that lasts an hour fills no log, another one is told
// at once, and so is that it is over.
func TestComplaint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &harness.Log{}
		c := &complaint{log: slog.New(slog.NewTextHandler(log, nil))}
		lasts := func(err error) {
			for range 3600 {
				c.note(t.Context(), err)
				<-time.After(time.Second) // by the bubble's clock
			}
		}
		lasts(errors.New("no schema"))
		lasts(errors.New("disk full"))
		lasts(nil)
		said := strings.Split(strings.TrimSpace(log.Take()), "\n")
		count := func(words string) int {
			return len(slices.DeleteFunc(slices.Clone(said), func(line string) bool { return !strings.Contains(line, words) }))
		}
		if count("no schema") != 6 || count("disk full") != 6 || count("serving again") != 1 || len(said) != 13 {
			t.Errorf("in three hours the log said:\n%s", strings.Join(said, "\n"))
		}
	})
}
