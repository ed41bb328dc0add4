package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
)

// TestHealthOverTLS: with the settings in deploy/ a server starts; a probe has no
// certificate, and the server's own will do.
func TestHealthOverTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../../internal/dev/devcerts", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	settings, err := os.ReadFile("../../deploy/kubernetes/settings.env")
	must(t, err)
	w.env = append(strings.Split(string(settings), "\n"),
		"DATABASE_URL="+as(serving, w.dsn), "INVITATION_KEYS_FILE="+w.keys, "SENDGRID_API_KEY_FILE=",
		"INVITATION_GRPC_ADDR=0.0.0.0:0", "INVITATION_WEBHOOK_ADDR=127.0.0.1:0",
		"INVITATION_TLS_CERT="+dir+"/server.pem", "INVITATION_TLS_KEY="+dir+"/server-key.pem",
		"INVITATION_TLS_CLIENT_CA="+dir+"/ca.pem", "INVITATION_ACCESS_POLICY=../../deploy/access-policy.json")
	p := w.start()
	w.env = append(w.env, "INVITATION_GRPC_ADDR=0.0.0.0:"+p.addr[strings.LastIndex(p.addr, ":")+1:])
	if out, err := w.health("live"); err != nil {
		t.Errorf("live: %v\n%s", err, out)
	}
	if out, err := w.health("nonsense"); err == nil || !strings.Contains(out, "unknown service") {
		t.Errorf("a name that there is not: %v\n%s", err, out)
	}
	must(t, p.signal(t, syscall.SIGTERM))
	if out, err := w.health("live"); err == nil {
		t.Errorf("of a server that has ended: %s", out)
	}
}

// TestHealthTellsNamesApart: without a schema a server is alive and not well.
func TestHealthTellsNamesApart(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, pgtest.Pool(t, dsn), `DROP TABLE goose_db_version`)
	w := newWorld(t, dsn)
	p := w.start()
	w.env = append(w.env, "INVITATION_GRPC_ADDR="+p.addr)
	if out, err := w.health("live"); err != nil {
		t.Errorf("live: %v\n%s", err, out)
	}
	out, err := w.health("")
	if err == nil || !strings.Contains(out, "the server is "+healthpb.HealthCheckResponse_NOT_SERVING.String()) {
		t.Errorf("with a database that was never migrated: %v\n%s", err, out)
	}
}

func (w *world) health(name string) (said string, err error) {
	cmd := w.command("health", "-name", name)
	var out strings.Builder
	cmd.Stderr = &out
	err = cmd.Run()
	return out.String(), err
}
