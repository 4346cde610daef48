/* SPDX-License-Identifier: MIT
 * scored: members with scores, gathered by one command before they are sorted and replied or stored.
 *
 *      bytes  | member | member | ...                    copies: the collections they come from may go
 *      rows   { where its bytes are, hash, score } ...   in the order of their arrival, later sorted
 *      slots  open addressing over row numbers           only when members are looked up
 *
 * It lives for one command, in malloc. */
#ifndef LOCUS_REDISD_COMMANDS_SCORED_H
#define LOCUS_REDISD_COMMANDS_SCORED_H

#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"

struct scored_row {
    size_t offset;  /* into bytes */
    size_t size;    /* of the member, bytes */
    uint64_t hash;  /* of the member; valid when scored_find is in use */
    double score;
};

/* Filled with zeros it is a valid empty one. */
struct scored {
    struct buffer bytes;     /* Ours */
    struct scored_row *rows; /* Ours */
    size_t count, capacity;  /* rows in use, allocated */
    size_t *slots;           /* Ours: row number + 1, 0 is free; at most half full */
    size_t slots_count;      /* a power of two, or 0 */
};

void scored_free(struct scored *scored);

/* Append a member that is known not to be there. Do not mix with scored_find. */
void scored_append(struct scored *scored, struct slice member, double score);

/* The row of a member, or NULL. `hash` is any good hash of it, the same in all calls. */
struct scored_row *scored_find(const struct scored *scored, struct slice member, uint64_t hash);

/* Add a member that scored_find did not find. */
void scored_add(struct scored *scored, struct slice member, uint64_t hash, double score);

static inline struct slice scored_member(const struct scored *scored, const struct scored_row *row)
{
    return slice_of(scored->bytes.base + row->offset, row->size);
}

/* Order rows as a sorted set has them: by score, then by bytes. scored_find is of no use afterwards. */
void scored_sort(struct scored *scored);

#endif
