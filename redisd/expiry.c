/* SPDX-License-Identifier: MIT
 * expiry: removing keys whose deadline has passed, without anybody asking for them.
 *
 * The deadline map is ordered, so what is due is found at once and nothing is sampled. Each removal is a transaction of its own in the log (TX_EXPIRY): a
 * decision, made once; recovery and followers apply it and never look at a clock. */
#include "kernel/reactor.h"
#include "redisd/call.h"
#include "redisd/redisd.h"

static void expire_one(struct redisd *server, struct db *db, struct entry *e, int64_t now_us)
{
    struct tx_admission admission = redisd_admit(server, now_us);
    struct buffer *key = &server->scratch;
    key->size = 0;
    buffer_append_slice(key, entry_key(e));
    struct call c = {
        .server = server,
        .client = server->replayer,
        .db = db,
        .now_us = admission.time_us,
        .cmd_seq = admission.cmd_seq,
        .effects = &server->effects,
    };
    effects_reset(c.effects, db_number(db));
    EFFECT(&c, SLICE("DEL"), buffer_slice(key));
    key_remove(&c, e, buffer_slice(key));
    server->stats.expired_keys++;
    redisd_push_effects(server, TX_EXPIRY, c.effects, db_number(db), admission.cmd_seq, admission.time_us);
    key_event(&c, NOTIFY_EXPIRED, "expired", buffer_slice(key));
}

int redisd_expire_due(struct redisd *server, int max)
{
    int64_t now_us = reactor_wall_us(server->reactor);
    int done = 0;
    for (int i = 0; i < keyspace_databases(server->keyspace); i++) {
        struct db *db = keyspace_db(server->keyspace, i);
        struct entry *e;
        for (;;) {
            int64_t deadline = db_first_deadline(db, &e);
            if (deadline == DB_NO_DEADLINE || deadline > now_us / 1000)
                break;
            if (done == max || (server->log && txlog_reserve(server->log, entry_key(e).size + 64) < 0))
                return done;
            expire_one(server, db, e, now_us);
            done++;
        }
    }
    return done;
}
