package main

import (
	"regexp"
	"runtime"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
)

// TestVersion: of the schema it tells what the migrations have made.
func TestVersion(t *testing.T) {
	t.Parallel()
	var out harness.Log
	must(t, run(t.Context(), []string{"version"}, nil, &out, &out))
	told := regexp.MustCompile(`^version \S+\ncommit  \S+\ngo      (\S+)\nschema  (\d+)\n$`).FindStringSubmatch(out.Take())
	if told == nil || told[1] != runtime.Version() {
		t.Fatalf("it tells %q", told)
	}
	var migrated string
	pool := pgtest.Pool(t, pgtest.Database(t))
	must(t, pool.QueryRow(t.Context(), "SELECT max(version_id)::text FROM goose_db_version").Scan(&migrated))
	if told[2] != migrated {
		t.Errorf("it tells of the schema %s, and the migrations have made %s", told[2], migrated)
	}
}
