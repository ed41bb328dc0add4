package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// ledger is what callers were told.
type ledger struct {
	mu       sync.Mutex
	answered int
	last     time.Time
	outage   time.Duration
	errors   map[codes.Code]int

	people    []*person
	reports   []string // that were answered with 2xx
	consumers []*consumer
	odd       []error // answers that nobody should get
}

// person was created, and redeemed as often as the ledger says.
type person struct {
	id, token string
	redeemed  int
}

// consumer was told of these events.
type consumer struct {
	events []*pb.Event
}

func newLedger() *ledger { return &ledger{last: time.Now(), errors: map[codes.Code]int{}} }

// note writes down how a call ended.
func (l *ledger) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errors[status.Code(err)]++
		return
	}
	l.answered++
	now := time.Now()
	l.outage, l.last = max(l.outage, now.Sub(l.last)), now
}

func (l *ledger) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered
}

// await returns after so many more answers.
func (l *ledger) await(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for until := l.count() + n; l.count() < until; pause(ctx, 10*time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("there are no %d answers: %w", n, err)
		}
	}
	return nil
}

// heard lists the errors by their codes.
func (l *ledger) heard() string {
	var all []string
	for code, n := range l.errors {
		all = append(all, fmt.Sprintf("%d × %s", n, code))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
