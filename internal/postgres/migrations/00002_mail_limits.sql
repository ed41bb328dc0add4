-- +goose Up

SET LOCAL lock_timeout = '5s';

-- A limit is a constraint: past use may reach no further ahead of the latest use
-- than the limit's own time. What only paces itself has no such time.
ALTER TABLE mail_limits
    ADD COLUMN used_at timestamptz,
    ADD COLUMN per     interval,
    -- The rows are few: one for each recipient of the last hour.
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT mail_limits_kept CHECK (used_until - used_at <= per);

-- +goose Down
ALTER TABLE mail_limits DROP COLUMN used_at, DROP COLUMN per;
