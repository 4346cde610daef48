/* SPDX-License-Identifier: MIT
 * generic_move: a value gets another key or another database: RENAME, RENAMENX, MOVE, COPY.
 *
 * Two keys are looked up, and looking up the second may remove it (its deadline has passed) and so end the first entry's validity:
 * therefore the source is found again, without further checks, once both are known to be what the command needs. */
#include "redisd/commands/generic.h"

#include "redisd/redisd.h"

bool generic_parse_database(struct call *c, struct slice text, const char *error, struct db **db)
{
    int64_t number;
    if (!parse_range_i64(c, text, INT32_MIN, INT32_MAX, &number, error))
        return false;
    if (number < 0 || number >= keyspace_databases(c->server->keyspace)) {
        reply_error(c, "ERR DB index is out of range");
        return false;
    }
    *db = keyspace_db(c->server->keyspace, (int)number);
    return true;
}

/* key_write in another database than the call's. */
static struct entry *key_write_in(struct call *c, struct db *db, struct slice key)
{
    struct db *own = c->db;
    c->db = db;
    struct entry *e = key_write(c, key);
    c->db = own;
    return e;
}

/* A key came into being with elements that somebody may be waiting for. */
static void key_arrived(struct call *c, struct db *db, struct slice key, enum value_type type)
{
    key_changed_in(c, db, key);
    if (type == VALUE_LIST || type == VALUE_ZSET)
        key_ready_in(c, db, key);
    key_event_in(c, db, NOTIFY_NEW, "new", key);
}

/* ---- RENAME ---- */

enum rename_result { RENAME_REFUSED, RENAME_EXISTS, RENAME_DONE };

static enum rename_result rename_key(struct call *c, bool replace)
{
    struct slice from = c->argv[1], to = c->argv[2];
    if (!key_write(c, from)) {
        reply_no_key(c);
        return RENAME_REFUSED;
    }
    if (slice_equal(from, to))
        return replace ? RENAME_DONE : RENAME_EXISTS;
    if (key_write(c, to) && !replace)
        return RENAME_EXISTS;
    struct entry *e = db_find(c->db, from);
    enum value_type type = entry_type(e);
    db_move(c->db, e, c->db, to);
    key_changed(c, from);
    key_arrived(c, c->db, to, type);
    key_event(c, NOTIFY_GENERIC, "rename_from", from);
    key_event(c, NOTIFY_GENERIC, "rename_to", to);
    effect_same(c);
    return RENAME_DONE;
}

void generic_rename(struct call *c)
{
    if (rename_key(c, true) == RENAME_DONE)
        resp_ok(c->reply);
}

void generic_renamenx(struct call *c)
{
    enum rename_result result = rename_key(c, false);
    if (result != RENAME_REFUSED)
        resp_integer(c->reply, result == RENAME_DONE);
}

/* ---- MOVE ---- */

void generic_move(struct call *c)
{
    struct slice key = c->argv[1];
    struct db *to;
    if (!generic_parse_database(c, c->argv[2], NULL, &to))
        return;
    if (to == c->db) {
        reply_error(c, "ERR source and destination objects are the same");
        return;
    }
    if (!key_write(c, key) || key_write_in(c, to, key)) {
        resp_integer(c->reply, 0);
        return;
    }
    struct entry *e = db_find(c->db, key);
    enum value_type type = entry_type(e);
    db_move(c->db, e, to, key);
    key_changed(c, key);
    key_arrived(c, to, key, type);
    key_event(c, NOTIFY_GENERIC, "move_from", key);
    key_event_in(c, to, NOTIFY_GENERIC, "move_to", key);
    effect_same(c);
    resp_integer(c->reply, 1);
}

/* ---- COPY ---- */

static bool parse_copy_options(struct call *c, struct db **to, bool *replace)
{
    for (int i = 3; i < c->argc; i++) {
        if (slice_equal_nocase(c->argv[i], SLICE("REPLACE"))) {
            *replace = true;
        } else if (slice_equal_nocase(c->argv[i], SLICE("DB")) && i + 1 < c->argc) {
            if (!generic_parse_database(c, c->argv[++i], NULL, to))
                return false;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

void generic_copy(struct call *c)
{
    struct slice from = c->argv[1], key = c->argv[2];
    struct db *to = c->db;
    bool replace = false;
    if (!parse_copy_options(c, &to, &replace))
        return;
    if (to == c->db && slice_equal(from, key)) {
        reply_error(c, "ERR source and destination objects are the same");
        return;
    }
    if (!key_read(c, from) || (key_write_in(c, to, key) && !replace)) {
        resp_integer(c->reply, 0);
        return;
    }
    const struct entry *e = db_find(c->db, from);
    enum value_type type = entry_type(e);
    entry_touch(db_copy(c->db, e, to, key), call_now_ms(c));
    key_arrived(c, to, key, type);
    key_event_in(c, to, NOTIFY_GENERIC, "copy_to", key);
    effect_same(c);
    resp_integer(c->reply, 1);
}
