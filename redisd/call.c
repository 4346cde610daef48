/* SPDX-License-Identifier: MIT
 * call: what handlers do with keys and effects (command.h). */
#include "redisd/call.h"

#include <assert.h>

#include "redisd/blocked.h"
#include "redisd/pubsub.h"
#include "redisd/redisd.h"
#include "redisd/transaction.h"

/* ---- keys ---- */

uint64_t key_hash(struct call *c, struct slice key)
{
    if (key.base == c->hashed_key.base && key.size == c->hashed_key.size)
        return c->hash;
    return db_hash(c->db, key);
}

/* A key is past its deadline: remove it as part of this transaction. The removal comes first in the delta, so that whatever the
 * command does finds the key gone on every replay. */
static void key_expire(struct call *c, struct entry *e, struct slice key)
{
    EFFECT(c, SLICE("DEL"), key);
    db_delete(c->db, e);
    c->server->stats.expired_keys++;
    key_changed(c, key);
    key_event(c, NOTIFY_EXPIRED, "expired", key);
}

static struct entry *key_lookup(struct call *c, struct slice key)
{
    struct entry *e = db_find_hashed(c->db, key, key_hash(c, key));
    if (e && !c->replaying && entry_expired(e, call_now_ms(c))) {
        if (!c->keep_expired)
            key_expire(c, e, key);
        return NULL;
    }
    return e;
}

struct entry *key_peek(struct call *c, struct slice key)
{
    struct entry *e = key_lookup(c, key);
    if (e)
        c->server->stats.keyspace_hits++;
    else
        c->server->stats.keyspace_misses++;
    return e;
}

struct entry *key_read(struct call *c, struct slice key)
{
    struct entry *e = key_peek(c, key);
    if (e && !client_has(c->client, CLIENT_NO_TOUCH))
        entry_touch(e, call_now_ms(c));
    return e;
}

struct entry *key_write(struct call *c, struct slice key)
{
    struct entry *e = key_lookup(c, key);
    if (e)
        entry_touch(e, call_now_ms(c));
    return e;
}

static struct entry *check_type(struct call *c, struct entry *e, enum value_type type, bool *wrong)
{
    *wrong = e && entry_type(e) != type;
    if (!*wrong)
        return e;
    reply_wrong_type(c);
    return NULL;
}

struct entry *key_read_type(struct call *c, struct slice key, enum value_type type, bool *wrong)
{
    return check_type(c, key_read(c, key), type, wrong);
}

struct entry *key_write_type(struct call *c, struct slice key, enum value_type type, bool *wrong)
{
    return check_type(c, key_write(c, key), type, wrong);
}

void key_changed_in(struct call *c, struct db *db, struct slice key)
{
    if (c->server->watched->keys.topics)
        watch_changed(c->server->watched, db_number(db), key);
}

void key_changed(struct call *c, struct slice key)
{
    key_changed_in(c, c->db, key);
}

void key_ready_in(struct call *c, struct db *db, struct slice key)
{
    if (c->server->blocked->keys.topics)
        blocked_key_ready(c->server->blocked, db_number(db), key);
}

void key_ready(struct call *c, struct slice key)
{
    key_ready_in(c, c->db, key);
}

void key_remove(struct call *c, struct entry *e, struct slice key)
{
    db_delete(c->db, e);
    key_changed(c, key);
}

void key_event_in(struct call *c, struct db *db, enum notify_class class, const char *event, struct slice key)
{
    if (!c->replaying && (c->server->config.notify_keyspace_events & class))
        pubsub_keyspace_event(c->server, db_number(db), event, key);
}

void key_event(struct call *c, enum notify_class class, const char *event, struct slice key)
{
    key_event_in(c, c->db, class, event, key);
}

/* ---- randomness and room ---- */

uint64_t call_random(struct call *c)
{
    /* splitmix64 from the transaction's seed: draw n is a function of the seed and n alone. */
    uint64_t seed = c->seeded ? c->seed : redisd_seed(c->server, c->cmd_seq);
    c->seed = seed;
    c->seeded = true;
    uint64_t z = seed + ++c->random_draws * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

bool call_reserve(struct call *c, size_t bytes)
{
    if (c->replaying || !c->server->log)
        return true;
    /* What the transaction has gathered so far goes into the same record. */
    int got = txlog_reserve(c->server->log, bytes + c->effects->delta.size + c->input_bytes);
    if (got == 0)
        return true;
    reply_log_refusal(c->reply, c->server, got);
    return false;
}

/* ---- effects ---- */

void effect_same(struct call *c)
{
    c->same = true;
}

/* Effects apply one after the other in the record's database; one that goes elsewhere is preceded by a SELECT. */
static void effect_select(struct effects *effects, int database)
{
    assert(effects->args_left == 0);
    if (effects->database == database)
        return;
    char digits[32];
    const struct slice select[] = {SLICE("SELECT"), slice_from_i64(digits, database)};
    argv_append(&effects->delta, select, 2);
    effects->database = database;
}

void effect_in(struct call *c, struct db *db, const struct slice *argv, int argc)
{
    effect_select(c->effects, db_number(db));
    argv_append(&c->effects->delta, argv, (size_t)argc);
    c->effects->count++;
}

void effect(struct call *c, const struct slice *argv, int argc)
{
    effect_in(c, c->db, argv, argc);
}

void effect_begin(struct call *c, int argc)
{
    struct effects *effects = c->effects;
    effect_select(effects, db_number(c->db));
    char *at = buffer_room(&effects->delta, VARINT_MAX);
    effects->delta.size += (size_t)(varint_put(at, (uint64_t)argc) - at);
    effects->args_left = argc;
    effects->count++;
}

void effect_arg(struct call *c, struct slice arg)
{
    struct effects *effects = c->effects;
    assert(effects->args_left > 0);
    effects->args_left--;
    char *at = buffer_room(&effects->delta, VARINT_MAX + arg.size);
    effects->delta.size += (size_t)(varint_put(at, arg.size) - at);
    buffer_append_slice(&effects->delta, arg);
}
