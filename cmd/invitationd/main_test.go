package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var must = harness.Must

// asCommand makes the test binary be invitationd.
const asCommand = "TEST_AS_INVITATIOND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		os.Exit(0)
	}
	pgtest.Main(m, migrateAsInProduction)
}

// world is what a process of invitationd runs in.
type world struct {
	t       testing.TB
	dsn     string
	keys    string
	inbox   *sendgridtest.Emulator
	mailURL string
	// env is added to that of the processes.
	env []string
	// wrap changes what a process runs in, unless it is nil.
	wrap func(*exec.Cmd)
}

func newWorld(t testing.TB, dsn string) *world {
	t.Helper()
	w := &world{t: t, dsn: dsn, keys: filepath.Join(t.TempDir(), "keys")}
	must(t, w.command("keys", "add", w.keys).Run())
	w.inbox, w.mailURL = sendgridtest.Start(t, sendgridtest.Config{APIKey: "SG.test", Keep: 5000})
	return w
}

func (w *world) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	must(w.t, err)
	c := exec.Command(self, args...)
	role := migrating
	if args[0] == "serve" {
		role = serving
	}
	c.Env = []string{
		asCommand + "=1", "DATABASE_URL=" + as(role, w.dsn), "INVITATION_GRPC_ADDR=127.0.0.1:0",
		"INVITATION_KEYS_FILE=" + w.keys, "INVITATION_LINK_BASE_URL=https://app.kiwi.example/i/",
		"SENDGRID_API_KEY=SG.test", "SENDGRID_BASE_URL=" + w.mailURL, "INVITATION_MAIL_FROM=einladung@kiwi.example",
	}
	c.Env = append(c.Env, w.env...)
	c.Stderr = os.Stderr
	if w.wrap != nil {
		w.wrap(c)
	}
	return c
}

// process is a running invitationd.
type process struct {
	*client.Client
	ops    pb.OperationsServiceClient
	cmd    *exec.Cmd
	addr   string
	health healthpb.HealthClient
	exited chan error
	// logs are all that it wrote; to be read once it has exited.
	logs strings.Builder
}

// serve starts a process and waits until it serves.
func (w *world) serve(args ...string) *process {
	w.t.Helper()
	p := w.start(args...)
	p.dial(w.t)
	return p
}

// start starts a process and waits until it listens.
func (w *world) start(args ...string) *process {
	w.t.Helper()
	p := &process{cmd: w.command(append([]string{"serve"}, args...)...), exited: make(chan error, 1)}
	out, err := p.cmd.StdoutPipe()
	must(w.t, err)
	must(w.t, p.cmd.Start())
	w.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	logs := bufio.NewScanner(out)
	for p.addr == "" && logs.Scan() {
		p.logs.WriteString(logs.Text() + "\n")
		var line struct{ Msg, Addr string }
		_ = json.Unmarshal(logs.Bytes(), &line)
		p.addr = line.Addr
	}
	go func() {
		for logs.Scan() {
			p.logs.WriteString(logs.Text() + "\n")
		}
		p.exited <- p.cmd.Wait()
	}()
	if p.addr == "" {
		w.t.Fatal("invitationd did not serve")
	}
	return p
}

func (p *process) dial(t testing.TB) {
	t.Helper()
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	var err error
	p.Client, err = client.New(p.addr, plain)
	must(t, err)
	t.Cleanup(func() { _ = p.Close() })
	conn, err := grpc.NewClient(p.addr, plain)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	p.health, p.ops = healthpb.NewHealthClient(conn), pb.NewOperationsServiceClient(conn)
	p.await(t, healthpb.HealthCheckResponse_SERVING)
}

// await returns once the process says that its health is so.
func (p *process) await(t testing.TB, status healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	p.awaitHealth(t, "", status)
}

// awaitHealth is await for one name.
func (p *process) awaitHealth(t testing.TB, name string, status healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	watch, err := p.health.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: name})
	must(t, err)
	for {
		got, err := watch.Recv()
		must(t, err)
		if got.GetStatus() == status {
			return
		}
	}
}

// signal sends a signal and returns how the process ended.
func (p *process) signal(t testing.TB, s syscall.Signal) error {
	t.Helper()
	must(t, p.cmd.Process.Signal(s))
	return <-p.exited
}

var link = regexp.MustCompile(`https://app\.kiwi\.example/i/([0-9A-Za-z]{46})\b`)

// awaitCount waits until a query counts so many rows. It has to ask: the processes
// that write them are not ours.
func (w *world) awaitCount(n int, query string) {
	w.t.Helper()
	pool := pgtest.Pool(w.t, w.dsn)
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		var found int
		must(w.t, pool.QueryRow(ctx, query).Scan(&found))
		if found == n {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("%s is %d, not %d", query, found, n)
		case <-tick.C:
		}
	}
}

// mailedToken waits for a mail and takes the token out of its link.
func (w *world) mailedToken(address string) string {
	w.t.Helper()
	mail, err := w.inbox.AwaitTo(w.t.Context(), address)
	must(w.t, err)
	found := link.FindStringSubmatch(mail.Text)
	if found == nil {
		w.t.Fatalf("no link in the mail:\n%s", mail.Text)
	}
	return found[1]
}
