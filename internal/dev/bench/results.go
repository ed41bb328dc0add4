package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// report is what is kept of a run.
type report struct {
	Machine  string    `json:"machine"`
	Cores    int       `json:"cores"`
	Go       string    `json:"go"`
	Postgres string    `json:"postgres"`
	Commit   string    `json:"commit"`
	At       time.Time `json:"at"`
	Took     float64   `json:"took_seconds"`
	Users    int64     `json:"users"`
	Orgs     int64     `json:"organizations"`
	Seconds  float64   `json:"seconds_per_measurement"`
	Rounds   int       `json:"rounds"`

	Rows     []*row    `json:"rows,omitempty"`
	Resident int64     `json:"resident_bytes_256_callers,omitempty"`
	Garbage  *garbage  `json:"garbage,omitempty"`
	Goals    []verdict `json:"goals,omitempty"`
}

func (l *lab) describe(ctx context.Context, s *site) (report, error) {
	r := report{
		Machine: machine(), Cores: runtime.NumCPU(), Go: runtime.Version(), Commit: l.commit(ctx), At: time.Now().UTC().Truncate(time.Second),
		Users: s.population, Orgs: s.organizations, Seconds: l.duration.Seconds(),
	}
	err := s.db.QueryRow(ctx, "SHOW server_version").Scan(&r.Postgres)
	return r, err
}

// write prints the tables, and leaves what was measured and rates.svg in the
// results' directory.
func (l *lab) write(ctx context.Context, stdout io.Writer, s *site, b *book, g *garbage) error {
	r, err := l.describe(ctx, s)
	if err != nil {
		return err
	}
	r.Took, r.Rows, r.Resident, r.Garbage, r.Goals = time.Since(l.start).Seconds(), b.rows, b.resident(256), g, judge(b)
	r.Rounds = b.rounds()
	r.print(stdout, b)
	if l.before != nil {
		printChange(stdout, l.before, &r)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return l.save(map[string][]byte{r.keptName(): append(text, '\n'), "rates.svg": plot(b)})
}

func (l *lab) save(files map[string][]byte) error {
	for name, text := range files {
		path := filepath.Join(l.out, name)
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // for others to read
			return fmt.Errorf("write the results: %w", err)
		}
		l.say("wrote %s", path)
	}
	return nil
}

func (r *report) print(w io.Writer, b *book) {
	fmt.Fprintf(w, "%s, %d cores for client, service and Postgres together; PostgreSQL %s, %s.\n",
		r.Machine, r.Cores, r.Postgres, r.Go)
	fmt.Fprintf(w, "%d users of %d organizations; medians of %d rounds of %.0f s; %s.\n\n",
		r.Users, r.Orgs, r.Rounds, r.Seconds, r.At.Format(time.DateOnly))
	rates(b).print(w)
	strangers(w, b)
	failures(w, b)
	if len(r.Goals) > 0 {
		fmt.Fprintln(w)
		verdicts(r.Goals).print(w)
	}
	if r.Garbage != nil {
		fmt.Fprintf(w, "\nA Send leaves %.1f KB in %.0f objects to the collector, which runs %.1f times a second with %d callers.\n",
			r.Garbage.Bytes/1000, r.Garbage.Objects, r.Garbage.Collections, r.Garbage.Callers)
	}
	fmt.Fprintf(w, "\nIt took %.0f s.\n", r.Took)
}
