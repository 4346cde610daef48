/* SPDX-License-Identifier: MIT
 * db_string: setting and changing string values.
 *
 * A value changes where it is when the arena object has room and not much of it would lie idle; so counters, and values whose
 * size varies little, never touch the index or the ordered map. Otherwise the entry is made anew and named anew.
 *
 *      set whole:   inline, or exactly sized in malloc          encoding "int", "embstr", "raw" by content
 *      resized:     inline while small, then in malloc with room to grow by half at a time; "raw" from then on */
#include <assert.h>

#include "services/keyspace/heap.h"
#include "services/keyspace/integer.h"
#include "services/keyspace/internal.h"

#define GROWN_INLINE_MAX ((size_t)256)     /* bytes: a string that grows beyond goes to malloc, where growing again is cheap */
#define GROWTH_MAX ((size_t)1 << 20)       /* bytes allocated ahead at most */
#define IDLE_MAX ((size_t)32)              /* bytes that may always lie idle in an entry */

/* Whether an entry of this size should stay in the arena object that it has. */
static bool stays(const struct db *db, const struct entry *e, size_t size)
{
    size_t room = arena_object_size(&db->ks->arena, entry_ref(db, e));
    return size <= room && (room - size <= IDLE_MAX || size >= room - room / 4);
}

/* The new value where the old one is, if it may stay there: a string in the entry itself, and a deadline or none as before. */
static bool overwrite(struct db *db, struct entry *e, const struct value *value, int64_t deadline_ms)
{
    enum entry_encoding old = entry_encoding(e);
    if (old != ENTRY_INLINE && old != ENTRY_INTEGER)
        return false;
    if (entry_has(e, ENTRY_HAS_DEADLINE) != (deadline_ms != DB_NO_DEADLINE))
        return false;
    size_t inline_size = value->encoding == ENTRY_INLINE ? value->bytes.size : 0;
    if (inline_size > entry_inline_max(e))
        return false;
    size_t offset = entry_value_offset(e);
    if (!stays(db, e, sizeof *e + offset + entry_value_field(value->encoding, inline_size)))
        return false;
    uint64_t changed = (uint64_t)15 << ENTRY_ENCODING_SHIFT | ENTRY_VALUE_MASK << ENTRY_VALUE_SHIFT |
                       (uint64_t)ENTRY_RAW << ENTRY_FLAGS_SHIFT;
    e->header = (e->header & ~changed) | entry_header(VALUE_STRING, value->encoding, 0, 0, inline_size);
    if (deadline_ms != DB_NO_DEADLINE)
        memcpy(e->bytes, &deadline_ms, sizeof deadline_ms);
    if (value->encoding == ENTRY_INTEGER)
        memcpy(e->bytes + offset, &value->integer, sizeof value->integer);
    else if (inline_size)
        memcpy(e->bytes + offset, value->bytes.base, inline_size);
    return true;
}

static struct entry *set_value(struct db *db, struct slice key, uint64_t hash, const struct value *value, int64_t deadline_ms)
{
    assert(deadline_ms >= DB_KEEP_DEADLINE);
    struct entry *e = db_find_hashed(db, key, hash);
    if (!e) {
        e = entry_new(db->ks, key, value, 0, deadline_ms == DB_KEEP_DEADLINE ? DB_NO_DEADLINE : deadline_ms);
        db_link(db, e, hash);
        return e;
    }
    before_change(db, e);
    int64_t old_deadline = entry_deadline(e);
    arena_ref ref = entry_ref(db, e);
    if (deadline_ms == DB_KEEP_DEADLINE)
        deadline_ms = old_deadline;
    if (!overwrite(db, e, value, deadline_ms)) {
        entry_free_value(db->ks, e);
        e = entry_remake(db->ks, e, value, 0, deadline_ms);
    }
    if (ref != entry_ref(db, e) || deadline_ms != old_deadline)
        db_relink(db, e, hash, ref, old_deadline);
    return e;
}

struct entry *db_set_string(struct db *db, struct slice key, uint64_t hash, struct slice value, int64_t deadline_ms)
{
    int64_t integer;
    if (value.size <= INTEGER_TEXT_MAX && integer_parse(value.base, value.size, &integer))
        return db_set_integer(db, key, hash, integer, deadline_ms);
    struct value bytes = {.type = VALUE_STRING, .encoding = ENTRY_INLINE, .bytes = value};
    return set_value(db, key, hash, &bytes, deadline_ms);
}

