//go:build !fast

package pgserver

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestStandby: what was committed is on the standby, which takes over when it is
// told to.
func TestStandby(t *testing.T) {
	t.Parallel()
	primary := start(t, Config{DataDir: dataDir(t)})
	standby := start(t, Config{DataDir: dataDir(t), Follows: primary.DSN("postgres")})
	ask := func(s *Server, sql string) (answer string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	await(t, func() error {
		if ask(primary, "SELECT count(*)::text FROM pg_stat_replication WHERE state = 'streaming'") != "1" {
			return errors.New("nobody follows")
		}
		return nil
	})
	if ask(standby, "SELECT pg_is_in_recovery()::text") != "true" {
		t.Error("the standby takes writes")
	}
	if err := primary.Stop(); err != nil {
		t.Fatal(err)
	}
	if ask(standby, "SELECT pg_promote()::text") != "true" || ask(standby, "SELECT pg_is_in_recovery()::text") != "false" {
		t.Error("the standby does not take over")
	}
}
