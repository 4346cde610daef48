/* SPDX-License-Identifier: MIT
 * workload: random commands from a seed over every type and database, and the portrait of a whole data set to compare before and after. */
#ifndef LOCUS_TESTS_REDISD_WORKLOAD_H
#define LOCUS_TESTS_REDISD_WORKLOAD_H

#include "tests/redisd/peer.h"

/* Run so many random commands. Errors (a wrong type, an index out of range) are part of it; a closed connection fails the test. Deadlines are either
 * over within 30 ms or far away. */
void workload_run(redisContext *peer, struct test_random *random, int commands);

/* Everything a client can see of the data, with its order: DEBUG DIGEST, then for each database what SCAN returns, and for each key its type, encoding,
 * deadline and elements as the commands that list them order them. Replaces what was in `text`; a NUL behind it. */
void workload_portrait(redisContext *peer, struct buffer *text);

/* Fail with the first line in which two portraits differ. */
void workload_compare(const struct buffer *before, const struct buffer *after, const char *when, uint64_t seed);

#endif
