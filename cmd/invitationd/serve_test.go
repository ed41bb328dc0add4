package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

func newcomer(id string, invite pb.Invite) *pb.CreateUserRequest {
	return &pb.CreateUserRequest{
		OrganizationId: "demo", UserId: id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Anna Schmidt",
		Email: id + "@example.com", Invite: invite, Target: pb.Target_TARGET_APP,
	}
}

// TestInvitationEndToEnd goes from a new user to a redeemed invitation.
func TestInvitationEndToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	p := w.serve()
	ctx := t.Context()
	_, err := p.CreateUser(ctx, newcomer("anna", pb.Invite_INVITE_NOW))
	must(t, err)
	token := w.mailedToken("anna@example.com")
	for range 2 {
		seen, err := p.Preview(ctx, &pb.PreviewRequest{Token: token + "."})
		must(t, err)
		if seen.GetMaskedEmail() != "a***@example.com" || seen.GetDisplayName() != "Anna Schmidt" {
			t.Errorf("preview shows %v", seen)
		}
	}
	redeemed, err := p.Redeem(ctx, &pb.RedeemRequest{Token: token})
	must(t, err)
	if u := redeemed.GetUser(); u.GetAccountStatus() != pb.AccountStatus_ACCOUNT_STATUS_ONLINE || u.GetEmailConfirmedAt() == nil {
		t.Errorf("after redeeming: %v", u)
	}
	if _, err = p.Redeem(ctx, &pb.RedeemRequest{Token: token}); client.Reason(err) != pb.ErrorReason_INVITATION_REDEEMED {
		t.Errorf("redeeming again: %v", err)
	}
	if err := p.signal(t, syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// TestKilledBetweenCommitAndMail: what was answered is mailed after a restart.
func TestKilledBetweenCommitAndMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	p := w.serve("-role", "api")
	for n := range 20 {
		_, err := p.CreateUser(t.Context(), newcomer(fmt.Sprintf("u%d", n), pb.Invite_INVITE_NOW))
		must(t, err)
	}
	if err := p.signal(t, syscall.SIGKILL); err == nil {
		t.Error("a killed process ended well")
	}
	if n := len(w.inbox.Messages()); n != 0 {
		t.Errorf("a process without workers sent %d mails", n)
	}
	w.serve()
	mails, err := w.inbox.Await(t.Context(), 20)
	must(t, err)
	seen := map[string]bool{}
	for _, m := range mails {
		seen[m.To] = true
	}
	if len(seen) != 20 {
		t.Errorf("mails went to %d people, want 20", len(seen))
	}
}

// TestDrain: on SIGTERM every call in flight is answered, each OK holds, and the
// process ends well.
func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	p := w.serve("-role", "api")
	var callers sync.WaitGroup
	acked := make([]int, 8)
	for c := range acked {
		callers.Go(func() {
			for n := 0; ; n++ {
				_, err := p.CreateUser(t.Context(), newcomer(fmt.Sprintf("u%d-%d", c, n), pb.Invite_INVITE_LATER))
				if status.Code(err) == codes.Unavailable {
					return
				}
				if err != nil {
					t.Errorf("caller %d: %v", c, err)
					return
				}
				acked[c]++
			}
		})
	}
	// A stream that a busy database had end is opened again, as its callers do.
	watch := &pb.WatchEventsRequest{OrganizationId: "demo"}
	watching, err := p.WatchEvents(t.Context(), watch)
	must(t, err)
	for seen := 0; seen < 100; {
		resp, err := watching.Recv()
		if status.Code(err) == codes.Unavailable {
			watching, err = p.WatchEvents(t.Context(), watch)
			must(t, err)
			continue
		}
		must(t, err)
		watch.Cursor = resp.GetCursor()
		seen++
	}
	if err := p.signal(t, syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	callers.Wait()
	next := w.serve("-role", "api")
	for c, n := range acked {
		for i := range n {
			if _, err := next.GetUser(t.Context(), &pb.GetUserRequest{OrganizationId: "demo", UserId: fmt.Sprintf("u%d-%d", c, i)}); err != nil {
				t.Fatalf("user %d of caller %d was acknowledged: %v", i, c, err)
			}
		}
	}
}

