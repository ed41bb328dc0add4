package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReadme runs what the README promises, as a newcomer does: the binaries
// that `make build` makes, and the session as it stands there; then once more on
// the same data, with certificates.
func TestReadme(t *testing.T) {
	home := t.TempDir()
	must(t, os.Chmod(filepath.Dir(home), 0o755)) //nolint:gosec // Postgres runs as another user when we are root
	build(t, filepath.Join(home, "bin"))
	readme, err := os.ReadFile("../../../README.md")
	must(t, err)
	if !strings.Contains(string(readme), strings.ReplaceAll(session, "ADDR", "127.0.0.1:50051")) {
		t.Fatal("the README's session is not the one that `make run` prints")
	}
	must(t, os.CopyFS(filepath.Join(home, "deploy"), os.DirFS("../../../deploy")))
	for _, certs := range []string{"", ".data/certs"} {
		addr, inbox := freeAddr(t), freeAddr(t)
		t.Setenv("INVITATION_DEV_CERTS", certs)
		if certs != "" {
			out, err := exec.Command("go", "run", "../devcerts", filepath.Join(home, certs)).CombinedOutput()
			if err != nil {
				t.Fatalf("make certs: %v\n%s", err, out)
			}
		}
		stop := start(t, home, "INVITATION_GRPC_ADDR="+addr, "INVITATION_INBOX_ADDR="+inbox, "INVITATION_WEBHOOK_ADDR="+freeAddr(t))
		out := play(t, home, strings.ReplaceAll(withCerts(session), "ADDR", addr), inbox)
		for _, promised := range []string{
			`"reason": "EMAIL_REQUIRED"`, `"maskedEmail": "a***@example.com"`, `"accountStatus": "ACCOUNT_STATUS_ONLINE"`,
			`"emailConfirmedAt"`, `"reason": "EMAIL_CONFIRMED"`, `EVENT_TYPE_INVITATION_REDEEMED`,
		} {
			if !strings.Contains(out, promised) {
				t.Errorf("the session does not show %s:\n%s", promised, out)
			}
		}
		decoded, err := exec.Command("zbarimg", "--quiet", "--raw", filepath.Join(home, "qr.png")).Output()
		if err != nil || !strings.HasPrefix(string(decoded), "HTTPS://APP.KIWI.EXAMPLE/I/") {
			t.Errorf("the QR code of the session reads %q: %v", decoded, err)
		}
		stop()
	}
}

func build(t *testing.T, bin string) {
	t.Helper()
	must(t, os.Mkdir(bin, 0o755)) //nolint:gosec // as in the checkout
	for _, args := range [][]string{
		{"build", "-o", bin + "/", "../../../cmd/invitationd", "."},
		{"build", "-modfile=../tools/go.mod", "-o", bin + "/", "github.com/fullstorydev/grpcurl/cmd/grpcurl"},
	} {
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
}

// start runs devserver until the returned function, which checks that nothing of
// it is left.
func start(t *testing.T, home string, env ...string) (stop func()) {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	cmd := exec.Command(filepath.Join(home, "bin", "devserver"))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = home, append(os.Environ(), env...), write, write
	must(t, cmd.Start())
	must(t, write.Close())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if said := readUntil(read, "ListEvents"); !strings.Contains(said, "ListEvents") {
		t.Fatalf("devserver did not start:\n%s", said)
	}
	return func() {
		t.Helper()
		must(t, cmd.Process.Signal(os.Interrupt))
		// The pipe ends when the last process that inherited it is gone.
		rest, err := io.ReadAll(read)
		must(t, errors.Join(err, cmd.Wait()))
		if len(strings.TrimSpace(string(rest))) > 0 {
			t.Errorf("devserver ended with:\n%s", rest)
		}
	}
}

func readUntil(r io.Reader, word string) string {
	var said bytes.Buffer
	chunk := make([]byte, 4096)
	for !strings.Contains(said.String(), word) {
		n, err := r.Read(chunk)
		said.Write(chunk[:n])
		if err != nil {
			break
		}
	}
	return said.String()
}

func play(t *testing.T, home, script, inbox string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", script)
	shell.Dir, shell.Env = home, append(os.Environ(), "INVITATION_INBOX_ADDR="+inbox)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Errorf("the session failed: %v\n%s", err, out)
	}
	return string(out)
}

// TestToken: what a mail's reader would click on, and nothing else.
func TestToken(t *testing.T) {
	t.Parallel()
	for text, token := range map[string]string{
		"Hallo\nHTTPS://APP.KIWI.EXAMPLE/I/" + strings.Repeat("A2", 28) + "\n": strings.Repeat("A2", 28),
		"https://app.kiwi.example/i/" + strings.Repeat("b7", 28):               strings.Repeat("b7", 28),
		"https://app.kiwi.example/I/" + strings.Repeat("A", 55):                "",
	} {
		found := link.FindStringSubmatch(text)
		if got := append(found, "", "")[1]; got != token {
			t.Errorf("%q holds %q, want %q", text, got, token)
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
