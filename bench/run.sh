#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD: redisd beside redis-server (and PEER=path, another redis-like server) with bench/bench.c; see its head.
#
# BENCH_QUICK=1 takes about a minute; otherwise BENCH_ROUNDS=5 rounds of BENCH_SECONDS=0.4 each, about ten minutes.
# ONLY=GET,SET names tests. The report is printed, and kept with its chart in BUILD/bench/report.{txt,svg}.
set -eu
cd "$(dirname "$0")/.."

build=${1:?"usage: bench/run.sh BUILD"}
theirs=${THEIRS:-$(command -v redis-server)}
mkdir -p "$build/bench/data"
# Data on the disk that the project is on: /tmp may be memory, where a flush costs nothing.
export TMPDIR=$PWD/$build/bench/data
trap 'rm -rf "$TMPDIR"' EXIT

[ -x "$build/redisd" ] || { echo "bench: $build/redisd is not built" >&2; exit 1; }
[ "$(nproc)" -ge 2 ] || echo "bench: one processor only: the load disturbs what it measures" >&2

set -- --ours "$build/redisd" --theirs "$theirs" --echo "$build/bench/echo" --out "$build/bench"
[ -z "${PEER:-}" ] || set -- "$@" --peer "$PEER"
[ -z "${ONLY:-}" ] || set -- "$@" --only "$ONLY"
[ -z "${BENCH_QUICK:-}" ] || set -- "$@" --quick
[ -z "${BENCH_ROUNDS:-}" ] || set -- "$@" --rounds "$BENCH_ROUNDS"
[ -z "${BENCH_SECONDS:-}" ] || set -- "$@" --seconds "$BENCH_SECONDS"
"$build/bench/bench" "$@"
