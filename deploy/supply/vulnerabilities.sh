#!/bin/sh
# Looks for known vulnerabilities in what the service and its client call.
#
#   exit 0  checked, none is reachable
#   exit 3  checked, some are reachable: they are listed
#   exit 2  not checked, which says nothing about them: the database could not be
#           had, or the code could not be read
#
# The database is a Go module, so that it can be had wherever modules can, and
# pinned, so that a commit that passed once passes again: raise it with the other
# dependencies, or look with VULNDB=latest. GOVULNDB is the address of another
# copy instead: https:// or file://.
set -u

cd "$(dirname "$0")/../.." || exit 2
module=golang.org/x/vulndb@${VULNDB:-v0.0.0-20261105234957-e22db6528018}

not_checked() {
    echo "NOT CHECKED: see above for why; this is no statement that there are no vulnerabilities" >&2
    exit 2
}

# govulncheck takes a folder of entries for a database.
if [ -z "${GOVULNDB:-}" ]; then
    answer=$(go mod download -json "$module") || { echo "$answer" >&2; not_checked; }
    GOVULNDB=file://$(echo "$answer" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')/data/osv
fi
go tool -modfile=internal/dev/tools/go.mod govulncheck -db "$GOVULNDB" ./cmd/invitationd ./pkg/...
case $? in
0) echo "checked: no known vulnerability is reachable" ;;
3)
    echo "checked: VULNERABLE, see above" >&2
    exit 3
    ;;
*) not_checked ;;
esac
