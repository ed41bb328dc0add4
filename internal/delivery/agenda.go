package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Agenda finds what passes with time.
type Agenda interface {
	// Expired returns some invitations of whose expiry no event tells.
	Expired(ctx context.Context, limit int) ([]invitation.Due, error)
	// Ending returns some mailed invitations that expire within the given time
	// and were not reminded of.
	Ending(ctx context.Context, within time.Duration, limit int) ([]invitation.Due, error)
	// Forget deletes what is of no use any more.
	Forget(ctx context.Context) error
}

// The agenda's jobs are added by whichever server leads. If two run at once the
// rules find out: each looks again at the locked user.
type (
	agendaJob struct{}
	forgetJob struct{}
)

// Kind implements river.JobArgs.
func (agendaJob) Kind() string { return "agenda" }

// Kind implements river.JobArgs.
func (forgetJob) Kind() string { return "forget" }

func periodic(every time.Duration, job river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(every),
		func() (river.JobArgs, *river.InsertOpts) { return job, nil }, &river.PeriodicJobOpts{RunOnStart: true})
}

// agendaPage is how many invitations are looked up at once, and agendaParallel
// how many are seen to at once: those share transactions.
const (
	agendaPage     = 500
	agendaParallel = 64
)

type agendaWorker struct {
	river.WorkerDefaults[agendaJob]
	Config
}

// Work implements river.Worker.
func (w *agendaWorker) Work(ctx context.Context, _ *river.Job[agendaJob]) error {
	err := w.each(ctx, w.Agenda.Expired, func(u *invitation.User, t invitation.Target, now time.Time) { u.NoteExpiry(t, now) })
	if err != nil || w.RemindBefore == 0 {
		return err
	}
	ending := func(ctx context.Context, limit int) ([]invitation.Due, error) {
		return w.Agenda.Ending(ctx, w.RemindBefore, limit)
	}
	return w.each(ctx, ending, func(u *invitation.User, t invitation.Target, now time.Time) { u.Remind(t, w.RemindBefore, now) })
}

// each runs a rule on all that is found, page by page. It ends with a page that
// was there before: who looks and the rule then disagree on what is due, and
// would for ever.
func (w *agendaWorker) each(ctx context.Context, find func(context.Context, int) ([]invitation.Due, error),
	rule func(*invitation.User, invitation.Target, time.Time),
) error {
	before := map[invitation.Due]bool{}
	for {
		due, err := find(ctx, agendaPage)
		if err != nil {
			return err
		}
		if len(due) > 0 && !slices.ContainsFunc(due, func(d invitation.Due) bool { return !before[d] }) {
			w.Logger.WarnContext(ctx, "the agenda makes no progress: what is found due is not", "invitations", len(due))
			return nil
		}
		clear(before)
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(agendaParallel)
		for _, d := range due {
			before[d] = true
			group.Go(func() error { return w.update(ctx, d, rule) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("see to what is due: %w", err)
		}
		if len(due) < agendaPage {
			return nil
		}
	}
}

func (w *agendaWorker) update(ctx context.Context, d invitation.Due, rule func(*invitation.User, invitation.Target, time.Time)) error {
	_, err := w.Store.Update(ctx, invitation.Change{
		Key: d.Key, Request: invitation.Request{Cause: "agenda"},
		Rule: func(u *invitation.User, now time.Time) error {
			rule(u, d.Target, now)
			return nil
		},
	})
	if errors.Is(err, invitation.ErrInvitationNotFound) {
		return nil // erased meanwhile
	}
	return err
}

type forgetWorker struct {
	river.WorkerDefaults[forgetJob]
	Config
}

// Work implements river.Worker.
func (w *forgetWorker) Work(ctx context.Context, _ *river.Job[forgetJob]) error {
	return w.Agenda.Forget(ctx)
}
