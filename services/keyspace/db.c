/* SPDX-License-Identifier: MIT
 * db: one database: looking keys up, adding, moving, copying and removing them, and their deadlines. String values are changed in
 * db_string.c; order, SCAN and random choice are in db_order.c.
 *
 * An entry is named in up to three places, always by db_link, db_relink and unlink below:
 *
 *      index      hash -> reference        replaced when the entry moves
 *      map        key text -> reference    likewise
 *      deadlines  time, hash -> reference  likewise; only with a deadline */
#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "services/keyspace/hash.h"
#include "services/keyspace/internal.h"
#include "services/keyspace/list.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

/* ---- lookup ---- */

int db_number(const struct db *db)
{
    return db->number;
}

size_t db_size(const struct db *db)
{
    return db->map.count;
}

size_t db_deadlines(const struct db *db)
{
    return db->deadlines.count;
}

uint64_t db_hash(const struct db *db, struct slice key)
{
    return index_spread(XXH3_64bits_withSeed(key.base, key.size, db->ks->hash_key));
}

void db_prefetch_bucket(const struct db *db, uint64_t hash)
{
    index_prefetch_bucket(&db->index, &db->ks->arena, hash);
}

void db_prefetch_entry(const struct db *db, uint64_t hash)
{
    index_prefetch_candidates(&db->index, &db->ks->arena, hash);
}

static inline bool entry_has_key(const void *context, const void *object)
{
    const struct slice *key = context;
    struct slice text = entry_text(object);
    return text.size == key->size && memcmp(text.base, key->base, text.size) == 0;
}

struct entry *db_find_hashed(const struct db *db, struct slice key, uint64_t hash)
{
    if (!key.base)
        key.base = "";
    arena_ref ref = index_find(&db->index, &db->ks->arena, hash, entry_has_key, &key);
    return ref ? entry_at(db, ref) : NULL;
}

/* ---- naming entries ---- */

static uint64_t hash_of_ref(const void *context, arena_ref ref)
{
    const struct db *db = context;
    return db_hash(db, entry_text(entry_at(db, ref)));
}

static void add_deadline(struct db *db, const struct entry *e, uint64_t hash)
{
    if (entry_has(e, ENTRY_HAS_DEADLINE))
        deadlines_add(&db->deadlines, entry_deadline(e), hash, entry_ref(db, e), hash_of_ref, db);
}

void db_link(struct db *db, struct entry *e, uint64_t hash)
{
    arena_ref ref = entry_ref(db, e);
    index_insert(&db->index, &db->ks->arena, hash, ref, hash_of_ref, db);
    ordmap_insert(&db->map, &db->ks->arena, ref);
    add_deadline(db, e, hash);
    if (db->ks->snapshot)
        snapshot_key_added(db->ks->snapshot, db, entry_text(e));
}

void db_relink(struct db *db, struct entry *e, uint64_t hash, arena_ref old_ref, int64_t old_deadline_ms)
{
    arena_ref ref = entry_ref(db, e);
    if (ref != old_ref) {
        index_replace(&db->index, &db->ks->arena, hash, old_ref, ref);
        ordmap_replace(&db->map, &db->ks->arena, entry_text(e), ref);
    }
    if (entry_deadline(e) == old_deadline_ms) {
        if (ref != old_ref && old_deadline_ms != DB_NO_DEADLINE)
            deadlines_replace(&db->deadlines, old_deadline_ms, hash, old_ref, ref);
        return;
    }
    if (old_deadline_ms != DB_NO_DEADLINE)
        deadlines_remove(&db->deadlines, old_deadline_ms, hash, old_ref);
    add_deadline(db, e, hash);
}

static void unlink_entry(struct db *db, const struct entry *e)
{
    struct slice key = entry_text(e);
    uint64_t hash = db_hash(db, key);
    if (entry_has(e, ENTRY_HAS_DEADLINE))
        deadlines_remove(&db->deadlines, entry_deadline(e), hash, entry_ref(db, e));
    ordmap_remove(&db->map, &db->ks->arena, key);
    index_remove(&db->index, &db->ks->arena, hash, entry_ref(db, e));
}

/* ---- whole keys ---- */

void db_edit(struct db *db, struct entry *e)
{
    before_change(db, e);
}

