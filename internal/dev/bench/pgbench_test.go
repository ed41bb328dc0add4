package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAppendLog(t *testing.T) {
	t.Parallel()
	all, err := appendLog(nil, strings.NewReader("0 1 4500 0 1700000000 250000\n3 2 700 0 1700000001 5\n"))
	want := []transaction{{end: 1700000000250000, took: 4500}, {end: 1700000001000005, took: 700}}
	if err != nil || len(all) != 2 || all[0] != want[0] || all[1] != want[1] {
		t.Errorf("got %v, %v; want %v", all, err, want)
	}
	for _, broken := range []string{"0 1 4500\n", "0 1 skipped 0 1700000000 250000\n"} {
		if all, err := appendLog(nil, strings.NewReader(broken)); err == nil {
			t.Errorf("%q was read as %v", broken, all)
		}
	}
}

// TestWindow: ten transactions a second, each of 100 ms, from the first on.
func TestWindow(t *testing.T) {
	t.Parallel()
	const start, each = 1_700_000_000_000_000, 100_000
	var all []transaction
	for i := range int64(40) {
		all = append(all, transaction{end: start + (i+1)*each, took: each})
	}
	m, err := window(all, time.Second, 2*time.Second)
	if err != nil || m.Calls != 40 || m.Rate != 10 || m.P50 != 100 || m.P99 != 100 {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := window(all, time.Second, 4*time.Second); !errors.Is(err, errShort) {
		t.Errorf("a window beyond the end gives %v", err)
	}
	if _, err := window(nil, time.Second, time.Second); !errors.Is(err, errShort) {
		t.Errorf("no transactions give %v", err)
	}
}

// TestScripts: pgbench knows every variable of every script, and nothing of our
// own is left in it.
func TestScripts(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		if strings.ContainsAny(c.script, "{}") {
			t.Errorf("the script of %s has something left to fill in:\n%s", c.name, c.script)
		}
		rest := strings.ReplaceAll(c.script, "::", "")
		for _, known := range []string{"i", "n", "base", "clients", "client_id", "organizations", "population"} {
			rest = strings.ReplaceAll(rest, ":"+known, "")
		}
		if strings.Contains(rest, ":") {
			t.Errorf("the script of %s has a variable that pgbench is not told:\n%s", c.name, c.script)
		}
	}
}
