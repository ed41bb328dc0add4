package main

import "strings"

// Users are numbered. What belongs to a number is an expression of SQL, so that
// pgbench gets at it without a look-up. Users' ids come in no order, as those
// of the portal do; ids of invitations and mails grow with time, as UUIDv7 do.
const (
	userID = `('u' || md5({n}::text))`
	email  = `(substr(md5({n}::text), 1, 16) || '@mieter.example.com')`

	invitationID = `overlay(md5('i' || {n}) placing lpad(to_hex(1750000000000 + {n}), 12, '0') || '7' from 1)::uuid`
	deliveryID   = `overlay(md5('d' || {n}) placing lpad(to_hex(1750000000000 + {n}), 12, '0') || '7' from 1)::uuid`
)

// fill puts a number's expression into a statement's ids.
func fill(statement, n string) string {
	return strings.NewReplacer(
		"{user}", strings.ReplaceAll(userID, "{n}", n),
		"{email}", strings.ReplaceAll(email, "{n}", n),
		"{invitation}", strings.ReplaceAll(invitationID, "{n}", n),
		"{delivery}", strings.ReplaceAll(deliveryID, "{n}", n),
		"{n}", n,
	).Replace(statement)
}

// script makes a pgbench script of a statement. Each client counts by itself, so
// that no two use one number and nothing has to be locked.
func script(statement string) string {
	return `\set i :i + 1
\set n :base + :i * :clients + :client_id
` + fill(statement, "(:n::bigint)") + ";\n"
}

// randomScript reads any of the users that are there from the start and are
// invited.
func randomScript(statement string) string {
	return `\set n 2 * random(1, :population / 2)
` + fill(statement, "(:n::bigint)") + ";\n"
}

// sendSQL is what Send comes to when the client asks with a request id: two
// limits on mail, the request, the organization's counter, the invitation, the
// user's status, the mail, its job, and the event. It checks neither the user nor the limits.
const sendSQL = `
WITH who AS (
	SELECT id, organization_id, email, email_key, gen_random_uuid() AS request FROM users WHERE id = {user}
), per_organization AS (
	INSERT INTO mail_limits AS m (key, used_until) SELECT 'organization ' || organization_id, now() + interval '4.32 s' FROM who
	ON CONFLICT (key) DO UPDATE SET used_until = greatest(m.used_until, now()) + interval '4.32 s'
), per_recipient AS (
	INSERT INTO mail_limits AS m (key, used_until) SELECT 'recipient ' || email_key, now() + interval '6 min' FROM who
	ON CONFLICT (key) DO UPDATE SET used_until = greatest(m.used_until, now()) + interval '6 min'
), requested AS (
	INSERT INTO requests (id, fingerprint, user_id, created_at) SELECT request, sha256(id::bytea), id, now() FROM who
), invited AS (
	INSERT INTO invitations (id, user_id, organization_id, target, state, issued_at, expires_at,
		mailed_generation, mailed_open, shared_generation, shared_open, delivery_id, reminded, expiry_noted)
	SELECT {invitation}, id, organization_id, 'APP', 'PENDING', now(), now() + interval '336 h', 1, true, 0, false, {delivery}, false, false FROM who
), listed AS (
	UPDATE users SET account_status = 'INVITED', invited_until = now() + interval '336 h' FROM who WHERE users.id = who.id
), mailed AS (
	INSERT INTO deliveries (id, invitation_id, user_id, organization_id, generation, reminder, despite_bounce, email, email_key,
		state, changed_at, attempts, reason)
	SELECT {delivery}, {invitation}, id, organization_id, 1, false, false, email, email_key, 'QUEUED', now(), 0, '' FROM who
), queued AS (
	INSERT INTO river_job (args, kind, max_attempts, queue, state)
	SELECT jsonb_build_object('delivery_id', {delivery}), 'invitation_mail', 10000, 'default', 'available' FROM who
), counted AS (
	INSERT INTO trails AS t SELECT organization_id, 1 FROM who
	ON CONFLICT (organization_id) DO UPDATE SET last_sequence = t.last_sequence + 1 RETURNING organization_id AS id, last_sequence
)
INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, invitation_id, target, channel, delivery_id,
	delivery_state, reason, actor, caller, cause, request_id)
SELECT counted.id, last_sequence, 'INVITATION_ISSUED', now(), who.id, {invitation}, 'APP', 'MAILED', {delivery}, '', '', '', '',
	'InvitationService/Send', request
FROM who, counted`

