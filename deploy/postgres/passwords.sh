#!/bin/sh
# Gives the roles the passwords of a file as PGPASSFILE has it, out of letters and
# digits: host:port:database:role:password. For compose, which has nobody to ask.
set -eu
while IFS=: read -r _ _ _ role password; do
    psql -v ON_ERROR_STOP=1 -v role="$role" -v password="$password" -d "$POSTGRES_DB" <<'SQL'
ALTER ROLE :"role" PASSWORD :'password';
SQL
done </run/secrets/pgpass
