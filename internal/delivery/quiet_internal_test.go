package delivery

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// TestQuiet: an outage of three hours, of which River tells five times a second,
// fills no log; another fault is told at once; an outage of the day after is a new
// one; and nothing says who and where the database is.
func TestQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &harness.Log{}
		river := newQuiet(slog.New(slog.NewTextHandler(log, nil))).With("client", "one").WithGroup("g")
		refused := errors.New("HTTP 504 gateway timeout")
		outage := func(lasts time.Duration, err error) []string {
			for range int(lasts / (200 * time.Millisecond)) {
				river.Error("Error fetching jobs", "err", err)
				river.Info("Job errored; retrying", "error", "claim a mail: "+refused.Error(), "job_id", 7)
				<-time.After(200 * time.Millisecond) // by the bubble's clock
			}
			return strings.Split(strings.TrimSpace(log.Take()), "\n")
		}
		away := errors.New("failed to connect to `user=kiwi database=secret`: dial tcp 10.1.2.3:5432")
		full := errors.New(`ERROR: could not extend file "base/1" for anna@example.com (SQLSTATE 53100)`)
		// At 0, 1, 3, 7, 15, 31, 63 and 123 minutes, each of the two.
		if said := outage(3*time.Hour, away); len(said) != 16 {
			t.Errorf("in three hours the log said\n%s", strings.Join(said, "\n"))
		}
		said := strings.Join(append(outage(time.Second, full), outage(time.Second, full)...), "\n")
		if strings.Count(said, "SQLSTATE 53100") != 1 || strings.Contains(said, "anna") {
			t.Errorf("of another fault the log said\n%s", said)
		}
		<-time.After(24 * time.Hour)
		again := strings.Join(outage(time.Second, away), "\n")
		if strings.Count(again, "the database does not answer") != 1 || strings.Count(again, refused.Error()) != 1 || strings.Contains(again, "10.1.2.3") || strings.Contains(again, "secret") {
			t.Errorf("of the outage of the day after the log said\n%s", again)
		}
		for range 3 {
			river.Info("River client started")
		}
		if said := log.Take(); strings.Count(said, "started") != 3 {
			t.Errorf("what is no error was told as %q", said)
		}
	})
}
