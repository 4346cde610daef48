/* SPDX-License-Identifier: MIT
 * session: see session.h.
 *
 * A batch: requests are parsed as long as they are whole, up to BATCH_MAX; their rows are found and first keys hashed, and the
 * index buckets, then the entries, are prefetched for all of them before the first one runs. So the cache misses of a pipeline overlap
 * instead of following one another. Arguments and requests of a batch live in the server's scratch: nothing is awaited in
 * between, so every session can use the same, which stays in the cache. */
#include "redisd/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/actor.h"
#include "kernel/stream.h"
#include "redisd/batch.h"
#include "redisd/blocked.h"
#include "redisd/fault_test.h"
#include "redisd/transaction.h"

enum {
    OUTPUT_HIGH = 1 << 20, /* bytes not yet sent beyond which a client's requests wait: one that never reads costs this and one reply */
};

struct session {
    struct co co;
    struct actor *actor;
    struct client *client;
    struct resp_parser parser;
    bool more; /* whole requests may still lie in the input */
};

/* Parked, a session is its client and nothing else. */
struct session_record {
    struct client *client;
};

/* ---- one batch ---- */

/* Parse into the batch. Returns how many bytes of the input its requests take. */
static size_t batch_parse(struct session *self, struct batch *batch, struct slice input, enum resp_result *got)
{
    size_t used = 0;
    batch->args.size = 0;
    batch->count = 0;
    self->parser.unauthenticated = !client_has(self->client, CLIENT_AUTHENTICATED);
    self->parser.bulk_max = self->client->server->config.proto_max_bulk_len;
    while (batch->count < BATCH_MAX) {
        struct resp_request *request = &batch->parsed[batch->count];
        /* The parser unquotes inline arguments in place; the input is the stream's and nobody else's. */
        *got = resp_parse(&self->parser, (char *)(uintptr_t)input.base + used, input.size - used, &batch->args, request);
        if (*got != RESP_REQUEST)
            break;
        used += request->bytes;
        if (request->argc > 0)
            batch->ends[batch->count++] = used;
        else if (batch->count > 0)
            batch->ends[batch->count - 1] = used;
        /* What may follow AUTH or HELLO depends on their outcome, so nothing is parsed ahead of it. */
        if (self->parser.unauthenticated && request->argc > 0)
            break;
    }
    return used;
}

/* Find rows and first keys; bring what they point to towards the cache. Pure: reads tables, writes the batch. */
static void batch_prepare(struct session *self, struct batch *batch)
{
    struct redisd *server = self->client->server;
    for (int i = 0; i < batch->count; i++)
        request_prepare(server, &batch->requests[i], resp_argv(&batch->args, &batch->parsed[i]), batch->parsed[i].argc, batch->parsed[i].bytes);
    if (batch->count > 1)
        batch_prefetch(batch, keyspace_db(server->keyspace, self->client->database));
}

/* Must the session stop before the next request of its batch? */
static bool must_stop(const struct session *self, const struct resp_writer *reply)
{
    const struct client *client = self->client;
    return client->blocked || client_has(client, CLIENT_CLOSE_AFTER_REPLY | CLIENT_KILLED) || reply->out->size > OUTPUT_HIGH;
}

/* When nobody is left to hear the answers, what has arrived is still executed, so that a client may write and go without waiting; but
 * what only reads is not worth the others' time. */
static bool reads_only(const struct request *request)
{
    return request->command && (request->command->flags & CMD_READONLY);
}

/* Execute what is whole in the input. Returns 1 when there may be more to execute at once. */
static int session_execute(struct session *self)
{
    struct client *client = self->client;
    struct redisd *server = client->server;
    struct batch *batch = &server->batch;
    struct slice input = stream_input(client->stream);
    enum resp_result got = RESP_MORE;
    size_t used = batch_parse(self, batch, input, &got);
    actor_pure_begin(self->actor);
    batch_prepare(self, batch);
    actor_pure_end(self->actor);

    struct resp_writer reply = {stream_output(client->stream), client->protocol};
    int done = 0;
    server->cycles_before = cycles_now();
    bool unheard = client->stream->broken;
    while (done < batch->count) {
        reply.protocol = client->protocol;
        if (!(unheard && reads_only(&batch->requests[done])))
            dispatch(server, client, &batch->requests[done], &reply);
        done++;
        if (must_stop(self, &reply))
            break;
    }
    bool stopped = done < batch->count;
    if (got == RESP_ERROR && !stopped && !client->blocked && !client_has(client, CLIENT_CLOSE_AFTER_REPLY)) {
        resp_parse_error(&reply, &self->parser);
        server->stats.protocol_errors++;
        client->flags |= CLIENT_CLOSE_AFTER_REPLY;
    }
    if (stopped) {
        used = batch->ends[done - 1];
        resp_parser_deinit(&self->parser);
        resp_parser_init(&self->parser);
    }
    stream_consume(client->stream, used);
    if (server->log)
        stream_mark(client->stream, txlog_newest(server->log));
    client->active_ms = reactor_wall_us(server->reactor) / 1000;
    actor_spend(self->actor, (uint32_t)done);
    return stopped || batch->count == BATCH_MAX || (self->parser.unauthenticated && done > 0);
}

