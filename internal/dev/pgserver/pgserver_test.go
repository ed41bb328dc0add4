//go:build !fast

package pgserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ownerDir makes the test binary start a server in that directory, say where
// it is, and wait to be killed.
const ownerDir = "PGSERVER_TEST_OWNER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerDir); dir != "" {
		beOwner(dir)
	}
	os.Exit(m.Run())
}

func beOwner(dir string) {
	s, err := Start(context.Background(), Config{DataDir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Pid(), s.DSN("postgres"))
	<-s.Done()
}

// owner starts a process that owns a server.
func owner(t *testing.T, dir string, env ...string) (cmd *exec.Cmd, pid int, dsn string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), env...), ownerDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		await(t, func() error { return awaitUnlocked(dir) })
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	if _, err := fmt.Sscan(line, &pid, &dsn); err != nil {
		t.Fatalf("the owner says %q", line)
	}
	return cmd, pid, dsn
}

func await(t *testing.T, try func() error) {
	t.Helper()
	if err := eventually(context.Background(), time.Minute, try); err != nil {
		t.Error(err)
	}
}

// within is a context for one step of a test on a busy machine.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// dataDir is empty, and removed after the test as owners should.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	t.Cleanup(func() {
		if err := Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Start(within(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, dsn, sql string) {
	t.Helper()
	if _, err := connect(t, dsn).Exec(within(t), sql); err != nil {
		t.Fatal(err)
	}
}

func query[T any](t *testing.T, dsn, sql string) []T {
	t.Helper()
	rows, err := connect(t, dsn).Query(within(t), sql)
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// alive does not count a process that nobody has waited for.
func alive(pid int) bool {
	_, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil
}

func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func TestStopLeavesNoProcess(t *testing.T) {
	t.Parallel()
	s := start(t, Config{DataDir: dataDir(t)})
	pids := query[int](t, s.DSN("postgres"), "SELECT pid FROM pg_stat_activity")
	if len(pids) < 4 {
		t.Fatalf("only processes %v", pids)
	}
	stop(t, s)
	<-s.Done()
	for _, pid := range append(pids, s.Pid()) {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	stop(t, s) // again does nothing
}

func TestStartAgainKeepsData(t *testing.T) {
	t.Parallel()
	c := Config{DataDir: filepath.Join(dataDir(t), "made", "by", "Start"), Durable: true}
	s := start(t, c)
	execute(t, s.DSN("postgres"), "CREATE TABLE kept AS SELECT 1")
	stop(t, s)
	s = start(t, c)
	execute(t, s.DSN("postgres"), "TABLE kept")
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{true, false} {
		t.Run(fmt.Sprintf("durable=%v", durable), func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{
				DataDir:  dataDir(t),
				Durable:  durable,
				Settings: map[string]string{"work_mem": "5MB", "listen_addresses": "*"},
			})
			want := map[string]string{
				"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on",
				"data_checksums": "on", "server_encoding": "UTF8", "timezone": "UTC",
				"work_mem": "5MB", "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
			}
			if durable {
				want["fsync"], want["full_page_writes"] = "on", "on"
			}
			for name, value := range want {
				got := query[string](t, s.DSN("postgres"), "SELECT current_setting('"+name+"')")
				if got[0] != value {
					t.Errorf("%s = %q, want %q", name, got[0], value)
				}
			}
		})
	}
}

func TestDiesWithItsOwner(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	cmd, pid, dsn := owner(t, dir)
	execute(t, dsn, "CREATE TABLE kept AS SELECT 1")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// At once: Start itself waits for the old server to end.
	s := start(t, Config{DataDir: dir})
	if alive(pid) {
		t.Errorf("postmaster %d outlives its owner", pid)
	}
	execute(t, s.DSN("postgres"), "TABLE kept")
}

func TestHostileEnvironment(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"PGHOST=192.0.2.1", "PGHOSTADDR=192.0.2.1", "PGPORT=1", "PGUSER=mallory", "PGPASSWORD=wrong",
		"PGDATABASE=nowhere", "PGDATA=/nonexistent", "PGOPTIONS=-c nonsense=1", "PGSERVICE=nonexistent",
		"PGSERVICEFILE=/nonexistent", "PGSSLMODE=verify-full", "PGSSLROOTCERT=/nonexistent",
		"PGTARGETSESSIONATTRS=standby", "PGCONNECT_TIMEOUT=soon", "PGCLIENTENCODING=KLINGON",
		"PGTZ=Mars/Olympus", "LC_ALL=tlh_QO", "LANG=tlh_QO",
	}
	_, _, dsn := owner(t, dataDir(t), hostile...)
	if got := query[string](t, dsn, "SELECT current_database()"); got[0] != "postgres" {
		t.Errorf("database %q", got[0])
	}
}

