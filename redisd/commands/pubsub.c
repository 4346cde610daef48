/* SPDX-License-Identifier: MIT
 * pubsub: SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their ends, PUBLISH, SPUBLISH, PUBSUB.
 *
 * Confirmations are pushes, one for each name, written to the subscriber in the place of a reply. */
#include "redisd/pubsub.h"

#include "redisd/redisd.h"

struct words {
    const char *subscribe, *unsubscribe;
};

static const struct words words_of[PUBSUB_KINDS] = {
    [PUBSUB_CHANNEL] = {"subscribe", "unsubscribe"},
    [PUBSUB_PATTERN] = {"psubscribe", "punsubscribe"},
    [PUBSUB_SHARD] = {"ssubscribe", "sunsubscribe"},
};

/* The count that confirmations carry: channels and patterns together, shard channels apart. */
static int64_t subscriptions_of(const struct client *client, enum pubsub_kind kind)
{
    return (int64_t)(kind == PUBSUB_SHARD ? pubsub_shard_channels_of(client) : pubsub_channels_of(client) + pubsub_patterns_of(client));
}

static void confirm(struct call *c, const char *word, const struct slice *name, enum pubsub_kind kind)
{
    /* Pushes are not replies: CLIENT REPLY OFF does not hold them back. */
    bool aside = client_has(c->client, CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP);
    struct resp_writer w = {aside ? client_push_begin(c->client) : c->reply->out, c->reply->protocol};
    if (!w.out)
        return;
    resp_push(&w, 3);
    resp_bulk_string(&w, word);
    if (name)
        resp_bulk(&w, *name);
    else
        resp_null(&w);
    resp_integer(&w, subscriptions_of(c->client, kind));
    if (aside)
        client_push_end(c->client);
}

static void subscribe_kind(struct call *c, enum pubsub_kind kind)
{
    for (int i = 1; i < c->argc; i++) {
        pubsub_subscribe(c->client, kind, c->argv[i]);
        confirm(c, words_of[kind].subscribe, &c->argv[i], kind);
    }
}

static void unsubscribe_all(struct call *c, enum pubsub_kind kind)
{
    const struct subscriptions *own = c->client->subscriptions;
    if (!own || !own->count[kind]) {
        confirm(c, words_of[kind].unsubscribe, NULL, kind);
        return;
    }
    while ((own = c->client->subscriptions) && own->count[kind]) {
        struct buffer name = {0};
        buffer_append_slice(&name, registry_name(own->links[kind]->topic));
        struct slice text = buffer_slice(&name);
        pubsub_unsubscribe(c->client, kind, text);
        confirm(c, words_of[kind].unsubscribe, &text, kind);
        buffer_free(&name);
    }
}

static void unsubscribe_kind(struct call *c, enum pubsub_kind kind)
{
    if (c->argc == 1) {
        unsubscribe_all(c, kind);
        return;
    }
    for (int i = 1; i < c->argc; i++) {
        pubsub_unsubscribe(c->client, kind, c->argv[i]);
        confirm(c, words_of[kind].unsubscribe, &c->argv[i], kind);
    }
}

static void subscribe(struct call *c)
{
    subscribe_kind(c, PUBSUB_CHANNEL);
}

static void psubscribe(struct call *c)
{
    subscribe_kind(c, PUBSUB_PATTERN);
}

static void ssubscribe(struct call *c)
{
    subscribe_kind(c, PUBSUB_SHARD);
}

static void unsubscribe(struct call *c)
{
    unsubscribe_kind(c, PUBSUB_CHANNEL);
}

static void punsubscribe(struct call *c)
{
    unsubscribe_kind(c, PUBSUB_PATTERN);
}

static void sunsubscribe(struct call *c)
{
    unsubscribe_kind(c, PUBSUB_SHARD);
}

static void publish(struct call *c)
{
    resp_integer(c->reply, (int64_t)pubsub_publish(c->server, PUBSUB_CHANNEL, c->argv[1], c->argv[2]));
}

static void spublish(struct call *c)
{
    resp_integer(c->reply, (int64_t)pubsub_publish(c->server, PUBSUB_SHARD, c->argv[1], c->argv[2]));
}

static void list_channels(struct call *c, enum pubsub_kind kind)
{
    size_t mark = resp_array_begin(c->reply), count = 0;
    for (struct registry_topic *topic = c->server->pubsub->topics[kind].first; topic; topic = topic->next) {
        if (c->argc > 2 && !glob_match(c->argv[2], registry_name(topic), false))
            continue;
        resp_bulk(c->reply, registry_name(topic));
        count++;
    }
    resp_array_end(c->reply, mark, count);
}

static void count_subscribers(struct call *c, enum pubsub_kind kind)
{
    resp_array(c->reply, (size_t)(c->argc - 2) * 2);
    for (int i = 2; i < c->argc; i++) {
        struct registry_topic *topic = registry_find(&c->server->pubsub->topics[kind], c->argv[i]);
        resp_bulk(c->reply, c->argv[i]);
        resp_integer(c->reply, topic ? (int64_t)topic->links : 0);
    }
}

