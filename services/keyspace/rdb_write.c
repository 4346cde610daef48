/* SPDX-License-Identifier: MIT
 * rdb_write: the writing half of rdb.h. Everything goes to the end of the writer's buffer; between two elements of a value the
 * buffer may be given to the sink (spill), so that a huge value is never held twice. */
#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>

#include "services/keyspace/crc64.h"
#include "services/keyspace/digest.h"
#include "services/keyspace/entry.h"
#include "services/keyspace/hash.h"
#include "services/keyspace/integer.h"
#include "services/keyspace/list.h"
#include "services/keyspace/packed.h"
#include "services/keyspace/rdb.h"
#include "services/keyspace/rdb_format.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

/* ---- the writer ---- */

void rdb_writer_init(struct rdb_writer *w, rdb_sink_fn sink, void *context)
{
    *w = (struct rdb_writer){.sink = sink, .context = context, .selected = -1};
}

void rdb_writer_deinit(struct rdb_writer *w)
{
    buffer_free(&w->buffer);
}

int rdb_writer_drain(struct rdb_writer *w)
{
    if (!w->error && w->buffer.size) {
        w->crc = crc64(w->crc, w->buffer.base, w->buffer.size);
        w->bytes += w->buffer.size;
        w->error = w->sink(w->context, w->buffer.base, w->buffer.size);
    }
    w->buffer.size = 0;
    /* One huge image, written held, shall not keep its memory for the rest of the file. */
    if (w->buffer.capacity > 16 * RDB_PIECE)
        buffer_free(&w->buffer);
    return w->error;
}

static void spill(struct rdb_writer *w)
{
    if (!w->held && w->buffer.size >= RDB_PIECE)
        rdb_writer_drain(w);
}

/* ---- sizes and texts ---- */

static void put_byte(struct rdb_writer *w, int byte)
{
    buffer_append_char(&w->buffer, (char)byte);
}

static void put_size(struct rdb_writer *w, uint64_t size)
{
    uint8_t *to = (uint8_t *)buffer_room(&w->buffer, 9);
    if (size < 64) {
        to[0] = (uint8_t)size;
        w->buffer.size += 1;
    } else if (size < 16384) {
        to[0] = (uint8_t)(0x40 | size >> 8);
        to[1] = (uint8_t)size;
        w->buffer.size += 2;
    } else if (size <= UINT32_MAX) {
        uint32_t big = htonl((uint32_t)size);
        to[0] = 0x80;
        memcpy(to + 1, &big, sizeof(big));
        w->buffer.size += 5;
    } else {
        uint64_t big = htobe64(size);
        to[0] = 0x81;
        memcpy(to + 1, &big, sizeof(big));
        w->buffer.size += 9;
    }
}

static void put_bytes(struct rdb_writer *w, struct slice bytes)
{
    put_size(w, bytes.size);
    buffer_append_slice(&w->buffer, bytes);
}

/* An integer of up to 32 bits takes two to five bytes; larger ones are written as their text. */
static bool put_integer(struct rdb_writer *w, int64_t value)
{
    if (value != (int32_t)value)
        return false;
    unsigned width = value == (int8_t)value ? 1 : value == (int16_t)value ? 2 : 4;
    char *to = buffer_room(&w->buffer, 5);
    to[0] = (char)(RDB_TEXT_INT8 + width / 2);
    memcpy(to + 1, &value, width);
    w->buffer.size += 1 + width;
    return true;
}

static void put_text(struct rdb_writer *w, struct slice text)
{
    int64_t integer;
    if (text.size <= strlen("-2147483648") && integer_parse(text.base, text.size, &integer) && put_integer(w, integer))
        return;
    put_bytes(w, text);
}

static void put_item(struct rdb_writer *w, const struct item *item)
{
    put_text(w, item_slice(item));
    spill(w);
}

static void put_listpack(struct rdb_writer *w, const struct packed *packed)
{
    struct slice entries = packed_slice(packed);
    uint32_t total = (uint32_t)(LISTPACK_HEADER_SIZE + entries.size + 1);
    uint16_t count = packed->count < LISTPACK_COUNT_UNKNOWN ? (uint16_t)packed->count : LISTPACK_COUNT_UNKNOWN;
    put_size(w, total);
    buffer_append(&w->buffer, &total, sizeof(total));
    buffer_append(&w->buffer, &count, sizeof(count));
    buffer_append_slice(&w->buffer, entries);
    put_byte(w, LISTPACK_END);
    spill(w);
}

/* ---- values ---- */

