/* SPDX-License-Identifier: MIT
 * transaction: see transaction.h. */
#include "redisd/transaction.h"

#include <stdlib.h>

#include "redisd/redisd.h"
#include "services/txlog/argv.h"

struct transaction *transaction_of(struct client *client)
{
    if (!client->transaction && !(client->transaction = calloc(1, sizeof(*client->transaction))))
        abort();
    return client->transaction;
}

void transaction_end(struct client *client)
{
    struct transaction *t = client->transaction;
    if (!t)
        return;
    while (t->watched)
        registry_remove(&client->server->watched->keys, t->watched, &t->watched);
    buffer_free(&t->queue);
    free(t);
    client->transaction = NULL;
}

void transaction_queue(struct client *client, const struct command *command, const struct slice *argv, int argc)
{
    struct transaction *t = client->transaction;
    argv_append(&t->queue, argv, (size_t)argc);
    t->count++;
    t->flags_seen |= command->flags;
}

static struct slice watch_name(struct watch_table *table, int database, struct slice key)
{
    table->name.size = 0;
    char number[2] = {(char)(database >> 8), (char)database};
    buffer_append(&table->name, number, sizeof(number));
    buffer_append_slice(&table->name, key);
    return buffer_slice(&table->name);
}

void watch_add(struct client *client, int database, struct slice key, int64_t now_ms)
{
    struct watch_table *table = client->server->watched;
    if (!transaction_of(client)->watched)
        transaction_of(client)->watched_ms = now_ms;
    registry_add(&table->keys, watch_name(table, database, key), client, &transaction_of(client)->watched);
}

static void topic_stale(struct registry_topic *topic)
{
    for (struct registry_link *link = topic->first; link; link = link->next)
        ((struct client *)link->owner)->transaction->stale = true;
}

void watch_changed(struct watch_table *table, int database, struct slice key)
{
    struct registry_topic *topic = registry_find(&table->keys, watch_name(table, database, key));
    if (topic)
        topic_stale(topic);
}

void watch_changed_database(struct redisd *server, int database, int64_t now_ms)
{
    for (struct registry_topic *topic = server->watched->keys.first; topic; topic = topic->next) {
        struct slice name = registry_name(topic);
        int number = (int)(unsigned char)name.base[0] << 8 | (unsigned char)name.base[1];
        if (database >= 0 && number != database)
            continue;
        const struct entry *e = db_find(keyspace_db(server->keyspace, number), slice_of(name.base + 2, name.size - 2));
        if (e && !entry_expired(e, now_ms))
            topic_stale(topic);
    }
}

bool watch_expired(const struct client *client, int64_t now_ms)
{
    const struct transaction *t = client->transaction;
    for (struct registry_link *link = t ? t->watched : NULL; link; link = link->next_of_owner) {
        struct slice name = registry_name(link->topic);
        int number = (int)(unsigned char)name.base[0] << 8 | (unsigned char)name.base[1];
        struct entry *e = db_find(keyspace_db(client->server->keyspace, number), slice_of(name.base + 2, name.size - 2));
        if (e && entry_expired(e, now_ms) && !entry_expired(e, t->watched_ms))
            return true;
    }
    return false;
}
