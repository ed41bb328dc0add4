package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// dump is everything in the database, as text.
func (d *db) dump() string {
	d.Helper()
	var all strings.Builder
	for _, table := range strings.Fields(d.text(`SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
		WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`)) {
		all.WriteString(table + "\n" + d.text(`SELECT t::text FROM `+table+` t`) + "\n")
		// Answers and the queue's arguments are bytes and JSON.
		if strings.HasSuffix(table, ".requests") {
			all.WriteString(d.text(`SELECT encode(answer, 'escape') FROM requests WHERE answer IS NOT NULL`) + "\n")
		}
	}
	return all.String()
}

var person1 = struct{ name, local, domain string }{"Wilhelmine Wunderlich", "Wilhelmine.W", "wunderlich-post.example"}

func (d *db) traceOf() (found []string) {
	d.Helper()
	all := strings.ToLower(d.dump())
	for _, trace := range []string{person1.name, "wunderlich", person1.local, person1.domain} {
		if strings.Contains(all, strings.ToLower(trace)) {
			found = append(found, trace)
		}
	}
	return found
}

// lived makes a user who did everything that leaves a trace.
func lived(t *testing.T, s *postgres.Store) (id string, link invitation.Token) {
	t.Helper()
	id = newID()
	address := email(person1.local + "@" + person1.domain)
	c := create(id, email("old."+person1.local+"@"+person1.domain))
	c.Rule = func(u *invitation.User, now time.Time) error {
		u.Create(invitation.Employee, person1.name, invitation.German, email("old."+person1.local+"@"+person1.domain), now)
		return nil
	}
	do(t, s, identified(c, newRequest()))
	do(t, s, send(id))
	do(t, s, identified(updateEmail(id, address, true), newRequest()))
	return id, token(do(t, s, renew(id)).User, invitation.Mailed)
}

// TestErase: afterwards nothing in the database tells of the person, in
// whatever order and company the erasing ran.
func TestErase(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t *testing.T, s *postgres.Store, id string, link invitation.Token) []error{
		"after a redemption": func(t *testing.T, s *postgres.Store, id string, link invitation.Token) []error {
			do(t, s, identified(redeem(link), newRequest()))
			return []error{update(s, identified(erase(id), newRequest()))()}
		},
		"while invited": func(_ *testing.T, s *postgres.Store, id string, _ invitation.Token) []error {
			return []error{update(s, erase(id))()}
		},
		"of deactivated": func(t *testing.T, s *postgres.Store, id string, _ invitation.Token) []error {
			do(t, s, deactivate(id))
			return []error{update(s, erase(id))()}
		},
		"in one group with a redemption": func(_ *testing.T, s *postgres.Store, id string, link invitation.Token) []error {
			return together(s, identified(redeem(link), newRequest()), identified(erase(id), newRequest()))
		},
		"in one group with a mail": func(_ *testing.T, s *postgres.Store, id string, _ invitation.Token) []error {
			return together(s, identified(renew(id), newRequest()), erase(id))
		},
		"in one group with a change of address": func(_ *testing.T, s *postgres.Store, id string, _ invitation.Token) []error {
			return together(s, identified(updateEmail(id, email("new."+person1.local+"@"+person1.domain), true), newRequest()), erase(id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDB(t)
			s := d.server()
			id, link := lived(t, s)
			if len(d.traceOf()) != 4 {
				t.Fatalf("the dump shows only %q of the person, so that this test shows nothing", d.traceOf())
			}
			for _, err := range run(t, s, id, link) {
				must(t, err)
			}
			if found := d.traceOf(); found != nil {
				t.Errorf("the database still knows %q", found)
			}
			if n := d.events(id, invitation.UserErased); n != 1 {
				t.Errorf("%d events tell of the erasing", n)
			}
			if _, err := s.Read(t.Context(), invitation.Key{UserID: id}); as(err) != as(invitation.ErrUserNotFound) {
				t.Errorf("an erased user: %v", err)
			}
			if _, err := s.Update(t.Context(), create(id, emailOf(id))); as(err) != as(invitation.ErrUserExists) {
				t.Errorf("the id of an erased user: %v", err)
			}
			do(t, s, create(newID(), email(person1.local+"@"+person1.domain))) // the address is free
			d.checkAlways()
		})
	}
}

func together(s *postgres.Store, changes ...invitation.Change) (errs []error) {
	members := make([]postgres.Member, len(changes))
	for i, c := range changes {
		members[i].Change = c
	}
	for _, m := range s.RunGroup(members...) {
		errs = append(errs, m.Err)
	}
	return errs
}

