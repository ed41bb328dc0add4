package delivery

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// firstQuiet is after which time an error that goes on is told again, and
	// longestQuiet what that time grows to.
	firstQuiet   = time.Minute
	longestQuiet = time.Hour
)

// quiet stands in front of the log for River, which tells of an outage with every
// attempt of every goroutine. What goes wrong is told once, and again after times
// that grow as long as it lasts. Of an error it lets pass what it is, and not what
// the database's driver says of it.
type quiet struct {
	slog.Handler
	*errorsTold
}

type errorsTold struct {
	mu   sync.Mutex
	last map[string]*told
}

// told is an error that was told: when it was heard and told last, how long it is
// not told again, and how often it was heard meanwhile.
type told struct {
	heard, said time.Time
	pause       time.Duration
	kept        int
}

func newQuiet(log *slog.Logger) *slog.Logger {
	return slog.New(quiet{log.Handler(), &errorsTold{last: map[string]*told{}}})
}

// Handle implements slog.Handler.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	plain := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	reason, failed := "", r.Level >= slog.LevelWarn
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" || a.Key == "error" {
			failed, reason = true, a.Value.String()
			if !strings.Contains(r.Message, "Job errored") {
				reason = reasonOf(reason)
			}
			a = slog.String("reason", reason)
		}
		plain.AddAttrs(a)
		return true
	})
	if failed {
		kept, say := q.note(r.Message+reason, time.Now())
		if !say {
			return nil
		}
		if kept > 0 {
			plain.AddAttrs(slog.Int("heard_meanwhile", kept))
		}
	}
	return q.Handler.Handle(ctx, plain)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.errorsTold}
}

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler {
	return quiet{q.Handler.WithGroup(name), q.errorsTold}
}

// note reports whether an error is to be told, and how often it was not since the
// last time. One of which nothing was heard for long is a new one.
func (e *errorsTold) note(what string, now time.Time) (kept int, say bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.last[what]
	if t == nil || now.Sub(t.heard) > max(t.pause, firstQuiet) {
		e.last[what] = &told{heard: now, said: now, pause: firstQuiet}
		return 0, true
	}
	t.heard = now
	if now.Sub(t.said) < t.pause {
		t.kept++
		return 0, false
	}
	kept = t.kept
	t.said, t.kept, t.pause = now, 0, min(2*t.pause, longestQuiet)
	return kept, true
}

var (
	sqlstate = regexp.MustCompile(`SQLSTATE [0-9A-Z]{5}`)
	// lost are words of errors that a connection ends with.
	lost = []string{"connect", "EOF", "closed", "reset", "timeout", "deadline"}
)

// reasonOf says in words what an error of River is, whose text may quote values, and
// name hosts and roles. Those of jobs are ours, and don't.
func reasonOf(text string) string {
	if code := sqlstate.FindString(text); code != "" {
		return "the database refuses: " + code
	}
	for _, word := range lost {
		if strings.Contains(text, word) {
			return "the database does not answer"
		}
	}
	return text
}