static void put_string(struct rdb_writer *w, const struct entry *e)
{
    struct item item;
    int64_t integer;
    if (entry_integer(e, &integer) && put_integer(w, integer))
        return;
    entry_string(e, &item);
    put_bytes(w, item_slice(&item));
}

/* Nodes come back as they are, even one that holds a single large element: where they end decides what a later change does. */
static void put_list(struct rdb_writer *w, const struct list *list)
{
    const void *node = NULL;
    const struct packed *entries;
    put_size(w, list_nodes(list));
    while ((entries = list_node_next(list, &node))) {
        put_size(w, RDB_NODE_PACKED);
        put_listpack(w, entries);
    }
}

static void put_set(struct rdb_writer *w, const struct set *set)
{
    struct item item;
    size_t n = set_size(set);
    put_size(w, n);
    for (size_t i = 0; i < n; i++) {
        set_at(set, i, &item);
        put_item(w, &item);
    }
}

static void put_hash(struct rdb_writer *w, const struct hash *hash)
{
    struct hash_walk walk;
    struct item field, value;
    if (hash_packed(hash)) {
        put_listpack(w, hash_packed(hash));
        return;
    }
    put_size(w, hash_size(hash));
    hash_walk_begin(hash, &walk);
    while (hash_walk_next(&walk, &field, &value)) {
        put_item(w, &field);
        put_item(w, &value);
    }
}

static void put_zset(struct rdb_writer *w, const struct zset *zset)
{
    struct zset_walk walk;
    struct item member;
    double score;
    if (zset_packed(zset)) {
        put_listpack(w, zset_packed(zset));
        return;
    }
    put_size(w, zset_size(zset));
    zset_walk_begin(zset, &walk, 0, false);
    while (zset_walk_next(&walk, &member, &score)) {
        put_item(w, &member);
        buffer_append(&w->buffer, &score, sizeof(score));
    }
}

static int type_of(const struct entry *e)
{
    switch (entry_header_type(e)) {
    case VALUE_STRING:
        return RDB_TYPE_STRING;
    case VALUE_LIST:
        return RDB_TYPE_LIST_QUICKLIST_2;
    case VALUE_SET:
        return RDB_TYPE_SET;
    case VALUE_HASH:
        return hash_packed(entry_hash(e)) ? RDB_TYPE_HASH_LISTPACK : RDB_TYPE_HASH;
    case VALUE_ZSET:
        return zset_packed(entry_zset(e)) ? RDB_TYPE_ZSET_LISTPACK : RDB_TYPE_ZSET_2;
    }
    assert(!"an entry has one of five types");
    return 0;
}

static void put_value(struct rdb_writer *w, const struct entry *e)
{
    switch (entry_header_type(e)) {
    case VALUE_STRING:
        put_string(w, e);
        break;
    case VALUE_LIST:
        put_list(w, entry_list(e));
        break;
    case VALUE_SET:
        put_set(w, entry_set(e));
        break;
    case VALUE_HASH:
        put_hash(w, entry_hash(e));
        break;
    case VALUE_ZSET:
        put_zset(w, entry_zset(e));
        break;
    }
}

/* ---- encodings that a type does not tell ---- */

/* The encoding that a set would have if it were built afresh within the format's own limits. */
static const char *set_expected(const struct set *set)
{
    size_t n = set_size(set);
    bool integers = n <= RDB_SET_INTSET_ENTRIES, small = n <= RDB_SET_LISTPACK_ENTRIES;
    for (size_t i = 0; i < n && (integers || small); i++) {
        struct item item;
        int64_t ignored;
        set_at(set, i, &item);
        integers = integers && integer_parse(item.base, item.size, &ignored);
        small = small && item.size <= RDB_SET_LISTPACK_VALUE;
    }
    return integers ? "intset" : small ? "listpack" : "hashtable";
}

/* One node is "listpack" unless the list was larger and has not shrunk enough since. */
static bool list_is_one_node(const struct list *list)
{
    const void *node = NULL;
    bool first = list_node_next(list, &node) != NULL;
    return !first || !list_node_next(list, &node);
}

static void put_encoding(struct rdb_writer *w, const struct entry *e)
{
    const char *encoding = NULL;
    if (entry_header_type(e) == VALUE_STRING) {
        encoding = entry_has(e, ENTRY_RAW) && entry_string_size(e) <= ENTRY_EMBEDDED_MAX ? "raw" : NULL;
    } else if (entry_header_type(e) == VALUE_SET) {
        const char *is = set_encoding(entry_set(e));
        encoding = strcmp(is, set_expected(entry_set(e))) ? is : NULL;
    } else if (entry_header_type(e) == VALUE_LIST) {
        const char *is = list_encoding(entry_list(e));
        encoding = strcmp(is, "quicklist") == 0 && list_is_one_node(entry_list(e)) ? is : NULL;
    }
    if (encoding)
        rdb_write_aux(w, SLICE(RDB_AUX_ENCODING), slice_from_string(encoding));
}

