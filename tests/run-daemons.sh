#!/bin/bash
# SPDX-License-Identifier: MIT
# run-daemons.sh BUILD: start every daemon on its defaults, data under ./data/, until a signal comes or one of them ends.
set -u
cd "$(dirname "$0")/.."

build=${1:?"usage: tests/run-daemons.sh BUILD"}
running=()
absent=()

stop_all()
{
    [ ${#running[@]} = 0 ] || kill -TERM "${running[@]}" 2>/dev/null
}
trap 'stopping=yes; stop_all' INT TERM HUP

stopping=
for daemon in redisd sqlited vecd; do
    if [ ! -x "$build/$daemon" ]; then
        absent+=("$daemon")
        continue
    fi
    mkdir -p "data/$daemon"
    "$build/$daemon" --dir "data/$daemon" &
    running+=($!)
    echo "run: $daemon started (process $!), data in data/$daemon" >&2
done
[ ${#absent[@]} = 0 ] || echo "run: not in this version yet: ${absent[*]}" >&2
if [ ${#running[@]} = 0 ]; then
    echo "run: nothing to run under $build" >&2
    exit 1
fi

# The first to end, or a signal, ends all; each gets the time it needs to finish its work.
wait -n "${running[@]}"
status=$?
[ -n "$stopping" ] && status=0
stop_all
for process in "${running[@]}"; do
    while kill -0 "$process" 2>/dev/null; do
        wait "$process"
        code=$?
        # A wait that a signal interrupts says 128 + its number while the process is still there.
        [ "$code" = 0 ] || kill -0 "$process" 2>/dev/null || status=$code
    done
done
exit "$status"
