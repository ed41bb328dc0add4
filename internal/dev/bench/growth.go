package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

const (
	growFrom = 10_000
	// growthGoal is how much slower calls may be with the most users.
	growthGoal = 1.25
)

// growthCases are what must not slow down.
var growthCases = []string{"send", "preview"}

// measureGrowth measures two databases of one server in turn, a small and a
// large one, and compares latencies. Loading the large one takes minutes.
func (l *lab) measureGrowth(ctx context.Context, stdout io.Writer) error {
	small, err := l.newSite(ctx, "small", growFrom)
	if err != nil {
		return err
	}
	defer small.close()
	large, err := l.newSite(ctx, "large", l.growTo)
	if err != nil {
		return err
	}
	defer large.close()
	l.say("loaded after %.0f s", time.Since(l.start).Seconds())
	sites := []*site{small, large}
	books := []*book{{}, {}}
	for _, s := range sites {
		if err := s.warm(ctx); err != nil {
			return fmt.Errorf("fill the cache: %w", err)
		}
		if err := s.startAPI(ctx, l.binary); err != nil {
			return err
		}
	}
	for round := range l.rounds {
		l.say("round %d of %d", round+1, l.rounds)
		for _, name := range growthCases {
			c, _ := caseNamed(name)
			for _, callers := range []int{1, 64} {
				for i, s := range sites {
					if err := s.grow(ctx, c, books[i].row(c.name, c.title, callers)); err != nil {
						return fmt.Errorf("%s on the %s database: %w", c.title, s.name, err)
					}
				}
			}
		}
	}
	return l.writeGrowth(ctx, stdout, large, books)
}

// warm reads the tables that calls look things up in, and their indexes, into
// Postgres's cache, where a server that runs for a while has them.
func (s *site) warm(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_prewarm"); err != nil {
		return err
	}
	var blocks int64
	err := s.db.QueryRow(ctx, `
SELECT sum(pg_prewarm(r.oid::regclass)) FROM (
	SELECT oid FROM pg_class WHERE oid IN ('users'::regclass, 'invitations'::regclass, 'deliveries'::regclass, 'organizations'::regclass)
	UNION ALL SELECT conindid FROM pg_constraint
	WHERE conname IN ('users_pkey', 'invitations_pkey', 'invitations_one_per_target', 'deliveries_pkey', 'organizations_pkey')
) AS r`).Scan(&blocks)
	s.lab.say("read %d MiB of %s into the cache", blocks/128, s.name)
	return err
}

func (s *site) grow(ctx context.Context, c benchCase, r *row) error {
	m, err := s.enough(ctx, c, r.Service, r.Callers, s.lab.duration, s.runService)
	if err != nil {
		return err
	}
	r.Service = append(r.Service, m)
	s.lab.report(r, s.name, m)
	return nil
}

// growth compares one case in both databases.
type growth struct {
	Case    string   `json:"case"`
	Callers int      `json:"callers"`
	Small   []sample `json:"small"`
	Large   []sample `json:"large"`
	Ratio   float64  `json:"p50_ratio"`
}

func compare(small, large *book) []growth {
	var all []growth
	for i, r := range small.rows {
		other := large.rows[i]
		all = append(all, growth{r.Title, r.Callers, r.Service, other.Service, medianRatio(other.Service, r.Service, p50)})
	}
	return all
}

func (l *lab) writeGrowth(ctx context.Context, stdout io.Writer, large *site, books []*book) error {
	r, err := l.describe(ctx, large)
	if err != nil {
		return err
	}
	r.Rounds = books[1].rounds()
	all := compare(books[0], books[1])
	t := &table{head: []string{"", "callers", "p50 ms, 10,000 users", fmt.Sprintf("p50 ms, %d users", l.growTo), "ratio", "at most"}}
	for _, g := range all {
		t.add(g.Case, callers(g.Callers), number(medianOf(g.Small, p50)), number(medianOf(g.Large, p50)),
			number(g.Ratio), number(growthGoal))
	}
	fmt.Fprintf(stdout, "%s, %d cores; PostgreSQL %s; medians of %d rounds of %.0f s.\n\n",
		r.Machine, r.Cores, r.Postgres, r.Rounds, r.Seconds)
	t.print(stdout)
	text, err := json.MarshalIndent(struct {
		report
		Growth []growth `json:"growth"`
	}{r, all}, "", "  ")
	if err != nil {
		return err
	}
	return l.save(map[string][]byte{"growth.json": append(text, '\n')})
}
