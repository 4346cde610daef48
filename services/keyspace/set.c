/* SPDX-License-Identifier: MIT
 * set: see set.h.
 *
 *      SET_INTEGERS  --- a text arrives --->  SET_PACKED  --- too many, too large --->  SET_LARGE
 *           \______________________ too many, or the text is too large ____________________/
 *
 * An encoding never goes back. Conversion appends in positional order, so positions survive it. */
#include "services/keyspace/set.h"

#include "kernel/prefetch.h"

#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/heap.h"
#include "services/keyspace/integer.h"
#include "services/keyspace/intset.h"
#include "services/keyspace/packed.h"
#include "services/keyspace/table.h"

enum set_form { SET_INTEGERS, SET_PACKED, SET_LARGE };

struct set {
    struct arena *arena;                  /* Borrowed */
    const struct keyspace_limits *limits; /* Borrowed */
    uint64_t hash_key;
    enum set_form form;
    union {
        struct intset integers;
        struct packed packed;
        struct table *table; /* Ours */
    };
};

/* ---- the whole ---- */

struct set *set_new(struct arena *arena, const struct keyspace_limits *limits, uint64_t hash_key)
{
    struct set *set = heap_alloc(sizeof *set);
    *set = (struct set){.arena = arena, .limits = limits, .hash_key = hash_key, .form = SET_INTEGERS};
    return set;
}

static void free_members(struct set *set)
{
    if (set->form == SET_INTEGERS) {
        intset_free(&set->integers);
    } else if (set->form == SET_PACKED) {
        packed_free(&set->packed);
    } else {
        table_deinit(set->table);
        free(set->table);
    }
}

void set_free(struct set *set)
{
    free_members(set);
    free(set);
}

struct set *set_copy(const struct set *set)
{
    struct set *copy = set_new(set->arena, set->limits, set->hash_key);
    copy->form = set->form;
    if (set->form == SET_INTEGERS) {
        intset_copy(&copy->integers, &set->integers);
    } else if (set->form == SET_PACKED) {
        copy->packed = (struct packed){0};
        packed_copy(&copy->packed, &set->packed);
    } else {
        copy->table = heap_alloc(sizeof *copy->table);
        table_copy(copy->table, set->table);
    }
    return copy;
}

size_t set_size(const struct set *set)
{
    if (set->form == SET_INTEGERS)
        return set->integers.count;
    return set->form == SET_PACKED ? set->packed.count : set->table->count;
}

size_t set_memory(const struct set *set)
{
    size_t memory = heap_cost(sizeof *set);
    if (set->form == SET_INTEGERS)
        return memory + intset_memory(&set->integers);
    return memory + (set->form == SET_PACKED ? packed_memory(&set->packed) : table_memory(set->table));
}

const char *set_encoding(const struct set *set)
{
    return set->form == SET_INTEGERS ? "intset" : set->form == SET_PACKED ? "listpack" : "hashtable";
}

/* ---- conversions ---- */

void set_make_packed(struct set *set)
{
    if (set->form != SET_INTEGERS)
        return;
    struct intset old = set->integers;
    set->form = SET_PACKED;
    set->packed = (struct packed){0};
    for (uint32_t i = 0; i < old.count; i++)
        packed_append_integer(&set->packed, intset_at(&old, i));
    intset_free(&old);
}

void set_make_large(struct set *set)
{
    if (set->form == SET_LARGE)
        return;
    struct table *table = heap_alloc(sizeof *table);
    table_init(table, set->arena, set->hash_key, false);
    size_t size = set_size(set);
    uint32_t offset = 0;
    for (size_t i = 0; i < size; i++) {
        struct item item;
        if (set->form == SET_PACKED)
            offset = packed_read(&set->packed, offset, &item);
        else
            set_at(set, i, &item);
        table_add(table, item_slice(&item), table_hash(table, item_slice(&item)), (struct slice){0});
    }
    free_members(set);
    set->form = SET_LARGE;
    set->table = table;
}

static size_t integers_max(const struct set *set)
{
    int64_t max = set->limits->set_max_intset_entries;
    return max < 0 ? 0 : max < INTSET_ENTRIES_MAX ? (size_t)max : INTSET_ENTRIES_MAX;
}

/* May a member that is new go into the packed form? */
static bool packed_accepts(const struct set *set, struct slice member)
{
    const struct keyspace_limits *limits = set->limits;
    return (int64_t)set_size(set) < limits->set_max_listpack_entries &&
           (int64_t)member.size <= limits->set_max_listpack_value &&
           (set->form != SET_PACKED || packed_size(&set->packed) + member.size < PACKED_BYTES_MAX);
}

/* Do all integers, as texts, respect the size limit for packed members? */
static bool integers_fit_packed(const struct set *set)
{
    int64_t max = set->limits->set_max_listpack_value;
    char text[INTEGER_TEXT_MAX];
    if (max >= INTEGER_TEXT_MAX)
        return true;
    for (uint32_t i = 0; i < set->integers.count; i++)
        if ((int64_t)integer_print(text, intset_at(&set->integers, i)) > max)
            return false;
    return true;
}

