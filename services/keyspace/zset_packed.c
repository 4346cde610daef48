/* SPDX-License-Identifier: MIT
 * zset_packed: see zset_packed.h. */
#include "services/keyspace/zset_packed.h"

#include "services/keyspace/score.h"

/* The score entry at `offset` itself. */
static double read_score(const struct packed *p, uint32_t offset)
{
    int64_t integer;
    if (packed_integer(p, offset, &integer))
        return (double)integer;
    struct item item;
    packed_read(p, offset, &item);
    return score_parse(item_slice(&item));
}

double zset_packed_score(const struct packed *p, uint32_t offset)
{
    return read_score(p, packed_next(p, offset));
}

uint32_t zset_packed_read(const struct packed *p, uint32_t offset, struct item *member, double *score)
{
    offset = packed_read(p, offset, member);
    if (score)
        *score = read_score(p, offset);
    return packed_next(p, offset);
}

bool zset_packed_find(const struct packed *p, struct slice member, uint32_t *offset, uint32_t *rank)
{
    *offset = 0;
    return packed_find(p, offset, member, 1, rank);
}

/* Is the pair at `offset` before (score, member)? */
static bool pair_before(const struct packed *p, uint32_t offset, struct slice member, double score)
{
    double its = zset_packed_score(p, offset);
    if (its != score)
        return its < score;
    struct item item;
    packed_read(p, offset, &item);
    return slice_compare(item_slice(&item), member) < 0;
}

static uint32_t place_of(const struct packed *p, struct slice member, double score)
{
    uint32_t size = packed_size(p);
    if (size == 0)
        return 0;
    /* Rising scores are the common order of arrival. */
    uint32_t last = packed_previous(p, packed_previous(p, size));
    if (pair_before(p, last, member, score))
        return size;
    uint32_t offset = 0;
    while (pair_before(p, offset, member, score))
        offset = packed_next(p, packed_next(p, offset));
    return offset;
}

void zset_packed_insert(struct packed *p, struct slice member, double score)
{
    uint32_t behind = packed_insert(p, place_of(p, member, score), member);
    int64_t integer;
    char text[SCORE_TEXT_MAX];
    if (score_is_integer(score, &integer))
        packed_insert_integer(p, behind, integer);
    else
        packed_insert(p, behind, slice_of(text, score_print(text, score)));
}

uint32_t zset_packed_rank_of_score(const struct packed *p, double score, bool after)
{
    uint32_t rank = 0;
    for (uint32_t offset = 0; offset < packed_size(p); rank++) {
        uint32_t at = packed_next(p, offset);
        double its = read_score(p, at);
        if (after ? its > score : its >= score)
            break;
        offset = packed_next(p, at);
    }
    return rank;
}

uint32_t zset_packed_rank_of_member(const struct packed *p, struct slice member, bool after)
{
    uint32_t rank = 0;
    for (uint32_t offset = 0; offset < packed_size(p); rank++) {
        struct item item;
        uint32_t at = packed_read(p, offset, &item);
        int order = slice_compare(item_slice(&item), member);
        if (after ? order > 0 : order >= 0)
            break;
        offset = packed_next(p, at);
    }
    return rank;
}
