/* SPDX-License-Identifier: MIT
 * internal: what the files of services/keyspace know of each other and nobody else does: the keyspace, its databases, and the
 * moments at which a running snapshot is told.
 *
 * The contents of a database are three structures over the same entries. They can be moved from one struct db to another of the
 * same keyspace (SWAPDB; a flush that hands them over to a snapshot), because nothing inside points back. */
#ifndef LOCUS_KEYSPACE_INTERNAL_H
#define LOCUS_KEYSPACE_INTERNAL_H

#include "services/keyspace/deadlines.h"
#include "services/keyspace/entry.h"
#include "services/keyspace/index.h"
#include "services/keyspace/keyspace.h"
#include "services/keyspace/ordmap.h"
#include "services/keyspace/snapshot.h"

struct db {
    struct keyspace *ks; /* Borrowed */
    int number;
    struct ordmap map;
    struct index index;
    struct deadlines deadlines;
};

struct keyspace {
    struct arena arena;
    uint64_t hash_key;
    struct keyspace_limits limits;
    struct snapshot *snapshot; /* Borrowed; NULL while none runs: check it before calling one of its functions */
    size_t heap_bytes;         /* of strings and long keys in malloc, its overhead included */
    int databases;
    struct db db[];
};

/* Exchange the contents of two databases of one keyspace. No snapshot is told: the callers do that. A struct db filled with
 * zeros except for ks and number is a valid empty one to exchange with. */
void db_exchange(struct db *a, struct db *b);

/* Free all contents, entries and values included. No snapshot is told. */
void db_release(struct db *db);

/* Free the values and entries of about `keys` keys, in no useful order, then (when none is left) the rest. True when all is gone. The
 * database must not be used for anything else once this has begun. *cursor is 0 at first. */
bool db_release_some(struct db *db, uint64_t *cursor, size_t keys);

/* Free an entry's value and the entry itself, which no structure names any more. */
void entry_free(struct keyspace *ks, struct entry *e);

static inline void before_change(struct db *db, const struct entry *e)
{
    if (__builtin_expect(db->ks->snapshot != NULL, 0))
        snapshot_before_change(db->ks->snapshot, db, e);
}

static inline arena_ref entry_ref(const struct db *db, const struct entry *e)
{
    return arena_ref_of(&db->ks->arena, e);
}

static inline struct entry *entry_at(const struct db *db, arena_ref ref)
{
    return arena_at(&db->ks->arena, ref);
}

#endif
