package delivery

import (
	"context"
	"sync"
	"time"
)

const (
	// firstLanes are open when a server starts.
	firstLanes = 4
	// mailsPerLane have to be taken for each lane that there is until one more is
	// opened: after n mails there are about the root of n/10. Of a provider's limit
	// per window, whatever it is, a few in a hundred requests find it used up.
	mailsPerLane = 20
	// longestTurn is how long a worker waits for its turn before it gives the job
	// back; shorter if it has little time, as a job whose time is up has failed.
	longestTurn = 5 * time.Second
)

// lanes bound how many mails of one server are on their way to the provider at
// once. There is one after the provider refused everybody, and more with the mails
// that it takes, so that one that is back is not met by all at once.
type lanes struct {
	// free has a token for each lane that is open and empty.
	free chan struct{}

	mu sync.Mutex
	// open are the lanes that there are, want those that there should be: fewer
	// while mails are still in lanes that are to be closed.
	open, want int
	// taken are the mails since a lane was opened.
	taken int
}

func newLanes(most int) *lanes {
	l := &lanes{free: make(chan struct{}, most), want: min(firstLanes, most)}
	for ; l.open < l.want; l.open++ {
		l.free <- struct{}{}
	}
	return l
}

// enter waits for a lane, and reports whether there was one in time.
func (l *lanes) enter(ctx context.Context, longest time.Duration) (bool, error) {
	late := time.NewTimer(longest)
	defer late.Stop()
	select {
	case <-l.free:
		return true, nil
	case <-late.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (l *lanes) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open > l.want {
		l.open--
		return
	}
	l.free <- struct{}{}
}

// widen counts a mail that the provider took.
func (l *lanes) widen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken++
	if l.want == cap(l.free) || l.taken < mailsPerLane*l.want {
		return
	}
	l.taken = 0
	l.want++
	if l.open < l.want {
		l.open++
		l.free <- struct{}{}
	}
}

// narrow leaves one lane.
func (l *lanes) narrow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.want, l.taken = 1, 0
	for l.open > l.want {
		select {
		case <-l.free:
			l.open--
		default:
			return
		}
	}
}
