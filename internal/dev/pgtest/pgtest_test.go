package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// hang makes the test binary run one test that never ends.
const hang = "PGTEST_TEST_HANG"

func TestMain(m *testing.M) {
	if os.Getenv(hang) != "" {
		os.Exit(run(hangingTest{}, createItems))
	}
	Main(m, createItems)
}

type hangingTest struct{}

func (hangingTest) Run() int {
	fmt.Println(Server().Pid())
	select {}
}

// createItems leaves its connection open, as a careless migration would.
func createItems(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE items (id int PRIMARY KEY)")
	return err
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(harness.Within(t), dsn)
	harness.Must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func count(t *testing.T, dsn, sql string, args ...any) (n int) {
	t.Helper()
	harness.Must(t, connect(t, dsn).QueryRow(harness.Within(t), sql, args...).Scan(&n))
	return n
}

func TestDatabasesAreIsolated(t *testing.T) {
	t.Parallel()
	for i := range 24 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dsn := Database(t)
			if _, err := connect(t, dsn).Exec(harness.Within(t), "INSERT INTO items VALUES (1)"); err != nil {
				t.Error(err)
			}
			if n := count(t, dsn, "SELECT count(*) FROM items"); n != 1 {
				t.Errorf("%d items", n)
			}
		})
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("user", func(t *testing.T) {
		// The connection is closed after the database is dropped.
		conn, err := pgx.Connect(harness.Within(t), Database(t))
		harness.Must(t, err)
		name = conn.Config().Database
	})
	if n := count(t, Server().DSN("postgres"), "SELECT count(*) FROM pg_database WHERE datname = $1", name); n != 0 {
		t.Errorf("database %s is left", name)
	}
}

func TestNewServer(t *testing.T) {
	t.Parallel()
	t.Run("user", func(t *testing.T) {
		s := NewServer(t)
		dsn := s.DSN("postgres")
		if n := count(t, dsn, "SELECT count(*) FROM items"); n != 0 {
			t.Errorf("%d items", n)
		}
		harness.Must(t, syscall.Kill(s.Pid(), syscall.SIGKILL))
		<-s.Done()
		harness.Must(t, s.Restart(harness.Within(t)))
		if n := count(t, dsn, "SELECT count(*) FROM items"); n != 0 {
			t.Errorf("%d items after the restart", n)
		}
		if dirs := leftovers(t, tempDir(), os.Getpid()); len(dirs) != 2 {
			t.Errorf("directories %v, want the shared server's and this one's", dirs)
		}
		harness.Must(t, syscall.Kill(s.Pid(), syscall.SIGSTOP))
	})
	if dirs := leftovers(t, tempDir(), os.Getpid()); len(dirs) != 1 {
		t.Errorf("directories %v, want only the shared server's", dirs)
	}
}

func leftovers(t *testing.T, temp string, pid int) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(temp, fmt.Sprintf("%s%d-*", dirPrefix, pid)))
	harness.Must(t, err)
	return dirs
}

// hangingRun starts a run of tests that never ends, and returns it together
// with its temporary directory.
func hangingRun(t *testing.T) (cmd *exec.Cmd, temp string) {
	t.Helper()
	temp = t.TempDir()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hang+"=1", "TMPDIR="+temp)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	harness.Must(t, err)
	harness.Must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if dirs := leftovers(t, temp, cmd.Process.Pid); len(dirs) != 1 {
		t.Fatalf("directories %v, want one", dirs)
	}
	return cmd, temp
}

func TestInterruptedRunCleansUp(t *testing.T) {
	t.Parallel()
	cmd, temp := hangingRun(t)
	harness.Must(t, cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the run ended with %v, want exit code 1", err)
	}
	if dirs := leftovers(t, temp, cmd.Process.Pid); len(dirs) != 0 {
		t.Errorf("directories %v are left", dirs)
	}
}

func TestSweepAfterKilledRun(t *testing.T) {
	t.Parallel()
	cmd, temp := hangingRun(t)
	kept := []string{
		filepath.Join(temp, fmt.Sprintf("%s%d-1", dirPrefix, os.Getpid())), // of a living owner
		filepath.Join(temp, dirPrefix+"notes"),
		filepath.Join(temp, "other"),
	}
	for _, dir := range kept {
		harness.Must(t, os.Mkdir(dir, 0o700))
	}
	sweep(temp)
	if dirs := leftovers(t, temp, cmd.Process.Pid); len(dirs) != 1 {
		t.Fatal("the directory of a living run was removed")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	sweep(temp)
	if dirs := leftovers(t, temp, cmd.Process.Pid); len(dirs) != 0 {
		t.Errorf("directories %v are left", dirs)
	}
	for _, dir := range kept {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}

func TestStrategyNeedsVersion15(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"14.9": false, "15.18 (Debian 15.18-0+deb12u1)": true, "18beta1": true} {
		if got := strategy(version); strings.Contains(got, "file_copy") != want {
			t.Errorf("%s: %q", version, got)
		}
	}
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		Database(b)
	}
}
