package access

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/kiwi-ki/invitations/internal/filewatch"
)

// source is a value that comes from files. T is a pointer type, and what it
// points to is never changed.
type source[T any] struct {
	files filewatch.Watcher[T]
	value atomic.Pointer[T]
}

// load reads the value for the start; errors never quote what the files hold.
func load[T any](log *slog.Logger, what string, parse func(contents [][]byte) (T, error), paths ...string) (*source[T], error) {
	s := &source[T]{}
	s.files.Read = filewatch.Files(parse, paths...)
	s.files.Use = func(value T) {
		s.value.Store(&value)
		log.Info("access files are in force", "what", what)
	}
	s.files.Broken = func(problem string) {
		log.Error("access files are broken, the old ones stay in force", "what", what, "error", problem)
	}
	value, err := s.files.Load()
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	s.value.Store(&value)
	return s, nil
}

func (s *source[T]) get() T { return *s.value.Load() }
