/* SPDX-License-Identifier: MIT
 * generic_database: commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
 *
 * Emptying a database that is empty changes nothing, and is not logged. Whoever watches a key that goes, or that changes its database,
 * is told before it does. */
#include "redisd/commands/generic.h"

#include "redisd/blocked.h"
#include "redisd/redisd.h"
#include "redisd/transaction.h"

void generic_dbsize(struct call *c)
{
    resp_integer(c->reply, (int64_t)db_size(c->db));
}

/* SYNC and ASYNC are accepted and mean the same: a database is detached at once and freed piece by piece. */
static bool parse_flush_mode(struct call *c)
{
    if (c->argc == 1)
        return true;
    if (c->argc == 2 && (slice_equal_nocase(c->argv[1], SLICE("SYNC")) || slice_equal_nocase(c->argv[1], SLICE("ASYNC"))))
        return true;
    reply_syntax(c);
    return false;
}

/* True when there was something to remove. */
static bool flush_database(struct call *c, struct db *db)
{
    if (db_size(db) == 0)
        return false;
    watch_changed_database(c->server, db_number(db), call_now_ms(c));
    db_flush(db);
    return true;
}

void generic_flushdb(struct call *c)
{
    if (!parse_flush_mode(c))
        return;
    if (flush_database(c, c->db))
        effect_same(c);
    resp_ok(c->reply);
}

void generic_flushall(struct call *c)
{
    if (!parse_flush_mode(c))
        return;
    struct keyspace *ks = c->server->keyspace;
    for (int i = 0; i < keyspace_databases(ks); i++)
        if (flush_database(c, keyspace_db(ks, i)))
            effect_same(c);
    resp_ok(c->reply);
}

void generic_swapdb(struct call *c)
{
    struct keyspace *ks = c->server->keyspace;
    int64_t a, b;
    if (!parse_range_i64(c, c->argv[1], INT32_MIN, INT32_MAX, &a, "ERR invalid first DB index") ||
        !parse_range_i64(c, c->argv[2], INT32_MIN, INT32_MAX, &b, "ERR invalid second DB index"))
        return;
    int databases = keyspace_databases(ks);
    if (a < 0 || a >= databases || b < 0 || b >= databases) {
        reply_error(c, "ERR DB index is out of range");
        return;
    }
    if (a != b) {
        /* A watched key has changed when it exists on either side. */
        watch_changed_database(c->server, (int)a, call_now_ms(c));
        watch_changed_database(c->server, (int)b, call_now_ms(c));
        keyspace_swap(ks, (int)a, (int)b);
        watch_changed_database(c->server, (int)a, call_now_ms(c));
        watch_changed_database(c->server, (int)b, call_now_ms(c));
        blocked_database_ready(c->server->blocked, (int)a);
        blocked_database_ready(c->server->blocked, (int)b);
        effect_same(c);
    }
    resp_ok(c->reply);
}
