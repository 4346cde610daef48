/* SPDX-License-Identifier: MIT
 * dispatch: from a request to its reply and its record.
 *
 *      request_prepare    find the row, hash the first key                              (for a whole pipeline, then prefetch)
 *      dispatch           may it run? -- no --> error reply
 *        |                in MULTI?   -- yes -> queued
 *        |                writes?     reserve room in the log, or refuse before anything changes
 *        v
 *      call_run           the handler changes the keyspace, gathers effects, writes the reply
 *        v
 *      commit             effects not empty: one record {input, delta} is appended
 *        v
 *      blocked_serve      clients that waited for keys which this made ready, each a transaction of its own
 *
 * The checks stand in the order in which Redis makes them, since the order decides which error a wrong command gets. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "kernel/reactor.h"
#include "redisd/blocked.h"
#include "redisd/call.h"
#include "redisd/logging.h"
#include "redisd/pubsub.h"
#include "redisd/redisd.h"
#include "redisd/stats.h"
#include "redisd/transaction.h"

/* ---- finding ---- */

void request_prepare(const struct redisd *server, struct request *request, const struct slice *argv, int argc, size_t bytes)
{
    request->argv = argv;
    request->argc = argc;
    request->bytes = bytes;
    request->slot = command_slot(server->commands, argv[0]);
    const struct command *command = request->slot ? request->slot->row : NULL;
    request->parent = command;
    if (__builtin_expect(command && command->subcommands && argc > 1, 0))
        command = command_subcommand(command, argv[1]);
    request->command = command;
    if (command && command->first_key && command->first_key < argc) {
        request->key = argv[command->first_key];
        request->hash = db_hash(keyspace_db(server->keyspace, 0), request->key);
    } else {
        request->key = (struct slice){0};
        request->hash = 0;
    }
}

/* ---- refusing ---- */

static void reply_unknown(const struct request *request, struct resp_writer *reply)
{
    enum { SHOWN_MAX = 128 };
    if (request->parent) {
        char upper[40];
        size_t i = 0;
        for (const char *p = request->parent->name; *p && i < sizeof(upper) - 1; p++)
            upper[i++] = (char)toupper((unsigned char)*p);
        upper[i] = 0;
        struct slice name = request->argv[1];
        resp_errorf(reply, "ERR unknown subcommand '%.*s'. Try %s HELP.", (int)(name.size < SHOWN_MAX ? name.size : SHOWN_MAX), name.base, upper);
        return;
    }
    struct slice name = request->argv[0];
    struct buffer text = {0};
    buffer_format(&text, "ERR unknown command '%.*s', with args beginning with: ", (int)(name.size < SHOWN_MAX ? name.size : SHOWN_MAX), name.base);
    size_t shown = 0;
    for (int i = 1; i < request->argc && shown < SHOWN_MAX; i++) {
        size_t room = SHOWN_MAX - shown, size = request->argv[i].size < room ? request->argv[i].size : room;
        buffer_format(&text, "'%.*s' ", (int)size, request->argv[i].base);
        shown += size + 3;
    }
    resp_error_slice(reply, buffer_slice(&text));
    buffer_free(&text);
}

void reply_log_refusal(struct resp_writer *reply, struct redisd *server, int error)
{
    if (error == -EMSGSIZE)
        resp_error(reply, "ERR the command is larger than a record of the transaction log may be");
    else if (error == -ENOSPC)
        resp_error(reply, "MISCONF The transaction log cannot take more: no space left on device. Commands that may modify the data set are disabled, reads go on.");
    else
        resp_errorf(reply, "MISCONF The transaction log has failed (%s). Commands that may modify the data set are disabled.", txlog_failure(server->log));
}

/* The first words of an HTTP request: a browser was led here, and what follows may hold commands that its user never meant to send. */
static bool is_http(const struct request *request)
{
    return slice_equal_nocase(request->argv[0], SLICE("post")) || slice_equal_nocase(request->argv[0], SLICE("host:"));
}

static bool allowed_while_subscribed(const struct command *command)
{
    static const char *const names[] = {"ping", "subscribe", "ssubscribe", "sunsubscribe", "psubscribe", "unsubscribe", "punsubscribe", "quit", "reset"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(command->name, names[i]) == 0)
            return true;
    return false;
}

/* A command that is not there. */
static bool refuse_unknown(const struct redisd *server, struct client *client, const struct request *request, struct resp_writer *reply)
{
    if (is_http(request)) {
        server_log(server, LOG_WARNING, "%s sent a POST or Host: command, as a web browser would; connection closed", client->peer);
        client_kill(client, true);
    } else {
        reply_unknown(request, reply);
    }
    return true;
}

/* May the command take more memory? EXEC may when something in its queue does. */
static bool may_grow(const struct client *client, const struct command *command)
{
    bool exec = transaction_is_open(client) && strcmp(command->name, "exec") == 0;
    return ((exec ? client->transaction->flags_seen : command->flags) & CMD_DENYOOM) != 0;
}

