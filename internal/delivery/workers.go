package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	// jobTimeout bounds one attempt, the recording of its outcome included.
	jobTimeout = time.Minute
	// rescueAfter is when a job whose worker died is given to another: later
	// than jobTimeout, so that no two work on one mail.
	rescueAfter = 2 * time.Minute
	firstRetry  = time.Second
	longestWait = 15 * time.Minute
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
	Render func(invitation.Mail) (invitation.Message, error)
	Logger *slog.Logger
	// Concurrency is how many mails are sent at once.
	Concurrency int
	// PollOnly does without LISTEN, for a pooler in transaction mode.
	PollOnly bool
	// Housekeep is run about once an hour by one of all servers.
	Housekeep func(ctx context.Context) error
}

// Workers send queued mails.
type Workers struct{ client *river.Client[pgx.Tx] }

// NewWorkers prepares workers; Start starts them.
func NewWorkers(c Config) (*Workers, error) {
	workers := river.NewWorkers()
	if err := errors.Join(
		river.AddWorkerSafely(workers, &mailWorker{Config: c}),
		river.AddWorkerSafely(workers, &housekeeper{run: c.Housekeep}),
	); err != nil {
		return nil, fmt.Errorf("register workers: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.Concurrency}},
		Workers:              workers,
		PeriodicJobs:         []*river.PeriodicJob{hourly()},
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		FetchCooldown:        20 * time.Millisecond,
		PollOnly:             c.PollOnly,
		Logger:               c.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare workers: %w", err)
	}
	return &Workers{client: client}, nil
}

// Start begins to work, until Stop.
func (w *Workers) Start(ctx context.Context) error {
	return w.client.Start(context.WithoutCancel(ctx))
}

// Stop takes no new job and waits for those in flight. When the context ends
// first it breaks them off: another server sends their mails.
func (w *Workers) Stop(ctx context.Context) error {
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
}

// NextRetry doubles the wait from attempt to attempt, with jitter, so that a
// provider that is back is not met by everybody at once.
func (w *mailWorker) NextRetry(job *river.Job[mailJob]) time.Time {
	wait := longestWait
	if job.Attempt < 12 {
		wait = min(wait, firstRetry<<(job.Attempt-1))
	}
	return time.Now().Add(wait/2 + rand.N(wait))
}

// Work implements river.Worker. Errors that it returns are stored with the job:
// they name no address and quote no mail.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[mailJob]) error {
	id := job.Args.DeliveryID
	mail, err := w.claim(ctx, id)
	if err != nil || mail == nil {
		return err
	}
	message, err := w.Render(*mail)
	if err != nil {
		return fmt.Errorf("render a mail: %w", err)
	}
	sent := w.Sender.Send(ctx, message)
	refusal, retry := judge(sent)
	if err := w.record(ctx, id, refusal); err != nil {
		return fmt.Errorf("record what became of a mail: %w", err)
	}
	w.Logger.LogAttrs(ctx, slog.LevelInfo, "mail handed to the provider",
		slog.String("delivery_id", id.String()), slog.Bool("accepted", refusal == nil), slog.Int("attempt", job.Attempt))
	return retry
}

// judge turns a Sender's error into what to record (nil: the provider took the
// mail) and into what the queue should do (nil: it is done).
func judge(err error) (refusal *invitation.SendError, retry error) {
	switch {
	case err == nil:
		return nil, nil
	case !errors.As(err, &refusal):
		refusal = &invitation.SendError{Reason: "the provider did not answer"}
	}
	switch {
	case refusal.Permanent:
		return refusal, nil
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
		DeliveryID: id, InvitationID: inv.ID, Target: inv.Target, Locale: res.User.Locale, To: d.To,
		DisplayName: res.User.DisplayName, OrganizationName: res.User.OrganizationName,
		Link: w.Linker.Link(inv, invitation.Mailed), ExpiresAt: inv.ExpiresAt,
	}, nil
}

// record keeps trying for as long as the job may take: a mail whose sending is
// not on record is sent again.
func (w *mailWorker) record(ctx context.Context, id uuid.UUID, refusal *invitation.SendError) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := w.update(ctx, id, func(u *invitation.User, now time.Time) {
			if refusal == nil {
				u.Sent(id, now)
			} else {
				u.Unsent(id, refusal.Permanent, refusal.Reason, now)
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
