// Package filewatch follows values that stand in files: keys, certificates, a
// policy. It looks at the files again and again, since what tells of changes does
// not do so on every file system, nor for links two folders up, which is what
// Kubernetes swaps.
//
// A change counts when two looks have found the same: a file that is just being
// written may lack its end, and mean something else without being wrong.
package filewatch

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// Reading is what a look has found.
type Reading[T any] struct {
	// Sum tells it apart from others, so that no secret is kept for that.
	Sum [sha256.Size]byte
	// Parse makes the value of it.
	Parse func() (T, error)
}

// Watcher follows one value. Its methods may be called by any goroutine.
type Watcher[T any] struct {
	// Read looks. Neither its errors nor those of Parse may quote what it finds.
	Read func() (Reading[T], error)
	// Use takes every new value.
	Use func(T)
	// Broken hears once why what stands there now is of no use. The value of
	// before goes on, and Read goes on as well: what is wrong may come right.
	Broken func(problem string)

	mu sync.Mutex
	// seen is what the last look found, acted what was acted upon last.
	seen, acted finding
	// value is the last that was good, made of what has this sum.
	value T
	sum   [sha256.Size]byte
}

// finding is how a look ended.
type finding struct {
	sum     [sha256.Size]byte
	problem string
}

// Load reads the value to begin with, which is the caller's: Use does not get it.
func (w *Watcher[T]) Load() (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	value, now, err := w.find()
	if err == nil {
		w.seen, w.acted = now, now
		w.value, w.sum = value, now.sum
	}
	return value, err
}

// Look looks once.
func (w *Watcher[T]) Look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	value, now, err := w.find()
	settled := now == w.seen
	w.seen = now
	if !settled || now == w.acted {
		return
	}
	w.acted = now
	if err != nil {
		w.Broken(now.problem)
		return
	}
	w.value, w.sum = value, now.sum
	w.Use(value)
}

// find does not parse again what the value was made of: a certificate that has
// expired since is for its callers to refuse.
func (w *Watcher[T]) find() (value T, now finding, err error) {
	r, err := w.Read()
	if err == nil {
		now.sum = r.Sum
		if r.Sum == w.sum {
			return w.value, now, nil
		}
		value, err = r.Parse()
	}
	if err != nil {
		now.problem = err.Error()
	}
	return value, now, err
}

// Every looks at once and then each time, until the context ends.
func Every(ctx context.Context, each time.Duration, looks ...func()) {
	tick := time.NewTicker(each)
	defer tick.Stop()
	for {
		for _, look := range looks {
			look()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
