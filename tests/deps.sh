#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh: the Debian packages that are missing, and no others. Silent when nothing is.
#
#   tests/deps.sh           what building, running and testing need
#   tests/deps.sh check     and what fuzzing, tidying and the sanitizers of clang need
#   tests/deps.sh compat    and what other people's clients need
#
# Installing redis-server must not leave one running: while packages are installed, a policy forbids starting services.
set -eu

wanted="gcc make libc6-dev pkg-config libjudy-dev libsqlite3-dev libssl-dev libhiredis-dev liblua5.1-0-dev libxxhash-dev
libzstd-dev liblz4-dev libwslay-dev libroaring-dev libcmocka-dev redis-server redis-tools"
case ${1:-} in
    check) wanted="$wanted clang clang-tidy libclang-rt-14-dev valgrind tcl" ;;
    compat)
        wanted="$wanted util-linux"
        # Node.js often comes from elsewhere than Debian, under other package names: look for the programs.
        command -v node >/dev/null || wanted="$wanted nodejs"
        command -v npm >/dev/null || wanted="$wanted npm"
        ;;
esac

missing=
installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null || true)
for package in $wanted; do
    case "$installed
" in
        *"ii  $package
"*) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

fail()
{
    echo "deps: cannot install$missing: $1" >&2
    echo "deps: as root on Debian 12: apt-get update && apt-get install$missing" >&2
    exit 1
}

command -v apt-get >/dev/null || fail "this is not a Debian system (no apt-get)"
root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "neither root nor sudo"
    root=sudo
fi

echo "deps: installing$missing" >&2
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
    $root chmod 755 $policy
    made_policy=yes
fi
remove_policy()
{
    [ -z "$made_policy" ] || $root rm -f $policy
}
trap remove_policy EXIT

install_missing()
{
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
}
install_missing || { $root apt-get update -q >&2 && install_missing; } || fail "apt-get failed"

# The package also asks to be started at every boot. Whoever wants that can enable it; we brought it for comparison only.
case "$missing" in
    *redis-server*)
        if [ -d /run/systemd/system ]; then
            $root systemctl disable --quiet redis-server >/dev/null 2>&1 || true
        fi
        ;;
esac
