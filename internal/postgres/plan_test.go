//go:build !fast

package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
)

// million loads a million invitations of 200 of 5,000 organizations, with users,
// mails, events and requests; mails and requests have their invitation's id. It
// is loaded without checks, which take longer than the loading.
const million = `
SET session_replication_role = replica;
INSERT INTO trails SELECT 'o' || n, 5000 FROM generate_series(0, 4999) n;
INSERT INTO organizations (id) SELECT 'o' || n FROM generate_series(0, 4999) n;
INSERT INTO users (id, organization_id, type, display_name, locale, email, email_key, undeliverable, created_at, deactivated_at, account_status, invited_until)
	SELECT 'u' || n, 'o' || n % 200, 'EMPLOYEE', 'x', 'de', n || '@x.de', n || '@x.de', '', now(), CASE WHEN n % 50 = 0 THEN now() END,
		CASE WHEN n % 7 = 0 THEN 'OFFLINE' WHEN n % 3 = 0 THEN 'ONLINE' ELSE 'INVITED' END,
		CASE WHEN n % 7 <> 0 AND n % 3 <> 0 THEN now() + interval '13 days' END FROM generate_series(1, 500000) n;
INSERT INTO invitations (id, user_id, organization_id, target, state, issued_at, expires_at, redeemed_at,
		mailed_generation, mailed_open, shared_generation, shared_open, delivery_id, reminded, expiry_noted)
	SELECT lpad(to_hex(n), 32, '0')::uuid, 'u' || (n + 1) / 2, 'o' || (n + 1) / 2 % 200, CASE WHEN n % 2 = 0 THEN 'APP' ELSE 'PORTAL' END,
		CASE WHEN n % 3 = 0 THEN 'REDEEMED' ELSE 'PENDING' END, now() - interval '20 days',
		now() + interval '13 days' - interval '14 days' * random(), CASE WHEN n % 3 = 0 THEN now() END,
		1, true, 1, true, lpad(to_hex(n), 32, '0')::uuid, false, false
	FROM generate_series(1, 1000000) n;
INSERT INTO deliveries (id, invitation_id, user_id, organization_id, generation, reminder, despite_bounce, email, email_key, state, changed_at, attempts, reason)
	SELECT id, id, user_id, organization_id, 1, false, false, 'a@x.de', 'a@x.de', CASE WHEN random() < 0.01 THEN 'BOUNCED' ELSE 'DELIVERED' END, now(), 1, '' FROM invitations;
INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, invitation_id, target, channel, delivery_state, reason, actor, caller, cause)
	SELECT organization_id, row_number() OVER (PARTITION BY organization_id), 'INVITATION_ISSUED', now(), user_id, id, target, '', '', '', '', '', 'test'
	FROM invitations;
INSERT INTO requests (id, fingerprint, user_id, created_at) SELECT id, 'x', user_id, now() FROM invitations;`

