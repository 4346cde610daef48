/* SPDX-License-Identifier: MIT
 * state: random changes to a keyspace, and the question whether two keyspaces are the same in everything that can be seen. For the
 * tests of digests, RDB files and snapshots. */
#ifndef LOCUS_TESTS_KEYSPACE_STATE_H
#define LOCUS_TESTS_KEYSPACE_STATE_H

#include "services/keyspace/digest.h"
#include "services/keyspace/hash.h"
#include "services/keyspace/list.h"
#include "services/keyspace/rdb.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"
#include "tests/support.h"

enum { STATE_DATABASES = 4, STATE_TEXT_MAX = 160 };

static inline struct keyspace *state_new(void)
{
    struct keyspace_config config = {
        .databases = STATE_DATABASES,
        .hash_key = 77,
        /* Small limits, so that short histories cross them. */
        .limits = {.hash_max_listpack_entries = 8, .hash_max_listpack_value = 64, .list_max_listpack_size = -1,
                   .set_max_intset_entries = 12, .set_max_listpack_entries = 8, .set_max_listpack_value = 64,
                   .zset_max_listpack_entries = 8, .zset_max_listpack_value = 64},
    };
    struct keyspace *ks = keyspace_new(&config);
    assert_non_null(ks);
    return ks;
}

/* ---- random changes ---- */

/* Text of at most STATE_TEXT_MAX bytes: numbers, words, binary, now and then long. */
static inline struct slice state_text(struct test_random *random, char text[STATE_TEXT_MAX])
{
    uint64_t kind = test_random_below(random, 8), number = test_random_below(random, 40);
    if (kind < 3)
        return slice_of(text, (size_t)snprintf(text, STATE_TEXT_MAX, "%lld", (long long)number - 20));
    if (kind < 6)
        return slice_of(text, (size_t)snprintf(text, STATE_TEXT_MAX, "word:%llu", (unsigned long long)number));
    if (kind == 6)
        return slice_of(text, (size_t)snprintf(text, STATE_TEXT_MAX, "%lld", (long long)test_random_next(random)));
    size_t size = test_random_below(random, STATE_TEXT_MAX);
    memset(text, (int)number, size);
    return slice_of(text, size);
}

static inline struct entry *state_entry(struct db *db, struct slice key, enum value_type type)
{
    struct entry *e = db_find(db, key);
    if (e && entry_type(e) != type) {
        db_delete(db, e);
        e = NULL;
    }
    if (e)
        db_edit(db, e);
    return e ? e : db_add(db, key, db_hash(db, key), type);
}

static inline void state_change_string(struct db *db, struct slice key, struct test_random *random)
{
    char text[STATE_TEXT_MAX];
    struct entry *e = db_find(db, key);
    struct slice value = state_text(random, text);
    if (!e || entry_type(e) != VALUE_STRING || test_random_below(random, 2)) {
        int64_t deadline = test_random_below(random, 4) ? DB_NO_DEADLINE : (int64_t)test_random_below(random, 1000);
        db_set_string(db, key, db_hash(db, key), value, deadline);
    } else if (value.size) {
        size_t size = entry_string_size(e);
        memcpy(db_string_resize(db, &e, size + value.size) + size, value.base, value.size);
    }
}

static inline void state_change_list(struct db *db, struct slice key, struct test_random *random)
{
    char text[STATE_TEXT_MAX];
    struct entry *e = state_entry(db, key, VALUE_LIST);
    struct list *list = entry_list(e);
    for (uint64_t n = test_random_below(random, 60); n; n--)
        list_push(list, test_random_below(random, 2) ? LIST_HEAD : LIST_TAIL, state_text(random, text));
    size_t cut = list_length(list) ? (size_t)test_random_below(random, list_length(list)) : 0;
    list_erase(list, cut, (list_length(list) - cut) / 2);
    if (!list_length(list))
        list_push(list, LIST_TAIL, SLICE("only"));
}

static inline void state_change_set(struct db *db, struct slice key, struct test_random *random)
{
    char text[STATE_TEXT_MAX];
    struct set *set = entry_set(state_entry(db, key, VALUE_SET));
    bool integers = test_random_below(random, 2);
    for (uint64_t n = test_random_below(random, 12); n; n--)
        if (integers)
            set_add(set, slice_of(text, (size_t)sprintf(text, "%d", (int)test_random_below(random, 50))));
        else
            set_add(set, state_text(random, text));
    for (uint64_t n = test_random_below(random, 12); n; n--)
        set_remove(set, state_text(random, text));
    if (!set_size(set))
        set_add(set, SLICE("only"));
}