/* ---- members ---- */

static bool add_large(struct set *set, struct slice member)
{
    uint64_t hash = table_hash(set->table, member);
    if (table_find(set->table, member, hash))
        return false;
    table_add(set->table, member, hash, (struct slice){0});
    return true;
}

static bool add_packed(struct set *set, struct slice member)
{
    uint32_t offset = 0;
    if (packed_find(&set->packed, &offset, member, 0, NULL))
        return false;
    if (packed_accepts(set, member)) {
        packed_append(&set->packed, member);
        return true;
    }
    set_make_large(set);
    return add_large(set, member);
}

/* An empty set takes the form that suits its first member, a full one leaves for the large form: as Redis 7.2 does. */
static bool add_integer(struct set *set, struct slice member, int64_t value)
{
    uint32_t position;
    if (set->integers.count == 0 && integers_max(set) == 0) {
        set_make_packed(set);
        return add_packed(set, member);
    }
    if (intset_find(&set->integers, value, &position))
        return false;
    intset_append(&set->integers, value);
    if (set->integers.count > integers_max(set))
        set_make_large(set);
    return true;
}

bool set_add(struct set *set, struct slice member)
{
    if (set->form == SET_LARGE)
        return add_large(set, member);
    if (set->form == SET_PACKED)
        return add_packed(set, member);
    int64_t value;
    if (integer_parse(member.base, member.size, &value))
        return add_integer(set, member, value);
    if (packed_accepts(set, member) && integers_fit_packed(set)) {
        set_make_packed(set);
        packed_append(&set->packed, member);
        return true;
    }
    set_make_large(set);
    return add_large(set, member);
}

bool set_remove(struct set *set, struct slice member)
{
    if (set->form == SET_INTEGERS) {
        int64_t value;
        uint32_t position;
        if (!integer_parse(member.base, member.size, &value) || !intset_find(&set->integers, value, &position))
            return false;
        intset_remove_at(&set->integers, position);
        return true;
    }
    if (set->form == SET_PACKED) {
        uint32_t offset = 0;
        if (!packed_find(&set->packed, &offset, member, 0, NULL))
            return false;
        packed_fill_with_last(&set->packed, offset, 1);
        return true;
    }
    uint64_t hash = table_hash(set->table, member);
    arena_ref ref = table_find(set->table, member, hash);
    if (!ref)
        return false;
    table_remove(set->table, ref, hash);
    return true;
}

bool set_contains(const struct set *set, struct slice member)
{
    if (set->form == SET_LARGE)
        return table_find(set->table, member, table_hash(set->table, member)) != 0;
    uint32_t offset = 0;
    if (set->form == SET_PACKED)
        return packed_find(&set->packed, &offset, member, 0, NULL);
    int64_t value;
    return integer_parse(member.base, member.size, &value) && intset_find(&set->integers, value, &offset);
}

void set_at(const struct set *set, size_t position, struct item *item)
{
    assert(position < set_size(set));
    if (set->form == SET_INTEGERS) {
        item->base = item->scratch;
        item->size = integer_print(item->scratch, intset_at(&set->integers, (uint32_t)position));
    } else if (set->form == SET_PACKED) {
        packed_read(&set->packed, packed_offset(&set->packed, (uint32_t)position), item);
    } else {
        table_prefetch_row(set->table, position);
        struct slice member = table_key(set->table, set->table->rows[position]);
        item->base = member.base;
        item->size = member.size;
    }
}

uint64_t set_prefetch(const struct set *set, struct slice member)
{
    if (set->form != SET_LARGE) {
        prefetch(set->form == SET_INTEGERS ? set->integers.values : set->packed.bytes);
        return 0;
    }
    uint64_t hash = table_hash(set->table, member);
    table_prefetch(set->table, hash);
    return hash;
}

void set_prefetch_member(const struct set *set, uint64_t token)
{
    table_prefetch_candidates(set->table, token);
}

uint64_t set_scan(const struct set *set, uint64_t cursor, size_t count, set_visit_fn visit, void *context)
{
    struct item item;
    if (set->form == SET_LARGE) {
        size_t position = cursor && cursor < set->table->count ? (size_t)cursor : set->table->count;
        for (size_t visited = 0; position > 0 && (visited == 0 || visited < count); visited++) {
            set_at(set, --position, &item);
            visit(context, item_slice(&item));
        }
        return position;
    }
    size_t size = set_size(set);
    uint32_t offset = 0;
    for (size_t i = 0; i < size; i++) {
        if (set->form == SET_PACKED)
            offset = packed_read(&set->packed, offset, &item);
        else
            set_at(set, i, &item);
        visit(context, item_slice(&item));
    }
    return 0;
}
