package delivery_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/sendgrid"
)

// In a child process the test binary is a server's workers, which say when they
// have a mail in hand.
const (
	childEnv         = "DELIVERY_TEST_DATABASE"
	childProviderEnv = "DELIVERY_TEST_PROVIDER"
)

// child works until it is killed. Without a provider it stops at the sending.
func child(dsn, url string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	pool, err := pgxpool.New(context.Background(), dsn)
	fail(err)
	s := &stack{pool: pool, linker: harness.Linker(), store: postgres.New(postgres.Config{Pool: pool, Enqueue: delivery.Enqueue})}
	c := s.bareConfig()
	c.Sender = sender(func(ctx context.Context, m invitation.Message) error {
		if url != "" {
			provider, err := sendgrid.New(sendgrid.Config{APIKey: apiKey, BaseURL: url, FromAddress: "invitation@kiwi.example"})
			fail(err)
			fail(provider.Send(ctx, m))
		}
		_, _ = fmt.Fprintln(os.Stdout, "in hand")
		select {}
	})
	w, err := delivery.NewWorkers(c)
	fail(err)
	fail(w.Start(context.Background()))
	select {}
}

// TestKilledWorker: a worker that dies with a mail in hand is replaced, after a
// time. If the provider had the mail already it goes out twice, with one link.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	for name, accepted := range map[string]bool{"before the sending": false, "before the recording": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			id := s.invite()
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childEnv+"="+s.dsn)
			if accepted {
				cmd.Env = append(cmd.Env, childProviderEnv+"="+s.url)
			}
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			if line, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != "in hand" {
				t.Fatalf("the child says %q, %v", line, err)
			}
			must(t, cmd.Process.Kill())
			_ = cmd.Wait()
			s.want(id, invitation.Queued, map[bool]int{false: 0, true: 1}[accepted])

			// The time after which a worker counts as dead, and a leader too.
			s.exec(`UPDATE river_job SET attempted_at = attempted_at - interval '3 minutes' WHERE state = 'running'`)
			s.exec(`DELETE FROM river_leader`)
			s.work()
			s.settled()
			s.want(id, invitation.Accepted, map[bool]int{false: 1, true: 2}[accepted])
			for _, m := range s.sentTo(id) {
				if m.Text != s.sentTo(id)[0].Text {
					t.Error("the second mail differs from the first")
				}
			}
			if d := s.mail(id); d.Attempts != 2 {
				t.Errorf("the mail is %+v", d)
			}
		})
	}
}
