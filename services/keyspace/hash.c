/* SPDX-License-Identifier: MIT
 * hash: see hash.h.
 *
 *      packed:  | field | value | field | value | ...          large: a table (table.h) whose rows have values
 *
 * Fields past hash_max_listpack_entries, or a field or value past hash_max_listpack_value, turn the first into the second. */
#include "services/keyspace/hash.h"

#include "kernel/prefetch.h"

#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/heap.h"
#include "services/keyspace/packed.h"
#include "services/keyspace/table.h"

struct hash {
    struct arena *arena;                  /* Borrowed */
    const struct keyspace_limits *limits; /* Borrowed */
    uint64_t hash_key;
    struct table *table;                  /* Ours; NULL in the packed form */
    struct packed packed;                 /* pairs, in the packed form */
};

/* ---- the whole ---- */

struct hash *hash_new(struct arena *arena, const struct keyspace_limits *limits, uint64_t hash_key)
{
    struct hash *hash = heap_alloc(sizeof *hash);
    *hash = (struct hash){.arena = arena, .limits = limits, .hash_key = hash_key};
    return hash;
}

void hash_free(struct hash *hash)
{
    packed_free(&hash->packed);
    if (hash->table)
        table_deinit(hash->table);
    free(hash->table);
    free(hash);
}

struct hash *hash_copy(const struct hash *hash)
{
    struct hash *copy = hash_new(hash->arena, hash->limits, hash->hash_key);
    packed_copy(&copy->packed, &hash->packed);
    if (hash->table) {
        copy->table = heap_alloc(sizeof *copy->table);
        table_copy(copy->table, hash->table);
    }
    return copy;
}

size_t hash_size(const struct hash *hash)
{
    return hash->table ? hash->table->count : hash->packed.count / 2;
}

size_t hash_memory(const struct hash *hash)
{
    return heap_cost(sizeof *hash) + (hash->table ? table_memory(hash->table) : packed_memory(&hash->packed));
}

const char *hash_encoding(const struct hash *hash)
{
    return hash->table ? "hashtable" : "listpack";
}

const struct packed *hash_packed(const struct hash *hash)
{
    return hash->table ? NULL : &hash->packed;
}

void hash_make_large(struct hash *hash)
{
    if (hash->table)
        return;
    struct table *table = heap_alloc(sizeof *table);
    table_init(table, hash->arena, hash->hash_key, true);
    for (uint32_t offset = 0; offset < packed_size(&hash->packed);) {
        struct item field, value;
        offset = packed_read(&hash->packed, offset, &field);
        offset = packed_read(&hash->packed, offset, &value);
        table_add(table, item_slice(&field), table_hash(table, item_slice(&field)), item_slice(&value));
    }
    packed_free(&hash->packed);
    hash->table = table;
}

/* ---- fields ---- */

static bool set_large(struct hash *hash, struct slice field, struct slice value)
{
    uint64_t key = table_hash(hash->table, field);
    arena_ref ref = table_find(hash->table, field, key);
    if (ref)
        table_set_value(hash->table, ref, key, value);
    else
        table_add(hash->table, field, key, value);
    return !ref;
}

/* Sizes count before anything is written, the number of fields after: a full hash may still change its values. */
static bool packed_accepts(const struct hash *hash, struct slice field, struct slice value)
{
    int64_t max = hash->limits->hash_max_listpack_value;
    return (int64_t)field.size <= max && (int64_t)value.size <= max &&
           packed_size(&hash->packed) + field.size + value.size < PACKED_BYTES_MAX;
}

bool hash_set(struct hash *hash, struct slice field, struct slice value)
{
    if (!hash->table && !packed_accepts(hash, field, value))
        hash_make_large(hash);
    if (hash->table)
        return set_large(hash, field, value);
    uint32_t offset = 0;
    if (packed_find(&hash->packed, &offset, field, 1, NULL)) {
        packed_replace(&hash->packed, packed_next(&hash->packed, offset), value);
        return false;
    }
    packed_append(&hash->packed, field);
    packed_append(&hash->packed, value);
    if ((int64_t)hash_size(hash) > hash->limits->hash_max_listpack_entries)
        hash_make_large(hash);
    return true;
}

