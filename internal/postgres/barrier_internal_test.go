package postgres

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestBarrier: whoever comes while a commit is under way waits for the next one,
// which began after what they read; and however many come, they share it.
func TestBarrier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		commits := 0
		began := make(chan int)
		b := barrier{timeout: time.Second, commit: func(ctx context.Context) error {
			commits++
			began <- commits
			<-ctx.Done() // answers with its time-out
			if commits == 2 {
				return nil
			}
			return errors.New("no standby")
		}}
		passed := make(chan error, 100)
		pass := func() { passed <- b.pass(t.Context()) }
		go pass()
		<-began
		for range 50 {
			go pass()
		}
		synctest.Wait()
		if len(passed) != 0 {
			t.Error("somebody passed before a commit")
		}
		<-began
		if err := <-passed; err == nil {
			t.Errorf("the commit failed, and the first got %v", err)
		}
		if len(passed) != 0 {
			t.Error("somebody passed with a commit that began before")
		}
		for range 50 {
			if err := <-passed; err != nil {
				t.Errorf("after the second commit: %v", err)
			}
		}
		if commits != 2 {
			t.Errorf("%d commits", commits)
		}
	})
}

// TestBarrierGivenUp: who does not want to wait does not have to.
func TestBarrierGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		b := barrier{timeout: time.Second, commit: func(context.Context) error {
			<-end
			return nil
		}}
		ctx, giveUp := context.WithTimeout(t.Context(), time.Millisecond)
		defer giveUp()
		if err := b.pass(ctx); err == nil {
			t.Error("passed without a commit")
		}
	})
}
