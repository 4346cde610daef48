/* SPDX-License-Identifier: MIT
 * rdb_read: see rdb_read.h. Elements go into the collection through its ordinary calls, so a hostile file can at most make a
 * keyspace that a client could have made. A check without a target takes the same path and leaves those calls out. */
#include "services/keyspace/rdb_read.h"

#include <math.h>
#include <stdlib.h>

#include "services/keyspace/hash.h"
#include "services/keyspace/list.h"
#include "services/keyspace/packed.h"
#include "services/keyspace/rdb_format.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

enum { SCORE_TEXT_MAX = 256 }; /* bytes: a length in one byte; anything longer is no number */
enum { SCORE_NAN = 253, SCORE_INFINITE = 254, SCORE_NEGATIVE_INFINITE = 255 };

/* A collection in the making; one of the pointers is set, none when only checking. */
struct making {
    struct rdb_input *in;
    struct list *list;
    struct set *set;
    struct hash *hash;
    struct zset *zset;
    struct buffer first; /* Ours: the field or member, while its other half is read */
    uint64_t elements;   /* read, whether or not they are kept */
};

/* ---- scores ---- */

static bool parse_score(struct rdb_input *in, struct slice text, double *score)
{
    char copy[SCORE_TEXT_MAX];
    char *end;
    if (text.size == 0 || text.size >= sizeof(copy))
        return rdb_input_fail(in, "a score of %zu bytes", text.size);
    memcpy(copy, text.base, text.size);
    copy[text.size] = 0;
    *score = strtod(copy, &end);
    if (end != copy + text.size || isnan(*score))
        return rdb_input_fail(in, "a score is not a number");
    return true;
}

static bool take_score_text(struct rdb_input *in, double *score)
{
    uint8_t size;
    if (!rdb_take_byte(in, &size))
        return false;
    if (size == SCORE_NAN)
        return rdb_input_fail(in, "a score is not a number");
    if (size >= SCORE_INFINITE) {
        *score = size == SCORE_INFINITE ? INFINITY : -INFINITY;
        return true;
    }
    const char *at = rdb_take(in, size);
    return at && parse_score(in, slice_of(at, size), score);
}

static bool take_score(struct rdb_input *in, double *score)
{
    const char *at = rdb_take(in, sizeof(*score));
    if (!at)
        return false;
    memcpy(score, at, sizeof(*score));
    return !isnan(*score) || rdb_input_fail(in, "a score is not a number");
}

/* ---- elements one by one ---- */

/* Keep a text over the next read. */
static struct slice keep(struct making *m, struct slice text)
{
    m->first.size = 0;
    buffer_append_slice(&m->first, text);
    return buffer_slice(&m->first);
}

static bool read_list(struct making *m, uint64_t count)
{
    struct rdb_text text;
    for (; count; count--, m->elements++) {
        if (!rdb_take_text(m->in, &text))
            return false;
        if (m->list)
            list_push(m->list, LIST_TAIL, text.bytes);
    }
    return true;
}

static bool read_set(struct making *m, uint64_t count)
{
    struct rdb_text text;
    for (; count; count--, m->elements++) {
        if (!rdb_take_text(m->in, &text))
            return false;
        if (m->set)
            set_add(m->set, text.bytes);
    }
    return true;
}

static bool read_hash(struct making *m, uint64_t count)
{
    struct rdb_text text;
    for (; count; count--, m->elements++) {
        if (!rdb_take_text(m->in, &text))
            return false;
        struct slice field = keep(m, text.bytes);
        if (!rdb_take_text(m->in, &text))
            return false;
        if (m->hash)
            hash_set(m->hash, field, text.bytes);
    }
    return true;
}

static bool read_zset(struct making *m, uint64_t count, bool scores_are_text)
{
    struct rdb_text text;
    double score = 0;
    for (; count; count--, m->elements++) {
        if (!rdb_take_text(m->in, &text))
            return false;
        struct slice member = keep(m, text.bytes);
        if (!(scores_are_text ? take_score_text(m->in, &score) : take_score(m->in, &score)))
            return false;
        if (m->zset)
            zset_set(m->zset, member, score);
    }
    return true;
}

/* ---- elements in one text ---- */

/* The entries of the listpack that comes next. p is the caller's to free. */
static bool take_listpack(struct making *m, struct packed *p)
{
    struct rdb_text text;
    uint32_t total;
    uint16_t count;
    if (!rdb_take_text(m->in, &text))
        return false;
    if (text.bytes.size < LISTPACK_HEADER_SIZE + 1)
        return rdb_input_fail(m->in, "a listpack of %zu bytes", text.bytes.size);
    memcpy(&total, text.bytes.base, sizeof(total));
    memcpy(&count, text.bytes.base + sizeof(total), sizeof(count));
    struct slice entries = slice_of(text.bytes.base + LISTPACK_HEADER_SIZE, text.bytes.size - LISTPACK_HEADER_SIZE - 1);
    if (total != text.bytes.size || (uint8_t)entries.base[entries.size] != LISTPACK_END || packed_load(p, entries) ||
        (count != LISTPACK_COUNT_UNKNOWN && count != p->count))
        return rdb_input_fail(m->in, "a listpack is damaged");
    m->elements += p->count;
    return true;
}

