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
type streams struct{ *shares }

func newStreams() streams { return streams{newShares(streamsPerCaller)} }

// bound is an interceptor that refuses a caller who has too many streams open.
func (s streams) bound(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	caller := access.Caller(stream.Context())
	if !s.take(caller) {
		return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
	}
	defer s.giveBack(caller)
	return next(srv, stream)
}

// shares count what each of many has taken of something. Nobody gets more than most.
type shares struct {
	most int

	mu    sync.Mutex
	taken map[string]int
}

func newShares(most int) *shares { return &shares{most: most, taken: map[string]int{}} }

// take reports whether there was something left for that one, who then gives it back.
func (s *shares) take(who string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[who] == s.most {
		return false
	}
	s.taken[who]++
	return true
}

func (s *shares) giveBack(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[who]--; s.taken[who] == 0 {
		delete(s.taken, who)
	}
}

// all is what all of them have taken.
func (s *shares) all() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.taken {
		n += of
	}
	return n
}
