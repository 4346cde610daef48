/* SPDX-License-Identifier: MIT
 * blocked: clients that wait for a key to get elements (BLPOP and its kin).
 *
 * A waiting client keeps the command that it sent and is linked to each of its keys, in order of arrival. When a command makes a
 * key ready, the clients linked to it are tried one after the other: their command runs again as a transaction of its own
 * (TX_WAKE in the log), so who gets the element is on record. It either answers, and the client goes on, or it does not, and the
 * client stays where it was in the line. */
#ifndef LOCUS_REDISD_BLOCKED_H
#define LOCUS_REDISD_BLOCKED_H

#include "kernel/timer.h"
#include "redisd/client.h"
#include "redisd/command.h"
#include "redisd/registry.h"

struct blocked_table {
    struct registry keys;  /* names: two bytes of database number, then the key */
    struct buffer ready;   /* names of keys that got ready in this transaction: u32 size, name, ... Ours */
    struct buffer name;    /* scratch */
    size_t clients;        /* waiting now */
    bool serving;
};

struct blocked {
    struct client *client;         /* Borrowed: whose it is */
    struct registry_link *links;   /* chain; owner: the client */
    struct buffer command;         /* argv encoding; Ours */
    struct timer timer;            /* armed when there is a timeout */
    enum value_type type;          /* what the keys must hold */
    bool null_array;               /* what a timeout answers */
};

/* A key has elements now: clients waiting for it are tried once the transaction is over. */
void blocked_key_ready(struct blocked_table *table, int database, struct slice key);
/* Every key of a database may have elements now: databases were exchanged. */
void blocked_database_ready(struct blocked_table *table, int database);

/* Try the clients of all keys that got ready, until none is. */
void blocked_serve(struct redisd *server);

/* End the wait of a client, without an answer. */
void blocked_end(struct client *client);

/* CLIENT UNBLOCK: answer as after a timeout, or with an error. */
void blocked_unblock(struct client *client, bool error);

static inline bool blocked_ready(const struct blocked_table *table)
{
    return table->ready.size != 0;
}

#endif
