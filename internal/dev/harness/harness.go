// Package harness holds what the tests of several packages would else each write
// for themselves. Databases are in pgtest, the store in storetest.
package harness

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Patience is for one step on a busy machine. It ends a hang, not a slow run:
// nothing waits for it to pass.
const Patience = 2 * time.Minute

// Within is the test's context, and ends after Patience.
func Within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BaseURL is where the links of [Linker] begin, and KeyLine its only key.
const (
	BaseURL = "https://app.kiwi.example/i/"
	KeyLine = "A bF0OpgRhxZgsIL5xL+R0RqtfWwfOLYRTOS4heq44p7I="
)

// Linker makes links under BaseURL. All are alike, so that one reads what another
// has made.
func Linker() *invitation.Linker {
	ring, err := invitation.ParseKeyRing([]byte(KeyLine))
	if err != nil {
		panic(err)
	}
	linker, err := invitation.NewLinker(BaseURL, ring)
	if err != nil {
		panic(err)
	}
	return linker
}

// Log takes what loggers write, from any number of goroutines.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Take returns what was written since it was taken last.
func (l *Log) Take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	return text
}

// Permutations calls do with every order of n things.
func Permutations(n int, do func(order []int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var permute func(k int)
	permute = func(k int) {
		if k == n {
			do(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			permute(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	permute(0)
}