static bool take_listpack_pairs(struct making *m, struct packed *p)
{
    return take_listpack(m, p) && (p->count % 2 == 0 || rdb_input_fail(m->in, "a listpack holds half a pair"));
}

static bool read_list_nodes(struct making *m, uint64_t nodes)
{
    uint64_t kind;
    while (nodes--) {
        struct packed p = {0};
        if (!rdb_take_size(m->in, &kind))
            return false;
        if (kind == RDB_NODE_PLAIN) {
            if (!read_list(m, 1))
                return false;
            continue;
        }
        bool ok = kind == RDB_NODE_PACKED ? take_listpack(m, &p) : rdb_input_fail(m->in, "a node of an unknown kind");
        if (ok && m->list && p.count)
            list_append_node(m->list, &p);
        packed_free(&p);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_set_listpack(struct making *m)
{
    struct packed p = {0};
    struct item item;
    bool ok = take_listpack(m, &p);
    for (uint32_t offset = 0; ok && m->set && offset < packed_size(&p);) {
        offset = packed_read(&p, offset, &item);
        set_add(m->set, item_slice(&item));
    }
    packed_free(&p);
    return ok;
}

static bool read_hash_listpack(struct making *m)
{
    struct packed p = {0};
    struct item field, value;
    bool ok = take_listpack_pairs(m, &p);
    for (uint32_t offset = 0; ok && m->hash && offset < packed_size(&p);) {
        offset = packed_read(&p, offset, &field);
        offset = packed_read(&p, offset, &value);
        hash_set(m->hash, item_slice(&field), item_slice(&value));
    }
    packed_free(&p);
    return ok;
}

static bool read_zset_listpack(struct making *m)
{
    struct packed p = {0};
    struct item member, text;
    bool ok = take_listpack_pairs(m, &p);
    for (uint32_t offset = 0; ok && offset < packed_size(&p);) {
        double score = 0;
        offset = packed_read(&p, offset, &member);
        offset = packed_read(&p, offset, &text);
        ok = parse_score(m->in, item_slice(&text), &score);
        if (ok && m->zset)
            zset_set(m->zset, item_slice(&member), score);
    }
    packed_free(&p);
    return ok;
}

static int64_t intset_at(const char *at, uint32_t width)
{
    uint64_t value = 0;
    memcpy(&value, at, width);
    unsigned unused = 64 - 8 * width;
    return (int64_t)(value << unused) >> unused;
}

static bool read_intset(struct making *m)
{
    struct rdb_text text;
    uint32_t width, count;
    if (!rdb_take_text(m->in, &text))
        return false;
    if (text.bytes.size < INTSET_HEADER_SIZE)
        return rdb_input_fail(m->in, "an intset of %zu bytes", text.bytes.size);
    memcpy(&width, text.bytes.base, sizeof(width));
    memcpy(&count, text.bytes.base + sizeof(width), sizeof(count));
    if ((width != 2 && width != 4 && width != 8) || text.bytes.size - INTSET_HEADER_SIZE != (uint64_t)count * width)
        return rdb_input_fail(m->in, "an intset is damaged");
    m->elements += count;
    for (uint32_t i = 0; i < count && m->set; i++) {
        char digits[INTEGER_TEXT_MAX];
        size_t size = integer_print(digits, intset_at(text.bytes.base + INTSET_HEADER_SIZE + (size_t)i * width, width));
        set_add(m->set, slice_of(digits, size));
    }
    return true;
}

/* ---- values ---- */

/* What the types mean; the ones without `readable` are told by name. */
static const struct {
    const char *name;
    enum value_type value;
    bool readable;
} types[] = {
    [RDB_TYPE_STRING] = {"string", VALUE_STRING, true},
    [RDB_TYPE_LIST] = {"list", VALUE_LIST, true},
    [RDB_TYPE_SET] = {"set", VALUE_SET, true},
    [RDB_TYPE_ZSET] = {"sorted set with scores as text", VALUE_ZSET, true},
    [RDB_TYPE_HASH] = {"hash", VALUE_HASH, true},
    [RDB_TYPE_ZSET_2] = {"sorted set", VALUE_ZSET, true},
    [6] = {.name = "module value, version 1"},
    [7] = {.name = "module value"},
    [8] = {.name = "value type 8"},
    [9] = {.name = "hash as zipmap (before Redis 2.6)"},
    [10] = {.name = "list as ziplist (before Redis 3.2)"},
    [RDB_TYPE_SET_INTSET] = {"set as intset", VALUE_SET, true},
    [12] = {.name = "sorted set as ziplist (before Redis 7)"},
    [13] = {.name = "hash as ziplist (before Redis 7)"},
    [14] = {.name = "list of ziplists (before Redis 7)"},
    [15] = {.name = "stream (Redis 5)"},
    [RDB_TYPE_HASH_LISTPACK] = {"hash as listpack", VALUE_HASH, true},
    [RDB_TYPE_ZSET_LISTPACK] = {"sorted set as listpack", VALUE_ZSET, true},
    [RDB_TYPE_LIST_QUICKLIST_2] = {"list of listpacks", VALUE_LIST, true},
    [19] = {.name = "stream (Redis 7.0)"},
    [RDB_TYPE_SET_LISTPACK] = {"set as listpack", VALUE_SET, true},
    [21] = {.name = "stream (Redis 7.2)"},
    [22] = {.name = "hash with deadlines of fields, early form"},
    [23] = {.name = "hash as listpack with deadlines of fields, early form"},
    [24] = {.name = "hash with deadlines of fields"},
    [25] = {.name = "hash as listpack with deadlines of fields"},
};

bool rdb_type_known(struct rdb_input *in, uint8_t type)
{
    if (type >= sizeof(types) / sizeof(types[0]))
        return rdb_input_fail(in, "value type %d is not known", type);
    if (!types[type].readable)
        return rdb_input_fail(in, "a %s cannot be read by this version", types[type].name);
    return true;
}

static bool read_string(struct rdb_input *in, struct rdb_target *target)
{
    struct rdb_text text;
    if (!rdb_take_text(in, &text))
        return false;
    if (!target->db)
        return true;
    if (text.is_integer)
        target->entry = db_set_integer(target->db, target->key, target->hash, text.integer, target->deadline_ms);
    else
        target->entry = db_set_string(target->db, target->key, target->hash, text.bytes, target->deadline_ms);
    /* Changing it to the size that it has is what makes a string "raw". */
    if (slice_equal(target->encoding, SLICE("raw")))
        db_string_resize(target->db, &target->entry, text.bytes.size);
    return true;
}

/* The large encodings are asked for while the collection is empty. */
static void making_begin(struct making *m, uint8_t type, struct rdb_target *target)
{
    enum value_type value = types[type].value;
    target->entry = db_add(target->db, target->key, target->hash, value);
    switch (value) {
    case VALUE_LIST:
        m->list = entry_list(target->entry);
        break;
    case VALUE_SET:
        m->set = entry_set(target->entry);
        break;
    case VALUE_HASH:
        m->hash = entry_hash(target->entry);
        if (type == RDB_TYPE_HASH && target->exact)
            hash_make_large(m->hash);
        break;
    default:
        m->zset = entry_zset(target->entry);
        if (type == RDB_TYPE_ZSET_2 && target->exact)
            zset_make_large(m->zset);
    }
}

static bool read_elements(struct making *m, uint8_t type)
{
    uint64_t count;
    switch (type) {
    case RDB_TYPE_SET_INTSET:
        return read_intset(m);
    case RDB_TYPE_SET_LISTPACK:
        return read_set_listpack(m);
    case RDB_TYPE_HASH_LISTPACK:
        return read_hash_listpack(m);
    case RDB_TYPE_ZSET_LISTPACK:
        return read_zset_listpack(m);
    }
    if (!rdb_take_size(m->in, &count))
        return false;
    switch (type) {
    case RDB_TYPE_LIST_QUICKLIST_2:
        return read_list_nodes(m, count);
    case RDB_TYPE_LIST:
        return read_list(m, count);
    case RDB_TYPE_SET:
        return read_set(m, count);
    case RDB_TYPE_HASH:
        return read_hash(m, count);
    default:
        return read_zset(m, count, type == RDB_TYPE_ZSET);
    }
}

static bool read_collection(struct rdb_input *in, uint8_t type, struct rdb_target *target)
{
    struct making m = {.in = in};
    if (target->db)
        making_begin(&m, type, target);
    bool ok = read_elements(&m, type);
    buffer_free(&m.first);
    target->empty = m.elements == 0;
    if (!target->db)
        return ok;
    if (!ok || target->empty) {
        db_delete(target->db, target->entry);
        target->entry = NULL;
        return ok;
    }
    if (m.list && slice_equal(target->encoding, SLICE("quicklist")))
        list_make_large(m.list);
    if (target->deadline_ms != DB_NO_DEADLINE)
        target->entry = db_set_deadline(target->db, target->entry, target->deadline_ms);
    return true;
}

bool rdb_read_value(struct rdb_input *in, uint8_t type, struct rdb_target *target)
{
    target->entry = NULL;
    target->empty = false;
    return types[type].value == VALUE_STRING ? read_string(in, target) : read_collection(in, type, target);
}
