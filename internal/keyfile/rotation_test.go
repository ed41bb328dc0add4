package keyfile_test

import (
	"log/slog"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/keyfile"
)

// TestNeighbours: servers that are one step of a rotation apart read one
// another's links. Without the step in between they do not.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	file := func(lines ...string) string {
		path := filepath.Join(t.TempDir(), "keys")
		write(t, path, strings.Join(lines, "\n"))
		return path
	}
	for name, steps := range map[string][]string{
		"file":   {file("A " + a), file("A "+a, "B "+b+" next"), file("A "+a, "B "+b)},
		"folder": {newFolder(t, map[string]string{"A": a, "signing": "A"}), newFolder(t, map[string]string{"A": a, "B": b, "signing": "A"}), newFolder(t, map[string]string{"A": a, "B": b, "signing": "B"})},
	} {
		reads := func(from, by int) bool {
			_, err := load(t, steps[by]).Verify(load(t, steps[from]).Sign(someToken()))
			return err == nil
		}
		for _, pair := range [][2]int{{0, 1}, {1, 0}, {1, 2}, {2, 1}, {0, 2}} {
			if !reads(pair[0], pair[1]) {
				t.Errorf("%s: a link of step %d is refused in step %d", name, pair[0], pair[1])
			}
		}
		if reads(2, 0) {
			t.Errorf("%s: the step in between is not needed, so this test shows nothing", name)
		}
	}
}

// server is one of several that share a key file and look at it when they do.
type server struct {
	linker *invitation.Linker
	reads  chan *invitation.KeyRing
}

func startServer(t testing.TB, path string, every time.Duration) *server {
	linker, err := invitation.NewLinker(harness.BaseURL, load(t, path))
	must(t, err)
	s := &server{linker: linker, reads: make(chan *invitation.KeyRing, 64)}
	var watching sync.WaitGroup
	watching.Go(func() {
		keyfile.Watch(t.Context(), path, every, func(r *invitation.KeyRing) {
			linker.SetRing(r)
			s.reads <- r
		}, slog.New(slog.DiscardHandler))
	})
	t.Cleanup(watching.Wait)
	return s
}

// await returns when the server has these keys.
func (s *server) await(t testing.TB, keys string) {
	t.Helper()
	for {
		select {
		case r := <-s.reads:
			if describe(r) == keys {
				return
			}
		case <-time.After(time.Minute):
			t.Fatalf("a server did not get the keys %q", keys)
		}
	}
}

// traffic makes links on one server and opens them on others, all the time.
type traffic struct {
	t       *testing.T
	servers []*server
	// age is held for reading while a link is made and opened, and for writing
	// while links expire.
	age sync.RWMutex

	mu    sync.Mutex
	links []string
	// samples is a link of each key.
	samples map[string]string

	opened  chan struct{}
	stopped chan struct{}
	refusal sync.Once
	clients sync.WaitGroup
}

func startTraffic(t *testing.T, servers []*server) *traffic {
	tr := &traffic{t: t, servers: servers, samples: map[string]string{}, opened: make(chan struct{}, opens), stopped: make(chan struct{})}
	for range 4 {
		tr.clients.Go(func() { tr.repeat(tr.makeAndOpen) })
		tr.clients.Go(func() { tr.repeat(tr.openOld) })
	}
	return tr
}

func (tr *traffic) repeat(act func()) {
	for {
		act()
		select {
		case <-tr.stopped:
			return
		case tr.opened <- struct{}{}:
		default:
		}
	}
}

func (tr *traffic) makeAndOpen() {
	tr.age.RLock()
	defer tr.age.RUnlock()
	inv := &invitation.Invitation{ID: uuid.New(), Mailed: invitation.ChannelState{Generation: 1}}
	link := tr.anyServer().linker.Link(inv, invitation.Mailed).Reveal()
	token := link[strings.LastIndexByte(link, '/')+1:]
	for _, s := range tr.servers {
		tr.open(s, token)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.samples[keyOf(token)] = token
	if len(tr.links) < 5000 {
		tr.links = append(tr.links, token)
	} else {
		tr.links[rand.IntN(len(tr.links))] = token
	}
}

func (tr *traffic) openOld() {
	tr.age.RLock()
	defer tr.age.RUnlock()
	tr.mu.Lock()
	if len(tr.links) == 0 {
		tr.mu.Unlock()
		return
	}
	token := tr.links[rand.IntN(len(tr.links))]
	tr.mu.Unlock()
	tr.open(tr.anyServer(), token)
}

func (tr *traffic) open(s *server, token string) {
	if _, err := s.linker.Verify(token); err != nil {
		tr.refusal.Do(func() { tr.t.Errorf("a live link of key %s is refused: %v", keyOf(token), err) })
	}
}

// keyOf is the id of the key that signed a token: the first five of its 272 bits.
func keyOf(token string) string {
	n, _ := new(big.Int).SetString(token, 62)
	return "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[n.Rsh(n, 267).Int64():][:1]
}

func (tr *traffic) anyServer() *server { return tr.servers[rand.IntN(len(tr.servers))] }

// opens is how often links are opened at least between two steps.
const opens = 1000

func (tr *traffic) goOn() {
	for len(tr.opened) > 0 {
		<-tr.opened
	}
	for range opens {
		select {
		case <-tr.opened:
		case <-time.After(time.Minute):
			tr.t.Fatal("the traffic stands still")
		}
	}
}

// expire takes the links of a key out, which is how time passes here, and
// returns one.
func (tr *traffic) expire(id string) string {
	tr.age.Lock()
	defer tr.age.Unlock()
	tr.links = slices.DeleteFunc(tr.links, func(token string) bool { return keyOf(token) == id })
	if tr.samples[id] == "" {
		tr.t.Fatalf("no link of key %s was made", id)
	}
	return tr.samples[id]
}

// TestRotationUnderLoad: while three servers that look at different times make
// and open links, keys come and go, and no live link is refused by anyone.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	add(t, path)
	var servers []*server
	for _, every := range []time.Duration{2 * time.Millisecond, 5 * time.Millisecond, 11 * time.Millisecond} {
		servers = append(servers, startServer(t, path, every))
	}
	tr := startTraffic(t, servers)
	everywhere := func(keys string, err error) {
		t.Helper()
		must(t, err)
		for _, s := range servers {
			s.await(t, keys)
		}
		tr.goOn()
	}
	now := "A"
	everywhere("A signs", nil)
	for range 8 {
		next := add(t, path)
		everywhere(now+" signs, "+next+" next", nil)
		// A broken file in between changes nothing.
		good, err := os.ReadFile(path)
		must(t, err)
		write(t, path, "broken")
		tr.goOn()
		write(t, path, string(good))
		everywhere(now+" verifies, "+next+" signs", keyfile.Promote(path, next))
		dead := tr.expire(now)
		everywhere(next+" signs", keyfile.Retire(path, now, true))
		for _, s := range servers {
			if _, err := s.linker.Verify(dead); err == nil {
				t.Errorf("key %s was retired, and its link is still good", now)
			}
		}
		now = next
	}
	close(tr.stopped)
	tr.clients.Wait()
}