// TestForget: what is old goes, in however many batches, and what is younger
// stays.
func TestForget(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	young := identified(share(id), newRequest())
	do(t, s, young)
	d.exec(`INSERT INTO requests (id, fingerprint, user_id, created_at)
		SELECT gen_random_uuid(), 'x', 'u', now() - interval '25 hours' FROM generate_series(1, 12000)`)
	d.exec(`INSERT INTO reports (event_id, received_at) VALUES ('old', now() - interval '8 days'), ('young', now() - interval '6 days')`)
	d.exec(`INSERT INTO mail_limits (key, used_until) VALUES ('unused', now() - interval '2 hours'), ('used', now() + interval '1 minute')`)
	d.exec(`INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, channel, delivery_state, reason, actor, caller, cause) VALUES
		('past', 1, 'USER_CREATED', now() - interval '400 days', 'u', '', '', '', '', '', 'test'), ('past', 2, 'USER_CREATED', now() - interval '300 days', 'u', '', '', '', '', '', 'test')`)
	memory := postgres.Memory{Requests: 24 * time.Hour, Addresses: 30 * 24 * time.Hour, Events: 365 * 24 * time.Hour}
	must(t, s.Forget(t.Context(), memory))
	for what, query := range map[string]string{
		"1 request":       `SELECT count(*) FROM requests`,
		"1 report":        `SELECT count(*) FROM reports WHERE event_id = 'young'`,
		"1 limit":         `SELECT count(*) FROM mail_limits WHERE key = 'used'`,
		"1 of the past":   `SELECT count(*) FROM events WHERE organization_id = 'past'`,
		"1 event of ours": `SELECT count(*) FROM events WHERE user_id LIKE 'user-%' AND type = 'USER_CREATED'`,
	} {
		if n := d.count(query); n != 1 {
			t.Errorf("%d are left instead of %s", n, what)
		}
	}
	if n := d.count(`SELECT (SELECT count(*) FROM reports) + (SELECT count(*) FROM mail_limits)`); n != 2 {
		t.Errorf("%d reports and limits are left", n)
	}
	// The young request is still known: it does nothing a second time.
	before := d.traces(id)
	do(t, s, young)
	if d.traces(id) != before {
		t.Error("a young request was forgotten")
	}
	// However short the memory is set, the trail keeps 90 days.
	d.exec(`INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, channel, delivery_state, reason, actor, caller, cause)
		VALUES ('past', 3, 'USER_CREATED', now() - interval '89 days', 'u', '', '', '', '', '', 'test')`)
	memory.Events = time.Hour
	must(t, s.Forget(t.Context(), memory))
	if n := d.count(`SELECT count(*) FROM events WHERE organization_id = 'past'`); n != 1 {
		t.Errorf("%d events are left of one that is 300 days old and one of 89 days", n)
	}
}

// TestForgetAddresses: the record of a sent mail loses its address, one that
// still has to go out does not, and neither does the user.
func TestForgetAddresses(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	do(t, s, send(id))
	do(t, s, renew(id)) // cancels the first mail
	memory := postgres.Memory{Requests: time.Hour, Addresses: time.Hour}
	must(t, s.Forget(t.Context(), memory))
	if n := d.count(`SELECT count(*) FROM deliveries WHERE email IS NOT NULL`); n != 2 {
		t.Errorf("%d young mails have their address", n)
	}
	// As if the ids had been made two hours ago.
	for _, state := range []string{"CANCELLED", "QUEUED"} {
		old := uuid.Must(uuid.NewV7())
		ms := time.Now().Add(-2 * time.Hour).UnixMilli()
		for i := range 6 {
			old[i] = byte(ms >> (8 * (5 - i)))
		}
		d.exec(`WITH m AS (UPDATE deliveries SET id = $2 WHERE state = $1 RETURNING id, invitation_id)
			UPDATE invitations i SET delivery_id = m.id FROM m WHERE i.id = m.invitation_id AND $1 = 'QUEUED'`, state, old)
	}
	must(t, s.Forget(t.Context(), memory))
	if got := d.text(`SELECT state FROM deliveries WHERE email IS NOT NULL`); got != "QUEUED" {
		t.Errorf("addresses are left with mails %q", got)
	}
	if read(t, s, id).Email != emailOf(id) {
		t.Error("the user's own address is gone")
	}
}
