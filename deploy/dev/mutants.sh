#!/bin/sh
# Changes the code in small ways, one at a time, and looks whether a test fails:
# mutants.sh PACKAGE-DIRECTORY...
#
# LIVED is a change that no test minds, NOT COVERED one that none reaches. Git's
# view of the tree is what is changed, in a copy of it.
set -eu

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z --cached --others --exclude-standard --deduplicate |
    tar -c --null --files-from - --ignore-failed-read 2>/dev/null | tar -x -C "$work"
go build -modfile=internal/dev/tools/go.mod -o "$work/bin/" github.com/go-gremlins/gremlins/cmd/gremlins
cd "$work"
for dir; do
    echo "== $dir"
    # The coefficient is for tests that are slower the more of them run at once.
    bin/gremlins unleash --timeout-coefficient 10 "$dir" | grep -v -e ' KILLED ' -e 'TIMED OUT'
done
