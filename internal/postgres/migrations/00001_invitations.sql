-- +goose Up

SET LOCAL lock_timeout = '5s';

-- One row per property manager: its name for mails, and the last number of its
-- audit trail. A writer bumps the number in its last statement and holds the
-- row until it has committed, so that numbers appear in order and without gaps.
CREATE TABLE organizations (
    id            text PRIMARY KEY,
    name          text   NOT NULL DEFAULT '',
    last_sequence bigint NOT NULL DEFAULT 0 CHECK (last_sequence >= 0)
) WITH (fillfactor = 50);

CREATE TABLE users (
    id                  text PRIMARY KEY CHECK (id <> ''),
    organization_id     text        NOT NULL CHECK (organization_id <> ''),
    type                text        NOT NULL CHECK (type IN ('EMPLOYEE', 'TENANT', 'SERVICE_PROVIDER')),
    display_name        text        NOT NULL,
    locale              text        NOT NULL CHECK (locale IN ('de', 'en')),
    email               text,
    -- The mailbox: two addresses with one key are one address.
    email_key           text,
    email_confirmed_at  timestamptz,
    email_undeliverable boolean     NOT NULL DEFAULT false,
    created_at          timestamptz NOT NULL,
    deactivated_at      timestamptz,
    erased_at           timestamptz,

    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (email_key IS NOT NULL OR (email_confirmed_at IS NULL AND NOT email_undeliverable)),
    CHECK (erased_at IS NULL OR (deactivated_at IS NOT NULL AND email IS NULL AND display_name = '')),
    CHECK (erased_at IS NOT NULL OR display_name <> ''),
    CONSTRAINT users_identity UNIQUE (id, organization_id, type)
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX users_active_email ON users (email_key) WHERE deactivated_at IS NULL;

CREATE TABLE invitations (
    id                uuid PRIMARY KEY,
    user_id           text        NOT NULL,
    organization_id   text        NOT NULL,
    user_type         text        NOT NULL,
    target            text        NOT NULL CHECK (target IN ('APP', 'PORTAL')),
    state             text        NOT NULL CHECK (state IN ('PENDING', 'REDEEMED', 'REVOKED')),
    issued_at         timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL CHECK (expires_at > issued_at),
    redeemed_at       timestamptz CHECK ((redeemed_at IS NOT NULL) = (state = 'REDEEMED')),
    revoked_at        timestamptz CHECK ((revoked_at IS NOT NULL) = (state = 'REVOKED')),
    -- What links of the revoked generation answer with.
    revoked_for       text CHECK ((revoked_for IS NOT NULL) = (state = 'REVOKED')),
    mailed_generation integer     NOT NULL CHECK (mailed_generation BETWEEN 1 AND 262143),
    mailed_open       boolean     NOT NULL,
    shared_generation integer     NOT NULL CHECK (shared_generation BETWEEN 1 AND 262143),
    shared_open       boolean     NOT NULL,
    -- The latest mail.
    delivery_id       uuid,
    -- Whether a reminder of it was sent, and whether an event tells of the expiry.
    reminded          boolean     NOT NULL DEFAULT false,
    expiry_noted      boolean     NOT NULL DEFAULT false,

    CONSTRAINT invitations_one_per_target UNIQUE (user_id, target),
    FOREIGN KEY (user_id, organization_id, user_type) REFERENCES users (id, organization_id, type),
    CHECK (target = 'APP' OR user_type = 'EMPLOYEE'),
    CHECK (state = 'REVOKED' OR mailed_open OR shared_open),
    CHECK (NOT mailed_open OR delivery_id IS NOT NULL)
) WITH (fillfactor = 85);

CREATE INDEX invitations_list ON invitations (organization_id, id DESC);
CREATE INDEX invitations_expiring ON invitations (expires_at) WHERE state = 'PENDING' AND NOT expiry_noted;

CREATE TABLE deliveries (
    id            uuid PRIMARY KEY,
    invitation_id uuid        NOT NULL REFERENCES invitations,
    user_id       text        NOT NULL,
    generation    integer     NOT NULL CHECK (generation >= 1),
    -- Whether the mail repeats the link of an earlier one.
    reminder      boolean     NOT NULL DEFAULT false,
    email         text,
    email_key     text,
    state         text        NOT NULL CHECK (state IN ('QUEUED', 'CANCELLED', 'FAILED', 'ACCEPTED', 'DEFERRED',
                                                        'DELIVERED', 'DROPPED', 'BOUNCED', 'REPORTED_SPAM')),
    changed_at    timestamptz NOT NULL,
    attempts      integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    reason        text        NOT NULL DEFAULT '' CHECK (length(reason) <= 500),

    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (state <> 'ACCEPTED' OR attempts > 0)
) WITH (fillfactor = 70);

CREATE INDEX deliveries_user ON deliveries (user_id);
-- Ids begin with their time, so this finds old addresses, and no change of state
-- touches it.
CREATE INDEX deliveries_with_address ON deliveries (id) WHERE email_key IS NOT NULL;

ALTER TABLE invitations ADD FOREIGN KEY (delivery_id) REFERENCES deliveries DEFERRABLE INITIALLY DEFERRED;

-- The audit trail. Rows are only ever added.
CREATE TABLE events (
    organization_id text        NOT NULL,
    sequence        bigint      NOT NULL CHECK (sequence > 0),
    type            text        NOT NULL,
    occurred_at     timestamptz NOT NULL,
    user_id         text        NOT NULL,
    invitation_id   uuid,
    target          text CHECK ((target IS NULL) = (invitation_id IS NULL)),
    channel         text        NOT NULL DEFAULT '',
    delivery_id     uuid,
    delivery_state  text        NOT NULL DEFAULT '',
    reason          text        NOT NULL DEFAULT '',
    -- Generations whose links died with this event; reason says what they answer.
    ended_mailed    integer,
    ended_shared    integer,
    actor           text        NOT NULL DEFAULT '',
    caller          text        NOT NULL DEFAULT '',
    cause           text        NOT NULL,
    request_id      uuid,

    PRIMARY KEY (organization_id, sequence)
);

CREATE INDEX events_user ON events (user_id, sequence);
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
    user_id     text        NOT NULL,
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
-- key's past use counts. Keys of recipients are keyed hashes.
CREATE TABLE mail_limits (
    key        text PRIMARY KEY,
    used_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- +goose Down
DROP TABLE mail_limits, reports, requests, events, deliveries, invitations, users, organizations CASCADE;
DROP FUNCTION refuse_change();
