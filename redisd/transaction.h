/* SPDX-License-Identifier: MIT
 * transaction: MULTI's queue and WATCH's keys of one client. The queue is kept in the log's argv encoding: EXEC's record takes it as it is. */
#ifndef LOCUS_REDISD_TRANSACTION_H
#define LOCUS_REDISD_TRANSACTION_H

#include "redisd/client.h"
#include "redisd/command.h"
#include "redisd/registry.h"

struct transaction {
    struct buffer queue;         /* commands, argv-encoded; Ours */
    size_t count;                /* commands queued */
    uint32_t flags_seen;         /* union of their flags */
    bool open;                   /* between MULTI and EXEC or DISCARD */
    bool refused;                /* a command was refused while queueing: EXEC answers EXECABORT */
    bool stale;                  /* a watched key changed: EXEC answers null */
    int64_t watched_ms;          /* when the first key was watched: what was past its deadline then has not changed by passing it */
    struct registry_link *watched; /* chain of links in the server's watch table; owner: the client */
};

/* Keys are watched under a name of two bytes of database number and the key. */
struct watch_table {
    struct registry keys;
    struct buffer name; /* scratch */
};

/* The client's transaction, made when it has none. */
struct transaction *transaction_of(struct client *client);
/* Forget queue and watched keys and free. */
void transaction_end(struct client *client);
static inline bool transaction_is_open(const struct client *client)
{
    return client->transaction && client->transaction->open;
}

/* Queue a command that has passed the dispatcher's checks. */
void transaction_queue(struct client *client, const struct command *command, const struct slice *argv, int argc);

/* Watch a key for the client, from now on. */
void watch_add(struct client *client, int database, struct slice key, int64_t now_ms);
/* A key changed: transactions that watch it are stale. */
void watch_changed(struct watch_table *table, int database, struct slice key);
/* The contents of a database (-1: of all) were removed or replaced: whoever watches a key of it is stale. FLUSHDB, SWAPDB. A
 * key past its deadline is as good as removed. */
void watch_changed_database(struct redisd *server, int database, int64_t now_ms);
/* Did a key pass its deadline since the client watches? It counts as changed, removed or not. */
bool watch_expired(const struct client *client, int64_t now_ms);

#endif
