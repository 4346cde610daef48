/* SPDX-License-Identifier: MIT
 * pubsub: see pubsub.h. */
#include "redisd/pubsub.h"

#include <stdlib.h>

#include "redisd/redisd.h"

bool pubsub_subscribe(struct client *client, enum pubsub_kind kind, struct slice name)
{
    if (!client->subscriptions && !(client->subscriptions = calloc(1, sizeof(*client->subscriptions))))
        abort();
    struct subscriptions *own = client->subscriptions;
    if (!registry_add(&client->server->pubsub->topics[kind], name, client, &own->links[kind]))
        return false;
    own->count[kind]++;
    return true;
}

static void forget_when_empty(struct client *client)
{
    struct subscriptions *own = client->subscriptions;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        if (own->count[kind])
            return;
    free(own);
    client->subscriptions = NULL;
}

bool pubsub_unsubscribe(struct client *client, enum pubsub_kind kind, struct slice name)
{
    struct subscriptions *own = client->subscriptions;
    struct registry *topics = &client->server->pubsub->topics[kind];
    struct registry_link *link = own ? registry_of_owner(topics, name, own->links[kind]) : NULL;
    if (!link)
        return false;
    registry_remove(topics, link, &own->links[kind]);
    own->count[kind]--;
    forget_when_empty(client);
    return true;
}

void pubsub_end(struct client *client)
{
    struct subscriptions *own = client->subscriptions;
    if (!own)
        return;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
        while (own->links[kind])
            registry_remove(&client->server->pubsub->topics[kind], own->links[kind], &own->links[kind]);
        own->count[kind] = 0;
    }
    forget_when_empty(client);
}

static bool deliver(struct client *client, const char *word, struct slice pattern, struct slice channel, struct slice message)
{
    struct resp_writer out = {client_push_begin(client), client->protocol};
    if (!out.out)
        return false;
    resp_push(&out, pattern.base ? 4 : 3);
    resp_bulk_string(&out, word);
    if (pattern.base)
        resp_bulk(&out, pattern);
    resp_bulk(&out, channel);
    resp_bulk(&out, message);
    client_push_end(client);
    return true;
}

static size_t deliver_topic(struct registry_topic *topic, const char *word, struct slice pattern, struct slice channel, struct slice message)
{
    size_t receivers = 0;
    for (struct registry_link *link = topic ? topic->first : NULL; link; link = link->next)
        receivers += deliver(link->owner, word, pattern, channel, message);
    return receivers;
}

size_t pubsub_publish(struct redisd *server, enum pubsub_kind kind, struct slice channel, struct slice message)
{
    struct registry *topics = server->pubsub->topics;
    size_t receivers = deliver_topic(registry_find(&topics[kind], channel), kind == PUBSUB_SHARD ? "smessage" : "message", (struct slice){0}, channel, message);
    if (kind == PUBSUB_CHANNEL)
        for (struct registry_topic *topic = topics[PUBSUB_PATTERN].first; topic; topic = topic->next)
            if (glob_match(registry_name(topic), channel, false))
                receivers += deliver_topic(topic, "pmessage", registry_name(topic), channel, message);
    server->stats.pubsub_messages += receivers;
    return receivers;
}

void pubsub_keyspace_event(struct redisd *server, int database, const char *event, struct slice key)
{
    struct buffer channel = {0};
    if (server->config.notify_keyspace_events & NOTIFY_KEYSPACE) {
        buffer_format(&channel, "__keyspace@%d__:", database);
        buffer_append_slice(&channel, key);
        pubsub_publish(server, PUBSUB_CHANNEL, buffer_slice(&channel), slice_from_string(event));
    }
    if (server->config.notify_keyspace_events & NOTIFY_KEYEVENT) {
        channel.size = 0;
        buffer_format(&channel, "__keyevent@%d__:%s", database, event);
        pubsub_publish(server, PUBSUB_CHANNEL, buffer_slice(&channel), key);
    }
    buffer_free(&channel);
}

static size_t count_of(const struct client *client, enum pubsub_kind kind)
{
    return client->subscriptions ? client->subscriptions->count[kind] : 0;
}

size_t pubsub_channels_of(const struct client *client)
{
    return count_of(client, PUBSUB_CHANNEL);
}

size_t pubsub_patterns_of(const struct client *client)
{
    return count_of(client, PUBSUB_PATTERN);
}

size_t pubsub_shard_channels_of(const struct client *client)
{
    return count_of(client, PUBSUB_SHARD);
}
