package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestNobodyIsAnsweredAlone: a primary whose standby is gone, and which may have been
// replaced without hearing of it, answers no change, and hands no events out. What was
// refused before is not refused then: the new one may see it otherwise.
func TestNobodyIsAnsweredAlone(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	d := openDB(t, server.DSN("postgres"))
	s := d.server(quick)
	patient := d.server()
	id, again := person(t, patient), newRequest()
	do(t, patient, identified(share(id), again))
	calls := map[string]func() error{
		"of nobody":           update(s, share("nobody")),
		"refused by the rule": update(s, create(id, emailOf(id))),
		"repeated":            update(s, identified(share(id), again)),
		"the trail": func() error {
			_, err := s.Events(t.Context(), invitation.EventFilter{OrganizationID: org, Limit: 1})
			return err
		},
		"who follows": func() error {
			_, err := s.Follow(t.Context(), org, 0)
			return err
		},
	}
	for name, call := range calls {
		if err := call(); errors.Is(err, invitation.ErrUnavailable) {
			t.Errorf("%s, with the standby: %v", name, err)
		}
	}
	d.exec(`ALTER SYSTEM SET synchronous_standby_names = 'gone'`)
	d.exec(`SELECT pg_reload_conf()`)
	for alone := false; !alone; { // Postgres takes its time to read its settings
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := d.pool.Exec(ctx, `SELECT pg_logical_emit_message(true, 'test', '')`)
		cancel()
		alone = err != nil
		must(t, t.Context().Err())
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isUnavailable(t, call())
		})
	}
}
