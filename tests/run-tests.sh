#!/bin/bash
# SPDX-License-Identifier: MIT
# run-tests.sh BUILD [unit]: run every test built under BUILD/tests, the fuzz corpora, and (unless "unit") tests/integration/*.sh.
#
# Two at a time, each with its output in BUILD/test-output/. What fails is printed whole. The last line is
# "N passed, N failed", counting test cases; a program that dies, hangs or says nothing counts as one failure.
# NAMES="a b" runs only the programs whose path contains one of the words; JOBS=2 sets how many at a time.
set -u
cd "$(dirname "$0")/.."

build=${1:?"usage: tests/run-tests.sh BUILD [unit]"}
unit=${2:-}
output=$build/test-output
limit=${LOCUS_TEST_TIMEOUT:-$([ -n "${LOCUS_LONG:-}" ] && echo 7200 || echo 300)}
rm -rf "$output"
mkdir -p "$output"

# A binary whose source is gone is no test any more.
list_tests()
{
    local binary name script
    for binary in "$build"/tests/*/*_test; do
        name=${binary#"$build"/}
        [ -x "$binary" ] && [ -f "$name.c" ] && echo "$binary"
    done
    for binary in "$build"/tests/fuzz/*_replay; do
        name=$(basename "$binary" _replay)
        [ -x "$binary" ] && [ -f "tests/fuzz/${name}_fuzz.c" ] && echo "$binary tests/fuzz/corpus/$name"
    done
    [ "$unit" = unit ] && return
    for script in tests/integration/*.sh; do
        [ -x "$script" ] && echo "$script $build"
    done
}

select_tests()
{
    if [ -z "${NAMES:-}" ]; then
        cat
    else
        grep -F "$(printf '%s\n' $NAMES)"
    fi
}

# One line of list_tests: its output to a file, its exit status beside it.
run_one()
{
    local file
    file=$output/$(echo "${1%% *}" | sed "s|^$build/||; s|^tests/||; s|/|.|g")
    timeout --kill-after=10 "$limit" $1 >"$file.out" 2>&1 </dev/null
    echo "$? $1" >"$file.status"
}
export -f run_one
export output build limit

started=$(date +%s)
list_tests | select_tests | xargs -r -d '\n' -n 1 -P "${JOBS:-2}" bash -c 'run_one "$1"' run_one

passed=0 failed=0 skipped=0 programs=0
for status in "$output"/*.status; do
    [ -e "$status" ] || continue
    programs=$((programs + 1))
    file=${status%.status}.out
    read -r code command <"$status"
    # cmocka's summary, else the counted line that scripts end with.
    good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$file" | awk "{ n += \$1 } END { if (NR) print n }")
    bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$file" | awk "{ n += \$1 } END { if (NR) print n }")
    if [ -z "$good$bad" ]; then
        good=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$file" | tail -1)
        bad=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$file" | tail -1)
    fi
    left=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$file" | awk '{ n += $1 } END { print n + 0 }')
    good=${good:-0} bad=${bad:-0}
    if [ "$bad" = 0 ] && { [ "$code" != 0 ] || [ "$((good + left))" = 0 ]; }; then
        bad=1
    fi
    if [ "$bad" != 0 ]; then
        echo "======== $command"
        cat "$file"
        [ "$code" = 124 ] && echo "(stopped after $limit seconds)"
        [ "$code" -gt 128 ] && echo "(killed by signal $((code - 128)))"
        echo "======== exit status $code"
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    skipped=$((skipped + left))
done

echo "$programs programs in $(($(date +%s) - started)) s, $skipped cases skipped, output in $output"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
