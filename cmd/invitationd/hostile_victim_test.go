//go:build !fast

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const (
	// rounds are how often a neighbour is served at least during an attack.
	rounds = 20
	// callTime is generous: it tells a busy service from one that is gone.
	callTime = 10 * time.Second
	// memoryBound is in bytes, and for a process with the race detector.
	memoryBound = 400 << 20
	// canaryWord is in whatever attackers send, and must not be in the log.
	canaryWord = "zaunkoenig"
)

// victim is a process under attack, and a neighbour who needs it.
type victim struct {
	*process
	t       *testing.T
	said    *journal
	options []grpc.DialOption
	conn    *grpc.ClientConn
	// token is a link's that the neighbour previews.
	token string
	// served are the neighbour's rounds so far.
	served int
}

// newVictim starts a process and moves a neighbour in. creds are the neighbour's.
func newVictim(t *testing.T, creds credentials.TransportCredentials, env ...string) *victim {
	t.Helper()
	w := newWorld(t, pgtest.Database(t))
	w.env = slices.Concat(env, []string{"INVITATION_MAILS_PER_RECIPIENT=0", "INVITATION_MAILS_PER_ORGANIZATION=0"})
	v := &victim{
		process: &process{cmd: w.command("serve", "-role", "api"), exited: make(chan error, 1)},
		t:       t, said: &journal{addr: make(chan string, 1)},
		options: []grpc.DialOption{grpc.WithTransportCredentials(creds), grpc.WithDisableRetry()},
	}
	v.cmd.Stdout, v.cmd.Stderr = v.said, v.said
	must(t, v.cmd.Start())
	t.Cleanup(func() { _ = v.cmd.Process.Kill() })
	go func() { v.exited <- v.cmd.Wait() }()
	select {
	case v.addr = <-v.said.addr:
	case err := <-v.exited:
		t.Fatalf("invitationd did not serve: %v\n%s", err, v.said)
	}
	v.moveIn()
	return v
}

// onPlaintext is a victim as on a developer's machine.
func onPlaintext(t *testing.T) *victim {
	t.Helper()
	return newVictim(t, insecure.NewCredentials())
}

// moveIn connects the neighbour and makes the user and the link that it asks for.
func (v *victim) moveIn() {
	v.t.Helper()
	var err error
	v.conn, err = grpc.NewClient(v.addr, v.options...)
	must(v.t, err)
	v.t.Cleanup(func() { _ = v.conn.Close() })
	v.health = healthpb.NewHealthClient(v.conn)
	v.await(v.t, healthpb.HealthCheckResponse_SERVING)
	_, err = pb.NewUserServiceClient(v.conn).CreateUser(v.t.Context(), newcomer("anna", pb.Invite_INVITE_LATER))
	must(v.t, err)
	qr, err := pb.NewInvitationServiceClient(v.conn).GenerateQR(v.t.Context(), &pb.GenerateQRRequest{
		OrganizationId: "demo", UserId: "anna", Target: pb.Target_TARGET_APP,
	})
	must(v.t, err)
	v.token = qr.GetLink()[strings.LastIndex(qr.GetLink(), "/")+1:]
}

// during attacks and has the neighbour call on all the while. The context of the
// attack ends once the neighbour was served often enough; an attack goes on until
// then.
func (v *victim) during(attack func(ctx context.Context) error) {
	v.t.Helper()
	ctx, enough := context.WithCancel(v.t.Context())
	defer enough()
	over := make(chan error, 1)
	go func() { over <- attack(ctx) }()
	for n := 1; ; n++ {
		v.round()
		if n == rounds || v.t.Failed() {
			enough()
		}
		select {
		case err := <-over:
			must(v.t, err)
			if n < rounds && !v.t.Failed() {
				v.t.Errorf("the attack was over after %d rounds", n)
			}
			v.t.Logf("%d rounds of calls during the attack", n)
			return
		default:
		}
	}
}

// serves has the neighbour call under what an attack has built up.
func (v *victim) serves() {
	v.t.Helper()
	for range rounds {
		v.round()
	}
}

// round is a read on a new connection, and reads and writes on a standing one.
// Nothing is tried again.
func (v *victim) round() {
	v.t.Helper()
	fresh, err := grpc.NewClient(v.addr, v.options...)
	must(v.t, err)
	defer func() { _ = fresh.Close() }()
	v.served++
	guest := fmt.Sprintf("guest%d", v.served)
	for _, c := range []struct {
		name string
		call func(ctx context.Context) error
	}{
		{"GetUser on a new connection", func(ctx context.Context) error {
			_, err := pb.NewUserServiceClient(fresh).GetUser(ctx, &pb.GetUserRequest{OrganizationId: "demo", UserId: "anna"})
			return err
		}},
		{"Preview", func(ctx context.Context) error {
			_, err := pb.NewRedemptionServiceClient(v.conn).Preview(ctx, &pb.PreviewRequest{Token: v.token})
			return err
		}},
		{"CreateUser", func(ctx context.Context) error {
			_, err := pb.NewUserServiceClient(v.conn).CreateUser(ctx, newcomer(guest, pb.Invite_INVITE_LATER))
			return err
		}},
		{"Send", func(ctx context.Context) error {
			_, err := pb.NewInvitationServiceClient(v.conn).Send(ctx, &pb.SendRequest{
				OrganizationId: "demo", UserId: guest, Target: pb.Target_TARGET_APP,
			})
			return err
		}},
	} {
		ctx, cancel := context.WithTimeout(v.t.Context(), callTime)
		if err := c.call(ctx); err != nil {
			v.t.Errorf("the neighbour was not served: %s: %v", c.name, err)
		}
		cancel()
	}
}

// survives checks what an attack left: the process answers, it never took more
// than so many bytes, it ends well, and its log holds no panic and nothing that
// the attackers sent.
func (v *victim) survives(bytes int) {
	v.t.Helper()
	v.serves()
	peak := v.peakMemory()
	v.t.Logf("at most %d MiB were resident", peak>>20)
	if peak > bytes {
		v.t.Errorf("the process took up to %d MiB, want at most %d", peak>>20, bytes>>20)
	}
	if err := v.signal(v.t, syscall.SIGTERM); err != nil {
		v.t.Errorf("after SIGTERM: %v", err)
	}
	log := v.said.String()
	for _, bad := range []string{"panic", "DATA RACE", "goroutine ", "INTERNAL_FAULT", canaryWord} {
		if i := strings.Index(log, bad); i >= 0 {
			v.t.Errorf("the log holds %q: …%s…", bad, log[max(0, i-200):min(len(log), i+500)])
		}
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory is the most that was resident at any time, in bytes.
func (v *victim) peakMemory() int {
	v.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.cmd.Process.Pid))
	must(v.t, err)
	found := peakLine.FindSubmatch(text)
	if found == nil {
		v.t.Fatal("the process is gone")
	}
	kib, err := strconv.Atoi(string(found[1]))
	must(v.t, err)
	return kib << 10
}

// journal keeps all that a process writes, and tells the address that it serves
// on. It is safe for concurrent use.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
	told bool
	addr chan string
}

var servingOn = regexp.MustCompile(`"addr":"([^"]+)"`)

// Write implements io.Writer.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Write(b)
	if j.told {
		return len(b), nil
	}
	if found := servingOn.FindStringSubmatch(j.text.String()); found != nil {
		j.told = true
		j.addr <- found[1]
	}
	return len(b), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
