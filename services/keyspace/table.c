/* SPDX-License-Identifier: MIT
 * table: see table.h. */
#include "services/keyspace/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "services/keyspace/heap.h"

/* Sizes in a row: the size itself, and whether the bytes are elsewhere. */
#define SIZE_OUTSIDE (UINT32_C(1) << 31)

struct row {
    uint32_t position;
    uint32_t key_size;
    uint32_t value_size; /* only where rows have values; else the key begins here */
};

static size_t head_size(const struct table *t)
{
    return t->values ? sizeof(struct row) : offsetof(struct row, value_size);
}

uint64_t member_hash(struct slice member, uint64_t hash_key)
{
    return index_spread(XXH3_64bits_withSeed(member.base, member.size, hash_key));
}

/* ---- parts of a row: a key or a value, inside or outside ---- */

static uint32_t part_size_word(size_t size)
{
    return (uint32_t)size | (size > TABLE_INLINE_MAX ? SIZE_OUTSIDE : 0);
}

/* Bytes that a part takes in its row. */
static size_t part_room(uint32_t word)
{
    return word & SIZE_OUTSIDE ? sizeof(char *) : word;
}

static struct slice part_read(const char *at, uint32_t word)
{
    if (!(word & SIZE_OUTSIDE))
        return slice_of(at, word);
    char *block;
    memcpy(&block, at, sizeof block);
    return slice_of(block, word & ~SIZE_OUTSIDE);
}

static void part_write(struct table *t, char *at, struct slice bytes)
{
    if (bytes.size <= TABLE_INLINE_MAX) {
        if (bytes.size)
            memmove(at, bytes.base, bytes.size);
        return;
    }
    char *block = heap_alloc(bytes.size);
    memcpy(block, bytes.base, bytes.size);
    memcpy(at, &block, sizeof block);
    t->heap_bytes += heap_cost(bytes.size);
}

static void part_free(struct table *t, const char *at, uint32_t word)
{
    if (!(word & SIZE_OUTSIDE))
        return;
    struct slice bytes = part_read(at, word);
    t->heap_bytes -= heap_cost(bytes.size);
    free((char *)(uintptr_t)bytes.base);
}

static const char *key_at(const struct table *t, const struct row *row)
{
    return (const char *)row + head_size(t);
}

static const char *value_at(const struct table *t, const struct row *row)
{
    return key_at(t, row) + part_room(row->key_size);
}

static size_t row_size(const struct table *t, const struct row *row)
{
    return head_size(t) + part_room(row->key_size) + (t->values ? part_room(row->value_size) : 0);
}

struct slice table_key(const struct table *t, arena_ref ref)
{
    const struct row *row = arena_at(t->arena, ref);
    return part_read(key_at(t, row), row->key_size);
}

struct slice table_value(const struct table *t, arena_ref ref)
{
    assert(t->values);
    const struct row *row = arena_at(t->arena, ref);
    return part_read(value_at(t, row), row->value_size);
}

/* ---- lookup ---- */

struct lookup {
    const struct table *table;
    struct slice key;
};

static bool row_has_key(const void *context, const void *object)
{
    const struct lookup *lookup = context;
    const struct row *row = object;
    if ((row->key_size & ~SIZE_OUTSIDE) != lookup->key.size)
        return false;
    return slice_equal(part_read(key_at(lookup->table, row), row->key_size), lookup->key);
}

static uint64_t rehash(const void *context, arena_ref ref)
{
    const struct table *t = context;
    return table_hash(t, table_key(t, ref));
}

arena_ref table_find(const struct table *t, struct slice key, uint64_t hash)
{
    struct lookup lookup = {t, key};
    return index_find(&t->index, t->arena, hash, row_has_key, &lookup);
}

/* ---- the whole ---- */

void table_init(struct table *t, struct arena *arena, uint64_t hash_key, bool values)
{
    *t = (struct table){.arena = arena, .hash_key = hash_key, .values = values};
}

