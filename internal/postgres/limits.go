package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Limit allows so many in so much time, all of them at once if need be. The zero
// value allows any number.
//
// It is kept as one time (the generic cell rate algorithm): each use adds Per/N
// to the time until which past use counts, and none may reach further ahead
// than Per. The row is locked from reading to committing, so a limit is exact
// over any number of servers.
type Limit struct {
	N   int
	Per time.Duration
}

func (l Limit) cost() time.Duration { return l.Per / time.Duration(l.N) }

// spend returns what one more use makes of a limit, or when to try again.
func (l Limit) spend(usedUntil, now time.Time) (time.Time, error) {
	if usedUntil.Before(now) {
		usedUntil = now
	}
	usedUntil = usedUntil.Add(l.cost())
	if over := usedUntil.Sub(now) - l.Per; over > 0 {
		return time.Time{}, &invitation.RetryError{Err: invitation.ErrMailThrottled, After: over}
	}
	return usedUntil, nil
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
// groups from doing so until the commit.
func (l limits) lock(ctx context.Context, conn *pgx.Conn, before *snapshot, group []*call) (map[string]time.Time, error) {
	var keys []string
	for _, k := range group {
		if c := k.change; c.Mails {
			organization, to := c.Key.OrganizationID, c.MailTo
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
		return nil, nil
	}
	slices.Sort(keys)
	rows, err := conn.Query(ctx, lockLimits, slices.Compact(keys))
	if err != nil {
		return nil, err
	}
	used := map[string]time.Time{}
	var key string
	var until time.Time
	_, err = pgx.ForEachRow(rows, []any{&key, &until}, func() error {
		used[key] = until
		return nil
	})
	return used, err
}

// spend counts new mails against their limits: all of them, or none.
func (o *outcome) spend(before *snapshot, user *invitation.User, mails []*invitation.Delivery) error {
	spent := map[string]time.Time{}
	for _, d := range mails {
		for key, limit := range o.limits.keys(user.OrganizationID, d.To) {
			until, known := spent[key]
			if !known {
				until, known = o.used[key]
			}
			if !known {
				until, known = before.used[key]
			}
			if !known {
				return errors.New("a mail counts against a limit that was not locked")
			}
			until, err := limit.spend(until, before.now)
			if err != nil {
				return err
			}
			spent[key] = until
		}
	}
	for key, until := range spent {
		o.used[key] = until
	}
	return nil
}

func queueUse(b *pgx.Batch, used map[string]time.Time) {
	if len(used) == 0 {
		return
	}
	var keys []string
	var until []time.Time
	for key, t := range used {
		keys, until = append(keys, key), append(until, t)
	}
	b.Queue(`UPDATE mail_limits SET used_until = u.until FROM unnest($1::text[], $2::timestamptz[]) AS u (key, until)
		WHERE mail_limits.key = u.key`, keys, until)
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