struct entry *db_set_integer(struct db *db, struct slice key, uint64_t hash, int64_t value, int64_t deadline_ms)
{
    struct value integer = {.type = VALUE_STRING, .encoding = ENTRY_INTEGER, .integer = value};
    return set_value(db, key, hash, &integer, deadline_ms);
}

void db_update_integer(struct db *db, struct entry *e, int64_t value)
{
    assert(entry_encoding(e) == ENTRY_INTEGER);
    before_change(db, e);
    memcpy(e->bytes + entry_value_offset(e), &value, sizeof value);
}

/* ---- resizing ---- */

static void remake(struct db *db, struct entry **e, const struct value *value)
{
    uint64_t hash = db_hash(db, entry_text(*e));
    int64_t deadline_ms = entry_deadline(*e);
    arena_ref ref = entry_ref(db, *e);
    *e = entry_remake(db->ks, *e, value, ENTRY_RAW, deadline_ms);
    db_relink(db, *e, hash, ref, deadline_ms);
}

/* Room for `size` bytes and for growing on. */
static size_t capacity_for(size_t size)
{
    size_t more = size / 2 < GROWTH_MAX ? size / 2 : GROWTH_MAX;
    return size + more + 16;
}

/* Make the string one in malloc, with what it holds. */
static void to_heap(struct db *db, struct entry **e, size_t size)
{
    struct item item;
    entry_string(*e, &item);
    struct value value = {.type = VALUE_STRING, .encoding = ENTRY_HEAP};
    heap_string_resize(db->ks, &value.heap, capacity_for(size > item.size ? size : item.size));
    memcpy(value.heap.base, item.base, item.size);
    value.heap.size = item.size;
    remake(db, e, &value);
}

static char *resize_heap(struct db *db, struct entry *e, size_t size)
{
    struct entry_heap_string string = entry_heap_string(e);
    if (size > string.capacity)
        heap_string_resize(db->ks, &string, capacity_for(size));
    if (size > string.size)
        memset(string.base + string.size, 0, size - string.size);
    string.size = size;
    memcpy(e->bytes + entry_value_offset(e), &string, sizeof string);
    return string.base;
}

static char *resize_inline(struct db *db, struct entry **e, size_t size)
{
    size_t old = entry_inline_size(*e), offset = entry_value_offset(*e);
    if (!stays(db, *e, sizeof **e + offset + size)) {
        char grown[ENTRY_VALUE_MASK];
        size_t kept = old < size ? old : size;
        memcpy(grown, (*e)->bytes + offset, kept);
        memset(grown + kept, 0, size - kept);
        struct value value = {.type = VALUE_STRING, .encoding = ENTRY_INLINE, .bytes = slice_of(grown, size)};
        remake(db, e, &value);
        return (*e)->bytes + offset;
    }
    if (size > old)
        memset((*e)->bytes + offset + old, 0, size - old);
    (*e)->header = ((*e)->header & ~(ENTRY_VALUE_MASK << ENTRY_VALUE_SHIFT)) | (uint64_t)size << ENTRY_VALUE_SHIFT;
    return (*e)->bytes + offset;
}

char *db_string_resize(struct db *db, struct entry **e, size_t size)
{
    assert(entry_header_type(*e) == VALUE_STRING && size <= DB_VALUE_MAX);
    before_change(db, *e);
    if (entry_encoding(*e) == ENTRY_INTEGER) {
        char text[INTEGER_TEXT_MAX];
        struct value value = {.type = VALUE_STRING, .encoding = ENTRY_INLINE};
        value.bytes = slice_of(text, integer_print(text, entry_value(*e).integer));
        remake(db, e, &value);
    }
    entry_mark_raw(*e);
    bool grows = size > entry_inline_size(*e);
    if (entry_encoding(*e) == ENTRY_INLINE && (grows ? size > GROWN_INLINE_MAX : size > entry_inline_max(*e)))
        to_heap(db, e, size);
    return entry_encoding(*e) == ENTRY_HEAP ? resize_heap(db, *e, size) : resize_inline(db, e, size);
}
