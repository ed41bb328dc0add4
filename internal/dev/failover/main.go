// Command failover takes the database away from the service in each way that it can
// go, and holds what callers were told against what is left.
//
//	failover               every fault, in under eight minutes
//	failover -faults 3,4   some of them
//
// It runs inside the checkout: it builds invitationd, and for each fault starts two
// Postgres under .data/failover, one of them the synchronous standby of the other,
// and two servers, all on loopback. Callers make people and invite them, and two at a
// time try to redeem each link; consumers follow the trail, and a provider reports.
// All of them repeat what was not answered, and keep a ledger of what was.
//
// A line of the table says how long nobody was answered, what callers heard
// meanwhile, and how many things were lost that had been acknowledged, how many links
// were redeemed twice, and how often somebody was told of what did not stay. It exits
// with 1 when one of the last three is not 0, or somebody got an answer that has no
// place here.
//
// It decides by itself which Postgres takes writes, as Patroni would, but is surer of
// what has happened: how long an outage takes in production is Patroni's to say.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
)

// longest bounds a run.
const longest = 8 * time.Minute

func main() { launch.Main("failover", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("failover", flag.ContinueOnError)
	flags.SetOutput(stderr)
	wanted := flags.String("faults", "", "the numbers of some faults; all by default")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := launch.Pick(*wanted, faults, func(f fault) int { return f.number })
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	root, err := launch.Root(ctx)
	if err != nil {
		return err
	}
	work := filepath.Join(root, ".data", "failover")
	if err := clear(work); err != nil {
		return fmt.Errorf("remove an earlier run's data: %w", err)
	}
	defer func() { _ = clear(work) }()
	fmt.Fprintln(stderr, "building the service")
	if err := launch.Build(ctx, root, filepath.Join(work, "invitationd")); err != nil {
		return err
	}
	var results []result
	broken := 0
	for _, f := range chosen {
		fmt.Fprintln(stderr, f.name)
		res, err := try(ctx, work, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if results = append(results, res); res.broken() {
			broken++
		}
		if res.odd != nil {
			fmt.Fprintln(stderr, res.odd)
		}
	}
	printTable(stdout, results)
	if broken > 0 {
		return fmt.Errorf("%d of %d faults broke a promise", broken, len(chosen))
	}
	return nil
}

// try has one fault happen to a cluster of its own.
func try(ctx context.Context, work string, f fault) (_ result, err error) {
	p, err := startPair(ctx, work)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	s, err := startSite(ctx, work, p)
	if err != nil {
		return result{}, err
	}
	defer s.end()
	l := newLedger()
	end := l.begin(ctx, s)
	defer end()
	if err := l.await(ctx, settled); err != nil {
		return result{}, fmt.Errorf("before the fault: %w", err)
	}
	primary, err := f.strike(ctx, p)
	if err != nil {
		return result{}, err
	}
	if err := l.await(ctx, settled); err != nil {
		return result{}, fmt.Errorf("after the fault: %w", err)
	}
	end()
	return l.judge(ctx, f.name, primary)
}

// settled is how many answers show that all is well.
const settled = 300

func printTable(w io.Writer, results []result) {
	fmt.Fprintln(w, "\n| Fault | outage | answered | errors meanwhile | lost | double | misled |")
	fmt.Fprintln(w, "|---|--:|--:|---|--:|--:|--:|")
	for _, r := range results {
		fmt.Fprintf(w, "| %s | %.1f s | %d | %s | %d | %d | %d |\n",
			r.fault, r.outage.Seconds(), r.answered, r.errors, r.lost, r.double, r.misled)
	}
}
