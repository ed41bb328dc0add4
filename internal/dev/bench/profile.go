package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kiwi-ki/invitations/internal/dev/bench/hook"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
)

// hookFile is added to cmd/invitationd to be watched: everything else of it is
// as it is released.
const hookFile = `package main

import _ "github.com/kiwi-ki/invitations/internal/dev/bench/hook"
`

// garbage is what one call leaves to the collector.
type garbage struct {
	Case    string  `json:"case"`
	Callers int     `json:"callers"`
	Calls   int     `json:"calls"`
	Bytes   float64 `json:"bytes_per_call"`
	Objects float64 `json:"objects_per_call"`
	// Collections is how often a second the collector ran.
	Collections float64 `json:"collections_per_second"`
}

// buildWatched makes the program that has the hook.
func (l *lab) buildWatched(ctx context.Context) (binary string, err error) {
	source, binary := filepath.Join(l.work, "hook.go"), filepath.Join(l.work, "invitationd-watched")
	if err := os.WriteFile(source, []byte(hookFile), 0o600); err != nil {
		return "", err
	}
	l.say("building the service with a hook")
	return binary, launch.Build(ctx, l.root, binary, [2]string{"cmd/invitationd/hook.go", source})
}

// watchAPI stops the site's service and starts one with the hook instead.
func (s *site) watchAPI(ctx context.Context, binary string) (*session, error) {
	s.stopAPI()
	h, err := openSession()
	if err != nil {
		return nil, err
	}
	err = s.startAPI(ctx, binary, h.theirs...)
	h.started()
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// record runs a case once.
func (s *site) record(ctx context.Context, h *session, c benchCase, callers int, prefix string) (*garbage, error) {
	var use hook.Use
	run := func(ctx context.Context, c benchCase, callers, calls, attempt int) (m sample, err error) {
		m, use, err = h.during(prefix, func() (sample, error) { return s.runService(ctx, c, callers, calls, attempt) })
		return m, err
	}
	m, err := s.enough(ctx, c, nil, callers, s.lab.duration, run)
	if err != nil {
		return nil, fmt.Errorf("%s with %d callers: %w", c.title, callers, err)
	}
	return perCall(c.name, callers, m, use), nil
}

func perCall(name string, callers int, m sample, use hook.Use) *garbage {
	calls := float64(max(m.Calls, 1))
	return &garbage{
		Case: name, Callers: callers, Calls: m.Calls, Bytes: float64(use.Bytes) / calls, Objects: float64(use.Objects) / calls,
		Collections: float64(use.Collections) / m.Seconds,
	}
}

// recordDelivery does the same for the workers.
func (s *site) recordDelivery(ctx context.Context, binary, prefix string) (*garbage, error) {
	h, err := openSession()
	if err != nil {
		return nil, err
	}
	defer h.close()
	var use hook.Use
	m, err := s.deliver(ctx, binary, h.theirs, func(ctx context.Context, mails *inbox, worker int) (m sample, err error) {
		h.started()
		m, use, err = h.during(prefix, func() (sample, error) { return s.countMails(ctx, mails, worker) })
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	return perCall(deliveryCase, 0, m, use), nil
}

// measureGarbage leaves the site without a service.
func (s *site) measureGarbage(ctx context.Context, c benchCase, callers int) (*garbage, error) {
	binary, err := s.lab.buildWatched(ctx)
	if err != nil {
		return nil, err
	}
	h, err := s.watchAPI(ctx, binary)
	if err != nil {
		return nil, err
	}
	defer h.close()
	defer s.stopAPI()
	return s.record(ctx, h, c, callers, "")
}

// takeProfiles measures nothing but what calls allocate: profiling costs time.
func (l *lab) takeProfiles(ctx context.Context, stdout io.Writer) error {
	if err := os.MkdirAll(l.profile, 0o755); err != nil {
		return err
	}
	s, err := l.newSite(ctx, "bench", l.users)
	if err != nil {
		return err
	}
	defer s.close()
	binary, err := l.buildWatched(ctx)
	if err != nil {
		return err
	}
	h, err := s.watchAPI(ctx, binary)
	if err != nil {
		return err
	}
	defer h.close()
	for _, name := range l.cases {
		if err := s.takeProfile(ctx, stdout, h, binary, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) takeProfile(ctx context.Context, stdout io.Writer, h *session, binary, name string) error {
	tell := func(g *garbage, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s, %d callers: %.0f bytes and %.0f objects each, %.1f collections a second\n",
			g.Case, g.Callers, g.Bytes, g.Objects, g.Collections)
		return nil
	}
	c, ok := caseNamed(name)
	if !ok {
		return tell(s.recordDelivery(ctx, binary, filepath.Join(s.lab.profile, name)))
	}
	for _, callers := range c.counts(s.lab.callers) {
		if err := tell(s.record(ctx, h, c, callers, filepath.Join(s.lab.profile, fmt.Sprintf("%s-%d", name, callers)))); err != nil {
			return err
		}
	}
	return nil
}