// TestDatabaseOutage: UNAVAILABLE with RetryInfo within the caller's deadline,
// health says so, and both recover by themselves.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	database := pgtest.NewServer(t)
	w := newWorld(t, database.DSN("postgres"))
	p := w.serve()
	_, err := p.CreateUser(t.Context(), newcomer("anna", pb.Invite_INVITE_LATER))
	must(t, err)
	must(t, database.Stop())
	p.await(t, healthpb.HealthCheckResponse_NOT_SERVING)
	// Whoever gave up does not know what became of the call, and repeats this one.
	send := &pb.SendRequest{OrganizationId: "demo", UserId: "anna", Target: pb.Target_TARGET_APP, RequestId: uuid.NewString()}
	for name, call := range map[string]func(context.Context) error{
		"read": func(ctx context.Context) error {
			_, err := p.GetUser(ctx, &pb.GetUserRequest{OrganizationId: "demo", UserId: "anna"})
			return err
		},
		"write": func(ctx context.Context) error {
			_, err := p.Send(ctx, send)
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		err := call(ctx)
		cancel()
		if client.Reason(err) != pb.ErrorReason_SERVICE_UNAVAILABLE || status.Code(err) != codes.Unavailable || !hasRetryInfo(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, database.Restart(t.Context()))
	p.await(t, healthpb.HealthCheckResponse_SERVING)
	_, err = p.Send(t.Context(), send)
	must(t, err)
	w.mailedToken("anna@example.com")
}

func hasRetryInfo(err error) bool {
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok && retry.GetRetryDelay().AsDuration() > 0 {
			return true
		}
	}
	return false
}

// TestFrozenDatabase: one that neither answers nor fails is away too.
func TestFrozenDatabase(t *testing.T) {
	t.Parallel()
	database := pgtest.NewServer(t)
	w := newWorld(t, database.DSN("postgres"))
	p := w.serve("-role", "api")
	_, err := p.CreateUser(t.Context(), newcomer("anna", pb.Invite_INVITE_LATER))
	must(t, err)
	frozen := pgtest.Freeze(t, database)
	t.Cleanup(func() { frozen.Signal(t, syscall.SIGCONT) })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = p.GetUser(ctx, &pb.GetUserRequest{OrganizationId: "demo", UserId: "anna"})
	if client.Reason(err) != pb.ErrorReason_SERVICE_UNAVAILABLE || !hasRetryInfo(err) {
		t.Errorf("got %v", err)
	}
	frozen.Signal(t, syscall.SIGCONT)
	p.await(t, healthpb.HealthCheckResponse_SERVING)
	_, err = p.GetUser(t.Context(), &pb.GetUserRequest{OrganizationId: "demo", UserId: "anna"})
	must(t, err)
}

// TestServersAlive: each server tells which there are, and what they run.
func TestServersAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	p, other := w.serve(), w.serve("-role", "api")
	worker := w.command("serve", "-role", "worker")
	must(t, worker.Start())
	t.Cleanup(func() { _ = worker.Process.Kill() })
	roles := func() string {
		status, err := p.ops.GetStatus(t.Context(), &pb.GetStatusRequest{})
		must(t, err)
		var all []string
		for _, s := range status.GetServers() {
			if s.GetVersion() != status.GetVersion() || s.GetConnections() == 0 || !strings.Contains(s.GetName(), ":") {
				t.Errorf("a server is told as %v", s)
			}
			all = append(all, s.GetRole())
		}
		return strings.Join(all, " ")
	}
	for roles() != "all api worker" {
		must(t, t.Context().Err())
	}
	must(t, other.signal(t, syscall.SIGTERM))
	for roles() != "all worker" {
		must(t, t.Context().Err())
	}
}

// TestRefusesToStart: what would be wrong later is wrong at once, and no secret
// is in the message.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	for problem, env := range map[string]string{
		"loopback":                 "INVITATION_GRPC_ADDR=0.0.0.0:0",
		"INVITATION_VALIDITY":      "INVITATION_VALIDITY=10m",
		"INVITATION_KEYS_FILE":     "INVITATION_KEYS_FILE=/nowhere",
		"INVITATION_LINK_BASE_URL": "INVITATION_LINK_BASE_URL=https://a-name-that-is-too-long.kiwi.example/I/",
		"DATABASE_URL":             "DATABASE_URL=postgres://user:secret@host:port",
		"not set":                  "DATABASE_URL=",
		"API key":                  "SENDGRID_API_KEY=",
		"profiles":                 "INVITATION_DEBUG_ADDR=0.0.0.0:6060",
	} {
		c := w.command("serve")
		c.Env = append(c.Env, env)
		c.Stderr = nil
		out, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(out), problem) || strings.Contains(string(out), "secret") {
			t.Errorf("%s: %v, %s", env, err, out)
		}
	}
}
