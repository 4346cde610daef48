/* SPDX-License-Identifier: MIT
 * support: what every test needs: cmocka with its includes, and random numbers from a seed that a failure prints. */
#ifndef LOCUS_TESTS_SUPPORT_H
#define LOCUS_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* splitmix64: the whole state is the seed. */
struct test_random {
    uint64_t state;
};

/* The seed of this run: LOCUS_SEED in the environment when set, else `fallback`. Print it in every failure message. */
uint64_t test_seed(uint64_t fallback);
/* How much more a long run does: 1, or LOCUS_LONG's factor of 100 under `make test-long`. */
unsigned test_long_factor(void);

uint64_t test_random_next(struct test_random *random);
/* 0 <= result < bound */
uint64_t test_random_below(struct test_random *random, uint64_t bound);

/* A fresh directory under $TMPDIR (or /tmp), removed by test_dir_remove. The text is static to the caller's buffer. */
void test_dir_make(char *path, size_t size);
void test_dir_remove(const char *path);

#endif
