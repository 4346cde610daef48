/* SPDX-License-Identifier: MIT
 * entry: making, remaking and freeing entries (layout: entry.h), and what keyspace.h says about one entry. */
#include <assert.h>

#include "services/keyspace/hash.h"
#include "services/keyspace/heap.h"
#include "services/keyspace/integer.h"
#include "services/keyspace/internal.h"
#include "services/keyspace/list.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

/* ---- making ---- */

void heap_string_resize(struct keyspace *ks, struct entry_heap_string *string, size_t capacity)
{
    assert(capacity >= string->size && capacity > 0);
    ks->heap_bytes -= heap_cost(string->capacity);
    string->base = heap_resize(string->base, capacity);
    string->capacity = capacity;
    ks->heap_bytes += heap_cost(capacity);
}

/* Room for a value when header, deadline (whether there is one or not) and key are in. */
static size_t inline_max(size_t key_field)
{
    size_t taken = sizeof(struct entry) + sizeof(int64_t) + key_field;
    return ARENA_OBJECT_MAX - taken < ENTRY_VALUE_MASK ? ARENA_OBJECT_MAX - taken : ENTRY_VALUE_MASK;
}

size_t entry_inline_max(const struct entry *e)
{
    return inline_max(entry_value_offset(e) - entry_key_offset(e));
}

/* A string that the entry has no room for moves to malloc. */
static struct value settle(struct keyspace *ks, const struct value *value, size_t key_field)
{
    if (value->encoding != ENTRY_INLINE || value->bytes.size <= inline_max(key_field))
        return *value;
    struct value heap = {.type = value->type, .encoding = ENTRY_HEAP};
    heap_string_resize(ks, &heap.heap, value->bytes.size);
    memcpy(heap.heap.base, value->bytes.base, value->bytes.size);
    heap.heap.size = value->bytes.size;
    return heap;
}

static void store_value(char *field, const struct value *value)
{
    switch (value->encoding) {
    case ENTRY_INLINE:
        if (value->bytes.size)
            memmove(field, value->bytes.base, value->bytes.size);
        break;
    case ENTRY_INTEGER: memcpy(field, &value->integer, sizeof value->integer); break;
    case ENTRY_HEAP: memcpy(field, &value->heap, sizeof value->heap); break;
    case ENTRY_OBJECT: memcpy(field, &value->object, sizeof value->object); break;
    }
}

/* Allocate, and fill in everything but the key. */
static struct entry *build(struct keyspace *ks, unsigned flags, size_t key_bits, const struct value *value, int64_t deadline_ms)
{
    size_t key_field = flags & ENTRY_LONG_KEY ? sizeof(struct entry_long_key) : key_bits;
    struct value settled = settle(ks, value, key_field);
    size_t inline_size = settled.encoding == ENTRY_INLINE ? settled.bytes.size : 0;
    if (deadline_ms != DB_NO_DEADLINE)
        flags |= ENTRY_HAS_DEADLINE;
    size_t offset = (flags & ENTRY_HAS_DEADLINE ? sizeof deadline_ms : 0) + key_field;
    size_t size = sizeof(struct entry) + offset + entry_value_field(settled.encoding, inline_size);
    struct entry *e = arena_at(&ks->arena, arena_alloc(&ks->arena, size));
    e->header = entry_header(settled.type, settled.encoding, flags, key_bits, inline_size);
    if (flags & ENTRY_HAS_DEADLINE)
        memcpy(e->bytes, &deadline_ms, sizeof deadline_ms);
    store_value(e->bytes + offset, &settled);
    return e;
}

struct entry *entry_new(struct keyspace *ks, struct slice key, const struct value *value, unsigned flags, int64_t deadline_ms)
{
    if (key.size <= ENTRY_KEY_INLINE_MAX) {
        struct entry *e = build(ks, flags, key.size, value, deadline_ms);
        if (key.size)
            memcpy(e->bytes + entry_key_offset(e), key.base, key.size);
        return e;
    }
    struct entry_long_key text = {heap_alloc(key.size), key.size};
    memcpy(text.base, key.base, key.size);
    ks->heap_bytes += heap_cost(key.size);
    struct entry *e = build(ks, flags | ENTRY_LONG_KEY, 0, value, deadline_ms);
    memcpy(e->bytes + entry_key_offset(e), &text, sizeof text);
    return e;
}

