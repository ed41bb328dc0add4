package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Results of every run are kept in a directory of their own, in files whose names
// begin with the time, so that the last name is the last run's.
const keptDir = "kept"

// commit is that of the checkout, and whether there is more in it.
func (l *lab) commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "-C", l.root, "describe", "--always", "--dirty", "--abbrev=10").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// keptName is under which name results are kept.
func (r *report) keptName() string {
	return filepath.Join(keptDir, r.At.Format("20060102T150405Z")+"-"+r.Commit+".json")
}

// last reads the results that were kept last; nil if there are none.
func last(dir string) (*report, error) {
	names, err := filepath.Glob(filepath.Join(dir, keptDir, "*.json"))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	slices.Sort(names)
	text, err := os.ReadFile(names[len(names)-1])
	if err != nil {
		return nil, err
	}
	r := &report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", names[len(names)-1], err)
	}
	return r, nil
}

// errNothingKept is what comparing says when it has nothing to compare with.
var errNothingKept = errors.New("no results are kept to compare with: measure once before the change")

// printChange prints what became of each row that both runs have: what is not a ratio
// to pgbench may differ because the machine does.
func printChange(w io.Writer, before, now *report) {
	fmt.Fprintf(w, "\nCompared with %s of %s, in the order before, now, and now ÷ before:\n\n", before.Commit, before.At.Format(time.DateTime))
	changes(before, now).print(w)
}

func changes(before, now *report) *table {
	t := &table{head: []string{
		"", "callers", "rate ÷ pgbench", "", "", "p50 ÷ pgbench", "", "", "service's CPU µs", "", "",
	}}
	was, is := &book{before.Rows}, &book{now.Rows}
	for _, r := range is.rows {
		old := was.find(r.Case, r.Callers)
		if old == nil {
			continue
		}
		cells := []string{r.Title, callers(r.Callers)}
		for _, figure := range []func(*book) float64{
			func(b *book) float64 { return b.ratio(r.Case, r.Callers, rate) },
			func(b *book) float64 { return b.ratio(r.Case, r.Callers, p50) },
			func(b *book) float64 {
				return medianOf(b.find(r.Case, r.Callers).Service, func(m sample) float64 { return m.CPU.Service })
			},
		} {
			a, b := figure(was), figure(is)
			cells = append(cells, number(a), number(b), quotient(b, a))
		}
		t.add(cells...)
	}
	return t
}

// quotient is empty where one of the two was not measured.
func quotient(a, b float64) string {
	if b == 0 {
		return ""
	}
	return number(a / b)
}
