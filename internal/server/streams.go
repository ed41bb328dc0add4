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

// boundStreams refuses a caller who has too many streams open.
func boundStreams() grpc.StreamServerInterceptor {
	open := &streams{byCaller: map[string]int{}}
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		caller := access.Caller(stream.Context())
		if !open.enter(caller) {
			return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
		}
		defer open.leave(caller)
		return next(srv, stream)
	}
}

// streams counts the open ones of each caller.
type streams struct {
	mu       sync.Mutex
	byCaller map[string]int
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
