package filewatch_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/filewatch"
)

// watched is a watcher of a text that a test changes. "gone" can't be read,
// "wrong" can't be parsed.
type watched struct {
	*filewatch.Watcher[string]
	text   string
	parsed int
	heard  []string
}

func watch() *watched {
	w := &watched{}
	w.Watcher = &filewatch.Watcher[string]{
		Read: func() (filewatch.Reading[string], error) {
			if strings.HasPrefix(w.text, "gone") {
				return filewatch.Reading[string]{}, errors.New(w.text)
			}
			return filewatch.Reading[string]{Sum: sha256.Sum256([]byte(w.text)), Parse: w.parse}, nil
		},
		Use:    func(value string) { w.heard = append(w.heard, value) },
		Broken: func(problem string) { w.heard = append(w.heard, "broken: "+problem) },
	}
	return w
}

func (w *watched) parse() (string, error) {
	w.parsed++
	if strings.HasPrefix(w.text, "wrong") {
		return "", errors.New(w.text)
	}
	return "value " + w.text, nil
}

// take returns what was heard since it was asked last.
func (w *watched) take() string {
	all := strings.Join(w.heard, "; ")
	w.heard = nil
	return all
}

// TestLook: a change counts when two looks have found the same, and is told once.
func TestLook(t *testing.T) {
	t.Parallel()
	w := watch()
	for _, step := range []struct{ text, heard string }{
		{"A", ""}, {"A", "value A"}, {"A", ""},
		{"B", ""}, {"A", ""}, {"A", ""}, // for one look only
		{"B", ""}, {"C", ""}, {"C", "value C"},
		{"wrong", ""}, {"C", ""}, {"C", ""}, // half written
		{"wrong", ""}, {"wrong", "broken: wrong"}, {"wrong", ""},
		{"wrong again", ""}, {"wrong again", "broken: wrong again"},
		{"gone", ""}, {"gone", "broken: gone"}, {"gone", ""},
		{"C", ""}, {"C", "value C"}, // the old one, after it was broken
		{"D", ""}, {"D", "value D"},
	} {
		w.text = step.text
		w.Look()
		if heard := w.take(); heard != step.heard {
			t.Errorf("at %q it told %q, want %q", step.text, heard, step.heard)
		}
	}
}

// TestWhatIsInForceIsNotParsedAgain, but what is wrong is: it may come right.
func TestWhatIsInForceIsNotParsedAgain(t *testing.T) {
	t.Parallel()
	w := watch()
	w.text = "A"
	if value, err := w.Load(); value != "value A" || err != nil {
		t.Fatalf("loaded %q, %v", value, err)
	}
	w.Look()
	w.Look()
	if w.parsed != 1 || w.take() != "" {
		t.Errorf("what was loaded was parsed %d times", w.parsed)
	}
	w.text = "B"
	for range 4 {
		w.Look()
	}
	if w.parsed != 3 || w.take() != "value B" {
		t.Errorf("a new value was parsed %d times, want twice", w.parsed-1)
	}
	w.text = "wrong"
	w.Look()
	w.Look()
	w.Look()
	if w.parsed != 6 {
		t.Errorf("what is wrong was parsed %d times, want with every look", w.parsed-3)
	}
}

// TestLoadFails: then nothing is in force.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"gone", "wrong"} {
		w := watch()
		w.text = text
		if _, err := w.Load(); err == nil || err.Error() != text {
			t.Errorf("%s: loading ended with %v", text, err)
		}
		w.text = "A"
		w.Look()
		w.Look()
		if heard := w.take(); heard != "value A" {
			t.Errorf("%s: later it told %q", text, heard)
		}
	}
}

// TestEvery looks at once, then each time, and not after the end.
func TestEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var looks harness.Log
		look := func(name string) func() { return func() { _, _ = looks.Write([]byte(name)) } }
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			filewatch.Every(ctx, time.Second, look("a"), look("b"))
		}()
		for n := range 3 {
			synctest.Wait()
			if got := looks.Take(); got != "ab" {
				t.Errorf("after %d s it has looked: %q", n, got)
			}
			<-time.After(time.Second)
		}
		synctest.Wait()
		looks.Take()
		stop()
		<-ended
		if got := looks.Take(); got != "" {
			t.Errorf("after its end it has looked: %q", got)
		}
	})
}

// TestFiles: a value may stand in several files, and it matters which part is
// where.
func TestFiles(t *testing.T) {
	t.Parallel()
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	read := filewatch.Files(func(contents [][]byte) (string, error) {
		return string(contents[0]) + "|" + string(contents[1]), nil
	}, a, b)
	if _, err := read(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading nothing: %v", err)
	}
	sums := map[[sha256.Size]byte]bool{}
	for _, texts := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}, {"c", "ab"}} {
		harness.Must(t, os.WriteFile(a, []byte(texts[0]), 0o600))
		harness.Must(t, os.WriteFile(b, []byte(texts[1]), 0o600))
		r, err := read()
		harness.Must(t, err)
		sums[r.Sum] = true
		if got, err := r.Parse(); got != texts[0]+"|"+texts[1] || err != nil {
			t.Errorf("read %q, %v of %q", got, err, texts)
		}
	}
	if len(sums) != 5 {
		t.Errorf("five states have %d sums", len(sums))
	}
	if _, err := filewatch.Files(func([][]byte) (string, error) { return "", nil }, a, "")(); err == nil {
		t.Error("no file at all was read")
	}
}
