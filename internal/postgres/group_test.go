package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestGroupIsSerial runs random groups, with members that fail in every way
// that there is, and the same members one by one on a database of their own.
// Answers and databases have to be equal: nobody can tell that there are groups.
// grouped_test.go has the members.
func TestGroupIsSerial(t *testing.T) {
	t.Parallel()
	grouped, serial := newWorld(t), newWorld(t)
	covered := map[string]int{}
	for seed := range uint64(150) {
		prefix := fmt.Sprintf("g%03d", seed)
		random := rand.New(rand.NewPCG(seed, 7))
		for _, w := range []*world{grouped, serial} {
			w.settle(prefix)
		}
		for range 2 {
			ops := drawGroup(random, prefix)
			group := grouped.store.RunGroup(grouped.members(ops)...)
			alone := make([]postgres.Member, len(ops))
			members := serial.members(ops)
			for _, i := range serialOrder(ops) {
				alone[i] = serial.store.RunGroup(members[i])[0]
			}
			for i, op := range ops {
				if got, want := answer(group[i]), answer(alone[i]); got != want {
					t.Errorf("seed %d: member %d of %v answers %s, and alone %s", seed, i, ops, got, want)
				}
				covered[op.kind+" "+as(alone[i].Err)]++
			}
			if got, want := grouped.dump(prefix), serial.dump(prefix); got != want {
				t.Fatalf("seed %d: %v left\n%s\nand one by one\n%s", seed, ops, got, want)
			}
		}
	}
	for _, op := range opKinds {
		if !slices.ContainsFunc(slices.Sorted(mapKeys(covered)), func(c string) bool { return strings.HasPrefix(c, op+" ") }) {
			t.Errorf("no group had a member %q", op)
		}
	}
	grouped.checkAlways()
	serial.checkAlways()
}

// serialOrder is the one that a group promises: as they came, but for members
// that repeat a request of another one, which come last.
func serialOrder(ops []op) (order []int) {
	var later []int
	seen := map[uuid.UUID]bool{}
	for i, o := range ops {
		if o.request != uuid.Nil && seen[o.request] && o.kind != "cancelled" {
			later = append(later, i)
			continue
		}
		seen[o.request] = seen[o.request] || o.kind != "cancelled"
		order = append(order, i)
	}
	return append(order, later...)
}

// world is a database and a server for groups.
type world struct {
	*db
	store *postgres.Store
}

// poison in a user's id has the queue refuse that user's mails.
const poison = "poison"

var errQueue = errors.New("the queue is broken")

func newWorld(t *testing.T) *world {
	d := newDB(t)
	queue, err := delivery.NewQueue(d.pool)
	must(t, err)
	limit := postgres.Limit{N: 1_000_000, Per: time.Hour}
	return &world{d, d.server(func(c *postgres.Config) {
		c.PerRecipient, c.PerOrganization = limit, limit
		c.Pseudonym = invitation.Email.Key
		c.Enqueue = func(ctx context.Context, tx pgx.Tx, mails []uuid.UUID) error {
			var refused bool
			if err := tx.QueryRow(ctx, `SELECT count(*) > 0 FROM deliveries WHERE id = ANY ($1) AND user_id LIKE '%'||$2`,
				mails, poison).Scan(&refused); err != nil {
				return err
			}
			if refused {
				return errQueue
			}
			return queue.Enqueue(ctx, tx, mails)
		}
	})}
}

// settle makes the users that a seed's groups find.
func (w *world) settle(prefix string) {
	w.Helper()
	for i, id := range userIDs(prefix)[:4] {
		do(w, w.store, create(id, email(fmt.Sprintf("%s-%d@settled.example", prefix, i))))
		if i%2 == 0 {
			do(w, w.store, share(id))
		}
	}
}

func (w *world) members(ops []op) []postgres.Member {
	members := make([]postgres.Member, len(ops))
	for i, o := range ops {
		members[i] = o.member(w)
	}
	return members
}

// answer is what a caller hears, without what differs between two databases.
func answer(m postgres.Member) string {
	if m.Err != nil {
		return as(m.Err)
	}
	text := "OK " + string(m.Result.Answer)
	if u := m.Result.User; u != nil {
		text += fmt.Sprint(" ", u.ID, u.Email.Address(), u.DeactivatedAt.IsZero(), u.ErasedAt.IsZero())
		for _, inv := range u.Invitations {
			if inv != nil {
				text += fmt.Sprint(" ", inv.Stored, inv.Mailed, inv.Shared, u.LatestDelivery(inv) != nil)
			}
		}
	}
	return text
}

// dump shows all that a seed's users left, in order and without ids and times.
func (w *world) dump(prefix string) string {
	w.Helper()
	like := prefix + "%"
	return w.text(`SELECT concat_ws(' ', 'user', id, display_name, email, email_key, email_confirmed_at IS NULL, deactivated_at IS NULL, erased_at IS NULL)
			FROM users WHERE id LIKE $1 ORDER BY id`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'invitation', user_id, target, state, mailed_generation, mailed_open, shared_generation, shared_open, revoked_for)
			FROM invitations WHERE user_id LIKE $1 ORDER BY user_id, target`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'mail', user_id, generation, email, state, attempts, reason, (SELECT count(*) FROM river_job j WHERE (j.args->>'delivery_id')::uuid = d.id AND d.state = 'QUEUED'))
			FROM deliveries d WHERE user_id LIKE $1 ORDER BY user_id, id`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'event', user_id, type, target, channel, delivery_state, reason, ended_mailed, ended_shared, cause, request_id)
			FROM events WHERE user_id LIKE $1 ORDER BY sequence`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'request', id, user_id, encode(answer, 'escape'), uses) FROM requests WHERE fingerprint LIKE ('%'||$1::text||'%')::bytea ORDER BY id`, prefix)
}