static void row_free(struct table *t, arena_ref ref)
{
    struct row *row = arena_at(t->arena, ref);
    size_t size = row_size(t, row);
    part_free(t, key_at(t, row), row->key_size);
    if (t->values)
        part_free(t, value_at(t, row), row->value_size);
    t->arena_bytes -= arena_rounded(size);
    arena_release(t->arena, ref, size);
}

void table_deinit(struct table *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        row_free(t, t->rows[i]);
    index_free(&t->index, t->arena);
    free(t->rows);
    *t = (struct table){0};
}

void table_copy(struct table *to, const struct table *from)
{
    table_init(to, from->arena, from->hash_key, from->values);
    for (uint32_t i = 0; i < from->count; i++) {
        arena_ref ref = from->rows[i];
        struct slice key = table_key(from, ref);
        table_add(to, key, table_hash(to, key), from->values ? table_value(from, ref) : (struct slice){0});
    }
}

size_t table_memory(const struct table *t)
{
    return heap_cost(sizeof *t) + heap_cost(t->capacity * sizeof *t->rows) + t->arena_bytes + t->heap_bytes +
           index_memory(&t->index);
}

/* ---- changes ---- */

/* Room for a quarter more than there is: memory counts here more than the copies, which realloc mostly avoids. */
static void resize_rows(struct table *t)
{
    t->capacity = t->count + t->count / 4 + 16;
    t->rows = heap_resize(t->rows, t->capacity * sizeof *t->rows);
}

static arena_ref row_new(struct table *t, uint32_t position, struct slice key, struct slice value)
{
    struct row head = {position, part_size_word(key.size), part_size_word(value.size)};
    size_t size = row_size(t, &head);
    arena_ref ref = arena_alloc(t->arena, size);
    struct row *row = arena_at(t->arena, ref);
    memcpy(row, &head, head_size(t));
    part_write(t, (char *)row + head_size(t), key);
    if (t->values)
        part_write(t, (char *)row + head_size(t) + part_room(head.key_size), value);
    t->arena_bytes += arena_rounded(size);
    return ref;
}

void table_add(struct table *t, struct slice key, uint64_t hash, struct slice value)
{
    assert(key.size < SIZE_OUTSIDE && value.size < SIZE_OUTSIDE);
    arena_ref ref = row_new(t, t->count, key, value);
    if (t->count == t->capacity)
        resize_rows(t);
    t->rows[t->count++] = ref;
    index_insert(&t->index, t->arena, hash, ref, rehash, t);
}

void table_set_value(struct table *t, arena_ref ref, uint64_t hash, struct slice value)
{
    assert(t->values && value.size < SIZE_OUTSIDE);
    struct row *row = arena_at(t->arena, ref);
    uint32_t word = part_size_word(value.size);
    size_t size = row_size(t, row);
    size_t new_size = size - part_room(row->value_size) + part_room(word);
    if (arena_rounded(size) == arena_rounded(new_size) && !((row->value_size | word) & SIZE_OUTSIDE)) {
        part_write(t, (char *)(uintptr_t)value_at(t, row), value);
        row->value_size = word;
        return;
    }
    arena_ref moved = row_new(t, row->position, table_key(t, ref), value);
    t->rows[row->position] = moved;
    index_replace(&t->index, t->arena, hash, ref, moved);
    row_free(t, ref);
}

void table_remove(struct table *t, arena_ref ref, uint64_t hash)
{
    uint32_t hole = ((const struct row *)arena_at(t->arena, ref))->position;
    assert(hole < t->count && t->rows[hole] == ref);
    index_remove(&t->index, t->arena, hash, ref);
    row_free(t, ref);
    arena_ref last = t->rows[--t->count];
    if (hole != t->count) {
        t->rows[hole] = last;
        ((struct row *)arena_at(t->arena, last))->position = hole;
    }
    if (t->count < t->capacity / 2 && t->capacity > 64)
        resize_rows(t);
}
