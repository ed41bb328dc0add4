package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

const oldestMajor = 14

// findBinaries returns the directory of initdb and postgres: $PG_BIN, which
// must fit when it is set, else the first that fits. A cluster fits only the
// major version that wrote it; wanted 0 takes any that is new enough.
func findBinaries(ctx context.Context, wanted int) (string, error) {
	if dir := os.Getenv("PG_BIN"); dir != "" {
		major, err := binariesVersion(ctx, dir)
		if err != nil {
			return "", fmt.Errorf("PG_BIN: %w", err)
		}
		if !fits(major, wanted) {
			return "", fmt.Errorf("PG_BIN: %w", misfit(wanted, major))
		}
		return dir, nil
	}
	var found []int
	for _, dir := range binariesDirs() {
		major, err := binariesVersion(ctx, dir)
		if err == nil && fits(major, wanted) {
			return dir, nil
		}
		if err == nil {
			found = append(found, major)
		}
	}
	if err := ctx.Err(); err != nil {
		return "", err // and not that nothing was found
	}
	if wanted != 0 && len(found) > 0 {
		return "", misfit(wanted, found...)
	}
	return "", ErrNotInstalled
}

func fits(major, wanted int) bool {
	return major == wanted || wanted == 0 && major >= oldestMajor
}

func misfit(wanted int, found ...int) error {
	if wanted == 0 {
		return fmt.Errorf("PostgreSQL %d or newer is needed, not %v", oldestMajor, found)
	}
	return fmt.Errorf("the data was written by PostgreSQL %d, installed is %v: "+
		"install that version or delete the data", wanted, found)
}

// binariesDirs are the places to look in, best first, whether they exist or not.
func binariesDirs() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", // Debian
		"/usr/pgsql-*/bin",          // postgresql.org's RPMs
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin", // Homebrew on Intel
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		matches, _ := filepath.Glob(pattern) // fails on a bad pattern only
		slices.SortFunc(matches, func(a, b string) int { return numberIn(b) - numberIn(a) })
		dirs = append(dirs, matches...)
	}
	return dirs
}

var (
	number  = regexp.MustCompile(`[0-9]+`)
	version = regexp.MustCompile(`\(PostgreSQL\) ([0-9]+)`)
)

func numberIn(path string) int {
	n, _ := strconv.Atoi(number.FindString(path))
	return n
}

// binariesVersion is the major version of the server in dir.
func binariesVersion(ctx context.Context, dir string) (int, error) {
	if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Env = childEnvironment
	output, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	match := version.FindSubmatch(output)
	if match == nil {
		return 0, errors.New("unknown version: " + string(output))
	}
	return strconv.Atoi(string(match[1]))
}
