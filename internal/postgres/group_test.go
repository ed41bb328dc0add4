package postgres_test

import (
	"context"
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
// that there is, and then the same members one by one on another database.
// Answers and databases have to be equal: nobody can tell that there are groups.
// grouped_test.go has the members.
func TestGroupIsSerial(t *testing.T) {
	t.Parallel()
	grouped, serial := newWorld(t), newWorld(t)
	covered := map[string]bool{}
	for seed := range uint64(120) {
		random := rand.New(rand.NewPCG(seed, 7))
		ops := drawGroup(random)
		members, got := grouped.together(fmt.Sprintf("g%03d", seed), ops)
		order := orderOf(members)
		var want string
		for try := range 30 {
			want = serial.oneByOne(fmt.Sprintf("g%03d-%d", seed, try), ops, order)
			if got == want {
				break
			}
			// Members of one transaction have no order among themselves.
			order = shuffled(random, members)
		}
		if got != want {
			t.Fatalf("seed %d: %v in a group:\n%s\none by one:\n%s", seed, ops, got, want)
		}
		for i, o := range ops {
			covered[o.kind] = true
			covered[as(members[i].Err)] = true
		}
	}
	for _, kind := range opKinds {
		if !covered[kind] {
			t.Errorf("no group had a member %q", kind)
		}
	}
	for _, refusal := range []error{nil, invitation.ErrEmailInUse, invitation.ErrUserExists, invitation.ErrRequestIDReused, invitation.ErrUserNotFound, context.Canceled} {
		if !covered[as(refusal)] {
			t.Errorf("no member was answered %q", as(refusal))
		}
	}
	grouped.checkAlways()
	serial.checkAlways()
}

// together runs a group and shows its answers and what it left.
func (w *world) together(prefix string, ops []op) (members []postgres.Member, shown string) {
	w.settle(prefix)
	members = w.store.RunGroup(w.members(prefix, ops)...)
	return members, w.show(prefix, members)
}

// oneByOne runs the members of a group alone, in this order.
func (w *world) oneByOne(prefix string, ops []op, order []int) string {
	w.settle(prefix)
	members := w.members(prefix, ops)
	for _, i := range order {
		members[i] = w.store.RunGroup(members[i])[0]
	}
	return w.show(prefix, members)
}

// orderOf tells in which order a group's members were carried out, by the
// times of their transactions.
func orderOf(members []postgres.Member) []int {
	order := make([]int, len(members))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return members[a].Result.Now.Compare(members[b].Result.Now) })
	return order
}

// shuffled is another such order.
func shuffled(random *rand.Rand, members []postgres.Member) []int {
	order := random.Perm(len(members))
	slices.SortStableFunc(order, func(a, b int) int { return members[a].Result.Now.Compare(members[b].Result.Now) })
	return order
}

// show is what callers hear and the database holds, without what differs from
// one run to the next.
func (w *world) show(prefix string, members []postgres.Member) string {
	var text strings.Builder
	for i, m := range members {
		fmt.Fprintln(&text, i, answer(m))
	}
	text.WriteString(w.dump(prefix))
	shown := text.String()
	for n := range requestIDs {
		shown = strings.ReplaceAll(shown, requestID(prefix, n).String(), fmt.Sprint("#", n))
	}
	return strings.ReplaceAll(shown, prefix, "P")
}

// world is a database and a server for groups.
type world struct {
	*db
	store *postgres.Store
}

// poison in a user's id has the queue refuse that user's mails.
const poison = "poison"

func newWorld(t *testing.T) *world {
	d := newDB(t)
	limit := postgres.Limit{N: 1_000_000, Per: time.Hour}
	return &world{d, d.server(func(c *postgres.Config) {
		c.PerRecipient, c.PerOrganization = limit, limit
		c.Pseudonym = invitation.Email.Key
		c.Enqueue = func(b *pgx.Batch, mails []uuid.UUID, traces map[uuid.UUID]string) {
			b.Queue(`SELECT 1 / (1 - least(count(*), 1)) FROM deliveries WHERE id = ANY ($1) AND user_id LIKE '%'||$2`, mails, poison)
			delivery.Enqueue(b, mails, traces)
		}
	})}
}

// settle makes the users that a seed's groups find.
func (w *world) settle(prefix string) {
	w.Helper()
	var created, shared []postgres.Member
	for _, name := range settled {
		created = append(created, postgres.Member{Change: create(prefix+name, email(prefix+name+"@settled.example"))})
		if name != "-1" {
			shared = append(shared, postgres.Member{Change: share(prefix + name)})
		}
	}
	for _, m := range slices.Concat(w.store.RunGroup(created...), w.store.RunGroup(shared...)) {
		must(w, m.Err)
	}
}

func (w *world) members(prefix string, ops []op) []postgres.Member {
	members := make([]postgres.Member, len(ops))
	for i, o := range ops {
		members[i] = o.member(w, prefix)
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
				text += fmt.Sprint(" ", inv.Stored, inv.Mailed.Open, inv.Shared.Open, u.LatestDelivery(inv) != nil)
			}
		}
	}
	return text
}

// dump shows all that a seed's users left, in order and without ids and times.
func (w *world) dump(prefix string) string {
	w.Helper()
	like := prefix + "-%"
	return w.text(`SELECT concat_ws(' ', 'user', id, display_name, email, email_key, email_confirmed_at IS NULL, deactivated_at IS NULL, erased_at IS NULL)
			FROM users WHERE id LIKE $1 ORDER BY id`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'invitation', user_id, target, state, mailed_open, shared_open, revoked_for)
			FROM invitations WHERE user_id LIKE $1 ORDER BY user_id, target`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'mail', user_id, generation = (SELECT mailed_generation FROM invitations i WHERE i.id = d.invitation_id), email, state, attempts, reason, (SELECT count(*) FROM river_job j WHERE (j.args->>'delivery_id')::uuid = d.id AND d.state = 'QUEUED'))
			FROM deliveries d WHERE user_id LIKE $1 ORDER BY user_id, id`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'event', user_id, type, target, channel, delivery_state, reason, ended_mailed IS NULL, ended_shared IS NULL, cause, request_id)
			FROM events WHERE user_id LIKE $1 ORDER BY sequence`, like) + "\n" +
		w.text(`SELECT concat_ws(' ', 'request', id, user_id, encode(answer, 'escape'), uses) FROM requests WHERE fingerprint LIKE ('%'||$1::text||'%')::bytea ORDER BY id`, prefix+"-")
}
