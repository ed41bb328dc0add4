package server

import (
	"sync"

	"google.golang.org/grpc"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// streamsPerCaller is how many streams a caller may have open at one server. Each
// costs some 50 KB.
const streamsPerCaller = 1000

// streams counts the open ones of each caller.
type streams struct {
	mu       sync.Mutex
	byCaller map[string]int
}

// bound is an interceptor that refuses a caller who has too many streams open.
func (s *streams) bound(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	caller := access.Caller(stream.Context())
	if !s.enter(caller) {
		return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
	}
	defer s.leave(caller)
	return next(srv, stream)
}

func (s *streams) open() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.byCaller {
		n += of
	}
	return n
}

func (s *streams) enter(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byCaller[caller] == streamsPerCaller {
		return false
	}
	s.byCaller[caller]++
	return true
}

func (s *streams) leave(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byCaller[caller]--
}
