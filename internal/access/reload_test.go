package access_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/internal/access"
)

// onlyOps is a policy that shuts the portal out.
const onlyOps = `{"name":"p","allow_rules":[{"name":"ops","source":{"principals":["` + ops + `"]},"request":{"paths":["*"]}}]}`

// TestPolicyReload: a new policy holds for the next call, and a broken one
// changes nothing.
func TestPolicyReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.dial(w.named(portal))
	original, err := os.ReadFile(w.path("policy.json"))
	must(t, err)
	for _, step := range []struct {
		name, policy string
		code         codes.Code
		log          string
	}{
		{"denied", onlyOps, codes.PermissionDenied, "in force"},
		{"broken", "{", codes.PermissionDenied, "broken"},
		{"still broken", "{", codes.PermissionDenied, ""},
		{"otherwise broken", "{}", codes.PermissionDenied, "broken"},
		{"the old one again", onlyOps, codes.PermissionDenied, "in force"},
		{"allowed", string(original), codes.OK, "in force"},
		{"broken after allowed", onlyOps + "}", codes.OK, "broken"},
	} {
		write(t, w.path("policy.json"), []byte(step.policy))
		for range 3 {
			w.access.Reload()
		}
		want(t, conn, step.code)
		if text := w.logs.Take(); strings.Count(text, "\n") != min(len(step.log), 1) || !strings.Contains(text, step.log) {
			t.Errorf("%s: the log says %q, want one line with %q", step.name, text, step.log)
		}
	}
	must(t, os.Remove(w.path("policy.json")))
	w.access.Reload()
	want(t, conn, codes.OK)
}

// TestPolicyReloadEndsStreams: a stream gets no message that the policy of the
// moment does not allow.
func TestPolicyReloadEndsStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.dial(w.named(portal))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "watch", "yes")
	watch, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	must(t, err)
	_, err = watch.Recv()
	must(t, err)
	original, err := os.ReadFile(w.path("policy.json"))
	must(t, err)
	for _, step := range []struct {
		policy string
		status healthpb.HealthCheckResponse_ServingStatus
		code   codes.Code
	}{
		{strings.Replace(string(original), "{", "{ ", 1), healthpb.HealthCheckResponse_NOT_SERVING, codes.OK},
		{onlyOps, healthpb.HealthCheckResponse_SERVING, codes.PermissionDenied},
	} {
		write(t, w.path("policy.json"), []byte(step.policy))
		w.access.Reload()
		w.health.SetServingStatus("", step.status)
		if got, err := watch.Recv(); status.Code(err) != step.code || err == nil && got.GetStatus() != step.status {
			t.Errorf("got %v, %v, want %v", got, err, step.code)
		}
	}
}

// serverSerial calls and returns the serial number of the server's certificate.
func serverSerial(ctx context.Context, conn *grpc.ClientConn) (*big.Int, error) {
	var p peer.Peer
	if _, err := call(ctx, conn, getUser, grpc.Peer(&p)); err != nil {
		return nil, err
	}
	return p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates[0].SerialNumber, nil
}

// wantSerial fails unless a call sees this certificate of the server.
func (w *world) wantSerial(conn *grpc.ClientConn, want int64) {
	w.t.Helper()
	if got, err := serverSerial(w.t.Context(), conn); err != nil || got.Int64() != want {
		w.t.Errorf("the server's certificate is %v, %v, want %d", got, err, want)
	}
}

// TestCertificateReload: new connections see the new certificate, and those
// that there are live on with theirs.
func TestCertificateReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	writePair(t, w.dir, w.ca.server(t, serial(1)))
	w.access.Reload()
	creds := w.named(ops)
	old := w.dial(creds)
	w.wantSerial(old, 1)

	writePair(t, w.dir, w.ca.server(t, serial(2)))
	w.access.Reload()
	w.wantSerial(old, 1)
	w.wantSerial(w.dial(creds), 2)

	// In two steps, as they are when nobody takes care: no pair in between.
	next := w.ca.server(t, serial(3))
	must(t, os.WriteFile(w.path("server.pem"), certPEM(next.Leaf), 0o600))
	w.logs.Take()
	for range 3 {
		w.access.Reload()
	}
	w.wantSerial(w.dial(creds), 2)
	text := w.logs.Take()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "broken") || !strings.Contains(text, "does not match") {
		t.Errorf("a certificate without its key was logged so: %q", text)
	}
	must(t, os.WriteFile(w.path("server-key.pem"), keyPEM(t, next.PrivateKey), 0o600))
	w.access.Reload()
	w.wantSerial(w.dial(creds), 3)
	w.wantSerial(old, 1)
}