/* The first reason not to run the command, answered; false when there is none. */
static bool refuse(struct redisd *server, struct client *client, const struct request *request, struct resp_writer *reply)
{
    const struct command *command = request->command;
    if ((command->arity > 0 && command->arity != request->argc) || request->argc < -command->arity) {
        resp_errorf(reply, "ERR wrong number of arguments for '%s' command", command->name);
        return true;
    }
    if (!client_has(client, CLIENT_AUTHENTICATED) && !(command->flags & CMD_NO_AUTH)) {
        resp_error(reply, "NOAUTH Authentication required.");
        return true;
    }
    if (transaction_is_open(client) && (command->flags & CMD_NO_MULTI)) {
        resp_error(reply, "ERR Command not allowed inside a transaction");
        return true;
    }
    if (server->config.maxmemory && redisd_memory(server) > (uint64_t)server->config.maxmemory && may_grow(client, command)) {
        resp_error(reply, "OOM command not allowed when used memory > 'maxmemory'.");
        return true;
    }
    if (client->protocol == 2 && client->subscriptions && !allowed_while_subscribed(command)) {
        resp_errorf(reply, "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", command->name);
        return true;
    }
    return false;
}

/* An EXEC that is refused ends the transaction, and its reply says so before it says why; the code ERR is not repeated. */
static void exec_refused(struct client *client, struct resp_writer *reply, size_t start)
{
    struct slice error = slice_of(reply->out->base + start + 1, reply->out->size - start - 3);
    if (error.size > 4 && memcmp(error.base, "ERR ", 4) == 0)
        error = slice_of(error.base + 4, error.size - 4);
    struct buffer reason = {0};
    buffer_append_slice(&reason, error);
    reply->out->size = start;
    resp_errorf(reply, "EXECABORT Transaction discarded because of: %.*s", (int)reason.size, reason.base);
    buffer_free(&reason);
    transaction_end(client);
}

/* ---- running ---- */

uint64_t redisd_seed(const struct redisd *server, uint64_t cmd_seq)
{
    return server->log ? txlog_seed(server->log, cmd_seq) : tx_seed(server->uuid, cmd_seq);
}

struct tx_admission redisd_admit(struct redisd *server, int64_t now_us)
{
    if (server->log)
        return txlog_admit(server->log, now_us);
    server->admitted.cmd_seq++;
    if (now_us > server->admitted.time_us)
        server->admitted.time_us = now_us;
    return server->admitted;
}

void call_run(struct call *c, bool alone)
{
    c->command->run(c);
    if (!c->same || (alone && c->effects->count == 0))
        return;
    /* Effects came before it: it takes its place behind them. */
    effect(c, c->argv, c->argc);
}

void call_run_nested(struct call *outer, const struct slice *argv, int argc)
{
    struct call inner = *outer;
    const struct command *parent;
    inner.command = command_resolve(outer->server->commands, argv, argc, &parent);
    inner.argv = argv;
    inner.argc = argc;
    inner.hashed_key = (struct slice){0};
    inner.same = false;
    inner.in_transaction = true;
    inner.db = keyspace_db(outer->server->keyspace, outer->client->database);
    if (!inner.command || !inner.command->run) {
        resp_error(outer->reply, "ERR unknown command");
        return;
    }
    size_t start = outer->reply->out->size;
    uint64_t begin = cycles_now();
    inner.reply->protocol = outer->client->protocol;
    call_run(&inner, false);
    uint64_t cycles = cycles_now() - begin;
    stats_called(outer->server, NULL, inner.command, cycles, outer->reply->out->size > start && outer->reply->out->base[start] == '-');
    if (__builtin_expect(cycles > outer->server->slowlog.threshold_cycles, 0) && !client_has(outer->client, CLIENT_INTERNAL))
        slowlog_add(outer->server, outer->client, argv, argc, inner.command, cycles);
    outer->random_draws = inner.random_draws;
    outer->seed = inner.seed;
    outer->seeded = inner.seeded;
}

void redisd_push_effects(struct redisd *server, int kind, const struct effects *effects, int database, uint64_t cmd_seq, int64_t time_us)
{
    if (!server->log || effects->count == 0)
        return;
    const struct tx_result result = {
        .kind = (enum tx_kind)kind,
        .service = REDISD_KEYSPACE_SERVICE,
        .database = (uint32_t)database,
        .admission = {.cmd_seq = cmd_seq, .time_us = time_us},
        .delta_only = true,
        .delta = tx_body_bytes(buffer_slice(&effects->delta)),
    };
    txlog_append(server->log, &result);
}

/* Append the record of a finished call. */
static void commit(const struct call *c, enum tx_kind kind, int database)
{
    struct redisd *server = c->server;
    bool same = c->same && c->effects->count == 0;
    if (!same && c->effects->count == 0)
        return;
    server->stats.changes++;
    if (!server->log)
        return;
    struct tx_result result = {
        .kind = kind,
        .service = REDISD_KEYSPACE_SERVICE,
        .database = (uint32_t)database,
        .admission = {.cmd_seq = c->cmd_seq, .time_us = c->now_us},
        .client = c->client->id,
        .input = c->input.size ? tx_body_bytes(c->input) : tx_body_argv(c->argv, (size_t)c->argc),
    };
    if (!same)
        result.delta = tx_body_bytes(buffer_slice(&c->effects->delta));
    txlog_append(server->log, &result);
}

