package group_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/group"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var must = harness.Must

// call is what these tests have carried out.
type call struct {
	name string
	id   byte
	// fates are what becomes of it, round after round; then it is answered.
	fates []group.Fate
	runs  int
	modes []group.Mode
}

// lab runs groups whose failures a test chooses.
type lab struct {
	mu     sync.Mutex
	groups [][]string
	// fail is asked before each group.
	fail func(calls []*call, mode group.Mode) error
	// began tells of each group, and every group waits for a word of proceed,
	// if these are set.
	began   chan []string
	proceed chan struct{}
}

func (l *lab) run(_ context.Context, calls []*call, mode group.Mode) ([]group.Fate, error) {
	var names []string
	for _, c := range calls {
		names = append(names, c.name)
	}
	if l.began != nil {
		l.began <- names
		<-l.proceed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups = append(l.groups, names)
	if l.fail != nil {
		if err := l.fail(calls, mode); err != nil {
			return nil, err
		}
	}
	fates := make([]group.Fate, len(calls))
	for i, c := range calls {
		if c.modes = append(c.modes, mode); c.runs < len(c.fates) {
			fates[i] = c.fates[c.runs]
		}
		c.runs++
	}
	return fates, nil
}

func (l *lab) queue(t *testing.T, set ...func(*group.Config[*call])) *group.Queue[*call] {
	t.Helper()
	q := l.open(set...)
	t.Cleanup(q.Close)
	return q
}

func (l *lab) open(set ...func(*group.Config[*call])) *group.Queue[*call] {
	c := group.Config[*call]{
		Run:      l.run,
		Judge:    func(error, []*call, group.Mode, int) group.Verdict { return group.Over },
		Identity: func(c *call) (id [16]byte) { id[0] = c.id; return id },
		Timeout:  time.Minute, Leaders: 1, Size: 8, Backlog: 8, Waits: 2,
	}
	for _, s := range set {
		s(&c)
	}
	return group.NewQueue(c)
}

func together(q *group.Queue[*call], calls ...*call) []error {
	contexts := make([]context.Context, len(calls))
	for i := range contexts {
		contexts[i] = context.Background()
	}
	return q.Together(contexts, calls)
}

// TestWhoeverWaitsIsAGroup: calls that come while a group is in flight are the
// next one, and a lone call waits for nobody.
func TestWhoeverWaitsIsAGroup(t *testing.T) {
	t.Parallel()
	l := &lab{began: make(chan []string), proceed: make(chan struct{})}
	q := l.queue(t)
	var done sync.WaitGroup
	do := func(name string) {
		done.Go(func() {
			if err := q.Do(t.Context(), &call{name: name}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	do("first")
	if got := <-l.began; !slices.Equal(got, []string{"first"}) {
		t.Errorf("a lone call ran with %v", got)
	}
	for _, name := range []string{"a", "b", "c"} {
		do(name)
	}
	for q.Waiting() < 3 {
		runtime.Gosched()
	}
	l.proceed <- struct{}{}
	if got := <-l.began; len(got) != 3 {
		t.Errorf("three that waited ran as %v", got)
	}
	l.proceed <- struct{}{}
	done.Wait()
}

// TestBacklog: when too many wait, the next is refused, and nobody else suffers.
// Closing lets the group in flight finish and refuses who waits.
func TestBacklog(t *testing.T) {
	t.Parallel()
	l := &lab{began: make(chan []string), proceed: make(chan struct{})}
	q := l.open(func(c *group.Config[*call]) { c.Backlog = 2 })
	errs := make(chan error, 3)
	go func() { errs <- q.Do(t.Context(), &call{name: "in flight"}) }()
	<-l.began
	waiting := make(chan error, 2)
	for range 2 {
		go func() { waiting <- q.Do(t.Context(), &call{name: "waits"}) }()
	}
	for q.Waiting() < 2 {
		runtime.Gosched()
	}
	if err := q.Do(t.Context(), &call{name: "too many"}); !errors.Is(err, group.ErrFull) {
		t.Errorf("a call beyond the backlog: %v", err)
	}
	closed := make(chan struct{})
	l.proceed <- struct{}{}
	must(t, <-errs)
	<-l.began
	go func() {
		q.Close()
		close(closed)
	}()
	l.proceed <- struct{}{}
	<-closed
	for range 2 {
		must(t, <-waiting)
	}
	if err := q.Do(t.Context(), &call{}); !errors.Is(err, group.ErrFull) {
		t.Errorf("a call after the end: %v", err)
	}
}

// TestShortOfTime: who has less time than a group may take is not kept by the one
// that its call is in.
func TestShortOfTime(t *testing.T) {
	t.Parallel()
	l := &lab{began: make(chan []string), proceed: make(chan struct{})}
	q := l.queue(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute/2)
	heard := make(chan error)
	go func() { heard <- q.Do(ctx, &call{name: "hurried"}) }()
	<-l.began
	cancel()
	if err := <-heard; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who gave up heard %v", err)
	}
	l.proceed <- struct{}{}
}
