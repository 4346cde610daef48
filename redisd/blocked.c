/* SPDX-License-Identifier: MIT
 * blocked: see blocked.h. */
#include "redisd/blocked.h"

#include <stdlib.h>

#include "kernel/reactor.h"
#include "redisd/redisd.h"
#include "services/txlog/argv.h"

static struct slice blocked_name(struct blocked_table *table, int database, struct slice key)
{
    table->name.size = 0;
    char number[2] = {(char)(database >> 8), (char)database};
    buffer_append(&table->name, number, sizeof(number));
    buffer_append_slice(&table->name, key);
    return buffer_slice(&table->name);
}

bool call_may_block(const struct call *c)
{
    return !c->in_transaction && !c->replaying && !client_has(c->client, CLIENT_INTERNAL);
}

/* Answer what the client gets when its time is over, and let it go on. */
static void answer_null(struct client *client, bool null_array)
{
    struct resp_writer reply = {client_push_begin(client), client->protocol};
    blocked_end(client);
    if (!reply.out)
        return;
    if (null_array)
        resp_null_array(&reply);
    else
        resp_null(&reply);
    client_push_end(client);
    client_resume(client);
}

static void timed_out(void *context)
{
    struct blocked *blocked = context;
    answer_null(blocked->client, blocked->null_array);
}

void call_block(struct call *c, const struct slice *keys, int count, int64_t timeout_us, bool null_array)
{
    struct client *client = c->client;
    struct redisd *server = c->server;
    if (client_has(client, CLIENT_RETRYING))
        return;
    struct blocked *blocked = calloc(1, sizeof(*blocked));
    if (!blocked)
        abort();
    blocked->client = client;
    blocked->type = c->command->group == GROUP_ZSET ? VALUE_ZSET : VALUE_LIST;
    blocked->null_array = null_array;
    argv_append(&blocked->command, c->argv, (size_t)c->argc);
    for (int i = 0; i < count; i++)
        registry_add(&server->blocked->keys, blocked_name(server->blocked, client->database, keys[i]), client, &blocked->links);
    if (timeout_us > 0) {
        blocked->timer.fire = timed_out;
        blocked->timer.context = blocked;
        timer_set(&server->reactor->timers, &blocked->timer, reactor_now_ns(server->reactor) + (uint64_t)timeout_us * 1000);
    }
    client->blocked = blocked;
    server->blocked->clients++;
}

void blocked_end(struct client *client)
{
    struct blocked *blocked = client->blocked;
    if (!blocked)
        return;
    struct redisd *server = client->server;
    while (blocked->links)
        registry_remove(&server->blocked->keys, blocked->links, &blocked->links);
    timer_cancel(&server->reactor->timers, &blocked->timer);
    buffer_free(&blocked->command);
    free(blocked);
    client->blocked = NULL;
    server->blocked->clients--;
}

void blocked_unblock(struct client *client, bool error)
{
    if (!error) {
        answer_null(client, client->blocked->null_array);
        return;
    }
    struct resp_writer reply = {client_push_begin(client), client->protocol};
    blocked_end(client);
    if (!reply.out)
        return;
    resp_error(&reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    client_push_end(client);
    client_resume(client);
}

void blocked_key_ready(struct blocked_table *table, int database, struct slice key)
{
    struct slice name = blocked_name(table, database, key);
    if (!registry_find(&table->keys, name))
        return;
    uint32_t size = (uint32_t)name.size;
    buffer_append(&table->ready, &size, sizeof(size));
    buffer_append_slice(&table->ready, name);
}

void blocked_database_ready(struct blocked_table *table, int database)
{
    for (struct registry_topic *topic = table->keys.first; topic; topic = topic->next) {
        struct slice name = registry_name(topic);
        if (((unsigned char)name.base[0] << 8 | (unsigned char)name.base[1]) == database)
            blocked_key_ready(table, database, slice_of(name.base + 2, name.size - 2));
    }
}

/* Run a waiting client's command again. True when it was answered. */
static bool retry(struct redisd *server, struct client *client)
{
    struct resp_writer reply = {client_push_begin(client), client->protocol};
    if (!reply.out)
        return false;
    struct argv_reader reader = {0};
    argv_reader_begin(&reader, buffer_slice(&client->blocked->command));
    bool answered = argv_reader_next(&reader) == 1 && dispatch_retry(server, client, reader.argv, (int)reader.argc, &reply);
    argv_reader_free(&reader);
    client_push_end(client);
    if (answered) {
        blocked_end(client);
        client_resume(client);
    }
    return answered;
}

/* Serve one key: the clients in line, first come first served, while it holds what they wait for. Answering one may end the topic, so it is
 * looked up again each time; `passed` counts those at the head of the line that could not be served. */
static void serve_key(struct redisd *server, struct slice name)
{
    int database = (int)(unsigned char)name.base[0] << 8 | (unsigned char)name.base[1];
    struct db *db = keyspace_db(server->keyspace, database);
    size_t passed = 0;
    for (;;) {
        struct registry_topic *topic = registry_find(&server->blocked->keys, name);
        struct registry_link *link = topic ? topic->first : NULL;
        for (size_t i = 0; i < passed && link; i++)
            link = link->next;
        struct entry *e = link ? db_find(db, slice_of(name.base + 2, name.size - 2)) : NULL;
        if (!e)
            return;
        struct client *client = link->owner;
        if (entry_type(e) != client->blocked->type || !retry(server, client))
            passed++;
    }
}

void blocked_serve(struct redisd *server)
{
    struct blocked_table *table = server->blocked;
    if (table->serving)
        return;
    table->serving = true;
    while (table->ready.size) {
        struct buffer round = table->ready;
        table->ready = (struct buffer){0};
        for (size_t at = 0; at < round.size;) {
            uint32_t size;
            memcpy(&size, round.base + at, sizeof(size));
            serve_key(server, slice_of(round.base + at + sizeof(size), size));
            at += sizeof(size) + size;
        }
        buffer_free(&round);
    }
    table->serving = false;
}
