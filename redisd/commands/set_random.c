/* SPDX-License-Identifier: MIT
 * set_random: SPOP and SRANDMEMBER: members chosen by chance.
 *
 * Members are chosen by position (set.h). When several are popped their positions are chosen first and removed from the highest
 * down: the last member fills the place of one removed, so a removal never changes what a lower position means. The log is told which
 * members went (SREM), not that chance took them. */
#include <stdlib.h>

#include "redisd/commands/collection.h"
#include "redisd/commands/set_commands.h"

/* Members named by one SREM in the log, as Redis batches them. */
#define SREM_BATCH_MAX ((size_t)1024)

static void spop_one(struct call *c, struct entry *e)
{
    struct slice key = c->argv[1];
    struct set *set = entry_set(e);
    struct item item;
    set_at(set, random_position(c, set_size(set)), &item);
    struct slice member = item_slice(&item);
    if (!call_reserve(c, key.size + member.size + 4))
        return;
    db_edit(c->db, e);
    EFFECT(c, SLICE("SREM"), key, member);
    resp_bulk(c->reply, member);
    set_remove(set, member);
    key_event(c, NOTIFY_SET, "spop", key);
    if (set_size(set) == 0)
        collection_remove(c, e, key);
    else
        key_changed(c, key);
}

static void reply_member(void *context, struct slice member)
{
    resp_bulk(context, member);
}

static void spop_all(struct call *c, struct entry *e)
{
    struct set *set = entry_set(e);
    resp_set(c->reply, set_size(set));
    set_scan(set, 0, set_size(set), reply_member, c->reply);
    EFFECT(c, SLICE("DEL"), c->argv[1]);
    key_event(c, NOTIFY_SET, "spop", c->argv[1]);
    collection_remove(c, e, c->argv[1]);
}

/* Bytes that the log needs to name the members at these positions. */
static size_t positions_bytes(const struct set *set, const size_t *positions, size_t count)
{
    size_t bytes = 0;
    struct item item;
    for (size_t i = 0; i < count; i++) {
        set_at(set, positions[i], &item);
        bytes += item.size + 8;
    }
    return bytes;
}

/* count < size: somebody stays. */
static void spop_some(struct call *c, struct entry *e, size_t count)
{
    struct slice key = c->argv[1];
    struct set *set = entry_set(e);
    struct item item;
    size_t *positions = random_positions(c, set_size(set), count);
    if (!call_reserve(c, positions_bytes(set, positions, count) + (key.size + 16) * (count / SREM_BATCH_MAX + 1)))
        goto done;
    db_edit(c->db, e);
    resp_set(c->reply, count);
    for (size_t i = 0; i < count; i++) {
        if (i % SREM_BATCH_MAX == 0) {
            size_t batch = count - i < SREM_BATCH_MAX ? count - i : SREM_BATCH_MAX;
            effect_begin(c, (int)batch + 2);
            effect_arg(c, SLICE("SREM"));
            effect_arg(c, key);
        }
        set_at(set, positions[i], &item);
        resp_bulk(c->reply, item_slice(&item));
        effect_arg(c, item_slice(&item));
        set_remove(set, item_slice(&item));
    }
    key_event(c, NOTIFY_SET, "spop", key);
    key_changed(c, key);
done:
    free(positions);
}

void set_spop(struct call *c)
{
    bool wrong = false, counted = c->argc == 3;
    int64_t count = 1;
    if (c->argc > 3) {
        reply_syntax(c);
        return;
    }
    if (counted && !parse_positive(c, c->argv[2], &count, NULL))
        return;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_SET, &wrong);
    if (wrong)
        return;
    if (!counted)
        e ? spop_one(c, e) : resp_null(c->reply);
    else if (!e || count == 0)
        resp_set(c->reply, 0);
    else if ((uint64_t)count >= set_size(entry_set(e)))
        spop_all(c, e);
    else
        spop_some(c, e, (size_t)count);
}

/* ---- SRANDMEMBER ---- */

static void reply_position(struct call *c, const struct set *set, size_t position)
{
    struct item item;
    set_at(set, position, &item);
    resp_bulk(c->reply, item_slice(&item));
}

static void reply_distinct(struct call *c, const struct set *set, size_t count)
{
    size_t size = set_size(set);
    if (count >= size) {
        resp_array(c->reply, size);
        set_scan(set, 0, size, reply_member, c->reply);
        return;
    }
    size_t *positions = random_positions(c, size, count);
    resp_array(c->reply, count);
    for (size_t i = 0; i < count; i++)
        reply_position(c, set, positions[i]);
    free(positions);
}

void set_srandmember(struct call *c)
{
    bool wrong = false;
    struct random_request request;
    if (!random_request_parse(c, (struct slice){0}, &request))
        return;
    struct entry *e = key_read_type(c, c->argv[1], VALUE_SET, &wrong);
    if (wrong)
        return;
    if (!e) {
        request.counted ? resp_array(c->reply, 0) : resp_null(c->reply);
        return;
    }
    const struct set *set = entry_set(e);
    if (request.counted && !request.repeat) {
        reply_distinct(c, set, request.count);
        return;
    }
    if (request.counted)
        resp_array(c->reply, request.count);
    for (size_t i = 0; i < request.count; i++)
        reply_position(c, set, random_position(c, set_size(set)));
}
