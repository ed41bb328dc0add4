//go:build !fast

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

var must = harness.Must

// TestReadme runs what the README promises, as a newcomer does: the binaries
// that `make build` makes, and the session as `make run` prints it, pasted into
// the shells that newcomers have; then once more on the same data, with
// certificates.
func TestReadme(t *testing.T) {
	home := openHome(t)
	command := exec.Command("make", "-C", "../../..", "build", "BIN="+filepath.Join(home, "bin"))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	if !strings.Contains(readme(t), here("127.0.0.1:50051")) {
		t.Fatal("the README's session is not the one that `make run` prints")
	}
	must(t, os.CopyFS(filepath.Join(home, "deploy"), os.DirFS("../../../deploy")))
	for _, run := range []struct {
		certs  string
		shells []string
	}{
		{"", []string{"bash --norc", "zsh -f"}},
		{".data/certs", []string{"bash --norc"}},
	} {
		t.Setenv("INVITATION_DEV_CERTS", run.certs)
		if run.certs != "" {
			out, err := exec.Command("go", "run", "../devcerts", filepath.Join(home, run.certs)).CombinedOutput()
			if err != nil {
				t.Fatalf("make certs: %v\n%s", err, out)
			}
		}
		server := start(t, home)
		if run.certs == "" {
			answers(t, home, server)
		}
		for _, shell := range run.shells {
			walk(t, home, shell, server)
		}
		if run.certs != "" {
			out := paste(t, home, "zsh -f", portalLines(t, server))
			if !strings.Contains(out, `"reason": "CALLER_NOT_ALLOWED"`) {
				t.Errorf("the README's portal may preview:\n%s", out)
			}
			out = paste(t, home, "bash --norc", operationsLines(t, server))
			for _, promised := range []string{`"needsSchema"`, `"pausedAt"`, `INVITATION_`, `"waiting"`} {
				if !strings.Contains(out, promised) {
					t.Errorf("the lines for operations do not show %s:\n%s", promised, out)
				}
			}
			if strings.Contains(out, "ERROR:") {
				t.Errorf("a line for operations is refused:\n%s", out)
			}
		}
		server.stop()
	}
}

// operationsLines are those of deploy/README.md, and then each call of its incidents,
// with this run's address.
func operationsLines(t *testing.T, s *server) string {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/README.md")
	must(t, err)
	_, section, _ := strings.Cut(string(text), "\n## OperationsService\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var lines string
	for _, part := range strings.Split(section, "```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		lines += block
	}
	_, incidents, _ := strings.Cut(string(text), "\n## When something is wrong\n")
	calls := 0
	for line := range strings.Lines(incidents) {
		if strings.HasPrefix(line, "call ") {
			lines += line
			calls++
		}
	}
	if calls == 0 {
		t.Error("no incident has a call")
	}
	return strings.ReplaceAll(lines, "127.0.0.1:50051", s.addr)
}

// portalLines are the README's for the portal, with this run's address.
func portalLines(t *testing.T, s *server) string {
	t.Helper()
	_, after, _ := strings.Cut(readme(t), "file that the build has written:\n\n```sh\n")
	lines, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("the README has no lines for the portal")
	}
	return strings.ReplaceAll(lines, "127.0.0.1:50051", s.addr)
}

// answers makes the README's one call, whose answer stands below it.
func answers(t *testing.T, home string, s *server) {
	t.Helper()
	_, after, _ := strings.Cut(readme(t), "One call, and its answer:\n\n```sh\n")
	call, after, _ := strings.Cut(after, "```\n\n```json\n")
	told, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("the README has no call with its answer")
	}
	got := paste(t, home, "bash --norc", strings.ReplaceAll(call, "127.0.0.1:50051", s.addr)+"exit\n")
	begin, end := strings.Index(got, "{\n"), strings.LastIndex(got, "\n}")
	if begin < 0 || end < begin {
		t.Fatalf("the README's call is answered with:\n%s", got)
	}
	if answer := got[begin : end+2]; strings.Join(strings.Fields(answer), "") != strings.Join(strings.Fields(told), "") {
		t.Errorf("the README's call is answered with %s", answer)
	}
}

// openHome is a checkout's folder, which Postgres can walk to when it runs as
// another user because we are root.
func openHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	must(t, os.Chmod(filepath.Dir(home), 0o755)) //nolint:gosec // see above
	return home
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	must(t, err)
	return string(text)
}

// walk pastes the session into a shell and looks at what it shows.
func walk(t *testing.T, home, shell string, s *server) {
	t.Helper()
	must(t, os.RemoveAll(filepath.Join(home, "qr.png")))
	out := paste(t, home, shell, s.session())
	for _, promised := range []string{
		`"reason": "EMAIL_REQUIRED"`, `"maskedEmail": "a***@example.com"`, `"accountStatus": "ACCOUNT_STATUS_ONLINE"`,
		`"emailConfirmedAt"`, `"reason": "EMAIL_CONFIRMED"`, `EVENT_TYPE_INVITATION_REDEEMED`,
	} {
		if !strings.Contains(out, promised) {
			t.Errorf("%s: the session does not show %s:\n%s", shell, promised, out)
		}
	}
	decoded, err := exec.Command("zbarimg", "--quiet", "--raw", filepath.Join(home, "qr.png")).Output()
	if err != nil || !strings.HasPrefix(string(decoded), "http://"+s.app+"/i/") {
		t.Errorf("%s: the QR code of the session reads %q: %v", shell, decoded, err)
	}
}

