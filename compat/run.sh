#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD: other people's clients, and another server beside ours. The last line is "N passed, N failed".
#
# BATCHES=100 and SEED=1 say how many random batches are compared, in each version of the protocol; THEIRS names the other server.
set -u
cd "$(dirname "$0")/.."

build=${1:?"usage: compat/run.sh BUILD"}
theirs=${THEIRS:-$(command -v redis-server)}
passed=0 failed=0
dir=$(mktemp -d)
server=

stop_server()
{
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; }
    rm -rf "$dir"
}
trap stop_server EXIT

# Show a command's output and add its counted line to the sum; no such line is a failure.
count()
{
    echo "-------- $1"
    shift
    "$@" 2>&1 | tee "$dir/output"
    local line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$dir/output" | tail -1)
    local good=${line%% *} bad=${line#*, }
    bad=${bad%% *}
    passed=$((passed + ${good:-0}))
    failed=$((failed + ${bad:-1}))
}

if [ ! -x "$build/redisd" ]; then
    echo "compat: $build/redisd is not built"
    echo "0 passed, 1 failed"
    exit 1
fi

for protocol in 2 3; do
    count "differential, version $protocol" "$build/compat/differential" --ours "$build/redisd" --theirs "$theirs" \
        --protocol $protocol --seed "${SEED:-1}" --batches "${BATCHES:-100}"
done

# A fresh redisd for the clients, on a port that nobody has.
while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
done
"$build/redisd" --port $port --dir "$dir" >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 100); do
    [ "$(redis-cli -p $port PING 2>/dev/null)" = PONG ] && break
    sleep 0.1
done

count "hiredis" "$build/compat/clients/hiredis_example" $port

clients=compat/clients
if [ ! $clients/node_modules/.package-lock.json -nt $clients/package-lock.json ]; then
    (cd $clients && npm ci --silent) || echo "compat: npm could not install the clients"
fi
count "ioredis" node $clients/ioredis_example.mjs $port
count "node-redis" node $clients/node_redis_example.mjs $port

# What redis-cli and redis-benchmark print is for people; that they work at all is what counts here.
tools()
{
    local good=0 bad=0
    if [ "$(redis-cli -p $port SET tool 1)" = OK ] && redis-cli -p $port --scan | grep -q '^tool$'; then
        good=1
    else
        bad=1
    fi
    for depth in 1 16; do
        if timeout 300 redis-benchmark -p $port -q -n 2000 -P $depth >"$dir/benchmark" 2>&1 && ! grep -qi 'error' "$dir/benchmark"; then
            good=$((good + 1))
        else
            tail -3 "$dir/benchmark"
            bad=$((bad + 1))
        fi
    done
    echo "$good passed, $bad failed"
}
count "redis-cli and redis-benchmark" tools

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
