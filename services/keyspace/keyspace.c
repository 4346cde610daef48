/* SPDX-License-Identifier: MIT
 * keyspace: the whole of the databases: making and freeing it, SWAPDB, FLUSHDB, and what it costs. */
#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/internal.h"

#include "kernel/prefetch.h"

struct keyspace *keyspace_new(const struct keyspace_config *config)
{
    assert(config->databases > 0);
    struct keyspace *ks = calloc(1, sizeof *ks + (size_t)config->databases * sizeof(struct db));
    if (!ks)
        return NULL;
    if (arena_init(&ks->arena) < 0) {
        free(ks);
        return NULL;
    }
    ks->hash_key = config->hash_key;
    ks->limits = config->limits;
    ks->databases = config->databases;
    for (int i = 0; i < ks->databases; i++) {
        ks->db[i].ks = ks;
        ks->db[i].number = i;
    }
    return ks;
}

void keyspace_free(struct keyspace *ks)
{
    if (!ks)
        return;
    assert(!ks->snapshot);
    for (int i = 0; i < ks->databases; i++)
        db_release(&ks->db[i]);
    assert(ks->heap_bytes == 0);
    arena_deinit(&ks->arena);
    free(ks);
}

int keyspace_databases(const struct keyspace *ks)
{
    return ks->databases;
}

struct db *keyspace_db(struct keyspace *ks, int number)
{
    assert(number >= 0 && number < ks->databases);
    return &ks->db[number];
}

struct keyspace_limits *keyspace_limits(struct keyspace *ks)
{
    return &ks->limits;
}

void db_exchange(struct db *a, struct db *b)
{
    assert(a->ks == b->ks);
    struct db other = *a;
    a->map = b->map;
    a->index = b->index;
    a->deadlines = b->deadlines;
    b->map = other.map;
    b->index = other.index;
    b->deadlines = other.deadlines;
}

void keyspace_swap(struct keyspace *ks, int a, int b)
{
    struct db *first = keyspace_db(ks, a), *second = keyspace_db(ks, b);
    if (first == second)
        return;
    if (ks->snapshot)
        snapshot_swap(ks->snapshot, first, second);
    db_exchange(first, second);
}

size_t keyspace_arena_memory(const struct keyspace *ks)
{
    return ks->arena.bytes_held;
}

size_t keyspace_memory(const struct keyspace *ks)
{
    size_t memory = sizeof *ks + (size_t)ks->databases * sizeof(struct db) + ks->arena.bytes_held + ks->heap_bytes;
    for (int i = 0; i < ks->databases; i++) {
        const struct db *db = &ks->db[i];
        memory += db->map.bytes + db->deadlines.bytes;
        memory += index_memory(&db->index) - db->index.buckets * sizeof(struct index_bucket); /* these are in the arena */
    }
    return memory;
}

/* ---- emptying ---- */

bool db_release_some(struct db *db, uint64_t *cursor, size_t keys)
{
    arena_ref refs[INDEX_SEGMENT_MAX];
    for (size_t freed = 0; freed < keys;) {
        unsigned found = index_gather(&db->index, &db->ks->arena, *cursor, refs, cursor);
        for (unsigned i = 0; i < found; i++)
            prefetch(entry_at(db, refs[i]));
        for (unsigned i = 0; i < found; i++)
            entry_free(db->ks, entry_at(db, refs[i]));
        freed += found ? found : 1;
        if (*cursor)
            continue;
        index_free(&db->index, &db->ks->arena);
        ordmap_free(&db->map, &db->ks->arena);
        deadlines_free(&db->deadlines);
        return true;
    }
    return false;
}

void db_release(struct db *db)
{
    uint64_t cursor = 0;
    while (!db_release_some(db, &cursor, SIZE_MAX)) {
    }
}

void db_flush(struct db *db)
{
    if (db->ks->snapshot && snapshot_flush(db->ks->snapshot, db))
        return;
    db_release(db);
}
