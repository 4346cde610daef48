/* SPDX-License-Identifier: MIT
 * fuzz: the one function that a fuzz target defines. libFuzzer calls it with inputs of its own making (tests/fuzz/run.sh);
 * replay.c calls it with the files of a corpus, so that `make test` repeats what was once found without needing clang. */
#ifndef LOCUS_TESTS_FUZZ_H
#define LOCUS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0. What must not happen ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
