package group_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/group"
)

var errCulprit = errors.New("the culprit")

// TestFailureIsNobodyElses: when a group fails and one call may be the reason,
// each is carried out alone, and only the culprit hears of it.
func TestFailureIsNobodyElses(t *testing.T) {
	t.Parallel()
	l := &lab{fail: func(calls []*call, _ group.Mode) error {
		if slices.ContainsFunc(calls, func(c *call) bool { return c.name == "culprit" }) {
			return errCulprit
		}
		return nil
	}}
	q := l.queue(t, func(c *group.Config[*call]) {
		c.Judge = func(error, []*call, group.Mode, int) group.Verdict { return group.Apart }
	})
	errs := together(q, &call{name: "a"}, &call{name: "culprit"}, &call{name: "b"})
	if errs[0] != nil || !errors.Is(errs[1], errCulprit) || errs[2] != nil {
		t.Errorf("the calls heard %v", errs)
	}
}

// TestSameCallTwice: the second of two calls with one identity is carried out
// after the first, never with it.
func TestSameCallTwice(t *testing.T) {
	t.Parallel()
	l := &lab{}
	together(l.queue(t), &call{name: "one", id: 1}, &call{name: "free"}, &call{name: "again", id: 1}, &call{name: "also free"})
	if len(l.groups) != 2 || slices.Contains(l.groups[0], "again") || !slices.Equal(l.groups[1], []string{"again"}) {
		t.Errorf("the groups were %v", l.groups)
	}
}

// TestLater: a call that is put off is carried out once its group is done.
func TestLater(t *testing.T) {
	t.Parallel()
	l := &lab{}
	errs := together(l.queue(t), &call{name: "a"}, &call{name: "late", fates: []group.Fate{group.Later}})
	if len(l.groups) != 2 || !slices.Equal(l.groups[1], []string{"late"}) || errors.Join(errs...) != nil {
		t.Errorf("the groups were %v, the errors %v", l.groups, errs)
	}
}

// TestWaitingForAKey: who needs what somebody else holds waits patiently, those
// for one key together, and others go on meanwhile.
func TestWaitingForAKey(t *testing.T) {
	t.Parallel()
	l := &lab{}
	q := l.queue(t)
	first := &call{name: "first", fates: []group.Fate{group.Waits("k")}}
	second := &call{name: "second", fates: []group.Fate{group.Waits("k")}}
	errs := together(q, first, &call{name: "free"}, second)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if want := []string{"first", "second"}; len(l.groups) != 2 || !slices.Equal(l.groups[1], want) {
		t.Errorf("the groups were %v", l.groups)
	}
	if want := []group.Mode{group.Quick, group.Patient}; !slices.Equal(first.modes, want) {
		t.Errorf("the waiting call ran in modes %v", first.modes)
	}
}

// TestWaitsAreBounded: groups wait for so many keys at once, and who waits for
// another keeps nobody from anything.
func TestWaitsAreBounded(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	began := make(chan string, 10)
	l := &lab{}
	q := l.queue(t, func(c *group.Config[*call]) {
		c.Waits = 2
		run := c.Run
		c.Run = func(ctx context.Context, calls []*call, mode group.Mode) ([]group.Fate, error) {
			if mode == group.Patient {
				began <- calls[0].name
				<-held
			}
			return run(ctx, calls, mode)
		}
	})
	answers := make(chan error, 3)
	for _, key := range []string{"x", "y", "z"} {
		go func() { answers <- q.Do(t.Context(), &call{name: key, fates: []group.Fate{group.Waits(key)}}) }()
	}
	<-began
	<-began
	must(t, q.Do(t.Context(), &call{name: "free"}))
	if len(began) != 0 {
		t.Error("a third group waits for a key")
	}
	close(held)
	for range 3 {
		must(t, <-answers)
	}
}

// TestAgain: a group whose error passes by itself is carried out again, as often
// as the verdict says, and then its calls hear the error.
func TestAgain(t *testing.T) {
	t.Parallel()
	attempts := 0
	l := &lab{fail: func([]*call, group.Mode) error {
		if attempts++; attempts < 3 {
			return errCulprit
		}
		return nil
	}}
	again := func(c *group.Config[*call]) {
		c.Judge = func(_ error, _ []*call, _ group.Mode, before int) group.Verdict {
			if before < 2 {
				return group.Again
			}
			return group.Over
		}
	}
	if err := l.queue(t, again).Do(t.Context(), &call{}); err != nil || attempts != 3 {
		t.Errorf("%v after %d attempts", err, attempts)
	}
	attempts = -10
	if err := l.queue(t, again).Do(t.Context(), &call{}); !errors.Is(err, errCulprit) || attempts != -7 {
		t.Errorf("%v, and attempts at %d", err, attempts)
	}
}

// TestCarefully: a group that met a limit is carried out in careful mode.
func TestCarefully(t *testing.T) {
	t.Parallel()
	l := &lab{fail: func(_ []*call, mode group.Mode) error {
		if mode < group.Careful {
			return errCulprit
		}
		return nil
	}}
	c := &call{}
	q := l.queue(t, func(c *group.Config[*call]) {
		c.Judge = func(error, []*call, group.Mode, int) group.Verdict { return group.Carefully }
	})
	if err := q.Do(t.Context(), c); err != nil || !slices.Equal(c.modes, []group.Mode{group.Careful}) {
		t.Errorf("%v in modes %v", err, c.modes)
	}
}

// TestAbandoned: a call that nobody waits for any more is not carried out.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	l := &lab{}
	q := l.queue(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Do(gone, &call{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a call without a caller: %v", err)
	}
	errs := q.Together([]context.Context{gone, t.Context()}, []*call{{name: "gone"}, {name: "here"}})
	if !errors.Is(errs[0], context.Canceled) || errs[1] != nil || len(l.groups) != 1 || !slices.Equal(l.groups[0], []string{"here"}) {
		t.Errorf("the groups were %v, the errors %v", l.groups, errs)
	}
}

// TestPanic: a panic is an error of its group that quotes nothing, and the worker
// goes on.
func TestPanic(t *testing.T) {
	t.Parallel()
	l := &lab{fail: func(calls []*call, _ group.Mode) error {
		if calls[0].name == "secret" {
			panic(calls[0].name)
		}
		return nil
	}}
	q := l.queue(t)
	if err := q.Do(t.Context(), &call{name: "secret"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a panic became %v", err)
	}
	must(t, q.Do(t.Context(), &call{name: "next"}))
}
