#!/bin/bash
# SPDX-License-Identifier: MIT
# tidy.sh [FILE...]: clang-tidy with .clang-tidy over the sources (tests apart), one file per core at a time. Any finding fails.
# A file whose text, and whose headers' text, was clean before is not looked at again: build/tidy/ remembers.
set -u
cd "$(dirname "$0")/.."
command -v clang-tidy >/dev/null || tests/deps.sh check || exit 1

mkdir -p build/tidy
# Any change of a header or of the configuration makes everything worth another look.
headers=$(git ls-files -co --exclude-standard '*.h' .clang-tidy tests/tidy.sh | xargs cat | sha1sum | cut -c1-40)
export headers

tidy_one()
{
    local mark
    mark=build/tidy/$(echo "$headers" | cat - "$1" | sha1sum | cut -c1-40)
    [ -e "$mark" ] && return 0
    local text
    if text=$(clang-tidy --quiet "$1" -- -std=gnu11 -D_GNU_SOURCE -I. -msse4.2 -maes 2>&1); then
        touch "$mark"
    else
        echo "$text" | grep -v 'warnings generated\|warnings treated as errors\|Suppressed'
        return 1
    fi
}
export -f tidy_one

if [ $# = 0 ]; then
    set -- $(git ls-files -co --exclude-standard '*.c' | grep -v '^tests/')
fi
printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" bash -c 'tidy_one "$1" || { echo "tidy: $1"; exit 1; }' tidy_one
status=$?
[ "$status" = 0 ] && echo "tidy: $# files are clean"
exit "$((status != 0))"
