package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// row is an attack, and what it may take from others.
type row struct {
	number int
	attack string
	// keep is what others keep at least of their rate.
	keep float64
	// rounds is how often the attack is begun and ended, and lasting how long each
	// time; 3 and 2 seconds by default.
	rounds  int
	lasting time.Duration
	// settling is how long the attack takes hold before others are looked at; half a
	// second by default.
	settling time.Duration
	// outage says that others may be refused for the time of the attack.
	outage bool
	// prepare does before what the attack needs; it may be nil.
	prepare func(ctx context.Context, f *field) error
	// do attacks until its context ends.
	do func(ctx context.Context, f *field) error
	// check says what was seen beside the rate, and fails if that misses a limit.
	check func(ctx context.Context, f *field, seen *seen) (note string, err error)
}

// seen is what was measured of a row.
type seen struct {
	quiet, attacked count
	// before and most are what the service held in memory, in bytes.
	before, most int64
}

func (s seen) kept() float64 { return s.attacked.rate() / max(s.quiet.rate(), 1) }

// count is what became of others' calls in some time.
type count struct {
	answered, failed int64
	// transactions are all that the database carried out.
	transactions int64
	lasting      time.Duration
}

func (c count) rate() float64 { return float64(c.answered) / max(c.lasting.Seconds(), 0.001) }

func (c count) plus(d count) count {
	return count{c.answered + d.answered, c.failed + d.failed, c.transactions + d.transactions, c.lasting + d.lasting}
}

// result is what became of a row.
type result struct {
	row
	seen
	note string
	err  error
}

func (r result) verdict() string {
	if r.err != nil {
		return "MISSED"
	}
	return "held"
}

const (
	defaultRounds  = 3
	defaultLasting = 2 * time.Second
	// settling is how long most attacks take until they are felt, and forgotten.
	settling = 500 * time.Millisecond
)

// besiege measures a row: moments of quiet, and of the attack, in turn.
func (f *field) besiege(ctx context.Context, r row) result {
	rounds, lasting := cmp.Or(r.rounds, defaultRounds), cmp.Or(r.lasting, defaultLasting)
	res := result{row: r}
	if r.prepare != nil {
		if res.err = r.prepare(ctx, f); res.err != nil {
			return res
		}
	}
	var attackErr error
	for range rounds {
		res.quiet = res.quiet.plus(f.observe(ctx, min(lasting, 2*defaultLasting)))
		if res.before == 0 {
			res.before = f.resident()
		}
		watched := f.watchMemory()
		attacking, end := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- r.do(attacking, f) }()
		pause(ctx, cmp.Or(r.settling, settling))
		res.attacked = res.attacked.plus(f.observe(ctx, lasting))
		end()
		if err := <-ended; err != nil && attacking.Err() == nil || err != nil && !errors.Is(err, context.Canceled) {
			attackErr = err
		}
		res.most = max(res.most, watched())
		pause(ctx, settling)
	}
	res.note, res.err = r.judge(ctx, f, &res.seen)
	res.err = errors.Join(attackErr, res.err, ctx.Err())
	return res
}

func (r row) judge(ctx context.Context, f *field, s *seen) (note string, err error) {
	if kept := s.kept(); kept < r.keep {
		err = fmt.Errorf("others kept %.0f %% of %.0f calls a second", 100*kept, s.quiet.rate())
	}
	if s.attacked.failed > 0 && !r.outage {
		err = errors.Join(err, fmt.Errorf("%d calls of others failed", s.attacked.failed))
	}
	if r.check == nil {
		return "", err
	}
	note, missed := r.check(ctx, f, s)
	return note, errors.Join(err, missed)
}

// flat fails when the service took more memory than allowed, in MiB.
func flat(most int64) func(context.Context, *field, *seen) (string, error) {
	return func(_ context.Context, _ *field, s *seen) (string, error) {
		note := fmt.Sprintf("%d → %d MiB, +%d at most", s.before>>20, s.most>>20, most)
		if grown := (s.most - s.before) >> 20; grown > most {
			return note, fmt.Errorf("the service took %d MiB more", grown)
		}
		return note, nil
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// printTable writes the rows as Markdown.
func printTable(w io.Writer, results []result) {
	fmt.Fprintln(w, "\n| | Attack | Others, per second | kept | at least | beside that | |")
	fmt.Fprintln(w, "|--:|---|--:|--:|--:|---|---|")
	for _, r := range results {
		note := r.note
		if r.err != nil {
			note = strings.TrimPrefix(note+"; ", "; ") + strings.ReplaceAll(r.err.Error(), "\n", "; ")
		}
		fmt.Fprintf(w, "| %d | %s | %.0f → %.0f | %.0f %% | %.0f %% | %s | %s |\n",
			r.number, r.attack, r.quiet.rate(), r.attacked.rate(), 100*r.kept(), 100*r.keep, note, r.verdict())
	}
}
