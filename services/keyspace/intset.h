/* SPDX-License-Identifier: MIT
 * intset: distinct integers in positional order, as wide as the widest one needs.
 *
 *      values:  | v | v | v | v | ...      2, 4 or 8 bytes each, in the order of their arrival; the last fills a hole
 *
 * Order is positional, not numeric, so that a set's positions mean the same members in every encoding (set.h). Search is a scan
 * of whole vectors: 512 integers of 16 bits are 64 of them. A struct filled with zeros is a valid empty one. */
#ifndef LOCUS_KEYSPACE_INTSET_H
#define LOCUS_KEYSPACE_INTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTSET_ENTRIES_MAX 16384 /* whatever the configuration says: a scan of 128 KiB takes about 5 us */

struct intset {
    void *values;      /* Ours; int16_t, int32_t or int64_t */
    uint32_t count;    /* integers */
    uint32_t capacity; /* integers allocated */
    uint8_t width;     /* bytes of each: 2, 4, 8; 0 while nothing is allocated */
};

void intset_free(struct intset *s);
/* `to` must be empty and without memory. */
void intset_copy(struct intset *to, const struct intset *from);
size_t intset_memory(const struct intset *s); /* bytes outside the struct */

int64_t intset_at(const struct intset *s, uint32_t position);
bool intset_find(const struct intset *s, int64_t value, uint32_t *position);
void intset_append(struct intset *s, int64_t value);        /* a value that is not there */
void intset_remove_at(struct intset *s, uint32_t position); /* the last one fills the hole */

#endif
