/* SPDX-License-Identifier: MIT
 * pubsub: channels, patterns and shard channels, and who listens to them.
 *
 * A message goes to the subscribers of its channel in order of subscription, then to those of each matching pattern in order of
 * the patterns' age. It is appended to their output at once and leaves when the log allows, as a reply would: nobody hears of a change that a crash can
 * take back. */
#ifndef LOCUS_REDISD_PUBSUB_H
#define LOCUS_REDISD_PUBSUB_H

#include "redisd/client.h"
#include "redisd/registry.h"

enum pubsub_kind { PUBSUB_CHANNEL, PUBSUB_PATTERN, PUBSUB_SHARD, PUBSUB_KINDS };

struct pubsub {
    struct registry topics[PUBSUB_KINDS];
};

/* Of one client; exists while it subscribes to anything. */
struct subscriptions {
    struct registry_link *links[PUBSUB_KINDS];
    size_t count[PUBSUB_KINDS];
};

/* False: the client had it already (had it not). */
bool pubsub_subscribe(struct client *client, enum pubsub_kind kind, struct slice name);
bool pubsub_unsubscribe(struct client *client, enum pubsub_kind kind, struct slice name);
/* Everything of a client that ends. */
void pubsub_end(struct client *client);

/* Deliver a message; returns how many clients got it. kind: PUBSUB_CHANNEL (patterns too) or PUBSUB_SHARD. */
size_t pubsub_publish(struct redisd *server, enum pubsub_kind kind, struct slice channel, struct slice message);

/* Keyspace and keyevent notifications of one event, as the configuration asks. */
void pubsub_keyspace_event(struct redisd *server, int database, const char *event, struct slice key);

size_t pubsub_channels_of(const struct client *client);
size_t pubsub_patterns_of(const struct client *client);
size_t pubsub_shard_channels_of(const struct client *client);

#endif