static inline void state_change_hash(struct db *db, struct slice key, struct test_random *random)
{
    char text[STATE_TEXT_MAX], value[STATE_TEXT_MAX];
    struct hash *hash = entry_hash(state_entry(db, key, VALUE_HASH));
    for (uint64_t n = test_random_below(random, 8); n; n--)
        hash_set(hash, state_text(random, text), state_text(random, value));
    for (uint64_t n = test_random_below(random, 8); n; n--)
        hash_remove(hash, state_text(random, text));
    if (!hash_size(hash))
        hash_set(hash, SLICE("only"), SLICE("one"));
}

static inline void state_change_zset(struct db *db, struct slice key, struct test_random *random)
{
    static const double scores[] = {0, 1, -3, 2.5, 1e300, 0.1, 9007199254740993.0, 0x1p63, 1.0 / 3};
    char text[STATE_TEXT_MAX];
    struct zset *zset = entry_zset(state_entry(db, key, VALUE_ZSET));
    for (uint64_t n = test_random_below(random, 8); n; n--)
        zset_set(zset, state_text(random, text), scores[test_random_below(random, sizeof(scores) / sizeof(scores[0]))]);
    for (uint64_t n = test_random_below(random, 6); n; n--)
        zset_remove(zset, state_text(random, text));
    if (!zset_size(zset))
        zset_set(zset, SLICE("only"), -__builtin_inf());
}

static inline struct slice state_key(struct test_random *random, char text[STATE_TEXT_MAX], uint64_t keys)
{
    return slice_of(text, (size_t)snprintf(text, STATE_TEXT_MAX, "k%llu", (unsigned long long)test_random_below(random, keys)));
}

/* One random change of one key; `keys` says among how many. */
static inline void state_change(struct keyspace *ks, struct test_random *random, uint64_t keys)
{
    char text[STATE_TEXT_MAX], other[STATE_TEXT_MAX];
    struct slice key = state_key(random, text, keys), target = state_key(random, other, keys);
    struct db *db = keyspace_db(ks, (int)test_random_below(random, STATE_DATABASES));
    struct db *to = keyspace_db(ks, (int)test_random_below(random, STATE_DATABASES));
    struct entry *e = db_find(db, key);
    switch (test_random_below(random, 16)) {
    case 0:
    case 1:
        if (e)
            db_delete(db, e);
        break;
    case 2:
        if (e)
            db_set_deadline(db, e, test_random_below(random, 3) ? (int64_t)test_random_below(random, 50) : DB_NO_DEADLINE);
        break;
    case 3:
        if (e && (db != to || !slice_equal(key, target)))
            db_move(db, e, to, target);
        break;
    case 4:
        if (e && (db != to || !slice_equal(key, target)))
            db_copy(db, e, to, target);
        break;
    case 5:
        if (e && entry_type(e) == VALUE_STRING && entry_integer(e, &(int64_t){0}))
            db_update_integer(db, e, (int64_t)test_random_below(random, 1000));
        break;
    case 6:
    case 7:
        state_change_list(db, key, random);
        break;
    case 8:
    case 9:
        state_change_set(db, key, random);
        break;
    case 10:
    case 11:
        state_change_hash(db, key, random);
        break;
    case 12:
    case 13:
        state_change_zset(db, key, random);
        break;
    default:
        state_change_string(db, key, random);
    }
}

/* ---- equality ---- */

static inline void state_print(void *context, struct slice bytes)
{
    struct buffer *out = context;
    buffer_format(out, " %zu:", bytes.size);
    buffer_append_slice(out, bytes);
}

static inline void state_print_pair(void *context, struct slice field, struct slice value)
{
    state_print(context, field);
    state_print(context, value);
}

static inline void state_print_score(void *context, struct slice member, double score)
{
    state_print(context, member);
    buffer_format(context, "=%.17g", score);
}

