/* SPDX-License-Identifier: MIT
 * zset: members ordered by (score, bytes). Encodings: "listpack" (packed pairs in order) and "skiplist" (the name that Redis
 * clients know; here a counted B+ tree of (score, member reference) with a member index, so ranks cost a walk down).
 * Every range command becomes a range of ranks. */
#ifndef LOCUS_KEYSPACE_ZSET_H
#define LOCUS_KEYSPACE_ZSET_H

#include "services/keyspace/keyspace.h"

struct arena;
struct packed;

enum zset_change { ZSET_UNCHANGED, ZSET_ADDED, ZSET_UPDATED };

struct zset *zset_new(struct arena *arena, const struct keyspace_limits *limits, uint64_t hash_key);
void zset_free(struct zset *zset);
struct zset *zset_copy(const struct zset *zset);

size_t zset_size(const struct zset *zset);
size_t zset_memory(const struct zset *zset);
const char *zset_encoding(const struct zset *zset);
void zset_make_large(struct zset *zset);
const struct packed *zset_packed(const struct zset *zset); /* the pairs of the small form, NULL in the large one: what a snapshot writes */

/* -0 and 0 are equal; the packed form keeps either as 0, as Redis does. */
enum zset_change zset_set(struct zset *zset, struct slice member, double score); /* score is not NaN */
bool zset_remove(struct zset *zset, struct slice member);
bool zset_score(const struct zset *zset, struct slice member, double *score);
bool zset_rank(const struct zset *zset, struct slice member, size_t *rank); /* from the lowest, 0-based */
/* For pipelines, in two rounds: first what says where the member lies comes towards the cache, then - with what the first returned, unless it is
 * 0 - the member itself. Neither waits. */
uint64_t zset_prefetch(const struct zset *zset, struct slice member);
void zset_prefetch_member(const struct zset *zset, uint64_t token);

/* How many members come before `score` (strictly lower; with `after` also those equal to it). The rank where a range starts or ends. */
size_t zset_rank_of_score(const struct zset *zset, double score, bool after);
/* The same by member bytes, for sets whose scores are all equal (ZRANGEBYLEX). */
size_t zset_rank_of_member(const struct zset *zset, struct slice member, bool after);

/* Walk from a rank upwards (or downwards); the set must not change meanwhile. */
struct zset_walk {
    const struct zset *zset;
    const void *node;  /* leaf, large encoding */
    size_t offset;     /* slot in the leaf, or bytes in the packed form */
    size_t left;       /* members still to come until the end of the set */
    bool down;
};
void zset_walk_begin(const struct zset *zset, struct zset_walk *walk, size_t rank, bool down);
bool zset_walk_next(struct zset_walk *walk, struct item *member, double *score);

void zset_erase(struct zset *zset, size_t rank, size_t count); /* a range of ranks */

/* ZSCAN: visits at least `count` members from `cursor` (0: the beginning), returns the next cursor, 0 when done; below 2^53.
 * The packed form is visited whole, the large one in the order of its members' keyed hashes: what stays is visited exactly
 * once, whatever comes, goes or changes its score meanwhile. The visitor must not change the set. */
typedef void (*zset_visit_fn)(void *context, struct slice member, double score);
uint64_t zset_scan(const struct zset *zset, uint64_t cursor, size_t count, zset_visit_fn visit, void *context);

#endif
