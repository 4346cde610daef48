/* SPDX-License-Identifier: MIT
 * client: what the server knows of a connection for as long as it lives, parked or not.
 *
 *      struct client (malloc, about 250 bytes)  <---->  session (micro-heap, only while the connection is active)
 *            |-- transaction   MULTI's queue, watched keys         NULL when neither
 *            |-- subscriptions channels and patterns               NULL when none
 *            `-- blocked       keys waited for                     NULL when not waiting
 *
 * A session gives its micro-heap back when it idles; whatever others must still find - the name in CLIENT LIST, a subscription, a
 * watched key - hangs on the client. */
#ifndef LOCUS_REDISD_CLIENT_H
#define LOCUS_REDISD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"

struct command;
struct redisd;
struct session;
struct stream;
struct transaction;
struct subscriptions;
struct blocked;

enum client_flag {
    CLIENT_AUTHENTICATED = 1 << 0,
    CLIENT_CLOSE_AFTER_REPLY = 1 << 1, /* QUIT, protocol errors */
    CLIENT_REPLY_OFF = 1 << 2,         /* CLIENT REPLY OFF */
    CLIENT_REPLY_SKIP_NEXT = 1 << 3,   /* CLIENT REPLY SKIP was this command: the next one is not answered */
    CLIENT_REPLY_SKIP = 1 << 4,        /* this command is not answered */
    CLIENT_NO_EVICT = 1 << 5,
    CLIENT_NO_TOUCH = 1 << 6,
    CLIENT_KILLED = 1 << 7,            /* CLIENT KILL by another: closed without answering further */
    CLIENT_INTERNAL = 1 << 8,          /* the server's own, for replay */
    CLIENT_UNIX = 1 << 9,
    CLIENT_STDIO = 1 << 11,            /* the server stops when this session ends */
    CLIENT_RETRYING = 1 << 10,         /* its blocked command is being tried again: call_block leaves it blocked */
};

struct client {
    struct client *next, *previous; /* all clients, oldest first */
    struct redisd *server;
    struct session *session;        /* NULL while parked and for the server's own */
    struct stream *stream;          /* Borrowed from the kernel until the session ends */
    struct transaction *transaction;     /* Ours */
    struct subscriptions *subscriptions; /* Ours */
    struct blocked *blocked;             /* Ours */
    const struct command *last_command;
    char *name, *library, *library_version; /* Ours; NULL: not set */
    uint64_t id;
    uint64_t actor;                 /* handle of the session's actor; 0 for the server's own */
    int64_t created_ms, active_ms;  /* wall clock */
    uint32_t flags;                 /* enum client_flag */
    int16_t database;
    uint8_t protocol;               /* 2 or 3 */
    uint8_t fault_test;             /* enum fault_test */
    char peer[46];                  /* "ip:port", "[ip6]:port" or a socket's path, cut to fit */
};

static inline bool client_has(const struct client *client, uint32_t flags)
{
    return (client->flags & flags) != 0;
}

/* A new client in the server's list. */
struct client *client_new(struct redisd *server, const char *peer, int64_t now_ms);
/* Out of every table - watch, subscriptions, blocked - and freed. The stream is the kernel's. */
void client_free(struct client *client);

/* The output to append a message that the client did not ask for (pub/sub, invalidation), to be called again for each message. NULL when
 * the connection is closing. */
struct buffer *client_push_begin(struct client *client);
void client_push_end(struct client *client);

/* The client of a session that is ending: `known`, or found by its actor when the session's memory cannot be trusted. NULL: none. */
struct actor;
struct client *client_of_actor(struct client *known, struct actor *actor);

/* A client that was blocked goes on: its session runs what it sent meanwhile. */
void client_resume(struct client *client);

/* One line of CLIENT LIST, with the newline. */
void client_describe(const struct client *client, struct buffer *out, int64_t now_ms);

/* Close the connection without another word. `self` true: the client of the running command, whose reply still goes out. */
void client_kill(struct client *client, bool self);

/* Name the calling client (CLIENT SETNAME, HELLO SETNAME); answers the error itself when the name has spaces or control characters. */
struct call;
bool client_set_name(struct call *c, struct slice name);
void client_clear_name(struct client *client);
/* The address that the client connected to: "127.0.0.1:6379". */
void client_local_address(const struct client *client, char *text, size_t size);

/* "normal", "pubsub": the types that CLIENT LIST TYPE and CLIENT KILL TYPE select by. */
const char *client_type(const struct client *client);

#endif
