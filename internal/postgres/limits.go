package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Limit allows so many in so much time, all of them at once if need be. The zero
// value allows any number.
//
// It is kept as one time (the generic cell rate algorithm): each use adds Per/N
// to the time until which past use counts, and none may reach further ahead
// than Per. A constraint of the table says so, so a limit is exact over any
// number of servers.
type Limit struct {
	N   int
	Per time.Duration
}

// cost is a whole number of microseconds, in which Postgres counts.
func (l Limit) cost() time.Duration { return (l.Per / time.Duration(l.N)).Truncate(time.Microsecond) }

// use is how often a group's mails count against a limit.
type use struct {
	limit Limit
	times int
}

func (u use) cost() time.Duration { return time.Duration(u.times) * u.limit.cost() }

// check refuses use of a limit whose past use counts until a time.
func (u use) check(usedUntil, now time.Time) error {
	if usedUntil.Before(now) {
		usedUntil = now
	}
	if over := usedUntil.Add(u.cost()).Sub(now) - u.limit.Per; over > 0 {
		return &invitation.RetryError{Err: invitation.ErrMailThrottled, After: over}
	}
	return nil
}

// limits are those on the mails that callers ask for.
type limits struct {
	perRecipient, perOrganization Limit
	pseudonym                     func(invitation.Email) string
}

// keys are the limits that a mail of an organization to an address counts
// against.
func (l limits) keys(organization string, to invitation.Email) map[string]Limit {
	keys := map[string]Limit{}
	if l.perOrganization.N > 0 {
		keys["organization "+organization] = l.perOrganization
	}
	if l.perRecipient.N > 0 && to.Known() {
		keys["recipient "+l.pseudonym(to)] = l.perRecipient
	}
	return keys
}

// In one order, so that groups wait for one another and never in a circle.
const lockLimits = `
INSERT INTO mail_limits (key, used_until) SELECT k, 'epoch' FROM unnest($1::text[]) AS k ORDER BY k
ON CONFLICT (key) DO UPDATE SET used_until = mail_limits.used_until
RETURNING key, used_until`

// lock reads the limits that a group's mails may count against, and keeps other
// groups from doing so until the commit. Only a group that has met a limit needs
// it, to find out whose mails were too many.
func (l limits) lock(ctx context.Context, conn *pgx.Conn, before *snapshot, group []*call) error {
	before.used = map[string]time.Time{}
	var keys []string
	for _, k := range group {
		if c := k.change; c.Mails {
			organization, to := c.Key.OrganizationID, c.Claim
			if user := before.users[before.userID(c.Key)]; user != nil {
				organization = user.OrganizationID
				if !to.Known() {
					to = user.Email
				}
			}
			for key := range l.keys(organization, to) {
				keys = append(keys, key)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	rows, err := conn.Query(ctx, lockLimits, slices.Compact(keys))
	if err != nil {
		return err
	}
	var key string
	var until time.Time
	_, err = pgx.ForEachRow(rows, []any{&key, &until}, func() error {
		before.used[key] = until
		return nil
	})
	return err
}

// spend counts new mails against their limits: all of them, or none. Where past
// use was not read, Postgres says whether that was too many.
func (o *outcome) spend(user *invitation.User, mails []*invitation.Delivery) error {
	spent := map[string]use{}
	for _, d := range mails {
		for key, limit := range o.limits.keys(user.OrganizationID, d.To) {
			u, ok := spent[key]
			if !ok {
				u = o.used[key]
			}
			spent[key] = use{limit, u.times + 1}
		}
	}
	if o.before.used != nil {
		for key, u := range spent {
			until, locked := o.before.used[key]
			if !locked {
				return errors.New("a mail counts against a limit that was not locked")
			}
			if err := u.check(until, o.before.now); err != nil {
				return err
			}
		}
	}
	maps.Copy(o.used, spent)
	return nil
}

// useRow is a use as it is written.
type useRow struct {
	key       string
	cost, per time.Duration
	at        time.Time
}

var insertUse = newPart("use", []column[useRow]{
	text("key", func(u *useRow) *string { return &u.key }),
	span("cost", func(u *useRow) *time.Duration { return &u.cost }),
	span("per", func(u *useRow) *time.Duration { return &u.per }),
	moment("at", func(u *useRow) *time.Time { return &u.at }),
}, `
INSERT INTO mail_limits AS m (key, used_until, used_at, per) SELECT r.key, r.at + r.cost, r.at, r.per FROM {rows} ORDER BY r.key
ON CONFLICT (key) DO UPDATE SET used_at = excluded.used_at, per = excluded.per,
	used_until = greatest(m.used_until, excluded.used_at) + (excluded.used_until - excluded.used_at)`)

// uses are what a group uses of each limit.
type uses map[string]use

func (all uses) rows(now time.Time) (rows []*useRow) {
	for key, u := range all {
		rows = append(rows, &useRow{key, u.cost(), u.limit.Per, now})
	}
	return rows
}

// limited reports whether a group met a limit.
func limited(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == "mail_limits_kept"
}

// Reserve takes n places in a limit that all servers share, and returns how long
// to wait until the first of them begins.
func (s *Store) Reserve(ctx context.Context, key string, l Limit, n int) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err = s.pool.QueryRow(ctx, `
INSERT INTO mail_limits AS m (key, used_until) VALUES ($1, clock_timestamp() + $2::interval)
ON CONFLICT (key) DO UPDATE SET used_until = greatest(m.used_until, clock_timestamp()) + $2::interval
RETURNING used_until - $2::interval - clock_timestamp()`, key, time.Duration(n)*l.cost()).Scan(&wait)
	if err != nil {
		return 0, fmt.Errorf("reserve places for mails: %w", translate(err))
	}
	return max(wait, 0), nil
}