func TestRunsAsTheOwnerOfTheCluster(t *testing.T) {
	t.Parallel()
	// Parents that only their owner may walk, as below /root.
	dir := filepath.Join(dataDir(t), "private", "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{DataDir: dir})
	uid := ownerOf(t, "/proc/"+strconv.Itoa(s.Pid()))
	if uid == 0 || uid != ownerOf(t, filepath.Join(dir, "cluster")) {
		t.Errorf("the server runs as user %d", uid)
	}
	if os.Geteuid() != 0 && int(uid) != os.Geteuid() {
		t.Errorf("the server runs as user %d, want ours", uid)
	}
	stop(t, s)
	if err := s.Restart(within(t)); err != nil {
		t.Error(err)
	}
}

func TestServersDoNotMeet(t *testing.T) {
	t.Parallel()
	a, b := start(t, Config{DataDir: dataDir(t)}), start(t, Config{DataDir: dataDir(t)})
	execute(t, a.DSN("postgres"), "CREATE TABLE only_in_a ()")
	if got := query[bool](t, b.DSN("postgres"), "SELECT to_regclass('only_in_a') IS NULL"); !got[0] {
		t.Error("b has the table of a")
	}
}

func TestSecondServerInOneDirectory(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	ctx, cancel := context.WithTimeout(within(t), 100*time.Millisecond) // shorter than lockPatience
	defer cancel()
	_, err := Start(ctx, Config{DataDir: dir})
	if !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), strconv.Itoa(s.Pid())) {
		t.Errorf("error %v, want one that names process %d", err, s.Pid())
	}
}

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	other := start(t, Config{DataDir: dataDir(t)})
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	if err := syscall.Kill(s.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	stop(t, s)
	// Another process of the server's user has been given the id since.
	path := pidFile(filepath.Join(dir, "cluster"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reused := strings.Replace(string(text), strconv.Itoa(s.Pid()), strconv.Itoa(other.Pid()), 1)
	if err := os.WriteFile(path, []byte(reused), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, Config{DataDir: dir})
}

func TestRestartAfterKill(t *testing.T) {
	t.Parallel()
	s := start(t, Config{DataDir: dataDir(t)})
	dsn := s.DSN("postgres")
	execute(t, dsn, "CREATE TABLE kept AS SELECT 1")
	if err := syscall.Kill(s.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if err := s.Restart(within(t)); err != nil {
		t.Fatal(err)
	}
	execute(t, dsn, "TABLE kept")
}

func TestStopFrozenServer(t *testing.T) {
	t.Parallel()
	s := start(t, Config{DataDir: dataDir(t)})
	if err := syscall.Kill(s.Pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
}

func TestHalfMadeClusterIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "cluster.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, Config{DataDir: dir})
}

// cancelOnWrite ends a context at the server's first word.
type cancelOnWrite context.CancelFunc

func (c cancelOnWrite) Write(p []byte) (int, error) {
	c()
	return len(p), nil
}

func TestStartGivenUp(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	stop(t, start(t, Config{DataDir: dir}))
	ctx, cancel := context.WithCancel(within(t))
	if _, err := Start(ctx, Config{DataDir: dir, Log: cancelOnWrite(cancel)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if err := awaitUnlocked(dir); err != nil {
		t.Error(err)
	}
}

func TestInitdbGivenUp(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	ctx, cancel := context.WithCancel(within(t))
	go func() {
		defer cancel()
		await(t, func() error {
			_, err := os.Stat(filepath.Join(dir, "cluster.new", "base"))
			return err
		})
	}()
	if _, err := Start(ctx, Config{DataDir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	start(t, Config{DataDir: dir})
}

func TestStartSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	_, err := Start(within(t), Config{DataDir: dataDir(t), Settings: map[string]string{"no_such_setting": "1"}})
	if err == nil || !strings.Contains(err.Error(), `"no_such_setting"`) {
		t.Errorf("error %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = Start(within(t), Config{DataDir: dataDir(t), Port: l.Addr().(*net.TCPAddr).Port})
	if !errors.Is(err, errPortTaken) {
		t.Errorf("error %v, want %v", err, errPortTaken)
	}
}

func TestEveryoneNeedsThePassword(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	for _, user := range []string{role, role + ":guess", "postgres"} {
		_, err := pgx.Connect(within(t), strings.Replace(s.DSN("postgres"), role+":"+s.password, user, 1))
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "28P01" {
			t.Errorf("%s: error %v, want an invalid password", user, err)
		}
	}
	for _, name := range []string{"password", "server.log", "lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	cmd, pid, _ := owner(t, dir)
	// A frozen server does not see that its owner dies.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
	if alive(pid) {
		t.Errorf("process %d is left", pid)
	}
}
