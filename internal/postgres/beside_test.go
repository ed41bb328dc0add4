package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestBesideTheNextSchema: servers of this release run while the next one's
// migrations do, and until the last of them is replaced. Those migrations are a
// fixture; once there is a release, deploy/dev/beside.sh runs the release's copy of
// this test with the migrations that came since.
func TestBesideTheNextSchema(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	before := d.server()
	must(t, errors.Join(workday(t.Context(), before)...))
	next, err := goose.NewProvider(goose.DialectPostgres, stdlib.OpenDBFromPool(d.pool), os.DirFS("testdata/next"))
	must(t, err)
	if applied, err := next.Up(t.Context()); err != nil || len(applied) == 0 {
		t.Fatalf("%d migrations: %v", len(applied), err)
	}
	for name, s := range map[string]*postgres.Store{"one that ran before": before, "one that starts now": d.server()} {
		if err := errors.Join(append(workday(t.Context(), s), s.Ping(t.Context()))...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestContractionIsSeen: a migration that old servers do notice fails the test
// above, whatever it breaks.
func TestContractionIsSeen(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"a column that must be given": `ALTER TABLE users ADD COLUMN household integer; UPDATE users SET household = 1;
			ALTER TABLE users ALTER COLUMN household SET NOT NULL`,
		"a column that is gone":    `ALTER TABLE users DROP COLUMN locale`,
		"a column of another name": `ALTER TABLE events RENAME COLUMN cause TO source`,
		"a table that is gone":     `ALTER TABLE reports RENAME TO reported`,
		"a word that is gone": `ALTER TABLE events DROP CONSTRAINT events_type_check;
			ALTER TABLE events ADD CONSTRAINT events_type_check CHECK (type <> 'INVITATION_RENEWED') NOT VALID`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDB(t)
			must(t, errors.Join(workday(t.Context(), d.server())...))
			d.exec(sql)
			if errors.Join(workday(t.Context(), d.server(quick))...) == nil {
				t.Error("nobody notices")
			}
		})
	}
}

// workday makes a store do all that it can, and returns what failed.
func workday(ctx context.Context, s *postgres.Store) (errs []error) {
	id, moved, other := newID(), newID(), newID()
	var mail invitation.Token
	done := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	for _, c := range []invitation.Change{
		create(id, emailOf(id)), identified(send(id), newRequest()), share(id), renew(id), updateEmail(id, emailOf(moved), true),
		revoke(id), send(id), deactivate(id), reactivate(id), send(id), create(other, emailOf(other)), erase(other),
	} {
		res, err := s.Update(ctx, c)
		if done(c.Request.Cause, err); err == nil && res.User.Invitations[app] != nil {
			mail = token(res.User, invitation.Mailed)
		}
	}
	res, err := s.Read(ctx, invitation.Key{UserID: id})
	if done("read", err); err == nil && len(res.User.Deliveries) > 0 {
		_, err = s.Report(ctx, []invitation.Report{{EventID: newRequest().String(), DeliveryID: res.User.Deliveries[0].ID, State: invitation.Delivered}})
		done("report", err)
	}
	_, err = s.Update(ctx, identified(redeem(mail), newRequest()))
	done("redeem", err)
	_, err = s.Update(ctx, on(id, "reset", func(u *invitation.User, now time.Time) error { return u.ResetActivation(app, now) }))
	done("reset", err)
	name := "Wohnen " + moved
	_, err = s.UpdateOrganization(ctx, invitation.OrganizationChange{
		ID: org, Request: invitation.Request{Cause: "organization"},
		Rule: func(o *invitation.Organization, now time.Time) error {
			o.Update(invitation.OrganizationDetails{Name: &name}, now)
			return nil
		},
	})
	done("organization", err)
	return append(errs, slices.DeleteFunc(lookAround(ctx, s, mail), func(err error) bool { return err == nil })...)
}

// lookAround reads all that there is to read, and does what passes with time.
func lookAround(ctx context.Context, s *postgres.Store, mail invitation.Token) (errs []error) {
	_, organization := s.Organization(ctx, org)
	_, _, list := s.List(ctx, invitation.ListFilter{OrganizationID: org, Limit: 5})
	_, _, bounced := s.List(ctx, invitation.ListFilter{OrganizationID: org, Delivery: invitation.Bounced, Limit: 5})
	_, _, users := s.ListUsers(ctx, invitation.UserFilter{OrganizationID: org, Limit: 5})
	_, _, named := s.ListUsers(ctx, invitation.UserFilter{OrganizationID: org, IDs: []string{"one"}, Limit: 5})
	_, events := s.Events(ctx, invitation.EventFilter{OrganizationID: org, Limit: 5})
	_, trail := s.Trail(ctx, org)
	_, end := s.EndOf(ctx, mail)
	_, expired := s.Expired(ctx, 5)
	_, ending := s.Ending(ctx, time.Hour, 5)
	_, _, turn := s.MailTurn(ctx, time.Second)
	_, reserve := s.Reserve(ctx, "provider", postgres.Limit{N: 10, Per: time.Second}, 1)
	forget := s.Forget(ctx, postgres.Memory{Requests: time.Hour, Addresses: time.Hour})
	return []error{organization, list, bounced, users, named, events, trail, end, expired, ending, turn, reserve, forget}
}
