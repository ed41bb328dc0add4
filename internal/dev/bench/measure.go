package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
)

// counts are the numbers of callers that the case is measured with.
func (c benchCase) counts(wanted []int) []int {
	if c.callers == nil {
		return wanted
	}
	return c.callers
}

// measurePair measures pgbench and then the service.
func (s *site) measurePair(ctx context.Context, c benchCase, r *row) error {
	if c.script != "" {
		m, err := s.enough(ctx, c, r.Pgbench, r.Callers, 2*warmUp(r.Callers)+s.lab.duration, s.runPgbench)
		if err != nil {
			return err
		}
		r.Pgbench = append(r.Pgbench, m)
		s.lab.report(r, "pgbench", m)
	}
	m, err := s.enough(ctx, c, r.Service, r.Callers, s.lab.duration, s.runService)
	if err != nil {
		return err
	}
	r.Service = append(r.Service, m)
	s.lab.report(r, "the service", m)
	return nil
}

func (l *lab) report(r *row, who string, m sample) {
	l.say("%4.0f s  %-16s %3d  %-11s %8.0f/s  p50 %7.2f ms  p99 %7.2f ms",
		time.Since(l.start).Seconds(), r.Title, r.Callers, who, m.Rate, m.P50, m.P99)
	if m.Failed > 0 {
		l.say("    %d calls failed: %v", m.Failed, m.why)
	}
}

// runner measures once; it may use so many calls' users. The attempt counts from
// 0.
type runner func(ctx context.Context, c benchCase, callers, calls, attempt int) (sample, error)

// enough measures with so many users that they last, as far as can be known from
// earlier rounds, and again with more if that was not enough.
func (s *site) enough(ctx context.Context, c benchCase, earlier []sample, callers int, lasting time.Duration, run runner) (sample, error) {
	calls := expected(c, earlier, callers, lasting)
	for attempt := 0; ; attempt++ {
		m, err := run(ctx, c, callers, calls, attempt)
		if again := errors.Is(err, errEmpty) || errors.Is(err, errShort); !again || attempt == 3 {
			return m, err
		}
		s.lab.say("  %v: again", err)
		if errors.Is(err, errEmpty) {
			calls *= 2
		}
	}
}

// expected is how many calls a measurement may see.
func expected(c benchCase, earlier []sample, callers int, lasting time.Duration) int {
	perSecond := float64(min(4000*callers*c.units, 12_000))
	for _, m := range earlier {
		perSecond = max(m.Rate*1.5, 1000)
	}
	return int(perSecond*lasting.Seconds())/c.units + callers
}

func (s *site) runPgbench(ctx context.Context, c benchCase, callers, calls, attempt int) (sample, error) {
	var base int64
	if c.fresh {
		var err error
		if _, base, err = s.supply(ctx, c, calls); err != nil {
			return sample{}, err
		}
	}
	before, err := s.trail(ctx)
	if err != nil {
		return sample{}, err
	}
	m, err := s.pgbench(ctx, c.script, callers, base, warmUp(callers)<<attempt)
	if err != nil {
		return m, err
	}
	after, err := s.trail(ctx)
	if err == nil && after-before != int64(m.Calls)*c.events {
		return m, errEmpty // statements found no user
	}
	return m, err
}

func (s *site) runService(ctx context.Context, c benchCase, callers, calls, _ int) (sample, error) {
	users, _, err := s.supply(ctx, c, calls)
	if err != nil {
		return sample{}, err
	}
	before, err := s.trail(ctx)
	if err != nil {
		return sample{}, err
	}
	m, err := s.crowd(ctx, c, callers, users)
	if err != nil {
		return m, err
	}
	after, err := s.trail(ctx)
	if want := int64(m.Calls*c.units) * c.events; err == nil && after-before < want {
		return m, fmt.Errorf("%d calls left %d events instead of %d", m.Calls, after-before, want)
	}
	m.Rate *= float64(c.units)
	return m, err
}

// crowd lets callers call, and watches what that costs.
func (s *site) crowd(ctx context.Context, c benchCase, callers int, users []item) (sample, error) {
	group := crowd{callers: callers, lasting: s.lab.duration, call: func(ctx context.Context, caller, n int) error {
		i := n * c.units % len(users)
		return c.call(ctx, s.client(caller), s, users[i:i+c.units])
	}}
	if c.fresh {
		group.limit = len(users) / c.units
	}
	watch := s.watch(s.api.Pid())
	m, err := group.run(ctx)
	watch(&m, m.Calls*c.units)
	return m, err
}

// watch starts to look at what all parts use; the function that it returns ends
// that, and notes what was used for so many calls or invitations.
func (s *site) watch(service int) func(m *sample, units int) {
	before, start := s.used(service), time.Now()
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		resident := launch.Resident(service)
		for {
			select {
			case <-done:
				most <- resident
				return
			case <-tick.C:
				resident = max(resident, launch.Resident(service))
			}
		}
	}()
	return func(m *sample, units int) {
		used, lasted := s.used(service).minus(before), time.Since(start)
		close(done)
		m.Resident = <-most
		m.setCost(used, lasted, units)
	}
}

// used is what was used so far, with this process as the client.
func (s *site) used(service int) usage {
	return usage{client: cpuOf(os.Getpid()), service: cpuOf(service), postgres: cpuOfTree(s.lab.pg.Pid()), machine: busy()}
}

// trail is how many events there are: an organization's are counted without a
// gap.
func (s *site) trail(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRow(ctx, "SELECT coalesce(sum(last_sequence), 0)::bigint FROM trails").Scan(&n)
	return n, err
}
