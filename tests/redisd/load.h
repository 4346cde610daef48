/* SPDX-License-Identifier: MIT
 * load: connections that pipeline writes whose effects can be recognised later, for tests that kill the daemon under them.
 *
 * Each writer owns one key or one pair of keys and numbers its requests 1, 2, 3, ... One connection's requests are executed in order, so what a
 * correct daemon holds afterwards is the effect of the first A of them, for one A with acknowledged <= A <= sent:
 *
 *      SETS       set:W:(n mod 16) = n             each key holds the last n <= A of its class
 *      COUNTER    INCR counter:W                   the value is A
 *      LIST       LPUSH list:W n                   the list is A, A - 1, ..., first
 *      PAIR       MULTI, two SETs, EXEC            both keys hold A
 *
 * load_check reads the state back, fails the running test when there is no such A, and goes on from it: the history of one directory
 * spans many lives of the daemon. */
#ifndef LOCUS_TESTS_REDISD_LOAD_H
#define LOCUS_TESTS_REDISD_LOAD_H

#include "tests/redisd/peer.h"

enum load_kind { LOAD_SETS, LOAD_COUNTER, LOAD_LIST, LOAD_PAIR, LOAD_KINDS };

enum { LOAD_WRITERS = 2 * LOAD_KINDS };

struct writer {
    enum load_kind kind;
    int number;
    int fd;                /* -1: not connected */
    uint64_t first;        /* LIST: the first number still in the list is first + 1 */
    uint64_t sent;         /* requests of which at least a byte may have left */
    uint64_t acknowledged; /* requests whose whole reply has arrived */
    int lines;             /* of the next reply that have arrived */
    struct buffer out, in;
};

struct load {
    struct writer writers[LOAD_WRITERS];
    int depth;             /* requests in flight on one connection */
    uint64_t seed;         /* for messages */
};

void load_init(struct load *load, uint64_t seed);
void load_free(struct load *load);
/* Connect all writers to the daemon. */
void load_connect(struct load *load, const struct daemon *daemon);
/* Write and read for so many milliseconds. The daemon may disappear meanwhile: then it returns at once. */
void load_run(struct load *load, int ms);
/* Read the replies that are still in the sockets, until their end, and close. Called when the daemon is gone. */
void load_drain(struct load *load);
/* Wait for all replies of a daemon that is there, and close. */
void load_settle(struct load *load);
/* What the daemon holds must be some A for each writer (above); long lists are then cut. Returns how many requests were sent and not acknowledged but there. */
uint64_t load_check(struct load *load, redisContext *peer);

#endif
