package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestChanges: of the results that were kept, the last are compared, row by row,
// and rows that one run lacks are left out.
func TestChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if r, err := last(dir); r != nil || err != nil {
		t.Errorf("nothing was kept, and the last is %v, %v", r, err)
	}
	keep(t, dir, &report{Commit: "older", At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	then := measured()
	then.rows = then.rows[1:]
	keep(t, dir, &report{Commit: "old", At: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Rows: then.rows})
	before, err := last(dir)
	if err != nil || before.Commit != "old" {
		t.Fatalf("the last is %+v, %v", before, err)
	}
	now := measured()
	for i := range now.find("send", 64).Service {
		now.find("send", 64).Service[i].Rate *= 2
	}
	rows := changes(before, &report{Rows: now.rows}).rows
	if len(rows) != len(then.rows) {
		t.Errorf("%d rows were compared, want %d", len(rows), len(then.rows))
	}
	want := []string{"Send", "64", "1.30", "2.60", "2.00", "1.50", "1.50", "1.00", "", "", ""}
	if !slices.Equal(rows[0], want) {
		t.Errorf("the first row is %q, want %q", rows[0], want)
	}
}

func keep(t *testing.T, dir string, r *report) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, r.keptName())
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
