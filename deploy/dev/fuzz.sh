#!/bin/sh
# Runs every fuzz target of the module, each for FUZZTIME (30s), and says how
# many inputs were tried: fuzz.sh [PACKAGE-DIRECTORY]...
#
# A target that fails leaves the input under its package's testdata/fuzz, from
# where every later `go test` tries it again: commit it with the fix. The other
# targets still run, and then the script fails.
set -eu

cd "$(dirname "$0")/../.."
time=${FUZZTIME:-30s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# One line for each target: its directory and its name.
targets() {
    find "${@:-.}" -name '*_test.go' -exec grep -H '^func Fuzz[A-Za-z0-9_]*(' {} + |
        sed 's|^\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9_]*\)(.*|\1 \2|' | sort
}

total=0
count=0
failed=
for target in $(targets "$@" | tr ' ' ':'); do
    dir=${target%:*}
    name=${target#*:}
    case $dir in /* | ./*) ;; *) dir=./$dir ;; esac
    if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$dir" >"$log" 2>&1; then
        failed="$failed $dir:$name"
        cat "$log"
    fi
    # The last report counts all inputs since the start.
    tried=$(sed -n 's/^fuzz: elapsed:.*, execs: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf '%-20s %-24s %12d inputs\n' "$name" "$dir" "${tried:-0}"
    total=$((total + ${tried:-0}))
    count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "there is no fuzz target" >&2; exit 1; }
echo "$count targets tried $total inputs"
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
