#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh: every fuzz target for FUZZ_SECONDS (30) under AddressSanitizer and UndefinedBehaviorSanitizer; FUZZ_TARGETS names some.
# New inputs go to build/fuzz/<target>/; an input that breaks something is left there as crash-*, with the way to repeat it.
set -eu
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-30}
passed=0 failed=0
all=$(for f in tests/fuzz/*_fuzz.c; do basename "$f" _fuzz.c; done)
for target in ${FUZZ_TARGETS:-$all}; do
    case $target in
        resp) layers="protocols/*.c kernel/buffer.c" libraries="-lm" ;;
        rdb) layers="services/keyspace/*.c kernel/buffer.c" libraries="-lJudy -lcrypto -lm" ;;
        rdb) layers="services/keyspace/*.c kernel/*.c" libraries="-lJudy -lcrypto -lm" ;;
        *) layers="services/txlog/*.c kernel/*.c" libraries="-lcrypto -lzstd -lm" ;;
    esac
    out=build/fuzz/$target
    mkdir -p "$out/found"
    # Fuzzers have a main of their own: programs and tools stay out.
    sources=$(ls $layers | grep -v '/tool\.c$')
    clang -std=gnu11 -g -O1 -msse4.2 -maes -fno-strict-aliasing -D_GNU_SOURCE -I. -pthread \
        -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$out/fuzz" "tests/fuzz/${target}_fuzz.c" $sources $libraries
    echo "fuzz: $target, $seconds seconds"
    if "$out/fuzz" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 -artifact_prefix="$out/" \
        "$out/found" "tests/fuzz/corpus/$target" >"$out/log" 2>&1; then
        grep -aE 'number_of_executed_units|new_units_added' "$out/log" | sed 's/^stat::/  /'
        passed=$((passed + 1))
    else
        tail -40 "$out/log"
        echo "repeat with: $out/fuzz $out/crash-..."
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
