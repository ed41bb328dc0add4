package portal

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/kiwi-ki/invitations/pkg/client"
)

// trail follows the organization's audit trail once, for all pages that are open.
type trail struct {
	mu    sync.Mutex
	pages map[chan struct{}]string // the user that a page is about; "" for every one
}

func newTrail() *trail { return &trail{pages: map[chan struct{}]string{}} }

// follow tells pages of what happens, until the context ends. There is no cursor to
// keep: a page that opens shows how things are then.
func (t *trail) follow(ctx context.Context, service *client.Client) {
	cursor := ""
	for {
		for event, err := range service.Watch(ctx, organization, cursor) {
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				// The trail can't be followed from there any more, or not by us.
				slog.Warn("the audit trail is followed anew", "reason", client.Reason(err))
				cursor = ""
				break
			}
			cursor = event.GetCursor()
			t.tell(event.GetEvent().GetUserId())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// tell wakes the pages that a user is on. One that was woken and has not looked yet
// needs no second call.
func (t *trail) tell(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for page, about := range t.pages {
		if about == "" || about == user {
			select {
			case page <- struct{}{}:
			default:
			}
		}
	}
}

func (t *trail) join(user string) chan struct{} {
	page := make(chan struct{}, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pages[page] = user
	return page
}

func (t *trail) leave(page chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pages, page)
}

// eventsURL is where the page about a user hears of changes.
func eventsURL(user string) string { return "/events?user=" + url.QueryEscape(user) }

// events is a stream of server-sent events that tell a page to look again.
func (p *Portal) events(w http.ResponseWriter, r *http.Request) {
	changed := p.trail.join(r.FormValue("user"))
	defer p.trail.leave(changed)
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
			if _, err := io.WriteString(w, "data: changed\n\n"); err != nil {
				return
			}
		}
	}
}
