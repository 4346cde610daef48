/* SPDX-License-Identifier: MIT
 * generic_dump: DUMP and RESTORE: a value as bytes that Redis, too, writes and reads (rdb.h).
 *
 * What RESTORE leaves in the log says the deadline as it is, not as so many milliseconds from now. */
#include "redisd/commands/generic.h"

#include "redisd/commands/deadline.h"
#include "services/keyspace/rdb.h"

struct restore_options {
    bool replace, absolute, idle, frequency;
};

void generic_dump(struct call *c)
{
    const struct entry *e = key_read(c, c->argv[1]);
    if (!e) {
        resp_null(c->reply);
        return;
    }
    struct buffer payload = {0};
    rdb_dump(e, &payload);
    resp_bulk(c->reply, buffer_slice(&payload));
    buffer_free(&payload);
}

/* The number behind IDLETIME or FREQ: checked, and without effect, since both are about eviction. */
static bool parse_usage(struct call *c, struct slice text, int64_t max, const char *error)
{
    int64_t value;
    if (!parse_i64(c, text, &value, NULL))
        return false;
    if (value >= 0 && value <= max)
        return true;
    reply_error(c, error);
    return false;
}

static bool parse_restore_options(struct call *c, struct restore_options *o)
{
    for (int i = 4; i < c->argc; i++) {
        struct slice word = c->argv[i];
        bool valued = i + 1 < c->argc;
        if (slice_equal_nocase(word, SLICE("REPLACE"))) {
            o->replace = true;
        } else if (slice_equal_nocase(word, SLICE("ABSTTL"))) {
            o->absolute = true;
        } else if (valued && !o->frequency && slice_equal_nocase(word, SLICE("IDLETIME"))) {
            if (!parse_usage(c, c->argv[++i], INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0"))
                return false;
            o->idle = true;
        } else if (valued && !o->idle && slice_equal_nocase(word, SLICE("FREQ"))) {
            if (!parse_usage(c, c->argv[++i], 255, "ERR Invalid FREQ value, must be >= 0 and <= 255"))
                return false;
            o->frequency = true;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* 0 means that the key stays. */
static bool parse_restore_deadline(struct call *c, bool absolute, int64_t *deadline_ms)
{
    int64_t ttl_ms;
    if (!parse_i64(c, c->argv[2], &ttl_ms, NULL))
        return false;
    if (ttl_ms < 0 || (ttl_ms && !absolute && __builtin_add_overflow(ttl_ms, call_now_ms(c), &ttl_ms))) {
        reply_error(c, "ERR Invalid TTL value, must be >= 0");
        return false;
    }
    *deadline_ms = ttl_ms ? ttl_ms : DB_NO_DEADLINE;
    return true;
}

static void restore_effect(struct call *c, int64_t deadline_ms, const struct restore_options *o)
{
    char digits[32];
    if (deadline_ms == DB_NO_DEADLINE || o->absolute)
        effect_same(c);
    else if (o->replace)
        EFFECT(c, SLICE("RESTORE"), c->argv[1], slice_from_i64(digits, deadline_ms), c->argv[3], SLICE("ABSTTL"), SLICE("REPLACE"));
    else
        EFFECT(c, SLICE("RESTORE"), c->argv[1], slice_from_i64(digits, deadline_ms), c->argv[3], SLICE("ABSTTL"));
}

/* A value whose deadline is over already does not stay; what it replaced is gone. */
static void restore_nothing(struct call *c, struct entry *e, bool replaced)
{
    struct slice key = c->argv[1];
    db_delete(c->db, e);
    if (!replaced)
        return;
    key_changed(c, key);
    key_event(c, NOTIFY_GENERIC, "del", key);
    EFFECT(c, SLICE("DEL"), key);
}

static void restore_done(struct call *c, struct entry *e, int64_t deadline_ms, const struct restore_options *o)
{
    struct slice key = c->argv[1];
    entry_touch(e, call_now_ms(c));
    key_changed(c, key);
    if (entry_type(e) == VALUE_LIST || entry_type(e) == VALUE_ZSET)
        key_ready(c, key);
    key_event(c, NOTIFY_NEW, "new", key);
    key_event(c, NOTIFY_GENERIC, "restore", key);
    restore_effect(c, deadline_ms, o);
}

void generic_restore(struct call *c)
{
    struct restore_options options = {0};
    int64_t deadline_ms;
    if (!parse_restore_options(c, &options))
        return;
    bool replaced = key_write(c, c->argv[1]) != NULL;
    if (replaced && !options.replace) {
        reply_error(c, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!parse_restore_deadline(c, options.absolute, &deadline_ms))
        return;
    if (!rdb_payload_valid(c->argv[3])) {
        reply_error(c, "ERR DUMP payload version or checksum are wrong");
        return;
    }
    if (!call_reserve(c, c->argv[1].size + c->argv[3].size + DEADLINE_EFFECT_BYTES))
        return;
    struct entry *e = NULL;
    if (rdb_restore(c->db, c->argv[1], c->argv[3], deadline_ms, &e) < 0) {
        reply_error(c, "ERR Bad data format");
        return;
    }
    if (deadline_ms != DB_NO_DEADLINE && deadline_ms <= call_now_ms(c))
        restore_nothing(c, e, replaced);
    else
        restore_done(c, e, deadline_ms, &options);
    resp_ok(c->reply);
}
