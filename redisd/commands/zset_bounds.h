/* SPDX-License-Identifier: MIT
 * zset_bounds: which members a range names: by rank, by score or by bytes. Every kind of range becomes a run of ranks:
 *
 *      rank   0    1    2    3    4    5         (1.5 +inf   by score: [2, 6)
 *      score  1    1.5  2    2    3    9         1 -2        by rank:  [1, 5)
 *                       |<---- count --->|       first = 2, count = 4 */
#ifndef LOCUS_REDISD_COMMANDS_ZSET_BOUNDS_H
#define LOCUS_REDISD_COMMANDS_ZSET_BOUNDS_H

#include "redisd/command.h"
#include "services/keyspace/zset.h"

enum zset_order { ZSET_BY_RANK, ZSET_BY_SCORE, ZSET_BY_BYTES };

/* One end of a range by bytes: "-", "+", "[text" or "(text". */
struct zset_edge {
    struct slice text; /* Borrowed */
    int infinite;      /* -1: before every member; 1: behind every member; 0: `text` counts */
    bool open;         /* the text itself is outside */
};

struct zset_bounds {
    enum zset_order order;
    int64_t start, stop;               /* ZSET_BY_RANK: as given, negative ones count from the end */
    double min, max;                   /* ZSET_BY_SCORE */
    bool min_open, max_open;           /* ... that score itself is outside */
    struct zset_edge lowest, highest;  /* ZSET_BY_BYTES */
};

/* Read the two ends of a range; `min` is the lower one. Answers the error. */
bool zset_bounds_parse(struct call *c, struct zset_bounds *bounds, enum zset_order order, struct slice min, struct slice max);

/* The run of ranks in ascending order: *first is the lowest; returns how many there are, 0 for none. With `reverse`, ranks given in the
 * bounds count from the highest member. */
size_t zset_bounds_resolve(const struct zset_bounds *bounds, const struct zset *zset, bool reverse, size_t *first);

#endif
