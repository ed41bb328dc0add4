#!/bin/sh
# Installs what is missing: install-debian.sh PACKAGE[:PROGRAM]...
#
# PACKAGE:PROGRAM is there when the program is, wherever it came from; PACKAGE
# alone when dpkg says so. When everything is there nothing is called that takes
# time. Otherwise apt-get installs the rest, as root or through sudo without a
# password. Where that cannot be done, one line says what to install.
#
# Installing starts no server: Debian would make and start a PostgreSQL cluster,
# and start the service of a package such as pgbouncer.
set -eu

# Programs for administrators are not in everybody's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# PostgreSQL's own programs are in no PATH on Debian.
has_program() {
    command -v "$1" >/dev/null && return
    for dir in "${PG_BIN:-/nonexistent}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
        [ -x "$dir/$1" ] && return
    done
    return 1
}

has_package() {
    case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) in
    *' installed') ;;
    *) return 1 ;;
    esac
}

has() {
    case $1 in
    *:*) has_program "${1#*:}" ;;
    *) has_package "$1" ;;
    esac
}

# missing prints the packages of those arguments that are not there.
missing() {
    for wanted; do
        has "$wanted" || printf '%s ' "${wanted%%:*}"
    done
}

fail() {
    echo "$0: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

# update tries for a while, because apt-get does not wait for the lock of the
# package lists. Lists that cannot be had may not be needed.
update() {
    for _ in 1 2 3 4 5; do
        apt update >/dev/null && return
        sleep 3
    done
    echo "$0: apt-get update failed, trying with the lists that are here" >&2
}

# without_cluster keeps Debian from making a PostgreSQL cluster, unless somebody
# has set up PostgreSQL here before us.
without_cluster() {
    has_package postgresql-common && return
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    printf '%s\n' '# Made for a checkout that runs its own PostgreSQL.' 'create_main_cluster = false' |
        as_root tee /etc/postgresql-common/createcluster.d/no-main-cluster.conf >/dev/null
}

# without_service ends and disables the service that has come with a package.
without_service() {
    [ -e "/etc/init.d/$1" ] || return 0
    as_root invoke-rc.d "$1" stop || true
    as_root update-rc.d "$1" disable || true
}

packages=$(missing "$@")
[ "$packages" ] || exit 0

command -v apt-get >/dev/null || fail "please install: $packages(this system has no apt-get)"
[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null ||
    fail "missing: $packages(run once as root: $0 $*)"

echo "installing $packages"
case " $packages" in
*' postgresql'*) without_cluster ;;
esac
update
# The list is split into words on purpose.
# shellcheck disable=SC2086
apt install -y --no-install-recommends $packages >/dev/null
for package in $packages; do
    case $package in
    postgresql*) ;; # runs its clusters, and none was made
    *) without_service "$package" ;;
    esac
done

packages=$(missing "$@")
[ -z "$packages" ] || fail "not there even after apt-get installed it: $packages"
