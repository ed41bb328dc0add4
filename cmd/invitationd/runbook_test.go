package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/keyfile"
)

// runbook returns the first lines of a kind in a part of deploy/README.md.
func runbook(t *testing.T, heading, kind string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/README.md")
	must(t, err)
	_, part, found := strings.Cut(string(text), "\n"+heading+"\n")
	part, _, _ = strings.Cut(part, "\n#")
	_, block, lines := strings.Cut(part, "\n```"+kind+"\n")
	block, _, _ = strings.Cut(block, "```")
	if !found || !lines {
		t.Fatalf("deploy/README.md has no %s in %q", kind, heading)
	}
	return block
}

// TestLeastConfiguration: what the handbook says to be all that a server needs has
// one serve, and nothing of it can be left out.
func TestLeastConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	lines := runbook(t, "## Configuration", "sh")
	for written, here := range map[string]string{
		"postgres://invitation_serving@localhost/invitations": "'" + as(serving, w.dsn) + "'", "SG.…": "SG.test",
	} {
		if !strings.Contains(lines, written) {
			t.Fatalf("there is no %q in\n%s", written, lines)
		}
		lines = strings.Replace(lines, written, here, 1)
	}
	for _, without := range []string{"", "DATABASE_URL", "INVITATION_LINK_BASE_URL", "INVITATION_KEYS_FILE", "SENDGRID_API_KEY", "INVITATION_MAIL_FROM"} {
		t.Run(without, func(t *testing.T) {
			t.Parallel()
			cmd := w.shell(t, strings.Replace(lines, "invitationd serve", "unset "+without+"\nexec invitationd serve", 1))
			if without != "" {
				if out, err := cmd.CombinedOutput(); err == nil {
					t.Errorf("it serves:\n%s", out)
				}
				return
			}
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			serves := false
			for logs := bufio.NewScanner(out); !serves && logs.Scan(); {
				var line struct{ Msg string }
				_ = json.Unmarshal(logs.Bytes(), &line)
				serves = line.Msg == "serving"
			}
			must(t, cmd.Process.Signal(syscall.SIGTERM))
			if err := cmd.Wait(); err != nil || !serves {
				t.Errorf("it does not serve: %v", err)
			}
		})
	}
}

// shell has a shell run lines in a folder of its own, in which invitationd is this
// binary, and listens where nobody else does.
func (w *world) shell(t *testing.T, lines string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "invitationd"), fmt.Appendf(nil, "#!/bin/sh\nexec %q \"$@\"\n", self), 0o755)) //nolint:gosec // a program
	cmd := exec.CommandContext(t.Context(), "bash", "-ec", lines)
	cmd.Dir, cmd.Env = dir, []string{asCommand + "=1", "PATH=" + dir + ":" + os.Getenv("PATH"), "INVITATION_GRPC_ADDR=127.0.0.1:0", "SENDGRID_BASE_URL=" + w.mailURL}
	return cmd
}

// TestFirstKey: the key of links that the handbook makes for a Secret is one.
func TestFirstKey(t *testing.T) {
	t.Parallel()
	var lines string
	for line := range strings.Lines(runbook(t, "## Kubernetes", "sh")) {
		if !strings.HasPrefix(line, "kubectl") {
			lines += line
		}
	}
	w := &world{t: t}
	cmd := w.shell(t, "umask 077\n"+lines)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ring, err := keyfile.Load(filepath.Join(cmd.Dir, "keys-folder"))
	must(t, err)
	if keys := ring.Keys(); len(keys) != 1 || keys[0].ID != "A" {
		t.Errorf("the keys are %v", keys)
	}
}

// TestStatements: Postgres understands what the handbook has people ask it.
func TestStatements(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/README.md")
	must(t, err)
	pool := pgtest.Pool(t, as(serving, pgtest.Database(t)))
	time := regexp.MustCompile(`'[^']*(the time|when)[^']*'`)
	blocks := regexp.MustCompile("(?ms)^ *```sql$(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Error("there are none")
	}
	for _, block := range blocks {
		for sql := range strings.SplitSeq(strings.TrimSpace(block[1]), ";") {
			if _, err := pool.Exec(t.Context(), time.ReplaceAllString(sql, "now()")); err != nil {
				t.Errorf("%v:\n%s", err, sql)
			}
		}
	}
}
