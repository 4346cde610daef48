/* SPDX-License-Identifier: MIT
 * batch: the requests of one session that run together, and bringing what they touch towards the cache.
 *
 * A lookup in a large keyspace is two cache misses of about 100 ns: the index bucket, then the entry. Done one request after the other they are most of
 * a pipelined GET. Here all buckets are asked for, then all entries, then (for collections) the members; each round finds what
 * the round before asked for, and the misses of a round overlap. */
#ifndef LOCUS_REDISD_BATCH_H
#define LOCUS_REDISD_BATCH_H

#include "protocols/resp.h"
#include "redisd/command.h"

struct command_slot;

enum { BATCH_MAX = 64 }; /* requests; more gain nothing: a core has about a dozen misses under way */

/* A request with its row found: what a session prepares for a whole pipeline before the first command of it runs. */
struct request {
    const struct slice *argv;      /* Borrowed */
    int argc;
    const struct command *command; /* NULL: unknown */
    struct command_slot *slot;     /* of the top-level command; NULL: unknown */
    size_t bytes;                  /* that the request took on the wire, or more: bounds what its record takes */
    const struct command *parent;  /* the container when a subcommand was asked for, else equal to command */
    struct slice key;              /* first key; base NULL: none */
    uint64_t hash;                 /* of that key */
};

struct batch {
    struct resp_args args;                 /* Ours: the arguments of all requests */
    struct resp_request parsed[BATCH_MAX];
    size_t ends[BATCH_MAX];                /* offset in the input behind each request */
    struct request requests[BATCH_MAX];
    int count;
};

/* The batch is prepared. Changes nothing. */
void batch_prefetch(const struct batch *batch, struct db *db);

#endif
