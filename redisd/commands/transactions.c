/* SPDX-License-Identifier: MIT
 * transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH.
 *
 * EXEC is one transaction in the log: its input is the queue as it was sent, its delta what all its commands changed, its time
 * and seed the same for all of them. */
#include "redisd/call.h"
#include "redisd/redisd.h"
#include "redisd/transaction.h"

static void multi(struct call *c)
{
    if (transaction_is_open(c->client)) {
        reply_error(c, "ERR MULTI calls can not be nested");
        return;
    }
    transaction_of(c->client)->open = true;
    resp_ok(c->reply);
}

static void discard(struct call *c)
{
    if (!transaction_is_open(c->client)) {
        reply_error(c, "ERR DISCARD without MULTI");
        return;
    }
    transaction_end(c->client);
    resp_ok(c->reply);
}

static void watch(struct call *c)
{
    if (transaction_is_open(c->client)) {
        reply_error(c, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    /* A transaction that is stale already stays so; more keys cannot change it. A key past its deadline is watched as missing: its removal,
     * which is no change then, comes first. */
    for (int i = 1; i < c->argc && !transaction_of(c->client)->stale; i++) {
        const struct entry *e = db_find(c->db, c->argv[i]);
        if (e && entry_expired(e, call_now_ms(c)))
            key_write(c, c->argv[i]);
        watch_add(c->client, c->client->database, c->argv[i], call_now_ms(c));
    }
    resp_ok(c->reply);
}

static void unwatch(struct call *c)
{
    if (!transaction_is_open(c->client))
        transaction_end(c->client);
    resp_ok(c->reply);
}

/* Room for what the queue may write. When there is none, the reply says so as Redis does: the transaction is over, and why. */
static bool exec_reserve(struct call *c, const struct transaction *t)
{
    struct buffer *out = c->reply->out, why = {0};
    size_t start = out->size;
    if (!(t->flags_seen & CMD_WRITE) || call_reserve(c, c->input.size))
        return true;
    buffer_append(&why, out->base + start + 1, out->size - start - 3); /* without - and the line's end */
    out->size = start;
    resp_errorf(c->reply, "EXECABORT Transaction discarded because of: %.*s", (int)why.size, why.base);
    buffer_free(&why);
    return false;
}

/* Run the queue. It becomes the record's input, so it has to outlive the handler: the server keeps it until the next EXEC. The log's room for
 * the whole of it is asked for first: after that nothing can be refused. */
static void exec_run(struct call *c, struct transaction *t)
{
    struct buffer previous = c->server->exec_queue;
    c->server->exec_queue = t->queue;
    t->queue = previous; /* goes with the transaction */
    t->open = false;
    c->input = buffer_slice(&c->server->exec_queue);
    c->input_bytes = c->input.size;
    if (!exec_reserve(c, t))
        return;
    resp_array(c->reply, t->count);
    struct argv_reader reader = {0};
    argv_reader_begin(&reader, c->input);
    while (argv_reader_next(&reader) == 1)
        call_run_nested(c, reader.argv, (int)reader.argc);
    argv_reader_free(&reader);
}

static void exec(struct call *c)
{
    struct transaction *t = c->client->transaction;
    if (!transaction_is_open(c->client)) {
        reply_error(c, "ERR EXEC without MULTI");
        return;
    }
    if (t->refused) {
        reply_error(c, "EXECABORT Transaction discarded because of previous errors.");
    } else if (t->stale || watch_expired(c->client, call_now_ms(c))) {
        resp_null_array(c->reply);
    } else {
        exec_run(c, t);
    }
    transaction_end(c->client);
}

const struct command commands_transactions[] = {
    {"multi", multi, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY | CMD_INTERNAL_DIRECT, 0, 0, 0, GROUP_TRANSACTIONS, "1.2.0", "O(1)", "Begins a transaction: later commands are queued until EXEC.", NULL, NULL, 0},
    {"exec", exec, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG | CMD_MAY_REPLICATE | CMD_INTERNAL_DIRECT, 0, 0, 0, GROUP_TRANSACTIONS, "1.2.0", "Depends on the commands in the transaction.", "Runs every queued command as one transaction.", NULL, NULL, 0},
    {"discard", discard, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY | CMD_INTERNAL_DIRECT, 0, 0, 0, GROUP_TRANSACTIONS, "2.0.0", "O(N), N the queued commands", "Forgets the queued commands and ends the transaction.", NULL, NULL, 0},
    {"watch", watch, -2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY | CMD_INTERNAL_DIRECT, 1, -1, 1, GROUP_TRANSACTIONS, "2.2.0", "O(1) per key", "Makes the next EXEC depend on these keys staying as they are.", NULL, NULL, 0},
    {"unwatch", unwatch, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY, 0, 0, 0, GROUP_TRANSACTIONS, "2.2.0", "O(1)", "Forgets all watched keys.", NULL, NULL, 0},
    {0},
};
