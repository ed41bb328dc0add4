package keyfile_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/keyfile"
)

const every = 5 * time.Second

// watched is a path that is being watched in a bubble of its own time.
type watched struct {
	t    testing.TB
	ring *invitation.KeyRing
	log  strings.Builder
}

// inBubble runs a test with a path being watched.
func inBubble(t *testing.T, path string, test func(w *watched)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &watched{t: t}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			keyfile.Watch(ctx, path, every, func(r *invitation.KeyRing) { w.ring = r }, slog.New(slog.NewTextHandler(&w.log, nil)))
			close(ended)
		}()
		test(w)
		stop()
		<-ended
	})
}

// looks lets the watcher look so often.
func (w *watched) looks(n int) {
	for range n {
		<-time.After(every)
		synctest.Wait()
	}
}

// expect checks, several looks later, which keys are in force, and that the log
// got one line with the text, or none.
func (w *watched) expect(keys, logged string) {
	w.t.Helper()
	w.looks(4)
	if got := describe(w.ring); got != keys {
		w.t.Errorf("in force are %q, want %q", got, keys)
	}
	if text := w.log.String(); strings.Count(text, "\n") != min(len(logged), 1) || !strings.Contains(text, logged) {
		w.t.Errorf("the log says %q, want one line with %q", text, logged)
	}
	w.log.Reset()
}

// TestWatchFile: changes come into force however they are written, and what is
// broken is logged once and leaves the old in force.
func TestWatchFile(t *testing.T) {
	t.Parallel()
	a, b := "A "+newSecret(), "B "+newSecret()
	path := filepath.Join(t.TempDir(), "keys")
	write(t, path, a)
	inBubble(t, path, func(w *watched) {
		w.expect("A signs", "keys are in force")
		w.expect("A signs", "")
		write(t, path, a+"\n"+b+" next")
		w.expect("A signs, B next", "keys are in force")
		must(t, keyfile.Promote(path, "B"))
		w.expect("A verifies, B signs", "keys are in force")
		for _, problem := range []struct {
			name string
			do   func()
			says string
		}{
			{"broken", func() { write(t, path, a+"\nB "+b) }, "line 2"},
			{"still broken", func() { write(t, path, a+"\nB "+b) }, ""},
			{"otherwise broken", func() { write(t, path, "") }, "no key"},
			{"gone", func() { must(t, os.Remove(path)) }, "no such file"},
			{"a folder", func() { must(t, os.Mkdir(path, 0o700)) }, "signing"},
			{"gone again", func() { must(t, os.Remove(path)) }, "no such file"},
		} {
			problem.do()
			w.expect("A verifies, B signs", problem.says)
		}
		write(t, path, b)
		w.expect("B signs", "keys are in force")
		must(t, os.Chmod(path, 0o644))
		w.expect("B signs", "open to everybody")
		must(t, os.Chmod(path, 0o600))
		w.expect("B signs", "keys are in force")
	})
}

// TestWatchMount follows a Secret as a kubelet changes it.
func TestWatchMount(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	m := newMount(t, map[string]string{"A": a, "signing": "A"})
	inBubble(t, m.dir, func(w *watched) {
		w.expect("A signs", "keys are in force")
		m.update(map[string]string{"A": a, "B": b, "signing": "A"})
		w.expect("B verifies, A signs", "keys are in force")
		m.update(map[string]string{"A": a, "B": b, "signing": "B"})
		w.expect("A verifies, B signs", "keys are in force")
		m.update(map[string]string{"A": a, "signing": "B"})
		w.expect("A verifies, B signs", "does not hold the id of a key")
		m.update(map[string]string{"B": b, "signing": "B"})
		w.expect("B signs", "keys are in force")
	})
}

// TestWatchHalfWritten: keys that are missing for one look only are not missed,
// and what is broken for one look is not logged.
func TestWatchHalfWritten(t *testing.T) {
	t.Parallel()
	a, b, c := "A "+newSecret(), "B "+newSecret(), "C "+newSecret()
	path := filepath.Join(t.TempDir(), "keys")
	write(t, path, a+"\n"+b)
	inBubble(t, path, func(w *watched) {
		w.expect("A verifies, B signs", "keys are in force")
		for _, half := range []string{"", a, a + "\n" + b[:20], c} {
			write(t, path, half)
			w.looks(1)
			write(t, path, a+"\n"+b)
			w.expect("A verifies, B signs", "")
		}
	})
}

// TestWatchLogsNoSecret: neither what is in force nor what is wrong is quoted.
func TestWatchLogsNoSecret(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	path := filepath.Join(t.TempDir(), "keys")
	write(t, path, "A "+a)
	inBubble(t, path, func(w *watched) {
		w.looks(2)
		for _, text := range []string{"A " + a + "\nB " + b, "A " + a + "\nB" + b, "A " + a + "\n" + b, "A " + a + "\nB " + b + " " + b, "A " + a + "\nB " + a} {
			write(t, path, text)
			w.looks(2)
		}
		for _, secret := range []string{a, b, a[:20], b[:20]} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log quotes a secret: %s", &w.log)
			}
		}
		if n := strings.Count(w.log.String(), "\n"); n != 6 {
			t.Errorf("%d lines were logged, want 6: %s", n, &w.log)
		}
	})
}
