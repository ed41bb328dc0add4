#!/bin/sh
# Builds the service as it is released: build.sh OUTPUT
#
# One static binary, with the same bytes wherever and whenever the same Go builds
# the same source: no paths, no build id, nothing of the version control. VERSION
# and COMMIT are what `invitationd version` says. Variables of the environment that
# change code are set here.
set -eu

case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
cd "$(dirname "$0")/../.."
CGO_ENABLED=0 GOFLAGS='' GOEXPERIMENT='' GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off \
    go build -trimpath -buildvcs=false -ldflags="-s -w -buildid= -X main.version=${VERSION:-} -X main.commit=${COMMIT:-}" -o "$out" ./cmd/invitationd