// build makes what devserver itself needs.
func build(t *testing.T, home string) {
	t.Helper()
	out, err := exec.Command("go", "build", "-o", filepath.Join(home, "bin")+"/", "../../../cmd/invitationd", "../../../cmd/demo", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// server is a devserver that has said where it is.
type server struct {
	t    *testing.T
	addr string // of gRPC
	app  string // of the example app
	cmd  *exec.Cmd
	out  *os.File
	said string
}

func start(t *testing.T, home string) *server {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	addr, app := freeAddr(t), freeAddr(t)
	cmd := exec.Command(filepath.Join(home, "bin", "devserver"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = home, write, write
	cmd.Env = append(os.Environ(),
		"INVITATION_GRPC_ADDR="+addr, "INVITATION_WEBHOOK_ADDR="+freeAddr(t), "INVITATION_INBOX_ADDR="+freeAddr(t),
		"INVITATION_PORTAL_ADDR="+freeAddr(t), "INVITATION_APP_ADDR="+app)
	must(t, cmd.Start())
	must(t, write.Close())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	s := &server{t: t, addr: addr, app: app, cmd: cmd, out: read, said: readUntil(read, "> qr.png")}
	if !strings.Contains(s.said, "> qr.png") {
		t.Fatalf("devserver did not start:\n%s", s.said)
	}
	return s
}

// session is what it asks to be pasted.
func (s *server) session() string {
	_, session, _ := strings.Cut(s.said, "in this folder:\n")
	return session
}

// rest is what it says until the last process of it is gone.
func (s *server) rest() (string, error) {
	rest, err := io.ReadAll(s.out) // the pipe ends when nobody has it any more
	return strings.TrimSpace(string(rest)), errors.Join(err, s.cmd.Wait())
}

func (s *server) stop() {
	s.t.Helper()
	must(s.t, s.cmd.Process.Signal(os.Interrupt))
	rest, err := s.rest()
	if err != nil || rest != "" {
		s.t.Errorf("devserver ended with %v:\n%s", err, rest)
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

// paste has an interactive shell read the text, as from a terminal.
func paste(t *testing.T, home, shell, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := append(strings.Fields(shell), "-i", "-s")
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stdin = home, strings.NewReader(text)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "INVITATION_") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // keeps its hands off the terminal of the tests
	out, err := cmd.CombinedOutput()
	var last *exec.ExitError // is how the last command ended
	if err != nil && !errors.As(err, &last) {
		t.Errorf("%s: %v\n%s", shell, err, out)
	}
	return string(out)
}

// TestInboxByItsName: a name of somebody else's that leads to this machine shows no
// mails.
func TestInboxByItsName(t *testing.T) {
	t.Parallel()
	mails := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	loopback, open := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4zero}
	for _, c := range []struct {
		addr net.Addr
		host string
		want int
	}{
		{loopback, "127.0.0.1:8025", http.StatusOK},
		{loopback, "localhost:8025", http.StatusOK},
		{loopback, "evil.example:8025", http.StatusForbidden},
		{loopback, "127.0.0.1.evil.example:8025", http.StatusForbidden},
		{open, "box.example:8025", http.StatusOK},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		ownName(c.addr, mails).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s on %v is answered with %d, want %d", c.host, c.addr, w.Code, c.want)
		}
	}
}

// TestDeadPostgres: devserver ends, and says why, when its Postgres is gone; and
// the next one goes on with the log.
func TestDeadPostgres(t *testing.T) {
	home := openHome(t)
	build(t, home)
	must(t, os.Mkdir(filepath.Join(home, ".data"), 0o755)) //nolint:gosec // see openHome
	log := filepath.Join(home, ".data", "invitationd.log")
	must(t, os.WriteFile(log, []byte("of yesterday\n"), 0o600))
	server := start(t, home)
	pid, err := os.ReadFile(filepath.Join(home, ".data", "postgres", "cluster", "postmaster.pid"))
	must(t, err)
	first, _, _ := strings.Cut(string(pid), "\n")
	postmaster, err := strconv.Atoi(first)
	must(t, err)
	must(t, syscall.Kill(postmaster, syscall.SIGKILL))
	if rest, err := server.rest(); err == nil || !strings.Contains(rest, errDatabaseGone.Error()) {
		t.Errorf("devserver ended with %v:\n%s", err, rest)
	}
	if text, _ := os.ReadFile(log); !strings.HasPrefix(string(text), "of yesterday\n{") {
		t.Errorf("the log begins %.100q", text)
	}
}

// TestOldGo: make ends at once, and says what is needed, when go is older than
// what go.mod asks for and fetches nothing.
func TestOldGo(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	must(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho go1.20.14\n"), 0o755)) //nolint:gosec // a program
	cmd := exec.Command("make", "-C", "../../..", "-n", "build")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), runtime.Version()+", or any Go from 1.21 on") {
		t.Errorf("make build: %v\n%s", err, out)
	}
	if !strings.Contains(readme(t), "the "+strings.TrimPrefix(runtime.Version(), "go")+" that is needed") {
		t.Errorf("the README does not name %s", runtime.Version())
	}
}

// TestToken: what a mail's reader would click on, and nothing else.
func TestToken(t *testing.T) {
	t.Parallel()
	for text, token := range map[string]string{
		"Hallo\nhttps://app.kiwi.example/i/" + strings.Repeat("A2", 23) + "\n": strings.Repeat("A2", 23),
		"(https://app.kiwi.example/i/" + strings.Repeat("b0", 23) + ")":        strings.Repeat("b0", 23),
		"https://app.kiwi.example/i/" + strings.Repeat("A", 45):                "",
		"https://app.kiwi.example/i/" + strings.Repeat("A", 47):                "",
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