static void item_from_slice(struct item *item, struct slice bytes)
{
    item->base = bytes.base;
    item->size = bytes.size;
}

bool hash_get(const struct hash *hash, struct slice field, struct item *value)
{
    if (hash->table) {
        arena_ref ref = table_find(hash->table, field, table_hash(hash->table, field));
        if (ref)
            item_from_slice(value, table_value(hash->table, ref));
        return ref != 0;
    }
    uint32_t offset = 0;
    if (!packed_find(&hash->packed, &offset, field, 1, NULL))
        return false;
    packed_read(&hash->packed, packed_next(&hash->packed, offset), value);
    return true;
}

bool hash_remove(struct hash *hash, struct slice field)
{
    if (hash->table) {
        uint64_t key = table_hash(hash->table, field);
        arena_ref ref = table_find(hash->table, field, key);
        if (ref)
            table_remove(hash->table, ref, key);
        return ref != 0;
    }
    uint32_t offset = 0;
    if (!packed_find(&hash->packed, &offset, field, 1, NULL))
        return false;
    packed_erase(&hash->packed, offset, 2);
    return true;
}

/* The pair in row `position` of the large form. */
static void row_at(const struct hash *hash, size_t position, struct item *field, struct item *value)
{
    table_prefetch_row(hash->table, position);
    arena_ref ref = hash->table->rows[position];
    if (field)
        item_from_slice(field, table_key(hash->table, ref));
    if (value)
        item_from_slice(value, table_value(hash->table, ref));
}

/* The pair at `offset` of the packed form; returns the offset behind it. */
static uint32_t pair_at(const struct hash *hash, uint32_t offset, struct item *field, struct item *value)
{
    offset = field ? packed_read(&hash->packed, offset, field) : packed_next(&hash->packed, offset);
    return value ? packed_read(&hash->packed, offset, value) : packed_next(&hash->packed, offset);
}

void hash_at(const struct hash *hash, size_t position, struct item *field, struct item *value)
{
    assert(position < hash_size(hash));
    if (hash->table)
        row_at(hash, position, field, value);
    else
        pair_at(hash, packed_offset(&hash->packed, (uint32_t)position * 2), field, value);
}

uint64_t hash_prefetch(const struct hash *hash, struct slice field)
{
    if (!hash->table) {
        prefetch(hash->packed.bytes);
        return 0;
    }
    uint64_t token = table_hash(hash->table, field);
    table_prefetch(hash->table, token);
    return token;
}

void hash_prefetch_field(const struct hash *hash, uint64_t token)
{
    table_prefetch_candidates(hash->table, token);
}

/* ---- walks ---- */

void hash_walk_begin(const struct hash *hash, struct hash_walk *walk)
{
    *walk = (struct hash_walk){.hash = hash};
}

bool hash_walk_next(struct hash_walk *walk, struct item *field, struct item *value)
{
    const struct hash *hash = walk->hash;
    if (walk->position >= hash_size(hash))
        return false;
    if (hash->table)
        row_at(hash, walk->position, field, value);
    else
        walk->offset = pair_at(hash, (uint32_t)walk->offset, field, value);
    walk->position++;
    return true;
}

uint64_t hash_scan(const struct hash *hash, uint64_t cursor, size_t count, hash_visit_fn visit, void *context)
{
    struct item field, value;
    if (!hash->table) {
        struct hash_walk walk;
        hash_walk_begin(hash, &walk);
        while (hash_walk_next(&walk, &field, &value))
            visit(context, item_slice(&field), item_slice(&value));
        return 0;
    }
    size_t position = cursor && cursor < hash->table->count ? (size_t)cursor : hash->table->count;
    for (size_t visited = 0; position > 0 && (visited == 0 || visited < count); visited++) {
        row_at(hash, --position, &field, &value);
        visit(context, item_slice(&field), item_slice(&value));
    }
    return position;
}
