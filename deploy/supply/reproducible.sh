#!/bin/sh
# Builds the service twice, in different places and ways, and compares the bytes.
#
# What is built is the working tree, less what git ignores. The second build has
# an empty cache: out of the same one both would come from the same first build.
set -eu

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# copy prints nothing and makes the directory a copy of the tree.
copy() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard --deduplicate |
        tar -c --null --files-from - --ignore-failed-read 2>/dev/null | tar -x -C "$1"
}

first=$work/first
second="$work/a second one/with a longer name"
copy "$first"
copy "$second"
"$first/deploy/supply/build.sh" "$work/1"
proxy=$(go env GOPROXY)
ln -s "$(go env GOMODCACHE)" "$work/modules"
(
    umask 077
    export HOME="$work/home" GOENV=off GOPROXY="$proxy" GOCACHE="$work/cache" GOMODCACHE="$work/modules"
    export GOMAXPROCS=1 TZ=Pacific/Auckland LC_ALL=C
    "$second/deploy/supply/build.sh" "$work/2"
)
if cmp "$work/1" "$work/2"; then
    echo "the same $(wc -c <"$work/1") bytes twice, sha256 $(sha256sum <"$work/1" | cut -d ' ' -f 1), $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH)"
else
    echo "the two builds differ" >&2
    exit 1
fi
