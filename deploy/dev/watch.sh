#!/bin/sh
# What `make dev` does: runs everything, and builds and starts it anew when a file
# has changed. What does not build leaves running what ran before.
set -eu

cd "$(dirname "$0")/../.."

# state changes with every file that is built in.
state() {
    find cmd internal pkg proto deploy/access-policy.json go.mod go.sum -type f ! -name '*_test.go' ! -path '*/testdata/*' -printf '%p %s %T@\n' | sort | cksum
}

child=
stop() {
    [ -n "$child" ] || return 0
    kill -TERM "$child" 2>/dev/null || true
    wait "$child" || true
    child=
}
trap 'stop; exit 0' INT TERM

while :; do
    built=$(state)
    if make --no-print-directory build; then
        stop
        bin/devserver &
        child=$!
    fi
    while [ "$(state)" = "$built" ]; do sleep 1; done
    echo "something has changed"
done