/* Everything that a client can find out about a value, in positional order, with the answers of SCAN. */
static inline void state_print_value(struct buffer *out, const struct entry *e)
{
    struct item item, value;
    uint64_t cursor = 0;
    if (entry_type(e) == VALUE_STRING) {
        entry_string(e, &item);
        state_print(out, item_slice(&item));
    } else if (entry_type(e) == VALUE_LIST) {
        struct list_walk walk;
        list_walk_begin(entry_list(e), &walk, 0, LIST_TAIL);
        while (list_walk_next(&walk, &item))
            state_print(out, item_slice(&item));
        buffer_format(out, " in %zu nodes", list_nodes(entry_list(e)));
    } else if (entry_type(e) == VALUE_SET) {
        for (size_t i = 0; i < set_size(entry_set(e)); i++) {
            set_at(entry_set(e), i, &item);
            state_print(out, item_slice(&item));
        }
        do {
            cursor = set_scan(entry_set(e), cursor, 3, state_print, out);
            buffer_format(out, " ->%llu", (unsigned long long)cursor);
        } while (cursor);
    } else if (entry_type(e) == VALUE_HASH) {
        struct hash_walk walk;
        hash_walk_begin(entry_hash(e), &walk);
        while (hash_walk_next(&walk, &item, &value))
            state_print_pair(out, item_slice(&item), item_slice(&value));
        do {
            cursor = hash_scan(entry_hash(e), cursor, 3, state_print_pair, out);
            buffer_format(out, " ->%llu", (unsigned long long)cursor);
        } while (cursor);
    } else {
        struct zset_walk walk;
        double score;
        zset_walk_begin(entry_zset(e), &walk, 0, false);
        while (zset_walk_next(&walk, &item, &score))
            state_print_score(out, item_slice(&item), score);
        do {
            cursor = zset_scan(entry_zset(e), cursor, 3, state_print_score, out);
            buffer_format(out, " ->%llu", (unsigned long long)cursor);
        } while (cursor);
    }
}

static inline void state_print_key(void *context, const struct entry *e)
{
    state_print(context, entry_key(e));
}

static inline void state_print_database(struct buffer *out, struct db *db)
{
    struct db_cursor cursor = {0};
    struct entry *first = NULL;
    uint64_t scan = 0;
    buffer_format(out, "database %d: %zu keys, %zu with deadlines, first %lld\n", db_number(db), db_size(db), db_deadlines(db),
                  (long long)db_first_deadline(db, &first));
    db_seek(db, &cursor, SLICE(""));
    while (cursor.entry) {
        state_print(out, entry_key(cursor.entry));
        buffer_format(out, " %s %s %lld:", entry_type_name(cursor.entry), entry_encoding_name(cursor.entry),
                      (long long)entry_deadline(cursor.entry));
        state_print_value(out, cursor.entry);
        buffer_append_char(out, '\n');
        db_next(&cursor);
    }
    db_cursor_free(&cursor);
    do {
        scan = db_scan(db, scan, 3, state_print_key, out);
        buffer_format(out, " ->%llu", (unsigned long long)scan);
    } while (scan);
    for (uint64_t seed = 0; seed < 8 && db_size(db); seed++)
        state_print(out, entry_key(db_random(db, seed)));
    buffer_append_char(out, '\n');
}

/* The state as a text: two keyspaces are the same when these are. */
static inline struct buffer state_describe(struct keyspace *ks)
{
    struct buffer out = {0};
    for (int i = 0; i < keyspace_databases(ks); i++)
        state_print_database(&out, keyspace_db(ks, i));
    return out;
}

/* Lines that differ, so that a failure can be read. */
static inline void state_assert_same(const struct buffer *is, const struct buffer *expected, uint64_t seed)
{
    size_t i = 0, line = 0;
    if (slice_equal(buffer_slice(is), buffer_slice(expected)))
        return;
    for (; i < is->size && i < expected->size && is->base[i] == expected->base[i]; i++)
        line = is->base[i] == '\n' ? i + 1 : line;
    const char *is_end = memchr(is->base + i, '\n', is->size - i), *expected_end = memchr(expected->base + i, '\n', expected->size - i);
    print_error("seed %llu: the state is\n  %.*s\nand should be\n  %.*s\n", (unsigned long long)seed,
                (int)((is_end ? is_end : is->base + is->size) - is->base - (ptrdiff_t)line), is->base + line,
                (int)((expected_end ? expected_end : expected->base + expected->size) - expected->base - (ptrdiff_t)line),
                expected->base + line);
    fail_msg("seed %llu", (unsigned long long)seed);
}

/* ---- files in memory ---- */

static inline int state_sink(void *context, const void *bytes, size_t size)
{
    buffer_append(context, bytes, size);
    return 0;
}

static inline struct buffer state_save(struct keyspace *ks)
{
    struct buffer file = {0};
    struct rdb_header header = {.ctime_s = 1700000000, .memory = 4096};
    assert_int_equal(rdb_save(ks, &header, state_sink, &file), 0);
    return file;
}

#endif
