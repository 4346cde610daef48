/* SPDX-License-Identifier: MIT
 * client: see client.h. */
#include "compat/lib/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "protocols/resp.h"

enum { READ_SIZE = 65536, WORDS_MAX = 32 };

int client_open(struct client *client, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_S};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (client->fd < 0)
        return -errno;
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int error = errno;
        close(client->fd);
        client->fd = -1;
        return -error;
    }
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return 0;
}

void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    buffer_free(&client->in);
    buffer_free(&client->out);
    resp_reply_free(&client->reply);
    client->fd = -1;
}

int client_send(struct client *client, const struct slice *argv, int argc)
{
    struct resp_writer w = {.out = &client->out, .protocol = 2};
    client->out.size = 0;
    resp_array(&w, (size_t)argc);
    for (int i = 0; i < argc; i++)
        resp_bulk(&w, argv[i]);
    for (size_t sent = 0; sent < client->out.size;) {
        ssize_t n = send(client->fd, client->out.base + sent, client->out.size - sent, MSG_NOSIGNAL);
        if (n < 0)
            return -errno;
        sent += (size_t)n;
    }
    return 0;
}

const struct resp_node *client_receive(struct client *client)
{
    if (client->reply.bytes)
        buffer_consume(&client->in, client->reply.bytes);
    client->reply.bytes = 0;
    for (;;) {
        int got = client->in.size ? resp_reply_read(&client->reply, buffer_slice(&client->in)) : 0;
        if (got > 0)
            return client->reply.nodes;
        client->reply.bytes = 0;
        if (got < 0) {
            errno = -got;
            return NULL;
        }
        ssize_t n = recv(client->fd, buffer_room(&client->in, READ_SIZE), READ_SIZE, 0);
        if (n == 0)
            errno = ECONNRESET;
        if (n <= 0)
            return NULL;
        client->in.size += (size_t)n;
    }
}

const struct resp_node *client_call(struct client *client, const struct slice *argv, int argc)
{
    int error = client_send(client, argv, argc);
    if (error < 0) {
        errno = -error;
        return NULL;
    }
    return client_receive(client);
}

const struct resp_node *client_command(struct client *client, const char *words)
{
    struct slice argv[WORDS_MAX];
    int argc = 0;
    for (const char *p = words; *p && argc < WORDS_MAX;) {
        size_t size = strcspn(p, " ");
        argv[argc++] = slice_of(p, size);
        p += size + (p[size] == ' ');
    }
    return client_call(client, argv, argc);
}
