package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
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
	// leastRecording is how long recording an outcome may take even at the end of
	// an attempt.
	leastRecording = time.Second
	firstRetry     = time.Second
	longestWait    = 15 * time.Minute
	// longestReason is in characters, as the schema counts.
	longestReason = 500
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
		Rest: c.Rest, shortest: c.RestFor, probing: c.RescueAfter / 6, log: c.Logger, failed: map[uuid.UUID]bool{},
		wake: func(ctx context.Context) error { return wakeMails(ctx, c.Pool) },
	}
	clock := &clock{pool: c.Pool, log: newQuiet(c.Logger)}
	workers := river.NewWorkers()
	if err := errors.Join(
		river.AddWorkerSafely(workers, &mailWorker{Config: c, rest: queue, clock: clock}),
		river.AddWorkerSafely(workers, &agendaWorker{Config: c}),
		river.AddWorkerSafely(workers, &forgetWorker{Config: c}),
	); err != nil {
		return nil, fmt.Errorf("register workers: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.Concurrency}},
		Workers:              workers,
		PeriodicJobs:         []*river.PeriodicJob{periodic(c.AgendaEvery, agendaJob{}), periodic(time.Hour, forgetJob{})},
		JobTimeout:           min(jobTimeout, c.RescueAfter/2),
		RescueStuckJobsAfter: c.RescueAfter,
		FetchCooldown:        20 * time.Millisecond,
		// Nobody tells of new jobs: that would make all commits wait for one
		// another.
		FetchPollInterval: 200 * time.Millisecond,
		PollOnly:          c.PollOnly,
		Logger:            newQuiet(c.Logger),
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

type mailWorker struct {
	river.WorkerDefaults[mailJob]
	Config
	rest  *rest
	clock *clock
}

// NextRetry doubles the wait from attempt to attempt, with jitter, so that a
// provider that is back is not met by everybody at once.
func (w *mailWorker) NextRetry(job *river.Job[mailJob]) time.Time {
	wait := longestWait
	if job.Attempt < 12 {
		wait = min(wait, firstRetry<<(job.Attempt-1))
	}
	return w.clock.Now().Add(jittered(wait))
}

// Work implements river.Worker. Errors that it returns are stored with the job:
// they name no address and quote no mail.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[mailJob]) (err error) {
	id := job.Args.DeliveryID
	defer func() {
		if cause := recover(); cause != nil {
			// What it says may quote the mail.
			w.Logger.LogAttrs(ctx, slog.LevelError, "panic while sending a mail",
				slog.String("delivery_id", id.String()), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic of type %T", cause)
		}
	}()
	wait, probe, err := w.rest.turn(ctx)
	if err != nil {
		return err
	}
	if wait > 0 {
		return aside(wait)
	}
	if wait, err := w.turn(ctx); err != nil || wait > 0 {
		return errors.Join(err, snooze(wait))
	}
	message, err := w.message(ctx, id)
	if err != nil || message == nil {
		if probe {
			err = errors.Join(err, w.rest.unused(ctx))
		}
		return err
	}
	sent := w.Sender.Send(ctx, *message)
	refusal, retry := w.judge(sent)
	if err := w.record(ctx, id, refusal); err != nil {
		return fmt.Errorf("record what became of a mail: %w", err)
	}
	attrs := []slog.Attr{slog.String("delivery_id", id.String()), slog.Bool("accepted", refusal == nil), slog.Int("attempt", job.Attempt)}
	if refusal != nil {
		attrs = append(attrs, slog.String("reason", storable(refusal.Reason)))
	}
	w.Logger.LogAttrs(ctx, slog.LevelInfo, "mail handed to the provider", attrs...)
	if err := w.rest.learn(ctx, id, probe, sent); err != nil {
		w.Logger.WarnContext(ctx, "it is not on record whether the mail queue rests", "error", err)
	}
	return retry
}

// message claims a mail and writes it. It is nil if none should go out.
func (w *mailWorker) message(ctx context.Context, id uuid.UUID) (*invitation.Message, error) {
	mail, err := w.claim(ctx, id)
	if err != nil || mail == nil {
		return nil, err
	}
	message, err := w.Render(*mail)
	if err != nil {
		return nil, fmt.Errorf("render a mail: %w", err)
	}
	return &message, nil
}

// longestTurn is how long a worker waits for its turn before it gives the job
// back.
const longestTurn = 5 * time.Second

// turn waits until the mail may be sent. If that takes long, it returns for how
// long the job should be put aside.
func (w *mailWorker) turn(ctx context.Context) (aside time.Duration, err error) {
	wait, err := w.Pace.take(ctx)
	if err != nil {
		return 0, fmt.Errorf("wait for a mail's turn: %w", err)
	}
	if wait > longestTurn {
		return wait, nil
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(wait):
		return 0, nil
	}
}

func snooze(wait time.Duration) error {
	if wait == 0 {
		return nil
	}
	return river.JobSnooze(wait)
}

// jittered spreads what would else happen at once: half to one and a half of the
// time.
func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// judge turns a Sender's error into what to record (nil: the provider took the
// mail) and into what the queue should do (nil: it is done). A mail of which
// nobody knows whether it went out waits for the provider's report before it is
// sent again.
func (w *mailWorker) judge(err error) (refusal *invitation.SendError, retry error) {
	switch {
	case err == nil:
		return nil, nil
	case !errors.As(err, &refusal):
		return &invitation.SendError{Reason: noAnswer}, river.JobSnooze(w.AnswerAfter)
	case refusal.Permanent:
		return refusal, nil
	case refusal.Account:
		return refusal, aside(max(refusal.RetryAfter, w.rest.shortest))
	case refusal.RetryAfter > 0:
		return refusal, river.JobSnooze(refusal.RetryAfter)
	default:
		return refusal, refusal
	}
}

// claim looks again whether the mail should go out. It returns nil if not.
func (w *mailWorker) claim(ctx context.Context, id uuid.UUID) (*invitation.Mail, error) {
	due := false
	res, err := w.update(ctx, id, func(u *invitation.User, now time.Time) { due = u.Claim(id, now) })
	switch {
	case errors.Is(err, invitation.ErrInvitationNotFound):
		// The person was erased meanwhile.
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("claim a mail: %w", err)
	case !due:
		return nil, nil
	}
	d := res.User.Delivery(id)
	inv := res.User.InvitationByID(d.InvitationID)
	return &invitation.Mail{
		DeliveryID: id, InvitationID: inv.ID, Reminder: d.Reminder, DespiteBounce: d.DespiteBounce,
		Target: inv.Target, Language: res.User.Language(), To: d.To,
		DisplayName: res.User.DisplayName, Organization: res.User.Organization,
		Link: w.Linker.Link(inv, invitation.Mailed), ExpiresAt: inv.ExpiresAt,
	}, nil
}

// record keeps trying for as long as the job may take, even if it is broken off:
// a mail whose sending is not on record is sent again.
func (w *mailWorker) record(ctx context.Context, id uuid.UUID, refusal *invitation.SendError) error {
	end, limited := ctx.Deadline()
	if least := time.Now().Add(leastRecording); !limited || end.Before(least) {
		end = least
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := w.update(ctx, id, func(u *invitation.User, now time.Time) {
			if refusal == nil {
				u.Sent(id, now)
			} else {
				u.Unsent(id, refusal.Permanent, storable(refusal.Reason), now)
			}
		})
		if err == nil || errors.Is(err, invitation.ErrInvitationNotFound) {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// storable makes a text of a reason that the database takes whatever a provider
// says: what can't be recorded would be sent again and again.
func storable(reason string) string {
	reason = strings.ReplaceAll(strings.ToValidUTF8(reason, "?"), "\x00", "?")
	if runes := []rune(reason); len(runes) > longestReason {
		return string(runes[:longestReason])
	}
	return reason
}

func (w *mailWorker) update(ctx context.Context, id uuid.UUID, change func(*invitation.User, time.Time)) (invitation.Result, error) {
	return w.Store.Update(ctx, invitation.Change{
		Key:     invitation.Key{DeliveryID: id},
		Request: invitation.Request{Cause: "delivery"},
		Rule: func(u *invitation.User, now time.Time) error {
			change(u, now)
			return nil
		},
	})
}