/* ---- the micro-thread ---- */

/* Awaitable: 0 when the client is not blocked (any more), or when its peer is gone. */
static int session_unblocked(struct session *self)
{
    if (!self->client->blocked)
        return 0;
    int cancelled = actor_cancelled(self->actor);
    if (cancelled < 0)
        return cancelled;
    return stream_peer_ended(self->client->stream) ? -ECONNRESET : CO_WAIT;
}

static int session_run(struct actor *actor, void *root)
{
    struct session *self = root;
    (void)actor;
    CO_BEGIN(self);
    for (;;) {
        TRY(session_unblocked(self));
        TRY(stream_drain(self->client->stream, OUTPUT_HIGH));
        if (client_has(self->client, CLIENT_CLOSE_AFTER_REPLY | CLIENT_KILLED))
            break;
        if (!self->more) {
            TRY(stream_fill(self->client->stream, resp_wanted(&self->parser)));
            if (CO_RESULT == 0)
                break;
        }
        self->more = session_execute(self);
        fault_test_run(self->actor, self->client);
        if (self->more && self->actor->budget_left == 0)
            CO_YIELD();
    }
    CO_FINALLY;
    CO_END;
}

static int session_park(struct actor *actor, void *root, void *record)
{
    struct session *self = root;
    (void)actor;
    struct client *client = self->client;
    if (client->blocked || client->transaction || self->more || self->parser.partial.capacity)
        return -EBUSY;
    client->session = NULL;
    *(struct session_record *)record = (struct session_record){client};
    return sizeof(struct session_record);
}

static void session_unpark(struct actor *actor, void *root, const void *record, size_t size)
{
    struct session *self = root;
    (void)size;
    self->actor = actor;
    self->client = ((const struct session_record *)record)->client;
    self->client->session = self;
    resp_parser_init(&self->parser);
}

static void session_cleanup(struct actor *actor, void *root, bool faulted)
{
    struct session *self = root;
    (void)actor;
    /* After a fault the micro-heap may hold anything; the client is found through the actor instead. */
    struct client *client = client_of_actor(faulted ? NULL : self->client, actor);
    if (!faulted)
        resp_parser_deinit(&self->parser);
    if (client)
        client_free(client);
}

static const struct actor_class session_class = {
    .name = "session",
    .root_size = sizeof(struct session),
    .run = session_run,
    .park = session_park,
    .unpark = session_unpark,
    .cleanup = session_cleanup,
    .guarded = true,
};

/* ---- beginning ---- */

static struct client *session_begin(struct redisd *server, struct stream *stream, const char *peer)
{
    struct actor *actor = actor_spawn(server->reactor, &session_class);
    if (!actor)
        return NULL;
    struct session *self = actor_root(actor);
    struct client *client = client_new(server, peer, reactor_wall_us(server->reactor) / 1000);
    if (*peer == '/') { /* a unix socket's path; Redis writes it with a port of 0 */
        client->flags |= CLIENT_UNIX;
        snprintf(client->peer, sizeof(client->peer), "%.*s:0", (int)sizeof(client->peer) - 3, peer);
    }
    client->stream = stream;
    client->actor = actor_handle(actor);
    client->session = self;
    self->actor = actor;
    self->client = client;
    resp_parser_init(&self->parser);
    stream_give(stream, actor);
    return client;
}

static void refuse(struct redisd *server, struct stream *stream, const char *line, int error)
{
    struct resp_writer reply = {stream_output(stream), 2};
    resp_error(&reply, line);
    stream_mark(stream, 0);
    if (error == 0) /* else the listener has counted it */
        listener_refused(server->reactor);
    server->stats.connections_rejected++;
    stream_close(stream);
}

void session_accept(void *context, struct stream *stream, const char *peer, int error)
{
    struct redisd *server = context;
    server->stats.connections_received++;
    if (error < 0 || server->clients_count >= (uint64_t)server->config.maxclients) {
        refuse(server, stream, "ERR max number of clients reached", error);
        return;
    }
    if (!redisd_peer_allowed(server, peer)) {
        refuse(server, stream, "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. "
                               "In this mode connections are only accepted from the loopback interface. Set a password (requirepass), or start with --protected-mode no.", 0);
        return;
    }
    if (server->config.tcp_keepalive)
        stream_keepalive(stream, (int)server->config.tcp_keepalive);
    if (!session_begin(server, stream, peer))
        refuse(server, stream, "ERR max number of clients reached", 0);
}

int session_stdio(struct redisd *server)
{
    struct stream *stream = stream_open_pair(server->reactor, 0, 1);
    if (!stream)
        return -EMFILE;
    struct client *client = session_begin(server, stream, "stdio");
    if (!client)
        return -ENOMEM;
    client->flags |= CLIENT_STDIO;
    return 0;
}
