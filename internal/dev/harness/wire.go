package harness

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Wire carries connections to an address until it is cut.
type Wire struct {
	// Addr is where it begins.
	Addr string

	listener net.Listener
	mu       sync.Mutex
	ends     []net.Conn
	isCut    bool
}

// NewWire lays a wire to an address, until the test ends.
func NewWire(t testing.TB, to string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Must(t, err)
	w := &Wire{Addr: l.Addr().String(), listener: l}
	t.Cleanup(w.Cut)
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(near, to)
		}
	}()
	return w
}

func (w *Wire) carry(near net.Conn, to string) {
	defer func() { _ = near.Close() }()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	if !w.add(near, far) {
		return
	}
	go func() {
		_, _ = io.Copy(far, near)
		_ = far.Close()
	}()
	_, _ = io.Copy(near, far)
}

func (w *Wire) add(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, ends...)
	return !w.isCut
}

// Cut breaks all connections, and there are no new ones.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	_ = w.listener.Close()
	for _, end := range w.ends {
		_ = end.Close()
	}
}
