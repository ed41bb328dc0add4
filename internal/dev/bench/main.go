// Command bench measures the service against pgbench, which does the same work
// with one SQL statement per call, in turn, on this machine.
//
//	bench                                       everything, in under ten minutes
//	bench -quick                                the ratios that matter, in under three minutes
//	bench -compare                              beside what the last run found
//	bench -growth                               with 10,000 and with 10,000,000 users
//	bench -seen                                 with and without metrics and traces
//	bench -profile DIR -cases send -callers 64  profiles of the server instead
//
// It runs inside the checkout: it builds invitationd as it is released, starts a
// private Postgres under .data/bench that keeps every promise to the disk, and
// speaks gRPC to the binary from this process. Service, pgbench, Postgres and
// this process share the machine's cores; the table says who used how much.
//
// Both sides write the same rows to the same tables: scripts.go is pgbench's
// part. Both find as many users as they need, made before a run and used once.
// The service's settings are its defaults, limits on mail included; there are
// enough organizations for none to be reached.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
)

func main() { launch.Main("bench", run) }

// options are what the command line says.
type options struct {
	users    int64
	duration time.Duration
	rounds   int
	callers  []int
	cases    []string
	out      string
	profile  string
	quick    bool
	compare  bool
	growth   bool
	seen     bool
	growTo   int64
	within   time.Duration
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Int64Var(&o.users, "users", 200_000, "how many users there are at the start, every second one of them invited")
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "how long one measurement takes, in whole seconds")
	flags.IntVar(&o.rounds, "rounds", 3, "how often everything is measured; medians count")
	callers := flags.String("callers", "1,16,64,256", "how many callers there are at once")
	names := flags.String("cases", strings.Join(caseNames(), ","), "what to measure")
	flags.DurationVar(&o.within, "within", 9*time.Minute+30*time.Second, "begin no round that would end later; 0 for any length")
	flags.StringVar(&o.out, "out", "", "the directory for the results; .data/bench/results by default")
	flags.StringVar(&o.profile, "profile", "", "measure nothing, and write profiles of the server to this directory")
	flags.BoolVar(&o.quick, "quick", false, "measure what most calls are with 1, 16 and 64 callers, for two rounds")
	flags.BoolVar(&o.compare, "compare", false, "compare with the results that were kept last")
	flags.BoolVar(&o.growth, "growth", false, "measure latency as the number of users grows instead")
	flags.BoolVar(&o.seen, "seen", false, "measure what metrics and traces cost instead")
	flags.Int64Var(&o.growTo, "grow-to", 10_000_000, "how many users -growth ends with")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.quick {
		*callers, *names = "1,16,64", "send,redeem,create,preview"
		o.rounds, o.users, o.within = 2, 50_000, 2*time.Minute
	}
	var err error
	if o.callers, err = numbers(*callers); err != nil {
		return o, fmt.Errorf("-callers: %w", err)
	}
	if o.profile != "" {
		if o.profile, err = filepath.Abs(o.profile); err != nil {
			return o, err
		}
	}
	if o.cases = strings.Split(*names, ","); *names == "" {
		o.cases = nil
	}
	return o, o.check()
}

func (o *options) check() error {
	for _, name := range o.cases {
		if !slices.Contains(caseNames(), name) {
			return fmt.Errorf("there is no case %q; there are %s", name, strings.Join(caseNames(), ", "))
		}
	}
	switch {
	case o.users < 2*organizationSize:
		return fmt.Errorf("-users has to be at least %d", 2*organizationSize)
	case o.duration < time.Second || o.duration%time.Second != 0:
		return errors.New("-duration has to be whole seconds: pgbench knows no others")
	case o.rounds < 1:
		return errors.New("-rounds has to be at least 1")
	}
	return nil
}

// numbers reads "1,16,64".
func numbers(list string) ([]int, error) {
	var all []int
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > maxClients {
			return nil, fmt.Errorf("%q is no number from 1 to %d", part, maxClients)
		}
		all = append(all, n)
	}
	return all, nil
}

// run is the command without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	uuid.EnableRandPool()
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	l, err := openLab(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer l.close()
	switch {
	case o.growth:
		return l.measureGrowth(ctx, stdout)
	case o.seen:
		return l.measureSeen(ctx, stdout)
	case o.profile != "":
		return l.takeProfiles(ctx, stdout)
	default:
		return l.measureAll(ctx, stdout)
	}
}
