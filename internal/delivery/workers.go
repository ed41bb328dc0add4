package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	// jobTimeout bounds one attempt, the recording of its outcome included. A
	// job is rescued later than that, so that no two work on one mail.
	jobTimeout  = time.Minute
	rescueAfter = 2 * time.Minute
)

// Sender hands a mail to a provider. It returns nil once the provider took it,
// an *invitation.SendError when it did not, and any other error when nobody
// knows.
type Sender interface {
	Send(ctx context.Context, m invitation.Message) error
}

// Config is what Workers need.
type Config struct {
	Pool   *pgxpool.Pool
	Store  invitation.Store
	Sender Sender
	Linker *invitation.Linker
	// Render writes a mail. Its errors are stored with the job: they hold
	// nothing personal.
	Render func(invitation.Mail) (invitation.Message, error)
	Logger *slog.Logger
	// Trace begins an attempt to send a mail in the trace of the call that queued it,
	// and hears whether it failed; nil if nobody follows mails.
	Trace func(ctx context.Context, parent string, attempt int) (context.Context, func(failed bool))
	// Concurrency is how many mails are sent at once.
	Concurrency int
	// PollOnly does without LISTEN, for a pooler in transaction mode.
	PollOnly bool
	// Rest is where all servers agree on whether the mail queue rests, and RestFor
	// how long it does before the provider is tried again: first, and twice as
	// long each time; 15 seconds by default.
	Rest    Rest
	RestFor time.Duration
	// AnswerAfter is how long a mail of which nobody knows whether it went out
	// waits for the provider's report; half of RescueAfter by default.
	AnswerAfter time.Duration
	// Pace is the mails' queue of all servers; nil for none.
	Pace   *Pace
	Agenda Agenda
	// AgendaEvery is how often the agenda is looked at; every minute by default.
	AgendaEvery time.Duration
	// RemindBefore is how long before an invitation expires its link is mailed
	// once more; 0 for never.
	RemindBefore time.Duration
	// RescueAfter is when a job whose worker died is given to another; 2 minutes
	// by default, and always longer than an attempt may take.
	RescueAfter time.Duration
}

// Workers send queued mails.
type Workers struct {
	client *river.Client[pgx.Tx]
	clock  *clock
	// stop ends what Start began beside River.
	stop context.CancelFunc
}

// NewWorkers prepares workers; Start starts them.
func NewWorkers(c Config) (*Workers, error) {
	if c.Rest == nil {
		return nil, errors.New("nobody knows whether the mail queue rests")
	}
	if c.RescueAfter == 0 {
		c.RescueAfter = rescueAfter
	}
	if c.AgendaEvery == 0 {
		c.AgendaEvery = time.Minute
	}
	if c.RestFor == 0 {
		c.RestFor = c.RescueAfter / 8
	}
	if c.AnswerAfter == 0 {
		c.AnswerAfter = c.RescueAfter / 2
	}
	queue := &rest{
		Rest: c.Rest, shortest: c.RestFor, probing: c.RescueAfter / 6,
		lanes: newLanes(c.Concurrency), log: c.Logger, failed: map[uuid.UUID]bool{},
		wake: func(ctx context.Context) error { return WakeMails(ctx, c.Pool) },
	}
	timeout := min(jobTimeout, c.RescueAfter/2)
	clock := &clock{pool: c.Pool, log: newQuiet(c.Logger)}
	workers := river.NewWorkers()
	if err := errors.Join(
		river.AddWorkerSafely(workers, &mailWorker{Config: c, rest: queue, clock: clock, longestTurn: min(longestTurn, timeout/4)}),
		river.AddWorkerSafely(workers, &agendaWorker{Config: c}),
		river.AddWorkerSafely(workers, &forgetWorker{Config: c}),
	); err != nil {
		return nil, fmt.Errorf("register workers: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.Concurrency}},
		Workers:              workers,
		PeriodicJobs:         []*river.PeriodicJob{periodic(c.AgendaEvery, agendaJob{}), periodic(time.Hour, forgetJob{})},
		JobTimeout:           timeout,
		RescueStuckJobsAfter: c.RescueAfter,
		FetchCooldown:        20 * time.Millisecond,
		// Nobody tells of new jobs: that would make all commits wait for one
		// another.
		FetchPollInterval: 200 * time.Millisecond,
		PollOnly:          c.PollOnly,
		// To build indexes anew takes the owner's rights, which workers don't have.
		ReindexerIndexNames: []string{},
		Logger:              newQuiet(c.Logger),
		// The only place where River can be given another clock than the machine's.
		Test: river.TestConfig{Time: clock},
	})
	if err != nil {
		return nil, fmt.Errorf("prepare workers: %w", err)
	}
	return &Workers{client: client, clock: clock, stop: func() {}}, nil
}

// Start begins to work, until Stop.
func (w *Workers) Start(ctx context.Context) error {
	if err := w.clock.read(ctx); err != nil {
		return err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	if err := w.client.Start(context.WithoutCancel(ctx)); err != nil {
		stop()
		return err
	}
	w.stop = stop
	go w.clock.follow(following)
	return nil
}

// Stop takes no new job and waits for those in flight. When the context ends
// first it breaks them off: another server sends their mails.
func (w *Workers) Stop(ctx context.Context) error {
	defer w.stop()
	if err := w.client.Stop(ctx); err == nil {
		return nil
	}
	broken, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return w.client.StopAndCancel(broken)
}
