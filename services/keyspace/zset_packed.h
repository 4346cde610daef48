/* SPDX-License-Identifier: MIT
 * zset_packed: the small form of a sorted set: pairs in a packed run (packed.h), lowest first.
 *
 *      | member | score | member | score | ...         ordered by (score, bytes of the member)
 *
 * A score is an integer entry where it is whole, else its shortest decimal text (score.h): Redis's listpack, byte for byte
 * where Redis 7.2 would also find the shortest text. Pairs are found by scanning; ranks are counted pairs. */
#ifndef LOCUS_KEYSPACE_ZSET_PACKED_H
#define LOCUS_KEYSPACE_ZSET_PACKED_H

#include "services/keyspace/packed.h"

/* The score behind the member at `offset`. */
double zset_packed_score(const struct packed *p, uint32_t offset);

/* The pair at `offset`; returns the offset behind it. */
uint32_t zset_packed_read(const struct packed *p, uint32_t offset, struct item *member, double *score);

/* The offset of a member's pair and its rank; false when it is not there. `rank` may be NULL. */
bool zset_packed_find(const struct packed *p, struct slice member, uint32_t *offset, uint32_t *rank);

/* Put a member that is not there where it belongs. */
void zset_packed_insert(struct packed *p, struct slice member, double score);

/* Pairs before a bound: score lower (with `after`, or equal); bytes lower (or equal). */
uint32_t zset_packed_rank_of_score(const struct packed *p, double score, bool after);
uint32_t zset_packed_rank_of_member(const struct packed *p, struct slice member, bool after);

#endif