/* ---- the file ---- */

void rdb_write_aux(struct rdb_writer *w, struct slice name, struct slice value)
{
    put_byte(w, RDB_AUX);
    put_text(w, name);
    put_text(w, value);
}

static void write_aux_number(struct rdb_writer *w, struct slice name, int64_t value)
{
    char text[INTEGER_TEXT_MAX];
    rdb_write_aux(w, name, slice_of(text, integer_print(text, value)));
}

void rdb_write_header(struct rdb_writer *w, const struct rdb_header *header)
{
    buffer_format(&w->buffer, RDB_MAGIC "%04d", RDB_VERSION);
    rdb_write_aux(w, SLICE("redis-ver"), SLICE("7.2.4"));
    write_aux_number(w, SLICE("redis-bits"), 64);
    write_aux_number(w, SLICE("ctime"), header->ctime_s);
    write_aux_number(w, SLICE("used-mem"), (int64_t)header->memory);
    rdb_write_aux(w, SLICE(RDB_AUX_FORMAT), SLICE("1"));
    for (size_t i = 0; i < header->aux_count; i++)
        rdb_write_aux(w, header->aux[i].name, header->aux[i].value);
}

static void select_database(struct rdb_writer *w, int number)
{
    if (w->selected == number)
        return;
    put_byte(w, RDB_SELECTDB);
    put_size(w, (uint64_t)number);
    w->selected = number;
}

void rdb_write_database(struct rdb_writer *w, int number, size_t keys, size_t deadlines)
{
    select_database(w, number);
    put_byte(w, RDB_RESIZEDB);
    put_size(w, keys);
    put_size(w, deadlines);
}

void rdb_write_entry(struct rdb_writer *w, int number, const struct entry *e)
{
    int64_t deadline_ms = entry_deadline(e);
    select_database(w, number);
    put_encoding(w, e);
    if (deadline_ms != DB_NO_DEADLINE) {
        put_byte(w, RDB_EXPIRETIME_MS);
        buffer_append(&w->buffer, &deadline_ms, sizeof(deadline_ms));
    }
    put_byte(w, type_of(e));
    put_text(w, entry_text(e));
    put_value(w, e);
    spill(w);
}

int rdb_write_end(struct rdb_writer *w, const struct keyspace_digest *digest)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text(digest, text);
    rdb_write_aux(w, SLICE(RDB_AUX_DIGEST), slice_from_string(text));
    put_byte(w, RDB_EOF);
    if (rdb_writer_drain(w))
        return w->error;
    uint64_t crc = w->crc; /* the checksum covers all that came before itself */
    buffer_append(&w->buffer, &crc, sizeof(crc));
    return rdb_writer_drain(w);
}

static void save_database(struct rdb_writer *w, struct db *db, int number, struct keyspace_digest *digest)
{
    struct db_cursor cursor = {0};
    rdb_write_database(w, number, db_size(db), db_deadlines(db));
    db_seek(db, &cursor, SLICE(""));
    while (cursor.entry) {
        struct keyspace_digest part = digest_entry(number, cursor.entry);
        digest_add(digest, &part);
        rdb_write_entry(w, number, cursor.entry);
        db_next(&cursor);
    }
    db_cursor_free(&cursor);
}

int rdb_save(struct keyspace *ks, const struct rdb_header *header, rdb_sink_fn sink, void *context)
{
    struct rdb_writer w;
    struct keyspace_digest digest = {{0}};
    rdb_writer_init(&w, sink, context);
    rdb_write_header(&w, header);
    for (int i = 0; i < keyspace_databases(ks) && !w.error; i++)
        if (db_size(keyspace_db(ks, i)))
            save_database(&w, keyspace_db(ks, i), i, &digest);
    int error = rdb_write_end(&w, &digest);
    rdb_writer_deinit(&w);
    return error;
}

void rdb_dump(const struct entry *e, struct buffer *payload)
{
    struct rdb_writer w;
    size_t start = payload->size;
    uint16_t version = RDB_VERSION;
    rdb_writer_init(&w, NULL, NULL);
    w.held = true;
    w.buffer = *payload;
    put_byte(&w, type_of(e));
    put_value(&w, e);
    buffer_append(&w.buffer, &version, sizeof(version));
    uint64_t crc = crc64(0, w.buffer.base + start, w.buffer.size - start);
    buffer_append(&w.buffer, &crc, sizeof(crc));
    *payload = w.buffer;
}
