#!/bin/sh
# Looks for known vulnerabilities in what the service and its client call.
#
#   exit 0  checked, none is reachable
#   exit 3  checked, some are reachable: they are listed
#   exit 2  not checked, which says nothing about them: the database could not be
#           reached, or the code could not be read
#
# GOVULNDB is the address of another copy of the database: https:// or file://.
set -u

cd "$(dirname "$0")/../.." || exit 2
set -- ./cmd/invitationd ./pkg/...
[ -z "${GOVULNDB:-}" ] || set -- -db "$GOVULNDB" "$@"
go tool -modfile=internal/dev/tools/go.mod govulncheck "$@"
case $? in
0) echo "checked: no known vulnerability is reachable" ;;
3)
    echo "checked: VULNERABLE, see above" >&2
    exit 3
    ;;
*)
    echo "NOT CHECKED: see above for why; this is no statement that there are no vulnerabilities" >&2
    exit 2
    ;;
esac
