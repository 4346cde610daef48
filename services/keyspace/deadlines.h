/* SPDX-License-Identifier: MIT
 * deadlines: which key expires next.
 *
 *      JudyL by deadline_ms -> the entry, or, when several share the millisecond, a JudyL by hash -> entry
 *
 * The order of equal deadlines is that of their hashes: like everything that is answered, it depends on content alone. */
#ifndef LOCUS_KEYSPACE_DEADLINES_H
#define LOCUS_KEYSPACE_DEADLINES_H

#include "services/keyspace/index.h"

__extension__ typedef __int128 deadlines_sum;

/* Filled with zeros: valid and empty. */
struct deadlines {
    void *map;         /* Ours */
    uint64_t count;    /* keys */
    size_t bytes;      /* what JudyL says that it takes */
    deadlines_sum sum; /* of all deadlines, ms: their average */
};

/* deadline_ms >= 0. `rehash` gives the hash of the entry that had this millisecond alone. */
void deadlines_add(struct deadlines *deadlines, int64_t deadline_ms, uint64_t hash, arena_ref ref, index_hash_fn rehash,
                   const void *context);

/* The key is there with this deadline, hash and reference. */
void deadlines_remove(struct deadlines *deadlines, int64_t deadline_ms, uint64_t hash, arena_ref ref);
void deadlines_replace(struct deadlines *deadlines, int64_t deadline_ms, uint64_t hash, arena_ref old_ref, arena_ref new_ref);

/* The entry that expires first; 0 when there is none. */
arena_ref deadlines_first(const struct deadlines *deadlines);

void deadlines_free(struct deadlines *deadlines);

#endif
