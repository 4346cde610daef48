/* SPDX-License-Identifier: MIT
 * client: see client.h. */
#include "redisd/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/actor.h"
#include "kernel/stream.h"
#include "redisd/blocked.h"
#include "redisd/pubsub.h"
#include "redisd/redisd.h"
#include "redisd/transaction.h"

struct client *client_new(struct redisd *server, const char *peer, int64_t now_ms)
{
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        abort();
    client->server = server;
    client->id = ++server->next_client_id;
    client->created_ms = client->active_ms = now_ms;
    client->protocol = 2;
    snprintf(client->peer, sizeof(client->peer), "%s", peer);
    if (!server->config.requirepass.size)
        client->flags |= CLIENT_AUTHENTICATED;
    client->previous = server->clients_last;
    *(server->clients_last ? &server->clients_last->next : &server->clients) = client;
    server->clients_last = client;
    server->clients_count++;
    return client;
}

void client_free(struct client *client)
{
    struct redisd *server = client->server;
    blocked_end(client);
    transaction_end(client);
    pubsub_end(client);
    *(client->previous ? &client->previous->next : &server->clients) = client->next;
    *(client->next ? &client->next->previous : &server->clients_last) = client->previous;
    server->clients_count--;
    if (client_has(client, CLIENT_STDIO))
        reactor_stop(server->reactor);
    free(client->name);
    free(client->library);
    free(client->library_version);
    free(client);
}

struct client *client_of_actor(struct client *known, struct actor *actor)
{
    if (known)
        return known;
    struct redisd *server = actor_reactor(actor)->options.context;
    for (struct client *client = server->clients; client; client = client->next)
        if (client->actor == actor_handle(actor))
            return client;
    return NULL;
}

struct buffer *client_push_begin(struct client *client)
{
    if (!client->stream || client_has(client, CLIENT_KILLED))
        return NULL;
    return client == client->server->running ? &client->server->pushes : stream_output(client->stream);
}

/* A subscriber that does not read is cut off before it costs more than the server's limits for it. */
static void enforce_output_limit(struct client *client)
{
    size_t limit = client->subscriptions ? client->server->config.pubsub_output_limit : 0;
    if (limit && stream_pending(client->stream) > limit)
        client_kill(client, false);
}

void client_push_end(struct client *client)
{
    if (client == client->server->running)
        return;
    stream_mark(client->stream, client->server->log ? txlog_newest(client->server->log) : 0);
    enforce_output_limit(client);
}

void client_resume(struct client *client)
{
    reactor_wake(client->server->reactor, client->actor);
}

void client_kill(struct client *client, bool self)
{
    if (self) {
        client->flags |= CLIENT_CLOSE_AFTER_REPLY;
        return;
    }
    client->flags |= CLIENT_KILLED;
    struct actor *actor = reactor_actor(client->server->reactor, client->actor);
    if (actor)
        actor_cancel(actor, -ECONNABORTED);
}

void client_local_address(const struct client *client, char *text, size_t size)
{
    text[0] = 0;
    if (client->stream)
        stream_local_name(client->stream, text, size);
    if (client_has(client, CLIENT_UNIX))
        snprintf(text, size, "%s", client->peer);
}

const char *client_type(const struct client *client)
{
    return client->subscriptions ? "pubsub" : "normal";
}

static void describe_flags(const struct client *client, char *out)
{
    char *p = out;
    if (client->blocked)
        *p++ = 'b';
    if (client->transaction && client->transaction->stale)
        *p++ = 'd';
    if (client_has(client, CLIENT_CLOSE_AFTER_REPLY))
        *p++ = 'c';
    if (client_has(client, CLIENT_NO_EVICT))
        *p++ = 'e';
    if (client_has(client, CLIENT_NO_TOUCH))
        *p++ = 'T';
    if (client->subscriptions)
        *p++ = 'P';
    if (client_has(client, CLIENT_UNIX))
        *p++ = 'U';
    if (transaction_is_open(client))
        *p++ = 'x';
    if (p == out)
        *p++ = 'N';
    *p = 0;
}

void client_describe(const struct client *client, struct buffer *out, int64_t now_ms)
{
    char flags[16], local[128];
    describe_flags(client, flags);
    client_local_address(client, local, sizeof(local));
    const struct transaction *t = client->transaction;
    struct slice in = {0};
    size_t pending = 0;
    if (client->stream) {
        in = stream_input(client->stream);
        pending = stream_pending(client->stream);
    }
    size_t watched = 0;
    for (const struct registry_link *link = t ? t->watched : NULL; link; link = link->next_of_owner)
        watched++;
    buffer_format(out, "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s db=%d sub=%zu psub=%zu ssub=%zu multi=%lld watch=%zu qbuf=%zu qbuf-free=%zu argv-mem=%d multi-mem=%zu ",
                  (unsigned long long)client->id, client->peer, local, client->stream ? client->stream->in_fd : -1, client->name ? client->name : "",
                  (long long)(now_ms - client->created_ms) / 1000, (long long)(now_ms - client->active_ms) / 1000, flags, client->database,
                  pubsub_channels_of(client), pubsub_patterns_of(client), pubsub_shard_channels_of(client), t && t->open ? (long long)t->count : -1LL, watched, in.size,
                  client->stream ? client->stream->in.capacity - client->stream->in.size : 0, 0, t ? t->queue.capacity : 0);
    buffer_format(out, "rbs=%zu rbp=%zu obl=%zu oll=%d omem=%zu tot-mem=%zu events=%s cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
                  client->stream ? client->stream->out.capacity : 0, client->stream ? client->stream->out.capacity : 0, pending, 0, pending,
                  sizeof(*client) + sizeof(struct stream) + sizeof(struct actor) + pending, "r", client->last_command ? client->last_command->name : "NULL", client->protocol,
                  client->library ? client->library : "", client->library_version ? client->library_version : "");
}
