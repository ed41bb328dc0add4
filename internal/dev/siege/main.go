// Command siege attacks the service, and measures what that takes from others.
//
//	siege                  every row, in under ten minutes
//	siege -rows 32,36      some of them
//
// It runs inside the checkout: it builds invitationd as it is released, starts it with
// a private Postgres under .data/siege, and speaks to it on loopback only. All the
// while other callers change users and renew invitations. Of each row stands what
// they kept of their rate, compared with the moments without the attack right before
// and after, so that a slow or busy machine says the same as a quick one. Attackers
// share the machine's cores, and so take from the others what they need themselves.
//
// The numbers of the rows are those of the list of faults that they were found by.
// It exits with 1 when a limit is missed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
)

// longest bounds a run.
const longest = 10 * time.Minute

func main() { launch.Main("siege", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("siege", flag.ContinueOnError)
	flags.SetOutput(stderr)
	wanted := flags.String("rows", "", "the numbers of some rows; all by default")
	if err := flags.Parse(args); err != nil {
		return err
	}
	rows, err := chosen(*wanted)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	f, err := openField(ctx, stderr)
	if err != nil {
		return err
	}
	defer f.close()
	var results []result
	missed := 0
	for _, r := range rows {
		res := f.besiege(ctx, r)
		fmt.Fprintf(stderr, "%s  %s\n", res.verdict(), r.attack)
		if results = append(results, res); res.err != nil {
			missed++
		}
	}
	printTable(stdout, results)
	if missed > 0 {
		return fmt.Errorf("%d of %d rows missed their limit", missed, len(rows))
	}
	return nil
}

// chosen are the rows of a list such as "30,41".
func chosen(list string) ([]row, error) {
	return launch.Pick(list, rows, func(r row) int { return r.number })
}
