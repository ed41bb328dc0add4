#!/bin/sh
# Looks for migrations that would stop the servers that run meanwhile: those that
# lock a table for long, or wait for a lock without an end. What is not asked of
# them stands in .squawk.toml, with the reason.
set -eu

cd "$(dirname "$0")/../.."
version=2.66.0
home=.cache/squawk-$version
squawk=$home/node_modules/.bin/squawk
[ -x "$squawk" ] || npm install --no-fund --no-audit --loglevel=error --prefix "$home" "squawk-cli@$version"

failed=
for file in internal/postgres/migrations/*.sql; do
    transaction=--assume-in-transaction
    ! grep -q '^-- +goose NO TRANSACTION' "$file" || transaction=
    # The way down is for developers, and drops what it likes.
    # shellcheck disable=SC2086
    sed '/^-- +goose Down/,$d' "$file" |
        "$squawk" --config .squawk.toml $transaction --stdin-filepath "$file" || failed="$failed $file"
done
[ -z "$failed" ] || { echo "see above:$failed" >&2; exit 1; }
