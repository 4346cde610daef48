/* SPDX-License-Identifier: MIT
 * keyset: a growing set of keys that is only asked "is this one in it?" and then dropped whole: a snapshot's skip set.
 *
 *      shards[ low bits of the hash ] -> open addressing -> blocks: | hash | size | key | hash | size | key | ...
 *
 * No step takes long: a shard doubles by itself, and key texts never move. */
#ifndef LOCUS_KEYSPACE_KEYSET_H
#define LOCUS_KEYSPACE_KEYSET_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/slice.h"

#define KEYSET_SHARDS 1024 /* a million keys: a thousand each, so that doubling one takes some microseconds */

struct keyset_shard {
    uint64_t *slots;   /* Ours: 16 bits of the hash | 48 bits of a pointer to the key's record; 0: free */
    uint32_t capacity; /* slots, a power of two, or 0 */
    uint32_t count;    /* keys */
};

/* Filled with zeros: valid and empty. */
struct keyset {
    struct keyset_shard shards[KEYSET_SHARDS];
    struct keyset_block *blocks; /* Ours: newest first */
    char *free;                  /* in the newest block */
    size_t free_bytes;
    size_t count;                /* keys */
    size_t memory;               /* bytes held */
};

void keyset_deinit(struct keyset *set);

bool keyset_contains(const struct keyset *set, struct slice key, uint64_t hash);

/* True: it was not there. The hash is any 64-bit hash of the key, the same at every call; the key is copied. */
bool keyset_add(struct keyset *set, struct slice key, uint64_t hash);

#endif