// TestSymbolicLinks are how Kubernetes replaces all files of a volume at once.
func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.config()
	volume := t.TempDir()
	version := func(name string, n int64) {
		dir := volume + "/" + name
		must(t, os.Mkdir(dir, 0o700))
		writePair(t, dir, w.ca.server(t, serial(n)))
		must(t, os.Symlink(name, volume+"/..new"))
		must(t, os.Rename(volume+"/..new", volume+"/..data"))
	}
	version("..v1", 1)
	for _, name := range []string{"server.pem", "server-key.pem"} {
		must(t, os.Symlink("..data/"+name, volume+"/"+name))
	}
	c.CertFile, c.KeyFile = volume+"/server.pem", volume+"/server-key.pem"
	w.replaceAccess(c)
	w.wantSerial(w.dial(w.named(ops)), 1)
	version("..v2", 2)
	must(t, os.RemoveAll(volume+"/..v1"))
	w.access.Reload()
	w.wantSerial(w.dial(w.named(ops)), 2)
}

// replaceAccess starts the server anew with other settings.
func (w *world) replaceAccess(c access.Config) {
	w.t.Helper()
	a, err := access.New(c)
	must(w.t, err)
	w.t.Cleanup(a.Close)
	w.grpc.Stop()
	w.access = a
	w.serve()
}

// TestCAReload goes from one CA to another, with both in between, and an old
// one that nobody removes.
func TestCAReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next := newAuthority(t)
	tickets := tls.NewLRUClientSessionCache(8)
	before := w.as(w.ca.client(t, uri(portal)), func(c *tls.Config) { c.ClientSessionCache = tickets })
	after := w.as(next.client(t, uri(portal)))
	living := w.dial(before)
	want(t, living, codes.OK)
	want(t, w.dial(after), codes.Unavailable)

	expired := newAuthority(t, valid(-2*time.Hour, -time.Hour))
	write(t, w.path("ca.pem"), certPEM(expired.cert, w.ca.cert, next.cert))
	w.access.Reload()
	var p peer.Peer
	_, err := call(t.Context(), w.dial(before), getUser, grpc.Peer(&p))
	must(t, err)
	if p.AuthInfo.(credentials.TLSInfo).State.DidResume {
		t.Error("a ticket spared a caller the handshake")
	}
	want(t, w.dial(after), codes.OK)
	want(t, w.dial(w.as(expired.client(t, uri(portal)))), codes.Unavailable)

	write(t, w.path("ca.pem"), certPEM(next.cert))
	w.access.Reload()
	want(t, living, codes.OK)
	want(t, w.dial(before), codes.Unavailable)
	want(t, w.dial(after), codes.OK)

	write(t, w.path("ca.pem"), certPEM(next.cert)[:200])
	w.access.Reload()
	want(t, w.dial(after), codes.OK)
}

// TestReloadUnderLoad: while files change all the time, every connection works
// and no call fails.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creds := w.named(portal)
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				conn := w.dial(creds)
				for range 5 {
					if _, err := call(t.Context(), conn, getUser); err != nil {
						t.Errorf("connection %d: %v", n, err)
						return
					}
				}
				_ = conn.Close()
			}
		})
	}
	policy, err := os.ReadFile(w.path("policy.json"))
	must(t, err)
	for n := range int64(50) {
		writePair(t, w.dir, w.ca.server(t, serial(n+1)))
		write(t, w.path("ca.pem"), certPEM(newAuthority(t).cert, w.ca.cert))
		write(t, w.path("policy.json"), append(policy, strings.Repeat(" ", int(n)+1)...))
		w.access.Reload()
	}
	close(done)
	callers.Wait()
	w.wantSerial(w.dial(creds), 50)
}

// signal is a logger's output that passes each line on.
type signal chan string

// Write implements io.Writer.
func (s signal) Write(line []byte) (int, error) {
	s <- string(line)
	return len(line), nil
}

// TestWatch: files are looked at without being asked to, until Close.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := make(signal, 1)
	c := w.config()
	c.Refresh, c.Logger = time.Millisecond, slog.New(slog.NewTextHandler(lines, nil))
	w.replaceAccess(c)
	conn := w.dial(w.named(portal))
	want(t, conn, codes.OK)
	write(t, w.path("policy.json"), []byte(onlyOps))
	if line := <-lines; !strings.Contains(line, "in force") {
		t.Errorf("the log says %q", line)
	}
	want(t, conn, codes.PermissionDenied)
	w.access.Close()
	w.access.Close()
	want(t, conn, codes.PermissionDenied)
}
