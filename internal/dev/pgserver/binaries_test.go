//go:build !fast

package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install makes a directory that looks like one with PostgreSQL.
func install(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{
		"initdb":   "#!/bin/sh\n",
		"postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindBinaries(t *testing.T) {
	for name, test := range map[string]struct {
		version string // in PG_BIN
		cluster int    // version that wrote it
		want    string // part of the error
	}{
		"release":         {version: "15.18 (Debian 15.18-0+deb12u1)"},
		"beta":            {version: "18beta1"},
		"same as cluster": {version: "16.1", cluster: 16},
		"too old":         {version: "13.9", want: "14 or newer is needed"},
		"other cluster":   {version: "17.5", cluster: 15, want: "written by PostgreSQL 15"},
		"not PostgreSQL":  {version: "unknown", want: "unknown version"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := install(t, test.version)
			t.Setenv("PG_BIN", dir)
			got, err := findBinaries(context.Background(), test.cluster)
			if test.want == "" && (err != nil || got != dir) {
				t.Errorf("got %q, %v; want %q", got, err, dir)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestFindBinariesInPath(t *testing.T) {
	t.Setenv("PG_BIN", "")
	dir, links := install(t, "99.1"), t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", links)
	got, err := findBinaries(context.Background(), 99)
	if err != nil || got != dir {
		t.Errorf("got %q, %v; want %q", got, err, dir)
	}
}

func TestPGBINMustFit(t *testing.T) {
	t.Setenv("PG_BIN", t.TempDir())
	if _, err := findBinaries(context.Background(), 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want no such file", err)
	}
}
