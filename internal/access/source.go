package access

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
)

// source is a value that comes from files. T is a pointer type, and what it
// points to is never changed.
type source[T any] struct {
	what  string
	paths []string
	parse func(contents [][]byte) (T, error)

	value atomic.Pointer[T]

	mu     sync.Mutex
	loaded [sha256.Size]byte
	last   attempt
}

// attempt is how one look at the files ended.
type attempt struct {
	sum     [sha256.Size]byte
	problem string
}

// get returns the value; load has to have succeeded before.
func (s *source[T]) get() T { return *s.value.Load() }

// load reads the value. Errors never quote what the files hold.
func (s *source[T]) load() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last = s.try(); s.last.problem != "" {
		return fmt.Errorf("read the %s: %s", s.what, s.last.problem)
	}
	return nil
}

// reload reads the value again if the files changed. A failure keeps the old
// value, and is tried again every time but logged only when it is a new one.
func (s *source[T]) reload(log *slog.Logger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.try()
	if now == s.last {
		return
	}
	s.last = now
	if now.problem != "" {
		log.Error("access files are broken, the old ones stay in force", "what", s.what, "error", now.problem)
		return
	}
	log.Info("access files are in force", "what", s.what)
}

func (s *source[T]) try() (a attempt) {
	contents, err := readFiles(s.paths)
	if err != nil {
		a.problem = err.Error()
		return a
	}
	// A sum says whether they changed; the key itself is not kept here.
	hash := sha256.New()
	for _, content := range contents {
		sum := sha256.Sum256(content)
		_, _ = hash.Write(sum[:])
	}
	hash.Sum(a.sum[:0])
	if a.sum == s.loaded {
		return a
	}
	value, err := s.parse(contents)
	if err != nil {
		a.problem = err.Error()
		return a
	}
	s.loaded = a.sum
	s.value.Store(&value)
	return a
}

func readFiles(paths []string) (contents [][]byte, err error) {
	for _, path := range paths {
		if path == "" {
			return nil, errors.New("no file is set")
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}
