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
	"github.com/riverqueue/river"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	// leastRecording is how long recording an outcome may take even at the end of
	// an attempt.
	leastRecording = time.Second
	firstRetry     = time.Second
	longestWait    = 15 * time.Minute
	// pausedFor is when a mail of an organization is looked at again whose mails
	// operations has wait; whoever has them go out again wakes them.
	pausedFor = 5 * time.Minute
	// longestReason is in characters, as the schema counts.
	longestReason = 500
)

type mailWorker struct {
	river.WorkerDefaults[mailJob]
	Config
	rest  *rest
	clock *clock
	// longestTurn is how long a mail waits for its turn, in a lane and in the Pace.
	longestTurn time.Duration
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
	if w.Trace != nil && job.Args.Trace != "" {
		var ended func(failed bool)
		ctx, ended = w.Trace(ctx, job.Args.Trace, job.Attempt)
		defer func() { ended(failed(err)) }()
	}
	defer func() {
		if cause := recover(); cause != nil {
			// What it says may quote the mail.
			w.Logger.LogAttrs(ctx, slog.LevelError, "panic while sending a mail",
				slog.String("delivery_id", id.String()), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic of type %T", cause)
		}
	}()
	asked, sent, err := w.send(ctx, id)
	if !asked {
		return err
	}
	refusal, retry := w.judge(sent)
	if err := w.record(ctx, id, refusal); err != nil {
		w.Logger.LogAttrs(ctx, slog.LevelError, "it is not on record what became of a mail",
			slog.String("delivery_id", id.String()), slog.Any("error", err))
		return river.JobSnooze(w.AnswerAfter)
	}
	attrs := []slog.Attr{slog.String("delivery_id", id.String()), slog.Bool("accepted", refusal == nil), slog.Int("attempt", job.Attempt)}
	if refusal != nil {
		attrs = append(attrs, slog.String("reason", storable(refusal.Reason)))
	}
	w.Logger.LogAttrs(ctx, slog.LevelInfo, "mail handed to the provider", attrs...)
	return retry
}

// failed reports whether an attempt went wrong; one that is put off did not.
func failed(err error) bool {
	var later *river.JobSnoozeError
	return err != nil && !errors.As(err, &later)
}

// send hands a mail to the provider when it is its turn, and returns what that
// said. If it was not asked, err says what becomes of the job.
func (w *mailWorker) send(ctx context.Context, id uuid.UUID) (asked bool, said, err error) {
	entered, err := w.rest.lanes.enter(ctx, w.longestTurn)
	if err != nil {
		return false, nil, err
	}
	if !entered {
		return false, nil, aside(w.longestTurn)
	}
	defer w.rest.lanes.leave()
	wait, probe, err := w.rest.turn(ctx)
	if err != nil {
		return false, nil, err
	}
	if wait > 0 {
		return false, nil, aside(wait)
	}
	message, err := w.message(ctx, id)
	if err != nil || message == nil {
		if probe {
			err = errors.Join(err, w.rest.unused(ctx))
		}
		return false, nil, err
	}
	said = w.Sender.Send(ctx, *message)
	// Whoever has the lane next knows it already.
	if err := w.rest.learn(ctx, id, probe, said); err != nil {
		w.Logger.WarnContext(ctx, "it is not on record whether the mail queue rests", "error", err)
	}
	return true, said, nil
}

// message claims a mail, in its turn, and writes it. It is nil if none should go out.
func (w *mailWorker) message(ctx context.Context, id uuid.UUID) (*invitation.Message, error) {
	if err := w.turn(ctx); err != nil {
		return nil, err
	}
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

// turn waits until the mail may be sent. If that takes long, it puts the job
// aside.
func (w *mailWorker) turn(ctx context.Context) error {
	wait, err := w.Pace.take(ctx)
	if err != nil {
		return fmt.Errorf("wait for a mail's turn: %w", err)
	}
	if wait > w.longestTurn {
		return river.JobSnooze(wait)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
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
	due, paused := false, false
	res, err := w.update(ctx, id, func(u *invitation.User, now time.Time) {
		if paused = !u.Organization.DeliveryPausedAt.IsZero(); !paused {
			due = u.Claim(id, now)
		}
	})
	switch {
	case errors.Is(err, invitation.ErrInvitationNotFound):
		// The person was erased meanwhile.
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("claim a mail: %w", err)
	case paused:
		return nil, aside(pausedFor)
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
