/* SPDX-License-Identifier: MIT
 * table: the large form of sets and hashes: keys (with values) that are found by hash and counted by position.
 *
 *      rows:  | ref | ref | ref | ... |            position -> row, dense, in positional order
 *      index: hash of the key -> ref               (index.h)
 *
 *      row (arena object):   | position u32 | key size u32 | [value size u32] | key | [value] |
 *
 * 1. rows[row.position] is the row, for each row: order does not depend on hashes or addresses.
 * 2. A new row goes to the end; the last row fills the place of one removed.
 * 3. A key or value above TABLE_INLINE_MAX bytes lives in a block of its own; bit 31 of its size says so, and the row holds the
 *    block's address in its place. So a row always fits the arena.
 *
 * A row is named by its arena reference, valid until that row changes or goes. */
#ifndef LOCUS_KEYSPACE_TABLE_H
#define LOCUS_KEYSPACE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/slice.h"
#include "kernel/prefetch.h"
#include "services/keyspace/arena.h"
#include "services/keyspace/index.h"

#define TABLE_INLINE_MAX ((size_t)1024) /* bytes; two of them and the sizes stay far below ARENA_OBJECT_MAX */

struct table {
    struct arena *arena; /* Borrowed */
    uint64_t hash_key;
    arena_ref *rows;     /* Ours */
    uint32_t count;      /* rows */
    uint32_t capacity;   /* of rows */
    bool values;         /* rows have values: a hash's */
    struct index index;
    size_t arena_bytes;  /* of all rows, as the arena rounds them */
    size_t heap_bytes;   /* of all blocks outside */
};

/* The keyed hash of a member or field: XXH3, spread as large indexes want it (index.h). */
uint64_t member_hash(struct slice member, uint64_t hash_key);

void table_init(struct table *t, struct arena *arena, uint64_t hash_key, bool values);
void table_deinit(struct table *t);
/* `to` is not initialised; positions are the same. */
void table_copy(struct table *to, const struct table *from);
size_t table_memory(const struct table *t); /* bytes, the struct itself included */

static inline uint64_t table_hash(const struct table *t, struct slice key)
{
    return member_hash(key, t->hash_key);
}

/* The row of `key`, or 0. */
arena_ref table_find(const struct table *t, struct slice key, uint64_t hash);

/* Add a row for a key that is not there, at the end. */
void table_add(struct table *t, struct slice key, uint64_t hash, struct slice value);

/* Give a row another value. The row may move. */
void table_set_value(struct table *t, arena_ref ref, uint64_t hash, struct slice value);

void table_remove(struct table *t, arena_ref ref, uint64_t hash);

/* Borrowed until the row changes. table_value: only where rows have values. */
struct slice table_key(const struct table *t, arena_ref ref);
struct slice table_value(const struct table *t, arena_ref ref);

/* Bring the index bucket of this hash towards the cache, without waiting. */
static inline void table_prefetch(const struct table *t, uint64_t hash)
{
    index_prefetch_bucket(&t->index, t->arena, hash);
}

/* The bucket is there: bring the rows that it names under this hash. */
static inline void table_prefetch_candidates(const struct table *t, uint64_t hash)
{
    index_prefetch_candidates(&t->index, t->arena, hash);
}

/* Somebody is at `position`, perhaps on a walk: bring the row that a walk upwards reaches eight steps later. */
static inline void table_prefetch_row(const struct table *t, size_t position)
{
    if (position + 8 < t->count)
        prefetch(arena_at(t->arena, t->rows[position + 8]));
}

#endif
