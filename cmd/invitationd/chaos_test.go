//go:build !fast

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// people is how many are invited while everything goes wrong.
const (
	people = 1000
	kills  = 20
)

// TestEveryoneIsMailed: a provider that fails three times in ten, in every way but
// those for which the whole queue rests at once (package delivery tests them),
// and workers that are killed again and again. Everybody gets a mail, and nobody
// gets one that is meant for another.
func TestEveryoneIsMailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	w.env = []string{
		"INVITATION_MAIL_WORKERS=20", "INVITATION_MAIL_RESCUE_AFTER=6s", "SENDGRID_TIMEOUT=1s",
		"INVITATION_MAILS_PER_ORGANIZATION=0",
	}
	w.inbox.SetFaults(sendgridtest.Faults{
		Seed: 7, RetryAfterSeconds: 1,
		Rates: map[sendgridtest.Fault]float64{
			sendgridtest.ServerError: 0.09, sendgridtest.Unavailable: 0.09,
			sendgridtest.Reset: 0.06, sendgridtest.ResetAfterAccept: 0.03, sendgridtest.HangAfterAccept: 0.03,
		},
	})
	w.inviteAll(w.serve("-role", "api"))
	workers := []*exec.Cmd{w.worker(), w.worker()}
	for n := range kills {
		_, err := w.inbox.Await(t.Context(), (n+1)*people/kills/2)
		must(t, err)
		victim := rand.N(len(workers))
		must(t, workers[victim].Process.Kill())
		_ = workers[victim].Wait()
		workers[victim] = w.worker()
	}
	w.awaitAccepted(people)
	w.checkMails()
}

func (w *world) inviteAll(p *process) {
	w.t.Helper()
	var callers sync.WaitGroup
	for c := range 20 {
		callers.Go(func() {
			for n := range people / 20 {
				if _, err := p.CreateUser(w.t.Context(), newcomer(fmt.Sprintf("u%d-%d", c, n), pb.Invite_INVITE_NOW)); err != nil {
					w.t.Errorf("invite: %v", err)
				}
			}
		})
	}
	callers.Wait()
}

// worker starts a process that only sends mails.
func (w *world) worker() *exec.Cmd {
	w.t.Helper()
	cmd := w.command("serve", "-role", "worker")
	must(w.t, cmd.Start())
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// awaitAccepted waits until every mail is on record as taken by the provider.
func (w *world) awaitAccepted(n int) {
	w.t.Helper()
	w.awaitCount(n, `SELECT count(*) FROM deliveries WHERE state = 'ACCEPTED'`)
}

// checkMails holds every mail against its recipient: the link is that of the
// recipient's own invitation.
func (w *world) checkMails() {
	w.t.Helper()
	text, err := os.ReadFile(w.keys)
	must(w.t, err)
	ring, err := invitation.ParseKeyRing(text)
	must(w.t, err)
	owners := w.owners()
	mails := map[string]int{}
	for _, m := range w.inbox.Messages() {
		found := link.FindStringSubmatch(m.Text)
		if found == nil {
			w.t.Fatal("a mail has no link")
		}
		token, err := ring.Verify(found[1])
		must(w.t, err)
		if id := token.InvitationID.String(); owners[id] != m.To || m.CustomArgs["invitation_id"] != id {
			w.t.Errorf("a mail went to somebody else than the owner of its link")
		}
		mails[m.To]++
	}
	twice := 0
	for _, address := range owners {
		if mails[address] == 0 {
			w.t.Error("somebody got no mail")
		}
		twice += max(0, mails[address]-1)
	}
	w.t.Logf("%d people, %d mails, %d of them repeat another", len(owners), len(w.inbox.Messages()), twice)
}

// owners are the invited people's addresses by their invitations' ids.
func (w *world) owners() map[string]string {
	w.t.Helper()
	pool := pgtest.Pool(w.t, w.dsn)
	rows, err := pool.Query(w.t.Context(), `SELECT i.id::text, u.email FROM invitations i JOIN users u ON u.id = i.user_id`)
	must(w.t, err)
	owners := map[string]string{}
	for rows.Next() {
		var id, email string
		must(w.t, rows.Scan(&id, &email))
		owners[id] = email
	}
	must(w.t, rows.Err())
	if len(owners) != people {
		w.t.Fatalf("%d invitations, want %d", len(owners), people)
	}
	return owners
}

// TestProviderAway: inviting goes on without the provider, and the backlog drains
// when it is back.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	w.env = []string{"INVITATION_MAIL_RESCUE_AFTER=6s"}
	w.inbox.SetFaults(sendgridtest.Faults{Rates: map[sendgridtest.Fault]float64{sendgridtest.Reset: 1}})
	p := w.serve()
	for n := range 100 {
		_, err := p.CreateUser(t.Context(), newcomer(fmt.Sprintf("u%d", n), pb.Invite_INVITE_NOW))
		must(t, err)
	}
	if n := len(w.inbox.Messages()); n != 0 {
		t.Errorf("%d mails arrived nowhere", n)
	}
	w.inbox.SetFaults(sendgridtest.Faults{})
	_, err := w.inbox.Await(t.Context(), 100)
	must(t, err)
	w.awaitAccepted(100)
}
