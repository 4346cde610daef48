/* SPDX-License-Identifier: MIT
 * hash_read: commands that return many fields of one hash: all of them, some by chance, some at a time. */
#include <stdlib.h>

#include "redisd/commands/collection.h"
#include "redisd/commands/hash_commands.h"

enum parts { FIELDS = 1, VALUES = 2 };

static void reply_all(struct call *c, enum parts parts)
{
    bool wrong = false;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (wrong)
        return;
    size_t size = hash ? hash_size(hash) : 0;
    if (parts == (FIELDS | VALUES))
        resp_map(c->reply, size);
    else
        resp_array(c->reply, size);
    if (!hash)
        return;
    struct hash_walk walk;
    struct item field, value;
    hash_walk_begin(hash, &walk);
    while (hash_walk_next(&walk, &field, &value)) {
        if (parts & FIELDS)
            resp_bulk(c->reply, item_slice(&field));
        if (parts & VALUES)
            resp_bulk(c->reply, item_slice(&value));
    }
}

void hash_hgetall(struct call *c)
{
    reply_all(c, FIELDS | VALUES);
}

void hash_hkeys(struct call *c)
{
    reply_all(c, FIELDS);
}

void hash_hvals(struct call *c)
{
    reply_all(c, VALUES);
}

/* ---- HRANDFIELD ---- */

/* Pairs are nested arrays in RESP3, and two elements of a flat one in RESP2. */
static void reply_header(struct call *c, size_t count, bool with_values)
{
    resp_array(c->reply, with_values && c->reply->protocol == 2 ? count * 2 : count);
}

static void reply_pair(struct call *c, const struct item *field, const struct item *value, bool with_value)
{
    if (with_value && c->reply->protocol > 2)
        resp_array(c->reply, 2);
    resp_bulk(c->reply, item_slice(field));
    if (with_value)
        resp_bulk(c->reply, item_slice(value));
}

static void reply_position(struct call *c, const struct hash *hash, size_t position, bool with_value)
{
    struct item field, value;
    hash_at(hash, position, &field, &value);
    reply_pair(c, &field, &value, with_value);
}

static void reply_distinct(struct call *c, const struct hash *hash, size_t count, bool with_values)
{
    size_t size = hash_size(hash);
    if (count >= size) {
        struct hash_walk walk;
        struct item field, value;
        reply_header(c, size, with_values);
        hash_walk_begin(hash, &walk);
        while (hash_walk_next(&walk, &field, &value))
            reply_pair(c, &field, &value, with_values);
        return;
    }
    size_t *positions = random_positions(c, size, count);
    reply_header(c, count, with_values);
    for (size_t i = 0; i < count; i++)
        reply_position(c, hash, positions[i], with_values);
    free(positions);
}

void hash_hrandfield(struct call *c)
{
    bool wrong = false;
    struct random_request request;
    if (!random_request_parse(c, SLICE("withvalues"), &request))
        return;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (wrong)
        return;
    if (!hash) {
        request.counted ? resp_array(c->reply, 0) : resp_null(c->reply);
        return;
    }
    if (request.counted && !request.repeat) {
        reply_distinct(c, hash, request.count, request.with);
        return;
    }
    if (request.counted)
        reply_header(c, request.count, request.with);
    for (size_t i = 0; i < request.count; i++)
        reply_position(c, hash, random_position(c, hash_size(hash)), request.with);
}

/* ---- HSCAN ---- */

static void scan_field(void *context, struct slice field, struct slice value)
{
    struct collection_scan *scan = context;
    if (!collection_scan_wants(scan, field))
        return;
    collection_scan_put(scan, field);
    collection_scan_put(scan, value);
}

void hash_hscan(struct call *c)
{
    bool wrong = false;
    uint64_t cursor;
    struct collection_scan scan;
    if (!parse_cursor(c, c->argv[2], &cursor))
        return;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (wrong)
        return;
    if (!hash) {
        collection_scan_nothing(c);
        return;
    }
    if (!collection_scan_begin(c, &scan, cursor))
        return;
    scan.cursor = hash_scan(hash, cursor, scan.count, scan_field, &scan);
    collection_scan_end(c, &scan);
}