struct entry *db_add(struct db *db, struct slice key, uint64_t hash, enum value_type type)
{
    struct keyspace *ks = db->ks;
    struct value value = {.type = type, .encoding = ENTRY_OBJECT};
    switch (type) {
    case VALUE_STRING: assert(!"strings are set, not added"); break;
    case VALUE_LIST: value.object = list_new(&ks->limits); break;
    case VALUE_SET: value.object = set_new(&ks->arena, &ks->limits, ks->hash_key); break;
    case VALUE_ZSET: value.object = zset_new(&ks->arena, &ks->limits, ks->hash_key); break;
    case VALUE_HASH: value.object = hash_new(&ks->arena, &ks->limits, ks->hash_key); break;
    }
    struct entry *e = entry_new(ks, key, &value, 0, DB_NO_DEADLINE);
    db_link(db, e, hash);
    return e;
}

void db_delete(struct db *db, struct entry *e)
{
    before_change(db, e);
    unlink_entry(db, e);
    entry_free(db->ks, e);
}

struct entry *db_set_deadline(struct db *db, struct entry *e, int64_t deadline_ms)
{
    assert(deadline_ms == DB_NO_DEADLINE || deadline_ms >= 0);
    int64_t old = entry_deadline(e);
    if (old == deadline_ms)
        return e;
    before_change(db, e);
    uint64_t hash = db_hash(db, entry_text(e));
    arena_ref ref = entry_ref(db, e);
    if (old != DB_NO_DEADLINE && deadline_ms != DB_NO_DEADLINE) {
        memcpy(e->bytes, &deadline_ms, sizeof deadline_ms);
    } else {
        struct value value = entry_value(e);
        e = entry_remake(db->ks, e, &value, entry_has(e, ENTRY_RAW) ? ENTRY_RAW : 0, deadline_ms);
    }
    db_relink(db, e, hash, ref, old);
    return e;
}

/* Link a new entry where a key may be already. */
static struct entry *link_over(struct db *db, struct entry *e)
{
    uint64_t hash = db_hash(db, entry_text(e));
    struct entry *there = db_find_hashed(db, entry_text(e), hash);
    if (there)
        db_delete(db, there);
    db_link(db, e, hash);
    return e;
}

struct entry *db_move(struct db *from, struct entry *e, struct db *to, struct slice key)
{
    if (from == to && slice_equal(entry_text(e), key))
        return e;
    struct keyspace *ks = from->ks;
    before_change(from, e);
    struct value value = entry_value(e);
    struct entry *moved = entry_new(ks, key, &value, entry_has(e, ENTRY_RAW) ? ENTRY_RAW : 0, entry_deadline(e));
    moved->header |= e->header & ENTRY_CLOCK_MASK << ENTRY_CLOCK_SHIFT;
    unlink_entry(from, e);
    entry_discard(ks, e);
    return link_over(to, moved);
}

/* A value of its own, equal to that of e. */
static struct value copy_value(struct keyspace *ks, const struct entry *e)
{
    struct value value = entry_value(e);
    if (value.encoding == ENTRY_HEAP) {
        struct entry_heap_string copy = {0};
        heap_string_resize(ks, &copy, value.heap.size ? value.heap.size : 1);
        memcpy(copy.base, value.heap.base, copy.size = value.heap.size);
        value.heap = copy;
    }
    if (value.encoding != ENTRY_OBJECT)
        return value;
    switch (value.type) {
    case VALUE_STRING: break;
    case VALUE_LIST: value.object = list_copy(value.object); break;
    case VALUE_SET: value.object = set_copy(value.object); break;
    case VALUE_ZSET: value.object = zset_copy(value.object); break;
    case VALUE_HASH: value.object = hash_copy(value.object); break;
    }
    return value;
}

struct entry *db_copy(struct db *from, const struct entry *e, struct db *to, struct slice key)
{
    assert(from != to || !slice_equal(entry_text(e), key));
    struct value value = copy_value(from->ks, e);
    return link_over(to, entry_new(to->ks, key, &value, entry_has(e, ENTRY_RAW) ? ENTRY_RAW : 0, entry_deadline(e)));
}

/* ---- deadlines ---- */

int64_t db_first_deadline(const struct db *db, struct entry **e)
{
    arena_ref ref = deadlines_first(&db->deadlines);
    struct entry *first = ref ? entry_at(db, ref) : NULL;
    if (e)
        *e = first;
    return first ? entry_deadline(first) : DB_NO_DEADLINE;
}

int64_t db_average_ttl_ms(const struct db *db, int64_t now_ms)
{
    if (!db->deadlines.count)
        return 0;
    int64_t average = (int64_t)(db->deadlines.sum / (deadlines_sum)db->deadlines.count) - now_ms;
    return average > 0 ? average : 0;
}