/* Run the command as a transaction. False when the log refused it. */
static bool execute(struct redisd *server, struct client *client, const struct request *request, struct resp_writer *reply, enum tx_kind kind)
{
    struct tx_admission admission = redisd_admit(server, reactor_wall_us(server->reactor));
    struct call c = {
        .server = server,
        .client = client,
        .command = request->command,
        .argv = request->argv,
        .argc = request->argc,
        .db = keyspace_db(server->keyspace, client->database),
        .now_us = admission.time_us,
        .cmd_seq = admission.cmd_seq,
        .reply = reply,
        .effects = &server->effects,
        .hashed_key = request->key,
        .hash = request->hash,
        /* A word on the wire takes more than its length and a varint; an inline one may take a few bytes less. */
        .input_bytes = request->bytes + (size_t)request->argc * 4 + VARINT_MAX,
    };
    /* Reads are reserved for too: they may meet a key past its deadline, whose removal is logged. */
    if (server->log) {
        int got = txlog_reserve(server->log, 2 * c.input_bytes);
        if (got < 0 && (request->command->flags & CMD_WRITE)) { /* EXEC asks for itself: its queue may hold reads only */
            reply_log_refusal(reply, server, got);
            return false;
        }
        c.keep_expired = got < 0;
    }
    int database = client->database;
    effects_reset(c.effects, database);
    call_run(&c, true);
    commit(&c, kind, database);
    return true;
}

/* The command has its reply: what it published to its own client follows. */
static void running_ended(struct redisd *server, struct buffer *out)
{
    server->running = NULL;
    if (__builtin_expect(server->pushes.size == 0, 1))
        return;
    buffer_append_slice(out, buffer_slice(&server->pushes));
    server->pushes.size = 0;
}

/* Does the reply that starts at `start` say that the command failed? */
static bool reply_failed(const struct resp_writer *reply, size_t start)
{
    return reply->out->size > start && reply->out->base[start] == '-';
}

void dispatch(struct redisd *server, struct client *client, const struct request *request, struct resp_writer *reply)
{
    const struct command *command = request->command;
    client->flags = (client->flags & ~(uint32_t)(CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT)) | (client_has(client, CLIENT_REPLY_SKIP_NEXT) ? CLIENT_REPLY_SKIP : 0);
    /* Replies that are off are written aside: a push that the command brings about goes out all the same. */
    struct resp_writer *seen = reply, aside = {&server->scratch, client->protocol};
    if (__builtin_expect(client_has(client, CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP), 0)) {
        server->scratch.size = 0;
        reply = &aside;
    }
    size_t start = reply->out->size;
    server->stats.commands_processed++;
    if (!command ? refuse_unknown(server, client, request, reply) : refuse(server, client, request, reply)) {
        if (command && strcmp(command->name, "exec") == 0)
            exec_refused(client, reply, start);
        else if (transaction_is_open(client))
            client->transaction->refused = true;
        if (reply->out->size > start) /* a connection may be closed without a word */
            stats_rejected(server, command, slice_of(reply->out->base + start, reply->out->size - start));
    } else if (transaction_is_open(client) && !(command->flags & CMD_INTERNAL_DIRECT)) {
        transaction_queue(client, command, request->argv, request->argc);
        resp_simple(reply, "QUEUED");
    } else {
        client->last_command = command;
        server->running = client;
        execute(server, client, request, reply, TX_COMMAND);
        bool failed = reply_failed(reply, start);
        uint64_t now = cycles_now(), cycles = now - server->cycles_before;
        server->cycles_before = now;
        stats_called(server, request->slot, command, cycles, failed);
        if (failed)
            stats_error(server, slice_of(reply->out->base + start, reply->out->size - start));
        if (__builtin_expect(cycles > server->slowlog.threshold_cycles, 0) && !client->blocked) /* a blocked command is not over yet */
            slowlog_add(server, client, request->argv, request->argc, command, cycles);
    }
    if (__builtin_expect(reply != seen, 0) && !client_has(client, CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP))
        buffer_append_slice(seen->out, buffer_slice(&server->scratch));
    running_ended(server, seen->out);
    if (blocked_ready(server->blocked))
        blocked_serve(server);
}

bool dispatch_retry(struct redisd *server, struct client *client, const struct slice *argv, int argc, struct resp_writer *reply)
{
    struct request request;
    request_prepare(server, &request, argv, argc, argv_size(argv, (size_t)argc));
    assert(request.command); /* it ran before */
    size_t start = reply->out->size;
    client->flags |= CLIENT_RETRYING;
    server->running = client;
    uint64_t begin = cycles_now();
    execute(server, client, &request, reply, TX_WAKE);
    uint64_t cycles = cycles_now() - begin;
    bool answered = reply->out->size > start;
    if (answered && cycles > server->slowlog.threshold_cycles)
        slowlog_add(server, client, argv, argc, request.command, cycles);
    running_ended(server, reply->out);
    client->flags &= ~(uint32_t)CLIENT_RETRYING;
    return answered;
}
