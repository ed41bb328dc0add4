#!/bin/sh
# Lists the licence of every module in the service, and fails when there is one
# that was not agreed to.
#
# MPL-2.0 asks that changes to files under it are published; River is used as it
# is. go-text may be used under BSD-3-Clause or the Unlicense, as one likes.
set -eu

cd "$(dirname "$0")/../.."
agreed=Apache-2.0,BSD-2-Clause,BSD-3-Clause,ISC,MIT,MPL-2.0,Unlicense

go_licenses() {
    command=$1
    shift
    # reedsolomon's only version was tagged before its author put it under the
    # MIT licence: its module holds no licence file.
    CGO_ENABLED=0 go tool -modfile=internal/dev/tools/go.mod go-licenses "$command" ./cmd/invitationd "$@" \
        --ignore github.com/kiwi-ki/invitations --ignore github.com/yeqown/reedsolomon \
        --logtostderr=false --log_file=/dev/null --stderrthreshold=FATAL
}

go_licenses report --template deploy/supply/licences.tmpl | sort -u
echo "MIT             github.com/yeqown/reedsolomon (says its repository; the module does not)"
echo "BSD-3-Clause    the Go standard library"
echo "OFL-1.1         the fonts of internal/pdf"
go_licenses check --allowed_licenses "$agreed"
