-- +goose Up

-- What the next release might add: each step goes unnoticed by this one.
SET LOCAL lock_timeout = '1s';

CREATE TABLE households (
    id   uuid PRIMARY KEY,
    name text NOT NULL
);

ALTER TABLE users
    ADD COLUMN household_id uuid REFERENCES households,
    ADD COLUMN salutation text NOT NULL DEFAULT '';

ALTER TABLE users DROP CONSTRAINT users_type_check;
ALTER TABLE users ADD CONSTRAINT users_type_check
    CHECK (type IN ('EMPLOYEE', 'TENANT', 'SERVICE_PROVIDER', 'OWNER', 'GUEST')) NOT VALID;

-- +goose Down
SELECT 1;
