/* SPDX-License-Identifier: MIT
 * client: a small blocking Redis client for tests from outside: one connection, one reply at a time, replies as trees. */
#ifndef LOCUS_COMPAT_CLIENT_H
#define LOCUS_COMPAT_CLIENT_H

#include "kernel/buffer.h"
#include "protocols/resp_reply.h"

enum { CLIENT_TIMEOUT_S = 20 }; /* a server that says nothing for so long counts as hung */

struct client {
    int fd;                  /* -1: not connected */
    struct buffer in;        /* Ours: bytes read; the last reply's come first */
    struct buffer out;       /* Ours: scratch for requests */
    struct resp_reply reply; /* the last one; its texts are valid until the next client_receive */
};

/* Connect to 127.0.0.1:port. 0 or -errno. */
int client_open(struct client *client, int port);
void client_close(struct client *client);

/* Send one request. 0 or -errno. */
int client_send(struct client *client, const struct slice *argv, int argc);

/* Wait for the next reply. It, or NULL when the connection ended, timed out or spoke nonsense (errno says which). */
const struct resp_node *client_receive(struct client *client);

/* The bytes of the last reply, as they came. */
static inline struct slice client_reply_bytes(const struct client *client)
{
    return slice_of(client->in.base, client->reply.bytes);
}

/* Send and receive. */
const struct resp_node *client_call(struct client *client, const struct slice *argv, int argc);

/* The same with words separated by single spaces. */
const struct resp_node *client_command(struct client *client, const char *words);

#endif
