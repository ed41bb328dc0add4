package postgres_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
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
	came := false
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
			came = true
		}
		// With the Sync behind it the server does it, and answers.
		if came && message[0] == 'S' {
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

// onWire is how a statement looks in a message to a server that knows it.
func onWire(sql string) string {
	sum := sha256.Sum256([]byte(sql))
	return "stmtcache_" + hex.EncodeToString(sum[:24])
}

// TestBrokenConnection cuts the connection at each stage of a transaction. Until
// something is saved the store repeats it by itself. From there on nobody knows
// the outcome: a request that has an id is repeated all the same, and who has
// none is told so.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message   string
		delivered bool // before it breaks
		unknown   bool // to the store
		effect    int  // when it breaks and the outcome is unknown
	}{
		"at the begin":           {onWire("BEGIN"), false, false, 0},
		"after the begin":        {onWire("BEGIN"), true, false, 0},
		"while locking":          {"user-", false, false, 0}, // the id that it looks for
		"while writing":          {onWire(postgres.InsertEvent), false, true, 0},
		"before the commit":      {onWire("COMMIT"), false, true, 0},
		"at the commit's answer": {onWire("COMMIT"), true, true, 1},
	} {
		for _, withID := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/id %v", name, withID), func(t *testing.T) {
				t.Parallel()
				d := newDB(t)
				cable, dsn := lay(t, d.dsn, c.delivered)
				// One connection, on which all statements are known by then.
				s := storetest.New(t, pgtest.Pool(t, dsn, func(c *pgxpool.Config) { c.MaxConns = 1 }))
				id := person(t, s)
				change := share(id)
				if withID {
					change = identified(change, newRequest())
				}
				cable.cut.Store(c.message)
				_, err := s.Update(t.Context(), change)
				if cable.cuts.Load() != 1 {
					t.Fatalf("the connection was cut %d times", cable.cuts.Load())
				}
				effect := 1
				if c.unknown && !withID {
					isUnavailable(t, err)
					effect = c.effect
				} else if err != nil {
					t.Errorf("the store did not repeat it: %v", err)
				}
				if n := d.events(id, invitation.InvitationIssued); n != effect {
					t.Errorf("it took effect %d times, want %d", n, effect)
				}
				recovered(t, s, change)
				if n := d.events(id, invitation.InvitationIssued); n != 1 {
					t.Errorf("repeated, it took effect %d times", n)
				}
				d.checkAlways()
			})
		}
	}
}

// TestBrokenRead: a read whose connection breaks says that it may be repeated.
func TestBrokenRead(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	cable, dsn := lay(t, d.dsn, false)
	s := storetest.New(t, pgtest.Pool(t, dsn))
	id := person(t, s)
	cable.cut.Store("user-")
	if _, err := s.Read(t.Context(), invitation.Key{UserID: id}); err != nil {
		isUnavailable(t, err)
	}
	if read(t, s, id).ID != id {
		t.Error("the next read fails too")
	}
}
