package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	// tripAfter is how many mails in a row have to fail until nobody tries.
	tripAfter = 20
	// restFor is how long nobody tries then.
	restFor = 15 * time.Second
)

// breaker keeps a provider that is down from being asked by every mail.
type breaker struct {
	sender  Sender
	circuit *gobreaker.CircuitBreaker[struct{}]
}

func newBreaker(s Sender) *breaker {
	return &breaker{sender: s, circuit: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  3,
		Timeout:      restFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		IsSuccessful: answered,
	})}
}

// resting reports whether nobody tries now.
func (b *breaker) resting() bool { return b.circuit.State() == gobreaker.StateOpen }

// Send implements Sender.
func (b *breaker) Send(ctx context.Context, m invitation.Message) error {
	_, err := b.circuit.Execute(func() (struct{}, error) { return struct{}{}, b.sender.Send(ctx, m) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return &invitation.SendError{Reason: "the provider is down and not asked for now", RetryAfter: jittered(restFor)}
	}
	return err
}

// answered reports whether the provider is there: it took a mail, refused it for
// good, or asked to wait.
func answered(err error) bool {
	var refusal *invitation.SendError
	return err == nil || errors.As(err, &refusal) && (refusal.Permanent || refusal.RetryAfter > 0)
}
