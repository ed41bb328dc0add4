-- +goose Up

SET LOCAL lock_timeout = '1s';

-- What mails say of a property manager; there is a row once that was told.
CREATE TABLE organizations (
    id             text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    name           text NOT NULL DEFAULT '',
    reply_to       text,
    reply_to_key   text,
    contact        text NOT NULL DEFAULT '',
    -- One line below the other.
    imprint        text NOT NULL DEFAULT '',
    default_locale text NOT NULL DEFAULT '',
    updated_at     timestamptz,
    -- Since when none of its mails goes out. The row '@all', which no organization
    -- can be called, says that of everybody's.
    delivery_paused_at timestamptz,

    CHECK ((reply_to IS NULL) = (reply_to_key IS NULL))
);

CREATE INDEX organizations_paused ON organizations (id) WHERE delivery_paused_at IS NOT NULL;

-- The last number of each organization's audit trail. A writer bumps it in its
-- last statement and holds the row until it has committed, so that numbers
-- appear in order and without gaps.
CREATE TABLE trails (
    organization_id text COLLATE "C" PRIMARY KEY,
    last_sequence   bigint NOT NULL CHECK (last_sequence > 0)
) WITH (fillfactor = 50);

-- Which history of the database this is: places in the audit trails of another
-- one mean nothing. It is drawn anew when the database was set back.
CREATE TABLE installation (
    epoch       uuid NOT NULL DEFAULT gen_random_uuid(),
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The time to which it was set back last; NULL if never.
    set_back_to timestamptz
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE users (
    id                  text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    organization_id     text COLLATE "C" NOT NULL CHECK (organization_id <> ''),
    type                text        NOT NULL CHECK (type IN ('EMPLOYEE', 'TENANT', 'SERVICE_PROVIDER', 'OWNER')),
    display_name        text        NOT NULL,
    -- As the portal gave it; empty is the organization's.
    locale              text        NOT NULL,
    email               text,
    -- The mailbox: two addresses with one key are one address.
    email_key           text COLLATE "C",
    email_confirmed_at  timestamptz,
    -- Why no mail arrives at the address; empty if nothing is known against it.
    undeliverable       text        NOT NULL CHECK (undeliverable IN ('', 'BOUNCED', 'UNSUBSCRIBED', 'REPORTED_SPAM')),
    created_at          timestamptz NOT NULL,
    deactivated_at      timestamptz,
    erased_at           timestamptz,
    -- The invitations summed up, for lists: who is INVITED is so until a time.
    account_status      text        NOT NULL CHECK (account_status IN ('OFFLINE', 'INVITED', 'ONLINE')),
    invited_until       timestamptz CHECK ((invited_until IS NOT NULL) = (account_status = 'INVITED')),

    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (email_key IS NOT NULL OR (email_confirmed_at IS NULL AND undeliverable = '')),
    CHECK (erased_at IS NULL OR (deactivated_at IS NOT NULL AND email IS NULL AND display_name = '')),
    CHECK (erased_at IS NOT NULL OR display_name <> '')
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX users_active_email ON users (email_key) WHERE deactivated_at IS NULL;
CREATE INDEX users_former_email ON users (email_key) WHERE deactivated_at IS NOT NULL AND email_key IS NOT NULL;
CREATE INDEX users_list ON users (organization_id, (deactivated_at IS NOT NULL), account_status, id) WHERE erased_at IS NULL;
CREATE INDEX users_lapsed ON users (organization_id, invited_until) WHERE account_status = 'INVITED';

CREATE TABLE invitations (
    id                uuid PRIMARY KEY,
    user_id           text COLLATE "C" NOT NULL REFERENCES users,
    organization_id   text COLLATE "C" NOT NULL,
    target            text        NOT NULL CHECK (target IN ('APP', 'PORTAL')),
    state             text        NOT NULL CHECK (state IN ('PENDING', 'REDEEMED', 'REVOKED')),
    issued_at         timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL CHECK (expires_at > issued_at),
    redeemed_at       timestamptz CHECK ((redeemed_at IS NOT NULL) = (state = 'REDEEMED')),
    revoked_at        timestamptz CHECK ((revoked_at IS NOT NULL) = (state = 'REVOKED')),
    -- What links of the revoked generation answer with.
    revoked_for       text CHECK ((revoked_for IS NOT NULL) = (state = 'REVOKED'))
                           CHECK (revoked_for IN ('INVITATION_EXPIRED', 'INVITATION_REVOKED', 'INVITATION_SUPERSEDED', 'EMAIL_CHANGED', 'USER_DEACTIVATED')),
    -- 0 until the channel was first opened.
    mailed_generation integer     NOT NULL CHECK (mailed_generation BETWEEN 0 AND 67108863),
    mailed_open       boolean     NOT NULL,
    shared_generation integer     NOT NULL CHECK (shared_generation BETWEEN 0 AND 67108863),
    shared_open       boolean     NOT NULL,
    -- The latest mail.
    delivery_id       uuid,
    -- Whether a reminder of it was sent, and whether an event tells of the expiry.
    reminded          boolean     NOT NULL,
    expiry_noted      boolean     NOT NULL,

    CONSTRAINT invitations_one_per_target UNIQUE (user_id, target),
    CHECK (state = 'REVOKED' OR mailed_open OR shared_open),
    CHECK (mailed_generation > 0 OR NOT mailed_open),
    CHECK (shared_generation > 0 OR NOT shared_open),
    CHECK (NOT mailed_open OR delivery_id IS NOT NULL)
) WITH (fillfactor = 85);

CREATE INDEX invitations_list ON invitations (organization_id, id DESC);
CREATE INDEX invitations_issued ON invitations (organization_id, issued_at DESC, id DESC);
CREATE INDEX invitations_expiring ON invitations (expires_at) WHERE state = 'PENDING' AND NOT expiry_noted;

CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    invitation_id   uuid        NOT NULL REFERENCES invitations,
    user_id         text COLLATE "C" NOT NULL,
    organization_id text COLLATE "C" NOT NULL,
    generation      integer     NOT NULL CHECK (generation >= 1),
    -- Whether the mail repeats the link of an earlier one, and whether it goes to a
    -- mailbox that the provider would leave out.
    reminder        boolean     NOT NULL,
    despite_bounce  boolean     NOT NULL,
    email           text,
    email_key       text COLLATE "C",
    state           text        NOT NULL CHECK (state IN ('QUEUED', 'CANCELLED', 'FAILED', 'ACCEPTED', 'DEFERRED',
                                                          'DELIVERED', 'DROPPED', 'BOUNCED', 'REPORTED_SPAM')),
    changed_at      timestamptz NOT NULL,
    attempts        integer     NOT NULL CHECK (attempts >= 0),
    reason          text        NOT NULL CHECK (length(reason) <= 500),
    -- Why the provider dropped it.
    drop_cause      text        NOT NULL DEFAULT '' CHECK (drop_cause IN ('', 'BOUNCED_ADDRESS', 'INVALID_ADDRESS', 'UNSUBSCRIBED_ADDRESS',
                                    'SPAM_REPORTING_ADDRESS', 'SPAM_CONTENT', 'INVALID_HEADER', 'OVER_QUOTA', 'OTHER')),

    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (state <> 'ACCEPTED' OR attempts > 0)
) WITH (fillfactor = 70);

CREATE INDEX deliveries_user ON deliveries (user_id);
CREATE INDEX deliveries_list ON deliveries (organization_id, state, id DESC);
CREATE INDEX deliveries_everywhere ON deliveries (state, id DESC);
-- Ids begin with their time, so this finds old addresses, and no change of state
-- touches it.
CREATE INDEX deliveries_with_address ON deliveries (id) WHERE email_key IS NOT NULL;

-- Where one organization has most of the rows, and one state, Postgres would take
-- each for a common one, and look through the whole table for a page of them.
ALTER TABLE invitations ALTER organization_id SET (n_distinct = 100);
ALTER TABLE deliveries ALTER organization_id SET (n_distinct = 100), ALTER state SET (n_distinct = 9);

ALTER TABLE invitations ADD FOREIGN KEY (delivery_id) REFERENCES deliveries DEFERRABLE INITIALLY DEFERRED;

-- The audit trail. Rows are only ever added.
CREATE TABLE events (
    organization_id text COLLATE "C" NOT NULL,
    sequence        bigint      NOT NULL CHECK (sequence > 0),
    type            text        NOT NULL CHECK (type IN (
        'USER_CREATED', 'USER_DEACTIVATED', 'USER_ERASED', 'EMAIL_CHANGED', 'EMAIL_CONFIRMED', 'EMAIL_UNDELIVERABLE',
        'INVITATION_ISSUED', 'INVITATION_MAILED', 'INVITATION_RENEWED', 'INVITATION_SHARED', 'INVITATION_REVOKED',
        'MAILED_LINK_KILLED', 'INVITATION_REDEEMED', 'INVITATION_EXPIRED', 'INVITATION_REMINDED', 'DELIVERY_CHANGED',
        'ACTIVATION_RESET', 'EMAIL_UNCONFIRMED', 'EMAIL_DELIVERABLE', 'EMAIL_LOST', 'USER_CHANGED', 'USER_REACTIVATED',
        'ORGANIZATION_CHANGED', 'DELIVERY_PAUSED', 'DELIVERY_RESUMED')),
    occurred_at     timestamptz NOT NULL,
    -- NULL in events about the organization itself.
    user_id         text COLLATE "C",
    invitation_id   uuid,
    target          text CHECK ((target IS NULL) = (invitation_id IS NULL)) CHECK (target IN ('APP', 'PORTAL')),
    channel         text        NOT NULL CHECK (channel IN ('', 'MAILED', 'SHARED')),
    delivery_id     uuid,
    delivery_state  text        NOT NULL CHECK (delivery_state IN ('', 'QUEUED', 'CANCELLED', 'FAILED', 'ACCEPTED',
        'DEFERRED', 'DELIVERED', 'DROPPED', 'BOUNCED', 'REPORTED_SPAM')),
    reason          text        NOT NULL,
    -- Generations whose links died with this event; reason says what they answer.
    ended_mailed    integer,
    ended_shared    integer,
    actor           text        NOT NULL,
    caller          text        NOT NULL,
    cause           text        NOT NULL,
    request_id      uuid,

    PRIMARY KEY (organization_id, sequence)
);

CREATE INDEX events_user ON events (user_id, sequence) WHERE user_id IS NOT NULL;
CREATE INDEX events_invitation ON events (invitation_id, sequence) WHERE invitation_id IS NOT NULL;

CREATE INDEX events_age ON events USING brin (occurred_at);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_append_only BEFORE UPDATE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Retention may take what is older than any retention time can be set to.
CREATE TRIGGER events_kept BEFORE DELETE ON events
    FOR EACH ROW WHEN (old.occurred_at > now() - interval '90 days') EXECUTE FUNCTION refuse_change();

-- Requests that were carried out, so that a repeated one does nothing.
CREATE TABLE requests (
    id          uuid PRIMARY KEY,
    fingerprint bytea       NOT NULL,
    -- Empty for a request that is about no user.
    user_id     text COLLATE "C" NOT NULL,
    answer      bytea,
    created_at  timestamptz NOT NULL,
    uses        integer     NOT NULL DEFAULT 1 CHECK (uses > 0)
) WITH (fillfactor = 90);

CREATE INDEX requests_user ON requests (user_id);
CREATE INDEX requests_age ON requests USING brin (created_at);

-- The provider's reports that were taken in: it sends some more than once.
CREATE TABLE reports (
    event_id    text PRIMARY KEY CHECK (length(event_id) BETWEEN 1 AND 200),
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX reports_age ON reports USING brin (received_at);

-- Limits on mail, by the generic cell rate algorithm: the time until which a
-- key's past use counts. Keys of recipients are keyed hashes. A limit is a
-- constraint: past use may reach no further ahead of the latest use than the
-- limit's own time. What only paces itself has no such time.
CREATE TABLE mail_limits (
    key        text COLLATE "C" PRIMARY KEY,
    used_until timestamptz NOT NULL,
    used_at    timestamptz,
    per        interval,
    CONSTRAINT mail_limits_kept CHECK (used_until - used_at <= per)
) WITH (fillfactor = 50);

-- While there is a row, no server sends mails: the provider refuses them all, and
-- says nothing about any. Once its time has come, one mail is tried.
CREATE TABLE delivery_rest (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    since  timestamptz NOT NULL,
    until  timestamptz NOT NULL,
    probes integer     NOT NULL CHECK (probes >= 0),
    -- The provider's, without any address.
    reason text        NOT NULL CHECK (length(reason) <= 500)
);

-- +goose Down
DROP TABLE delivery_rest, mail_limits, reports, requests, events, deliveries, invitations, users, installation, trails, organizations CASCADE;
DROP FUNCTION refuse_change();
