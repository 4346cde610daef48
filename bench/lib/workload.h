/* SPDX-License-Identifier: MIT
 * workload: the requests of one benchmark, as bytes with holes for random digits; the same bytes that redis-benchmark sends.
 *
 *      *2 CRLF $3 CRLF GET CRLF $16 CRLF key:000000______ CRLF        the hole is the last six digits */
#ifndef LOCUS_BENCH_WORKLOAD_H
#define LOCUS_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"

enum { WORKLOAD_HOLES_MAX = 16, WORKLOAD_DIGITS = 6, WORKLOAD_KEYS = 1000000 };

struct workload {
    const char *name;
    struct buffer request;            /* Ours */
    size_t holes[WORKLOAD_HOLES_MAX]; /* offsets of six digits each */
    int hole_count;
};

/* What a test needs before each run, and how it counts in the report. */
struct test {
    const char *name;
    const char *words;   /* %k: a random key, %e: a random element, %n: random digits, %v: a value of `value_size` bytes */
    const char *prepare; /* words to run first, or NULL */
    const char *fill;    /* words to run `fill_count` times (0: as often as the test itself will), or NULL */
    unsigned fill_count;
    bool writes;
};
extern const struct test bench_tests[];
extern const int bench_test_count;

/* Make a workload from words separated by spaces. */
void workload_init(struct workload *workload, const char *name, const char *words, unsigned value_size);
void workload_free(struct workload *workload);

/* Put `number`'s six digits into every hole of a copy of the request; `number` draws on *state, a splitmix64. */
void workload_fill(const struct workload *workload, char *copy, uint64_t *state);

/* The same, with a number that counts upwards instead: one hole. */
void workload_fill_number(const struct workload *workload, char *copy, uint64_t number);

#endif
