package postgres_test

import (
	"sync"
	"syscall"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestNothingAcknowledgedIsLost: the server is killed again and again under
// load, and clients repeat what was not answered. In the end each request was
// carried out exactly once.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	d := openDB(t, server.DSN("postgres"))
	stores := []*postgres.Store{d.server(quick), d.server(quick)}
	done := make(chan struct{})
	var clients sync.WaitGroup
	var mu sync.Mutex
	var acknowledged []string
	acks := make(chan struct{}, 1)
	for n := range 8 {
		clients.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				id := newID()
				recovered(t, stores[n%2], identified(create(id, emailOf(id)), newRequest()))
				c := identified(send(id), newRequest())
				recovered(t, stores[n%2], c)
				recovered(t, stores[(n+1)%2], c) // some clients lose the answer
				mu.Lock()
				acknowledged = append(acknowledged, id)
				mu.Unlock()
				select {
				case acks <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 4 {
		for range 5 { // let it come to work between two deaths
			<-acks
		}
		must(t, syscall.Kill(server.Pid(), syscall.SIGKILL))
		<-server.Done()
		must(t, server.Restart(t.Context()))
	}
	close(done)
	clients.Wait()
	d.pool.Reset()
	for _, id := range acknowledged {
		if n := d.events(id, invitation.UserCreated)*10 + d.events(id, invitation.InvitationIssued); n != 11 || d.jobs(id) != 1 {
			t.Errorf("%s was created and invited %d times, with %d jobs", id, n, d.jobs(id))
		}
	}
	if len(acknowledged) < 20 {
		t.Errorf("only %d were acknowledged", len(acknowledged))
	}
	d.checkAlways()
}
