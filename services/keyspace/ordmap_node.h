/* SPDX-License-Identifier: MIT
 * ordmap_node: slots, nodes and chunks of the ordered map, for its own two files. */
#ifndef LOCUS_KEYSPACE_ORDMAP_NODE_H
#define LOCUS_KEYSPACE_ORDMAP_NODE_H

#include <Judy.h>

#include "services/keyspace/ordmap.h"

#define ORDMAP_ENDS_MAX 9 /* lengths 0..8 of what a key has in its last chunk */

struct ordmap_node {
    void *rest;      /* JudyL by chunk `depth` of the keys that go on; Ours */
    uint32_t depth;  /* in chunks from the beginning of the key; above that of the parent */
    uint16_t ends;   /* bit k: the key with k bytes in the parent's chunk ends there */
    uint16_t unused;
    arena_ref end[]; /* their entries, by length */
};

static inline Word_t leaf_slot(arena_ref ref) { return (Word_t)ref << 1; }
static inline Word_t node_slot(arena_ref ref) { return (Word_t)ref << 1 | 1; }
static inline bool slot_is_node(Word_t slot) { return slot & 1; }
static inline arena_ref slot_ref(Word_t slot) { return (arena_ref)(slot >> 1); }

static inline struct ordmap_node *slot_node(const struct arena *arena, Word_t slot)
{
    return arena_at(arena, slot_ref(slot));
}

static inline unsigned ends_count(const struct ordmap_node *node)
{
    return (unsigned)__builtin_popcount(node->ends);
}

/* How many ends are shorter. */
static inline unsigned ends_below(unsigned ends, unsigned length)
{
    return (unsigned)__builtin_popcount(ends & ((1u << length) - 1));
}

/* Whether the key has no byte behind this chunk. */
static inline bool ends_within(struct slice key, size_t depth)
{
    return key.size <= (depth + 1) * 8;
}

/* The chunk as a number that sorts as its bytes do; zeros behind the end of the key. */
static inline uint64_t chunk_of(struct slice key, size_t depth)
{
    size_t offset = depth * 8;
    uint64_t chunk = 0;
    if (offset + 8 <= key.size)
        memcpy(&chunk, key.base + offset, 8);
    else if (offset < key.size)
        memcpy(&chunk, key.base + offset, key.size - offset);
    return __builtin_bswap64(chunk);
}

static inline Word_t *level_get(const void *level, uint64_t chunk)
{
    return (Word_t *)JudyLGet(level, chunk, PJE0);
}

/* The slot of the lowest chunk; the level is not empty. */
static inline Word_t level_first(const void *level)
{
    Word_t chunk = 0;
    return *(Word_t *)JudyLFirst(level, &chunk, PJE0);
}

/* Some entry below the slot. */
static inline arena_ref any_leaf(const struct arena *arena, Word_t slot)
{
    while (slot_is_node(slot)) {
        const struct ordmap_node *node = slot_node(arena, slot);
        if (node->ends)
            return node->end[0];
        slot = level_first(node->rest);
    }
    return slot_ref(slot);
}

#endif
