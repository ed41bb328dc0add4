package postgres_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// cable lies between a store and its server and can be cut at a statement.
type cable struct {
	server string
	// cut is the text of the statement at which the next connection that sends
	// it breaks; "" for none.
	cut atomic.Value
	// delivered says that the statement still arrives, and only its answer is lost.
	delivered bool
	cuts      atomic.Int32
}

// lay starts a cable to a database and returns the URL of its near end.
func lay(t *testing.T, dsn string, delivered bool) (*cable, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	c := &cable{server: u.Host, delivered: delivered}
	c.cut.Store("")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var ends sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); ends.Wait() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			ends.Go(func() { c.carry(near) })
		}
	}()
	u.Host = listener.Addr().String()
	return c, u.String()
}

// carry passes messages on until the statement comes. There is no TLS.
func (c *cable) carry(near net.Conn) {
	defer func() { _ = near.Close() }()
	far, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	var silenced atomic.Bool
	go func() {
		defer func() { _ = near.Close() }()
		buffer := make([]byte, 1<<16)
		for {
			n, err := far.Read(buffer)
			if err != nil || silenced.Load() {
				return // the answer has arrived here, so the server has done it
			}
			if _, err := near.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	for startup := true; ; startup = false {
		message, err := readMessage(near, startup)
		if err != nil {
			return
		}
		if cut := c.cut.Load().(string); cut != "" && bytes.Contains(message, []byte(cut)) && c.cut.CompareAndSwap(cut, "") {
			c.cuts.Add(1)
			if !c.delivered {
				return
			}
			silenced.Store(true)
		}
		if _, err := far.Write(message); err != nil {
			return
		}
	}
}

// readMessage reads one message of a client; the first one has no type.
func readMessage(r io.Reader, startup bool) ([]byte, error) {
	head := make([]byte, 5)
	if startup {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return append(head, body...), nil
}

// TestBrokenConnection cuts the connection at each stage of a transaction. Up to
// the commit the store repeats it by itself. From there on nobody knows the
// outcome: the caller is told so, and repeating the request does the rest.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement string
		delivered bool // before it breaks
		unknown   bool // to the store
		effect    int  // when it breaks
	}{
		"at the begin":           {"BEGIN", false, false, 1},
		"after the begin":        {"BEGIN", true, false, 1},
		"while locking":          {"user-", false, false, 1}, // the id that it looks for
		"while writing":          {"INSERT INTO invitations", false, false, 1},
		"after writing":          {"INSERT INTO invitations", true, false, 1},
		"before the commit":      {"commit", false, true, 0},
		"at the commit's answer": {"commit", true, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDB(t)
			cable, dsn := lay(t, d.dsn, c.delivered)
			s := newStore(t, openPool(t, dsn))
			id := person(t, s)
			runs := 0
			change := identified(share(id), newRequest())
			rule := change.Rule
			change.Rule = func(u *invitation.User, now time.Time) error { runs++; return rule(u, now) }

			cable.cut.Store(c.statement)
			_, err := s.Update(t.Context(), change)
			if cable.cuts.Load() != 1 {
				t.Fatalf("the connection was cut %d times", cable.cuts.Load())
			}
			if c.unknown {
				isUnavailable(t, err)
				if runs != 1 {
					t.Errorf("the rule ran %d times, although its first outcome is unknown", runs)
				}
			} else if err != nil {
				t.Errorf("the store did not repeat it: %v", err)
			}
			if n := d.events(id, invitation.InvitationIssued); n != c.effect {
				t.Errorf("it took effect %d times, want %d", n, c.effect)
			}
			recovered(t, s, change)
			if n := d.events(id, invitation.InvitationIssued); n != 1 {
				t.Errorf("repeated, it took effect %d times", n)
			}
			d.checkAlways()
		})
	}
}

// TestBrokenRead: a read whose connection breaks says that it may be repeated.
func TestBrokenRead(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	cable, dsn := lay(t, d.dsn, false)
	s := newStore(t, openPool(t, dsn))
	id := person(t, s)
	cable.cut.Store("REPEATABLE READ")
	if _, err := s.Read(t.Context(), invitation.Key{UserID: id}); err != nil {
		isUnavailable(t, err)
	}
	if read(t, s, id).ID != id {
		t.Error("the next read fails too")
	}
}