struct entry *entry_remake(struct keyspace *ks, struct entry *old, const struct value *value, unsigned flags, int64_t deadline_ms)
{
    unsigned long_key = entry_has(old, ENTRY_LONG_KEY) ? ENTRY_LONG_KEY : 0;
    struct entry *e = build(ks, flags | long_key, entry_key_bits(old), value, deadline_ms);
    size_t field = entry_value_offset(old) - entry_key_offset(old);
    memcpy(e->bytes + entry_key_offset(e), old->bytes + entry_key_offset(old), field);
    e->header |= old->header & ENTRY_CLOCK_MASK << ENTRY_CLOCK_SHIFT;
    arena_ref ref = arena_ref_of(&ks->arena, old);
    arena_release(&ks->arena, ref, arena_object_size(&ks->arena, ref));
    return e;
}

/* ---- freeing ---- */

void entry_discard(struct keyspace *ks, struct entry *e)
{
    if (entry_has(e, ENTRY_LONG_KEY)) {
        struct slice key = entry_text(e);
        ks->heap_bytes -= heap_cost(key.size);
        free((char *)key.base);
    }
    arena_ref ref = arena_ref_of(&ks->arena, e);
    arena_release(&ks->arena, ref, arena_object_size(&ks->arena, ref));
}

void entry_free_value(struct keyspace *ks, const struct entry *e)
{
    if (entry_encoding(e) == ENTRY_HEAP) {
        struct entry_heap_string string = entry_heap_string(e);
        ks->heap_bytes -= heap_cost(string.capacity);
        free(string.base);
        return;
    }
    if (entry_encoding(e) != ENTRY_OBJECT)
        return;
    switch (entry_header_type(e)) {
    case VALUE_STRING: assert(!"a string is no object"); break;
    case VALUE_LIST: list_free(entry_object(e)); break;
    case VALUE_SET: set_free(entry_object(e)); break;
    case VALUE_ZSET: zset_free(entry_object(e)); break;
    case VALUE_HASH: hash_free(entry_object(e)); break;
    }
}

void entry_free(struct keyspace *ks, struct entry *e)
{
    entry_free_value(ks, e);
    entry_discard(ks, e);
}

/* ---- asking ---- */

struct value entry_value(const struct entry *e)
{
    struct value value = {.type = entry_header_type(e), .encoding = entry_encoding(e)};
    const char *field = e->bytes + entry_value_offset(e);
    switch (value.encoding) {
    case ENTRY_INLINE: value.bytes = slice_of(field, entry_inline_size(e)); break;
    case ENTRY_INTEGER: memcpy(&value.integer, field, sizeof value.integer); break;
    case ENTRY_HEAP: memcpy(&value.heap, field, sizeof value.heap); break;
    case ENTRY_OBJECT: memcpy(&value.object, field, sizeof value.object); break;
    }
    return value;
}

struct slice entry_key(const struct entry *e)
{
    return entry_text(e);
}

enum value_type entry_type(const struct entry *e)
{
    return entry_header_type(e);
}

int64_t entry_deadline(const struct entry *e)
{
    if (!entry_has(e, ENTRY_HAS_DEADLINE))
        return DB_NO_DEADLINE;
    int64_t deadline_ms;
    memcpy(&deadline_ms, e->bytes, sizeof deadline_ms);
    return deadline_ms;
}

const char *entry_type_name(const struct entry *e)
{
    static const char *const names[] = {"string", "list", "set", "zset", "hash"};
    return names[entry_header_type(e)];
}