// redeemSQL is what Redeem of a mailed link comes to: the invitation, the user
// whose address it confirms, the request with its answer of usual length, the
// organization's counter, and two events.
const redeemSQL = `
WITH redeemed AS (
	UPDATE invitations SET state = 'REDEEMED', redeemed_at = now()
	WHERE id = {invitation} AND state = 'PENDING' AND expires_at > now() AND mailed_open AND mailed_generation = 1
	RETURNING id, user_id, organization_id, gen_random_uuid() AS request
), confirmed AS (
	UPDATE users SET email_confirmed_at = now(), account_status = 'ONLINE', invited_until = NULL FROM redeemed WHERE users.id = redeemed.user_id AND deactivated_at IS NULL
), requested AS (
	INSERT INTO requests (id, fingerprint, user_id, answer, created_at)
	SELECT request, sha256(user_id::bytea), user_id, decode(repeat(md5(user_id), 25), 'hex'), now() FROM redeemed
), counted AS (
	INSERT INTO trails AS t SELECT organization_id, 2 FROM redeemed
	ON CONFLICT (organization_id) DO UPDATE SET last_sequence = t.last_sequence + 2 RETURNING organization_id AS id, last_sequence
)
INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, invitation_id, target, channel,
	delivery_state, reason, actor, caller, cause, request_id)
SELECT counted.id, last_sequence - 1, 'INVITATION_REDEEMED', now(), user_id, redeemed.id, 'APP', 'MAILED', '', '', '', '',
	'RedemptionService/Redeem', request FROM redeemed, counted
UNION ALL
SELECT counted.id, last_sequence, 'EMAIL_CONFIRMED', now(), user_id, NULL, NULL, '', '', '', '', '', 'RedemptionService/Redeem', request
FROM redeemed, counted`

// createSQL is what CreateUser without an invitation comes to: the user, the
// request, the organization's counter, and an event.
const createSQL = `
WITH created AS (
	INSERT INTO users (id, organization_id, type, display_name, locale, email, email_key, undeliverable, created_at, account_status)
	VALUES ({user}, 'org-' || {n} % :organizations, 'TENANT', 'Anna Schmidt', 'de', {email}, {email}, '', now(), 'OFFLINE')
	RETURNING id, organization_id, gen_random_uuid() AS request
), requested AS (
	INSERT INTO requests (id, fingerprint, user_id, created_at) SELECT request, sha256(id::bytea), id, now() FROM created
), counted AS (
	INSERT INTO trails AS t SELECT organization_id, 1 FROM created
	ON CONFLICT (organization_id) DO UPDATE SET last_sequence = t.last_sequence + 1 RETURNING organization_id AS id, last_sequence
)
INSERT INTO events (organization_id, sequence, type, occurred_at, user_id,
	channel, delivery_state, reason, actor, caller, cause, request_id)
SELECT counted.id, last_sequence, 'USER_CREATED', now(), created.id, '', '', '', '', '', 'UserService/CreateUser', request FROM created, counted`

// previewSQL reads what Preview reads, all of it by primary keys.
const previewSQL = `
SELECT i.id, i.target, i.state, i.expires_at, i.mailed_generation, i.mailed_open, i.shared_generation, i.shared_open,
	u.id, u.display_name, u.email, u.deactivated_at, o.name, d.id, d.state
FROM invitations i
JOIN users u ON u.id = i.user_id
LEFT JOIN organizations o ON o.id = u.organization_id
LEFT JOIN deliveries d ON d.id = i.delivery_id
WHERE i.id = {invitation}`