// TestNoSequentialScan: with a million rows no read that callers wait for looks
// at all of them, with known parameters and without.
func TestNoSequentialScan(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range []string{million, "VACUUM ANALYZE"} {
		for _, statement := range strings.Split(strings.TrimSuffix(sql, ";"), ";") {
			if _, err := conn.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	const id, none = "'00000000-0000-0000-0000-000000080000'", "'ffffffff-0000-0000-0000-000000000000'"
	for name, read := range map[string]struct {
		sql    string
		values []string
	}{
		"user":       {wanting(selectUsers, amongUsers), []string{"'{u7}'"}},
		"invitation": {wanting(selectUsers, amongInvitations), []string{"ARRAY[" + id + "::uuid]"}},
		"lock":       {wanting(lockUsers, amongUsers), []string{"'{u7,u8}'"}},
		"link":       {wanting(lockUsers, amongInvitations), []string{"ARRAY[" + id + "::uuid]"}},
		"mixed":      {wanting(lockUsers, amongAll), []string{"'{u7,u8}'", "'{}'", "ARRAY[" + id + "::uuid]", "'{1@x.de}'"}},
		"state":      {wanting(selectInvitations, amongUsers), []string{"'{u7}'"}},
		"of links":   {wanting(selectInvitations, amongInvitations), []string{"ARRAY[" + id + "::uuid]"}},
		"of all":     {wanting(selectInvitations, amongAll), []string{"'{u7}'", "'{}'", "ARRAY[" + id + "::uuid]", "'{1@x.de}'"}},
		"mails":      {selectDeliveries, []string{"ARRAY[" + id + "::uuid]"}},
		"mails to":   {selectMailsTo, []string{"'{7@x.de}'"}},
		"repeats":    {markRequests, []string{"ARRAY[" + id + "::uuid]"}},
		"all":        {listInvitations, []string{"'o7'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "NULL", "NULL", "NULL", "51"}},
		"target":     {listInvitations, []string{"'o7'", id, "'APP'", "NULL", "NULL", "51"}},
		"pending":    {listInvitations, []string{"'o7'", id, "NULL", "'PENDING'", "false", "51"}},
		"expired":    {listInvitations, []string{"'o7'", id, "NULL", "'PENDING'", "true", "51"}},
		"revoked":    {listInvitations, []string{"'o7'", id, "NULL", "'REVOKED'", "NULL", "51"}},
		"bounced":    {listByDelivery, []string{"'o7'", id, "NULL", "NULL", "NULL", "51", "'BOUNCED'", "NULL"}},
		"no failed":  {listByDelivery, []string{"'o7'", id, "NULL", "NULL", "NULL", "51", "'FAILED'", "NULL"}},
		"old":        {listByIssue, []string{"'o7'", id, "NULL", "'PENDING'", "NULL", "51", "now()"}},
		"waiting":    {countWaiting, []string{"'o7'", "1000"}},
		"paused":     {selectPauses, []string{"100"}},
		"a person":   {exportUser, []string{"'u7'"}},
		"everywhere": {deliveriesEverywhere, []string{"'{FAILED,BOUNCED}'", id, "'" + uuid.Nil.String() + "'", "51", "''", "false", "51"}},
		"of one":     {deliveriesOf, []string{"'{FAILED,BOUNCED,DELIVERED}'", id, "'" + uuid.Nil.String() + "'", "5000", "'quota'", "true", "51", "'o7'"}},
		"of people":  {deliveriesOfUsers, []string{"'{FAILED,BOUNCED,DELIVERED}'", id, "'" + uuid.Nil.String() + "'", "51", "''", "false", "51", "'{u7,u8}'", "''"}},
		"holders":    {selectHolders, []string{"'{1@x.de}'", "'{u50}'"}},
		"users":      {allUsers, []string{"'o7'", "'{f,t}'", "'{OFFLINE,INVITED,ONLINE}'", "''", "51"}},
		"online":     {allUsers, []string{"'o7'", "'{f}'", "'{ONLINE}'", "'u7'", "51"}},
		"named":      {namedUsers, []string{"'o7'", "'{f,t}'", "'{OFFLINE,INVITED,ONLINE}'", "''", "51", "'{u7,u207}'", "NULL"}},
		"of address": {namedUsers, []string{"'o7'", "'{f,t}'", "'{OFFLINE,INVITED,ONLINE}'", "''", "51", "NULL", "'7@x.de'"}},
		"events":     {selectEvents, []string{"'o7'", "4000", "NULL", "NULL", "51"}},
		"a user's":   {selectEvents, []string{"'o7'", "0", "'u7'", "NULL", "51"}},
		"an end":     {endOfMailed, []string{id, "1"}},
		"one's own":  {selectEvents, []string{"'o7'", "0", "NULL", id, "51"}},
		"due":        {selectExpired, []string{"500"}},
		"nobody":     {wanting(selectUsers, amongAll), []string{"'{}'", "ARRAY[" + none + "::uuid]", "'{}'", "'{1@x.de}'"}},
	} {
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			plan := explain(t, conn, mode, read.sql, read.values)
			for _, line := range strings.Split(plan, "\n") {
				if strings.Contains(line, "Seq Scan") {
					t.Errorf("%s (%s):\n%s", name, mode, plan)
					break
				}
			}
		}
	}
}

func explain(t *testing.T, conn *pgx.Conn, mode, sql string, values []string) string {
	t.Helper()
	for _, statement := range []string{"SET plan_cache_mode = " + mode, "DEALLOCATE ALL", "PREPARE p AS " + sql} {
		if _, err := conn.Exec(t.Context(), statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := conn.Query(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE p (%s)", strings.Join(values, ", ")), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
