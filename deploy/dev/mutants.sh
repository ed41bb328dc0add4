#!/bin/sh
# Changes the code in small ways, one at a time, and looks whether a test fails:
# mutants.sh PACKAGE-DIRECTORY...
#
# LIVED is a change that no test minds, NOT COVERED one that none reaches. Behind
# those that mutants.txt knows stands why. FILES=pattern takes only the files whose
# names match. Git's view of the tree is what is changed, in a copy of it.
set -eu

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z --cached --others --exclude-standard --deduplicate |
    tar -c --null --files-from - --ignore-failed-read 2>/dev/null | tar -x -C "$work"
go build -modfile=internal/dev/tools/go.mod -o "$work/bin/" github.com/go-gremlins/gremlins/cmd/gremlins
cd "$work"
# The tests are run hundreds of times: once is enough to vet them.
export GOFLAGS="${GOFLAGS-} -vet=off"

# others prints the files of a folder that are not to be changed, as options.
others() {
    for file in "$1"/*.go; do
        basename "$file" | grep -q -e "${FILES:-.}" || printf -- '-E (^|/)%s$ ' "$(basename "$file")"
    done
}

# explain reads lines such as "LIVED CONDITIONALS_BOUNDARY at key.go:37:12".
explain() {
    while IFS= read -r line; do
        at=${line##* at } number=${line#*.go:}
        text=$(sed -n "${number%%:*}s/^[[:space:]]*//p" "$1/${at%%:*}" 2>/dev/null || true)
        why=$(awk -F '\t' -v file="$1/${at%%:*}" -v text="$text" '$1 == file && $2 == text { print $3 }' deploy/dev/mutants.txt)
        echo "$line${why:+   $why}"
    done
}

for dir; do
    echo "== $dir"
    # The coefficient is for tests that are slower the more of them run at once. The
    # list of options is split into words on purpose.
    # shellcheck disable=SC2046
    bin/gremlins unleash --tags fast --timeout-coefficient 10 $(others "$dir") "$dir" |
        grep -v -e ' KILLED ' -e 'TIMED OUT' | explain "$dir"
done
