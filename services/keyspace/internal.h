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

/* Free the values and entries of about `keys` keys, in no useful order, then (when none is left) the rest. True when all is
 * gone. The database must not be used for anything else once this has begun. *cursor is 0 at first. */
bool db_release_some(struct db *db, uint64_t *cursor, size_t keys);

/* ---- entries that no structure names yet, or any more (entry.c) ---- */

/* What an entry holds, taken out of its bytes. */
struct value {
    enum value_type type;
    enum entry_encoding encoding;
    union {
        struct slice bytes;            /* ENTRY_INLINE: Borrowed */
        int64_t integer;               /* ENTRY_INTEGER */
        struct entry_heap_string heap; /* ENTRY_HEAP */
        void *object;                  /* ENTRY_OBJECT */
    };
};

struct value entry_value(const struct entry *e);

/* A new entry. Bytes are copied, to a string in malloc when the entry has no room; a heap string or object is Taken. `flags`:
 * ENTRY_RAW or 0; the other flags follow from the key and the deadline. */
struct entry *entry_new(struct keyspace *ks, struct slice key, const struct value *value, unsigned flags, int64_t deadline_ms);

/* A new entry with the key and clock of an old one, which is released (bytes of the value may be those of the old one). */
struct entry *entry_remake(struct keyspace *ks, struct entry *old, const struct value *value, unsigned flags, int64_t deadline_ms);

/* Free the key and the entry, not what the value points to; the value; both. */
void entry_discard(struct keyspace *ks, struct entry *e);
void entry_free_value(struct keyspace *ks, const struct entry *e);
void entry_free(struct keyspace *ks, struct entry *e);

/* Give a heap string that capacity (>= its size, > 0), counting what it costs. */
void heap_string_resize(struct keyspace *ks, struct entry_heap_string *string, size_t capacity);

/* The largest string that fits into the entry of a key, whether or not it has a deadline. */
size_t entry_inline_max(const struct entry *e);

/* ---- entries in their database (db.c) ---- */

/* Name a new entry in all structures. */
void db_link(struct db *db, struct entry *e, uint64_t hash);

/* The entry `old_ref`, which had `old_deadline_ms`, is `e` now: same key, perhaps another deadline. */
void db_relink(struct db *db, struct entry *e, uint64_t hash, arena_ref old_ref, int64_t old_deadline_ms);

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
