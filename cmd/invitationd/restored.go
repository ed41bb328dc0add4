package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

const (
	// lostPage is how many invitations are looked up at once, and lostParallel how
	// many are ended at once: those share transactions.
	lostPage     = 1000
	lostParallel = 64
)

// restored does what has to be done after the database was set back to an earlier
// time: it begins another history, in which no cursor of a stream means anything,
// ends the links of what was pending then, and lists who must be invited again. It
// may be interrupted and run again.
func restored(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("invitationd restored", flag.ContinueOnError)
	flags.SetOutput(stderr)
	to := flags.String("to", "", "the time to which the database was set back, such as 2026-11-27T10:15:00Z")
	yes := flags.Bool("yes", false, "do it; without, the list is all")
	if err := parse(flags, args); err != nil {
		return err
	}
	c, err := readConfig(environ)
	if err != nil {
		return err
	}
	pool, err := c.pool(ctx, postgres.Bounds)
	if err != nil {
		return err
	}
	defer pool.Close()
	store := postgres.New(postgres.Config{Pool: pool, Enqueue: delivery.Enqueue})
	defer store.Close()
	if err := store.Ping(ctx); err != nil {
		return err
	}
	at, err := setBackTo(ctx, store, *to, stderr)
	if err != nil {
		return err
	}
	if *yes {
		if err := store.BeginHistory(ctx, at); err != nil {
			return err
		}
	}
	out := bufio.NewWriter(stdout)
	n, err := endLost(ctx, store, at, *yes, out)
	if err := errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("after %d invitations, run it again: %w", n, err)
	}
	if !*yes {
		_, err = fmt.Fprintf(stderr, wouldBe, n, *to)
	} else {
		_, err = fmt.Fprintf(stderr, is, n)
	}
	return err
}

const (
	wouldBe = `Nothing has changed. -yes ends the links of these %d invitations, which were pending at %s.
`
	is = `The links of these %d invitations are dead, and none of their mails goes out: invite them again, by BatchSend with
ACTION_SEND or new codes. Consumers of WatchEvents hear CURSOR_AHEAD and begin anew.
What happened after that time can't be brought back here: who was erased is there again, and has to be erased again; who
has redeemed a link is not, and the app's backend knows them; a request that was carried out and is repeated is carried
out once more.
`
)

// setBackTo reads the time, and compares it with what the database tells.
func setBackTo(ctx context.Context, store *postgres.Store, text string, stderr io.Writer) (time.Time, error) {
	latest, err := store.Latest(ctx)
	if err != nil {
		return latest, err
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return at, fmt.Errorf("-to is no time such as %s, which is that of the latest event", latest.UTC().Format(time.RFC3339Nano))
	case at.After(time.Now()):
		return at, errors.New("-to has not come yet: new invitations would end with the old ones")
	case latest.After(at):
		_, err = fmt.Fprintf(stderr, "The latest event is of %s. What was issued after -to stays.\n", latest.UTC().Format(time.RFC3339Nano))
	}
	return at, err
}

// endLost lists all that was pending, and ends it if told to. It returns how many
// those are.
func endLost(ctx context.Context, store *postgres.Store, setBackTo time.Time, end bool, out io.Writer) (n int, err error) {
	for after := (postgres.Lost{}); ; {
		lost, err := store.Lost(ctx, setBackTo, after, lostPage)
		if err != nil || len(lost) == 0 {
			return n, err
		}
		if end {
			if err := supersede(ctx, store, lost, setBackTo); err != nil {
				return n, err
			}
		}
		for _, l := range lost {
			if _, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", l.OrganizationID, l.UserID, l.Due.Target, handedOut(l)); err != nil {
				return n, err
			}
		}
		n += len(lost)
		after = lost[len(lost)-1]
	}
}

func supersede(ctx context.Context, store *postgres.Store, lost []postgres.Lost, setBackTo time.Time) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lostParallel)
	for _, l := range lost {
		if l.Pending {
			group.Go(func() error { return store.Supersede(ctx, l, setBackTo) })
		}
	}
	return group.Wait()
}

func handedOut(l postgres.Lost) string {
	switch {
	case l.Mailed && l.Shared:
		return "mail, QR"
	case l.Mailed:
		return "mail"
	default:
		return "QR"
	}
}