const char *entry_encoding_name(const struct entry *e)
{
    switch (entry_header_type(e)) {
    case VALUE_STRING: break;
    case VALUE_LIST: return list_encoding(entry_object(e));
    case VALUE_SET: return set_encoding(entry_object(e));
    case VALUE_ZSET: return zset_encoding(entry_object(e));
    case VALUE_HASH: return hash_encoding(entry_object(e));
    }
    if (entry_encoding(e) == ENTRY_INTEGER)
        return "int";
    return entry_has(e, ENTRY_RAW) || entry_string_size(e) > ENTRY_EMBEDDED_MAX ? "raw" : "embstr";
}

static size_t value_memory(const struct entry *e)
{
    switch (entry_header_type(e)) {
    case VALUE_STRING: break;
    case VALUE_LIST: return list_memory(entry_object(e));
    case VALUE_SET: return set_memory(entry_object(e));
    case VALUE_ZSET: return zset_memory(entry_object(e));
    case VALUE_HASH: return hash_memory(entry_object(e));
    }
    return entry_encoding(e) == ENTRY_HEAP ? heap_cost(entry_heap_string(e).capacity) : 0;
}

size_t entry_memory(const struct entry *e, const struct db *db, size_t samples)
{
    (void)samples; /* sizes are known without sampling */
    const struct arena *arena = &db->ks->arena;
    size_t key = entry_has(e, ENTRY_LONG_KEY) ? heap_cost(entry_text(e).size) : 0;
    size_t keys = db->map.count ? db->map.count : 1;
    size_t structures = (index_memory(&db->index) + db->map.bytes) / keys; /* of a key in the index and the map, on average */
    return arena_object_size(arena, arena_ref_of(arena, e)) + structures + key + value_memory(e);
}

uint32_t entry_idle_s(const struct entry *e, int64_t now_ms)
{
    return (uint32_t)(((uint64_t)(now_ms / 1000) - (e->header >> ENTRY_CLOCK_SHIFT)) & ENTRY_CLOCK_MASK);
}

void entry_touch(struct entry *e, int64_t now_ms)
{
    uint64_t clock = (uint64_t)(now_ms / 1000) & ENTRY_CLOCK_MASK;
    e->header = (e->header & ~(ENTRY_CLOCK_MASK << ENTRY_CLOCK_SHIFT)) | clock << ENTRY_CLOCK_SHIFT;
}

void entry_string(const struct entry *e, struct item *item)
{
    assert(entry_header_type(e) == VALUE_STRING);
    if (__builtin_expect(entry_encoding(e) == ENTRY_INLINE, 1)) {
        item->base = e->bytes + entry_value_offset(e);
        item->size = entry_inline_size(e);
    } else if (entry_encoding(e) == ENTRY_INTEGER) {
        item->base = item->scratch;
        item->size = integer_print(item->scratch, entry_value(e).integer);
    } else {
        struct entry_heap_string string = entry_heap_string(e);
        item->base = string.base;
        item->size = string.size;
    }
}

size_t entry_string_size(const struct entry *e)
{
    if (entry_encoding(e) == ENTRY_INLINE)
        return entry_inline_size(e);
    struct item item;
    entry_string(e, &item);
    return item.size;
}

bool entry_integer(const struct entry *e, int64_t *value)
{
    if (entry_encoding(e) != ENTRY_INTEGER)
        return false;
    memcpy(value, e->bytes + entry_value_offset(e), sizeof *value);
    return true;
}

struct list *entry_list(const struct entry *e)
{
    assert(entry_header_type(e) == VALUE_LIST);
    return entry_object(e);
}

struct set *entry_set(const struct entry *e)
{
    assert(entry_header_type(e) == VALUE_SET);
    return entry_object(e);
}

struct hash *entry_hash(const struct entry *e)
{
    assert(entry_header_type(e) == VALUE_HASH);
    return entry_object(e);
}

struct zset *entry_zset(const struct entry *e)
{
    assert(entry_header_type(e) == VALUE_ZSET);
    return entry_object(e);
}
