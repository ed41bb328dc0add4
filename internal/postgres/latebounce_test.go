package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// lateBounce is a bounce of which only the address and the time are known.
func lateBounce(to invitation.Email, ago time.Duration) invitation.Report {
	return invitation.Report{
		EventID: uuid.NewString(), To: to, State: invitation.Bounced, Reason: "550 5.1.1", At: time.Now().Add(-ago),
		ForGood: true,
	}
}

// delivered has a user's latest mail delivered some time ago.
func (d *db) delivered(id string, ago time.Duration) {
	d.Helper()
	d.exec(`UPDATE deliveries SET state = 'DELIVERED', attempts = 1, changed_at = now() - $2::interval
		WHERE id = (SELECT delivery_id FROM invitations WHERE user_id = $1)`, id, ago)
}

// TestLateBounce: a bounce without ids is the last mail's that was sent to the
// address before, if that is still somebody's who has not proved it since.
func TestLateBounce(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	despite := func(id string) invitation.Change {
		return on(id, "renew", func(u *invitation.User, now time.Time) error { return u.Renew(app, true, now, validity) })
	}
	for name, c := range map[string]struct {
		// prepare has a user with a mail, who does something in between.
		prepare func(id string)
		ago     time.Duration
		spelled string
		want    string // the states of the mails, oldest first, and the mark
	}{
		"delivered before":         {func(id string) { d.delivered(id, 2*time.Hour) }, time.Hour, "", "DELIVERED→BOUNCED BOUNCED"},
		"in another spelling":      {func(id string) { d.delivered(id, 2*time.Hour) }, time.Hour, "%s@EXAMPLE.com", "DELIVERED→BOUNCED BOUNCED"},
		"delivered after":          {func(id string) { d.delivered(id, time.Hour) }, 2 * time.Hour, "", "DELIVERED "},
		"delivered long before":    {func(id string) { d.delivered(id, 9*24*time.Hour) }, 24 * time.Hour, "", "DELIVERED "},
		"never sent":               {func(string) {}, 0, "", "QUEUED "},
		"to somebody else":         {func(id string) { d.delivered(id, 2*time.Hour) }, time.Hour, "%s.other@example.com", "DELIVERED "},
		"mailed once more, before": {func(id string) { d.delivered(id, 3*time.Hour); do(t, s, renew(id)); d.delivered(id, 2*time.Hour) }, time.Hour, "", "DELIVERED DELIVERED→BOUNCED BOUNCED"},
		"mailed once more, after":  {func(id string) { d.delivered(id, 3*time.Hour); do(t, s, renew(id)); d.delivered(id, time.Hour) }, 2 * time.Hour, "", "DELIVERED→BOUNCED DELIVERED BOUNCED"},
		"vouched for since":        {func(id string) { d.delivered(id, 2*time.Hour); do(t, s, despite(id)) }, time.Hour, "", "DELIVERED→BOUNCED QUEUED "},
		"another address since": {func(id string) {
			d.delivered(id, 2*time.Hour)
			do(t, s, updateEmail(id, email(id+".new@example.com"), false))
		}, time.Hour, "", "DELIVERED "},
		"somebody else's since": {func(id string) {
			d.delivered(id, 2*time.Hour)
			do(t, s, updateEmail(id, email(id+".new@example.com"), false))
			do(t, s, create(id+"-heir", emailOf(id)))
			do(t, s, send(id+"-heir"))
		}, time.Hour, "", "DELIVERED "},
		"proved since": {func(id string) {
			d.delivered(id, 2*time.Hour)
			d.exec(`UPDATE users SET email_confirmed_at = now() - interval '30 minutes' WHERE id = $1`, id)
		}, time.Hour, "", "DELIVERED "},
		"proved before": {func(id string) {
			d.delivered(id, 2*time.Hour)
			d.exec(`UPDATE users SET email_confirmed_at = now() - interval '90 minutes' WHERE id = $1`, id)
		}, time.Hour, "", "DELIVERED→BOUNCED BOUNCED"},
		"deactivated since": {func(id string) { d.delivered(id, 2*time.Hour); do(t, s, deactivate(id)) }, time.Hour, "", "DELIVERED "},
		"erased since":      {func(id string) { d.delivered(id, 2*time.Hour); do(t, s, erase(id)) }, time.Hour, "", "DELIVERED "},
	} {
		id := person(t, s)
		do(t, s, send(id))
		c.prepare(id)
		const mails = `SELECT string_agg(state, ' ' ORDER BY id) FROM deliveries WHERE user_id = $1`
		before, to := d.text(mails, id), emailOf(id)
		if c.spelled != "" {
			to = email(fmt.Sprintf(c.spelled, id))
		}
		r := lateBounce(to, c.ago)
		for n, wanted := range []int{strings.Count(c.want, "→"), 0} {
			known, err := s.Report(t.Context(), []invitation.Report{r})
			must(t, err)
			if known != wanted {
				t.Errorf("%s, told %d times: %d were known", name, n+1, known)
			}
		}
		if got := compare(before, d.text(mails, id)) + " " + d.text(`SELECT undeliverable FROM users WHERE id = $1`, id); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if n := d.count(`SELECT count(*) FROM users WHERE undeliverable <> '' AND id LIKE '%-heir'`); n != 0 {
		t.Error("who has the address since, and got no mail before, is marked")
	}
	if kept := d.text(`SELECT event_id FROM reports WHERE event_id LIKE '%@%' OR event_id LIKE '%user-%'`); kept != "" {
		t.Errorf("a report keeps %s", kept)
	}
}

// compare writes a→b where two lists of states differ.
func compare(before, after string) string {
	was, is := strings.Fields(before), strings.Fields(after)
	for i := range is {
		if is[i] != was[i] {
			is[i] = was[i] + "→" + is[i]
		}
	}
	return strings.Join(is, " ")
}

// TestLateBounceOrUpdateEmail: a bounce that comes while the address changes marks
// the new one never.
func TestLateBounceOrUpdateEmail(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		id := person(d, a)
		do(d, a, send(id))
		d.delivered(id, 2*time.Hour)
		bounce := func() error {
			_, err := a.Report(d.Context(), []invitation.Report{lateBounce(emailOf(id), time.Hour)})
			return err
		}
		return trial{
			a: bounce, b: update(b, updateEmail(id, email(id+".new@example.com"), true)), hold: []string{id},
			check: func(errA, errB error) error {
				if errA != nil || errB != nil {
					return fmt.Errorf("the bounce ended with %w, the change with %w", errA, errB)
				}
				if n := d.count(`SELECT count(*) FROM users WHERE id = $1 AND (undeliverable <> '' OR email_key <> id || '.new@example.com')`, id); n > 0 {
					return fmt.Errorf("the new address is marked")
				}
				return nil
			},
		}
	})
}
