-- The three roles of the service, once for each database, as a superuser:
--
--	createdb invitations
--	psql -d invitations -f deploy/postgres/roles.sql
--	psql -d invitations -c '\password invitation_migrating' -c '\password invitation_serving'
--
-- invitation_owner      owns everything, and nobody logs in as it.
-- invitation_migrating  becomes the owner when it logs in: `invitationd migrate` and
--                       `restored` run as this one, and nothing else does.
-- invitation_serving    is `invitationd serve`. It owns nothing, and has what
--                       `invitationd migrate -grant invitation_serving` gives it: rows of
--                       the audit trail, for one, it can add and never change.

DO $$
BEGIN
    IF to_regrole('invitation_owner') IS NULL THEN
        CREATE ROLE invitation_owner NOLOGIN;
    END IF;
    IF to_regrole('invitation_migrating') IS NULL THEN
        CREATE ROLE invitation_migrating LOGIN NOINHERIT;
    END IF;
    IF to_regrole('invitation_serving') IS NULL THEN
        CREATE ROLE invitation_serving LOGIN;
    END IF;
    EXECUTE format('ALTER DATABASE %I OWNER TO invitation_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO invitation_migrating, invitation_serving', current_database());
END $$;

GRANT invitation_owner TO invitation_migrating;
ALTER ROLE invitation_migrating SET role = 'invitation_owner';

ALTER SCHEMA public OWNER TO invitation_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
