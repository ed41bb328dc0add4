package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// row is what was found out about one case with one number of callers: a sample
// per round and side.
type row struct {
	Case    string   `json:"case"`
	Title   string   `json:"title"`
	Callers int      `json:"callers"`
	Service []sample `json:"service"`
	Pgbench []sample `json:"pgbench,omitempty"`
}

// book keeps the rows in the order in which they were first measured.
type book struct{ rows []*row }

func (b *book) row(name, title string, callers int) *row {
	if r := b.find(name, callers); r != nil {
		return r
	}
	r := &row{Case: name, Title: title, Callers: callers}
	b.rows = append(b.rows, r)
	return r
}

// find returns nil if there is no such row.
func (b *book) find(name string, callers int) *row {
	for _, r := range b.rows {
		if r.Case == name && r.Callers == callers {
			return r
		}
	}
	return nil
}

// rounds is how often everything was measured.
func (b *book) rounds() int {
	if len(b.rows) == 0 {
		return 0
	}
	return len(b.rows[0].Service)
}

// measureAll measures all cases, and everything again in each round.
func (l *lab) measureAll(ctx context.Context, stdout io.Writer) error {
	s, err := l.newSite(ctx, "bench", l.users)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.startAPI(ctx, l.binary); err != nil {
		return err
	}
	b := &book{}
	if err := s.measureRounds(ctx, b); err != nil {
		return err
	}
	var g *garbage
	if c, ok := caseNamed("send"); ok && slices.Contains(l.cases, c.name) {
		if g, err = s.measureGarbage(ctx, c, 64); err != nil {
			return err
		}
	}
	return l.write(ctx, stdout, s, b, g)
}

// measureRounds leaves out rounds for which there is no time.
func (s *site) measureRounds(ctx context.Context, b *book) error {
	for round := range s.lab.rounds {
		began := time.Now()
		s.lab.say("round %d of %d", round+1, s.lab.rounds)
		if err := s.measureRound(ctx, b); err != nil {
			return err
		}
		next := time.Since(s.lab.start) + time.Since(began)
		if last := round+1 == s.lab.rounds; !last && s.lab.within > 0 && next > s.lab.within {
			s.lab.say("another round would take longer than %v", s.lab.within)
			return nil
		}
	}
	return nil
}

func (s *site) measureRound(ctx context.Context, b *book) error {
	for _, c := range cases {
		if !slices.Contains(s.lab.cases, c.name) {
			continue
		}
		for _, callers := range c.counts(s.lab.callers) {
			if err := s.measurePair(ctx, c, b.row(c.name, c.title, callers)); err != nil {
				return fmt.Errorf("%s with %d callers: %w", c.title, callers, err)
			}
		}
	}
	if !slices.Contains(s.lab.cases, deliveryCase) {
		return nil
	}
	m, err := s.measureDelivery(ctx)
	if err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	r := b.row(deliveryCase, "Delivery", 0)
	r.Service = append(r.Service, m)
	s.lab.report(r, "the workers", m)
	return nil
}
