#!/bin/sh
# Compares the API with that of the last release, or of CI_BASE, and fails when a
# caller of that one would break.
#
# Before the first release the commit before is what it is compared with. Then a
# break goes if CHANGELOG.md says so: a line under "Unreleased" with **breaks**.
set -eu

cd "$(dirname "$0")/../.."
released=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
base=${CI_BASE:-${released:-$(git rev-parse --verify --quiet HEAD~1 || true)}}
if [ -z "$base" ] || ! git cat-file -e "$base:buf.yaml" 2>/dev/null; then
    echo "there is nothing to compare with"
    exit 0
fi
rm -rf .cache/base
mkdir -p .cache/base
git archive "$base" buf.yaml proto | tar -x -C .cache/base
go tool -modfile=internal/dev/tools/go.mod buf breaking --against .cache/base && exit 0
unreleased() { sed -n '/^## \[Unreleased\]/,/^## \[[^U]/p' CHANGELOG.md; }
if [ -z "$released" ] && unreleased | grep -qF '**breaks**'; then
    echo "nothing was released, and the change log says so:"
    unreleased | grep -F '**breaks**'
else
    echo "this breaks callers: see above, and the change log does not say so" >&2
    exit 1
fi
