//go:build !fast

package postgres

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
)

// large loads one organization of 50,000, whose mails all arrived: Postgres then
// takes every organization for all there are, and every state for a common one.
const large = `
INSERT INTO users (id, organization_id, type, display_name, locale, undeliverable, created_at, account_status, invited_until)
	SELECT 'u' || n, 'o', 'TENANT', 'x', '', '', now(), 'INVITED', now() + interval '14 days' FROM generate_series(1, 50000) n;
INSERT INTO deliveries (id, invitation_id, user_id, organization_id, generation, reminder, despite_bounce, state, changed_at, attempts, reason)
	SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, 'u' || n, 'o', 1, false, false, 'DELIVERED', now(), 1, '' FROM generate_series(1, 50000) n;
INSERT INTO invitations (id, user_id, organization_id, target, state, issued_at, expires_at, mailed_generation, mailed_open, shared_generation, shared_open, delivery_id, reminded, expiry_noted)
	SELECT id, user_id, 'o', 'APP', 'PENDING', now(), now() + interval '14 days', 1, true, 0, false, id, false, false FROM deliveries;
SET session_replication_role = origin`

// TestLargeOrganization: a page by the mails' state costs a page, be there very many
// such mails or none.
func TestLargeOrganization(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, sql := range []string{"SET session_replication_role = replica;" + large, "VACUUM ANALYZE", "SET plan_cache_mode = force_generic_plan", "PREPARE p AS " + listByDelivery} {
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	for _, state := range []string{"DELIVERED", "REPORTED_SPAM"} {
		var plan string
		err := conn.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE p ('o', 'ffffffff-ffff-ffff-ffff-ffffffffffff', NULL, NULL, NULL, 51, '"+state+"', NULL)",
			pgx.QueryExecModeSimpleProtocol).Scan(&plan)
		if err != nil {
			t.Fatal(err)
		}
		// The first count is that of the whole.
		blocks, _ := strconv.Atoi(regexp.MustCompile(`"Shared Hit Blocks": (\d+)`).FindStringSubmatch(plan)[1])
		if blocks > 1000 {
			t.Errorf("a page of %s reads %d blocks:\n%s", state, blocks, plan)
		}
	}
}