static void pubsub_channels(struct call *c)
{
    if (c->argc > 3)
        reply_subcommand_syntax(c);
    else
        list_channels(c, PUBSUB_CHANNEL);
}

static void pubsub_shardchannels(struct call *c)
{
    if (c->argc > 3)
        reply_subcommand_syntax(c);
    else
        list_channels(c, PUBSUB_SHARD);
}

static void pubsub_numsub(struct call *c)
{
    count_subscribers(c, PUBSUB_CHANNEL);
}

static void pubsub_shardnumsub(struct call *c)
{
    count_subscribers(c, PUBSUB_SHARD);
}

static void pubsub_numpat(struct call *c)
{
    resp_integer(c->reply, (int64_t)c->server->pubsub->topics[PUBSUB_PATTERN].topics);
}

static void pubsub_help(struct call *c)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]", "    Channels that have a subscriber, those that match the pattern.",
        "NUMPAT", "    How many patterns are subscribed to.",
        "NUMSUB [<channel> ...]", "    How many subscribers each channel has, patterns not counted.",
        "SHARDCHANNELS [<pattern>]", "    Shard channels that have a subscriber.",
        "SHARDNUMSUB [<shardchannel> ...]", "    How many subscribers each shard channel has.",
        NULL,
    };
    reply_help(c, lines);
}

#define SUB_FLAGS (CMD_PUBSUB | CMD_LOADING | CMD_STALE)
static const struct command pubsub_subcommands[] = {
    {"pubsub|channels", pubsub_channels, -2, SUB_FLAGS, 0, 0, 0, GROUP_PUBSUB, "2.8.0", "O(N), N the channels", "Lists channels that have subscribers.", NULL, NULL, 0},
    {"pubsub|help", pubsub_help, 2, CMD_LOADING | CMD_STALE, 0, 0, 0, GROUP_PUBSUB, "6.2.0", "O(1)", "Tells about the subcommands.", NULL, NULL, 0},
    {"pubsub|numpat", pubsub_numpat, 2, SUB_FLAGS, 0, 0, 0, GROUP_PUBSUB, "2.8.0", "O(1)", "Counts subscribed patterns.", NULL, NULL, 0},
    {"pubsub|numsub", pubsub_numsub, -2, SUB_FLAGS, 0, 0, 0, GROUP_PUBSUB, "2.8.0", "O(N), N the channels asked for", "Counts subscribers of channels.", NULL, NULL, 0},
    {"pubsub|shardchannels", pubsub_shardchannels, -2, SUB_FLAGS, 0, 0, 0, GROUP_PUBSUB, "7.0.0", "O(N), N the shard channels", "Lists shard channels that have subscribers.", NULL, NULL, 0},
    {"pubsub|shardnumsub", pubsub_shardnumsub, -2, SUB_FLAGS, 0, 0, 0, GROUP_PUBSUB, "7.0.0", "O(N), N the shard channels asked for", "Counts subscribers of shard channels.", NULL, NULL, 0},
    {0},
};

#define LISTEN_FLAGS (CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
const struct command commands_pubsub[] = {
    {"subscribe", subscribe, -2, LISTEN_FLAGS, 0, 0, 0, GROUP_PUBSUB, "2.0.0", "O(N), N the channels", "Listens to messages published to channels.", NULL, NULL, 0},
    {"unsubscribe", unsubscribe, -1, LISTEN_FLAGS, 0, 0, 0, GROUP_PUBSUB, "2.0.0", "O(N), N the channels", "Stops listening to channels.", NULL, NULL, 0},
    {"psubscribe", psubscribe, -2, LISTEN_FLAGS, 0, 0, 0, GROUP_PUBSUB, "2.0.0", "O(N), N the patterns", "Listens to channels whose names match patterns.", NULL, NULL, 0},
    {"punsubscribe", punsubscribe, -1, LISTEN_FLAGS, 0, 0, 0, GROUP_PUBSUB, "2.0.0", "O(N), N the patterns", "Stops listening to patterns.", NULL, NULL, 0},
    {"ssubscribe", ssubscribe, -2, LISTEN_FLAGS, 1, -1, 1, GROUP_PUBSUB, "7.0.0", "O(N), N the shard channels", "Listens to shard channels.", NULL, NULL, 0},
    {"sunsubscribe", sunsubscribe, -1, LISTEN_FLAGS, 1, -1, 1, GROUP_PUBSUB, "7.0.0", "O(N), N the shard channels", "Stops listening to shard channels.", NULL, NULL, 0},
    {"publish", publish, 3, CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST, 0, 0, 0, GROUP_PUBSUB, "2.0.0", "O(N+M), N the subscribers, M the patterns", "Sends a message to a channel.", NULL, NULL, 0},
    {"spublish", spublish, 3, CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST, 1, 1, 1, GROUP_PUBSUB, "7.0.0", "O(N), N the subscribers", "Sends a message to a shard channel.", NULL, NULL, 0},
    {"pubsub", NULL, -2, 0, 0, 0, 0, GROUP_PUBSUB, "2.8.0", "Depends on subcommand.", "Looks at channels and their subscribers.", NULL, pubsub_subcommands, 0},
    {0},
};
