#!/bin/sh
# Runs the last release's store on the schema of this commit: servers of that release
# run while its migrations do. Before the first release a fixture stands for what
# came since, and `make test` runs it: TestBesideTheNextSchema.
set -eu

cd "$(dirname "$0")/../.."
released=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
[ -n "$released" ] || { echo "there is no release yet"; exit 0; }
rm -rf .cache/beside
mkdir -p .cache/beside
git archive "$released" | tar -x -C .cache/beside
next=.cache/beside/internal/postgres/testdata/next
rm -f "$next"/*.sql
for file in internal/postgres/migrations/*.sql; do
    [ -e ".cache/beside/$file" ] || cp "$file" "$next/"
done
[ -n "$(ls "$next")" ] || { echo "no migration came since $released"; exit 0; }
cd .cache/beside
go test ./internal/postgres -run TestBesideTheNextSchema
