/* SPDX-License-Identifier: MIT
 * os_sim_net: see os_sim_net.h.
 *
 * Every descriptor is an end. The two ends of a connection know each other by position; bytes written by one wait in the other's
 * `flight`, then in its `in`. Descriptors begin at FD_BASE, so that they are told from the machine's files. */
#include "kernel/os_sim_net.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/buffer.h"

enum { FD_BASE = 1 << 20 };

enum end_kind { END_FREE, END_LISTENER, END_SOCKET, END_POLLER, END_WAKE };

struct end {
    enum end_kind kind;
    int peer;              /* position of the other end; -1: it is closed */
    int port;              /* of a listener */
    int backlog_next;      /* of a socket that waits to be accepted: the next one + 1 */
    int backlog;           /* of a listener: the first that waits + 1 */
    struct buffer flight;  /* on their way to us */
    struct buffer in;      /* arrived */
    bool fin_sent;         /* the peer sends no more: `ended` once flight is empty */
    bool ended;            /* the end of input has arrived */
    bool reset;            /* reads and writes fail */
    bool wants_room;       /* a write was short or refused: tell when there is room */
    bool signalled;        /* of a wake-up */
    uint32_t registered;   /* OS_* flags; 0: not in the poller */
    uint32_t edges;        /* what happened since it was last reported */
    uint64_t tag;
};

struct sim_net {
    struct os os;
    struct os_sim *machine; /* Borrowed */
    struct os *below;       /* Borrowed: the machine's os */
    uint64_t random;
    struct end ends[SIM_NET_ENDS_MAX];
};

static uint64_t next_random(struct sim_net *net)
{
    uint64_t z = (net->random += 0x9e3779b97f4a7c15u); /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t random_up_to(struct sim_net *net, size_t most)
{
    return 1 + next_random(net) % most;
}

static int new_end(struct sim_net *net, enum end_kind kind)
{
    for (int i = 0; i < SIM_NET_ENDS_MAX; i++) {
        if (net->ends[i].kind != END_FREE)
            continue;
        net->ends[i] = (struct end){.kind = kind, .peer = -1};
        return i;
    }
    return -EMFILE;
}

static struct end *end_of(struct sim_net *net, int fd)
{
    int i = fd - FD_BASE;
    return i >= 0 && i < SIM_NET_ENDS_MAX && net->ends[i].kind != END_FREE ? &net->ends[i] : NULL;
}

/* ---- bytes ---- */

static ssize_t end_write(struct sim_net *net, struct end *from, const void *bytes, size_t size)
{
    if (from->reset || from->peer < 0)
        return -EPIPE;
    struct end *to = &net->ends[from->peer];
    size_t room = SIM_NET_WINDOW - to->flight.size - to->in.size, part = size < room ? size : room;
    if (part > 1 && next_random(net) % 4 == 0)
        part = random_up_to(net, part);
    if (part < size)
        from->wants_room = true;
    if (part == 0)
        return -EAGAIN;
    buffer_append(&to->flight, bytes, part);
    return (ssize_t)part;
}

static ssize_t end_read(struct sim_net *net, struct end *to, void *bytes, size_t size)
{
    if (to->reset)
        return -ECONNRESET;
    if (to->in.size == 0)
        return to->ended ? 0 : -EAGAIN;
    size_t part = size < to->in.size ? size : to->in.size; /* all that has arrived: a short read means that nothing is left */
    memcpy(bytes, to->in.base, part);
    buffer_consume(&to->in, part);
    if (to->peer >= 0 && net->ends[to->peer].wants_room) {
        net->ends[to->peer].wants_room = false;
        net->ends[to->peer].edges |= OS_WRITABLE;
    }
    return (ssize_t)part;
}

static void end_close(struct sim_net *net, struct end *end, bool reset)
{
    if (end->kind == END_SOCKET && end->peer >= 0) {
        struct end *peer = &net->ends[end->peer];
        peer->peer = -1;
        peer->fin_sent = true;
        if (reset || end->in.size || end->flight.size) { /* what was not read is answered by a reset */
            peer->reset = true;
            peer->edges |= OS_READABLE | OS_HANGUP;
        }
    }
    buffer_free(&end->in);
    buffer_free(&end->flight);
    *end = (struct end){0};
}

/* A piece of what is in flight arrives. */
static void deliver(struct sim_net *net, struct end *end)
{
    if (end->flight.size) {
        size_t part = random_up_to(net, end->flight.size);
        buffer_append(&end->in, end->flight.base, part);
        buffer_consume(&end->flight, part);
        end->edges |= OS_READABLE;
    }
    if (end->fin_sent && !end->ended && end->flight.size == 0) {
        end->ended = true;
        end->edges |= OS_READABLE | OS_HANGUP;
    }
}

/* ---- the seam: sockets ---- */

static int net_listen_tcp(void *self, const char *address, int port, int backlog, int *bound_port)
{
    struct sim_net *net = self;
    (void)address, (void)backlog;
    int i = new_end(net, END_LISTENER);
    if (i < 0)
        return i;
    net->ends[i].port = port ? port : 10000 + i;
    if (bound_port)
        *bound_port = net->ends[i].port;
    return FD_BASE + i;
}

static int net_accept(void *self, int fd, char *peer, size_t peer_size)
{
    struct sim_net *net = self;
    struct end *listener = end_of(net, fd);
    if (!listener || !listener->backlog)
        return listener ? -EAGAIN : -EBADF;
    int i = listener->backlog - 1;
    listener->backlog = net->ends[i].backlog_next;
    snprintf(peer, peer_size, "10.0.0.1:%d", i);
    return FD_BASE + i;
}

static ssize_t net_read(void *self, int fd, void *bytes, size_t size)
{
    struct end *end = end_of(self, fd);
    return end ? end_read(self, end, bytes, size) : -EBADF;
}

static ssize_t net_write(void *self, int fd, const void *bytes, size_t size)
{
    struct end *end = end_of(self, fd);
    return end ? end_write(self, end, bytes, size) : -EBADF;
}

static ssize_t net_writev(void *self, int fd, const struct iovec *parts, int count)
{
    return count > 0 ? net_write(self, fd, parts[0].iov_base, parts[0].iov_len) : 0;
}

static int net_shutdown_write(void *self, int fd)
{
    struct sim_net *net = self;
    struct end *end = end_of(net, fd);
    if (!end || end->peer < 0)
        return -ENOTCONN;
    net->ends[end->peer].fin_sent = true;
    return 0;
}

static int net_local_name(void *self, int fd, char *name, size_t size)
{
    (void)self;
    snprintf(name, size, "10.0.0.2:%d", fd - FD_BASE);
    return 0;
}

static int net_keepalive(void *self, int fd, int seconds)
{
    (void)self, (void)fd, (void)seconds;
    return 0;
}

static int net_close(void *self, int fd)
{
    struct sim_net *net = self;
    struct end *end = end_of(net, fd);
    if (!end)
        return net->below->ops->close(net->below->self, fd);
    end_close(net, end, false);
    return 0;
}

/* ---- the seam: readiness ---- */

static uint32_t level_of(const struct sim_net *net, const struct end *end)
{
    switch (end->kind) {
    case END_LISTENER:
        return end->backlog ? OS_READABLE : 0;
    case END_WAKE:
        return end->signalled ? OS_READABLE : 0;
    case END_SOCKET:
        break;
    case END_FREE:
    case END_POLLER:
        return 0;
    }
    uint32_t level = end->in.size || end->ended || end->reset ? OS_READABLE : 0;
    level |= end->ended || end->reset ? OS_HANGUP : 0;
    const struct end *peer = end->peer >= 0 ? &net->ends[end->peer] : NULL;
    if (!peer || peer->in.size + peer->flight.size < SIM_NET_WINDOW)
        level |= OS_WRITABLE;
    return level;
}

static int net_poller_open(void *self)
{
    int i = new_end(self, END_POLLER);
    return i < 0 ? i : FD_BASE + i;
}

/* A registration, new or changed, reports what is ready already. */
static int net_poller_set(void *self, int poller, int fd, uint32_t events, uint64_t tag)
{
    struct end *end = end_of(self, fd);
    (void)poller;
    if (!end)
        return -EBADF;
    end->registered = events;
    end->tag = tag;
    end->edges = level_of(self, end);
    return 0;
}

static int net_poller_remove(void *self, int poller, int fd)
{
    struct end *end = end_of(self, fd);
    (void)poller;
    if (end)
        end->registered = 0;
    return 0;
}

static int gather(struct sim_net *net, struct os_event *events, int max)
{
    int count = 0;
    size_t start = next_random(net) % SIM_NET_ENDS_MAX;
    for (size_t n = 0; n < SIM_NET_ENDS_MAX && count < max; n++) {
        struct end *end = &net->ends[(start + n) % SIM_NET_ENDS_MAX];
        uint32_t happened = end->registered & OS_EDGE ? end->edges : level_of(net, end);
        uint32_t ready = happened & ((end->registered & (OS_READABLE | OS_WRITABLE)) | OS_HANGUP);
        if (!end->registered || !ready)
            continue;
        end->edges = 0;
        events[count++] = (struct os_event){end->tag, ready};
    }
    return count;
}

/* Let a piece of everything in flight arrive; false when nothing was. */
static bool deliver_all(struct sim_net *net)
{
    bool any = false;
    for (int i = 0; i < SIM_NET_ENDS_MAX; i++) {
        struct end *end = &net->ends[i];
        if (end->kind != END_SOCKET || (!end->flight.size && (!end->fin_sent || end->ended)))
            continue;
        deliver(net, end);
        any = true;
    }
    return any;
}

static int net_poller_wait(void *self, int poller, struct os_event *events, int max, int64_t timeout_ns)
{
    struct sim_net *net = self;
    (void)poller;
    os_sim_advance(net->machine, 1000); /* a turn takes time */
    deliver_all(net);
    int count = gather(net, events, max);
    if (count || timeout_ns == 0)
        return count;
    while (!count && deliver_all(net))
        count = gather(net, events, max);
    if (!count && timeout_ns < 0)
        return -EDEADLK; /* nothing will ever happen: better to say so than to wait */
    if (!count)
        os_sim_advance(net->machine, (uint64_t)timeout_ns);
    return count;
}

static int net_wake_open(void *self)
{
    int i = new_end(self, END_WAKE);
    return i < 0 ? i : FD_BASE + i;
}

static int net_wake_signal(void *self, int fd)
{
    end_of(self, fd)->signalled = true;
    return 0;
}

static int net_wake_clear(void *self, int fd)
{
    end_of(self, fd)->signalled = false;
    return 0;
}

/* ---- the seam: what the machine below does ---- */

static uint64_t net_monotonic_ns(void *self)
{
    return os_monotonic_ns(((struct sim_net *)self)->below);
}

static int64_t net_wall_us(void *self)
{
    return os_wall_us(((struct sim_net *)self)->below);
}

static void net_random(void *self, void *bytes, size_t size)
{
    os_random(((struct sim_net *)self)->below, bytes, size);
}

static int net_open(void *self, const char *path, int flags)
{
    struct os *below = ((struct sim_net *)self)->below;
    return below->ops->open(below->self, path, flags);
}

/* The network's table. Files other than open and close go through the machine's own os: whoever stores things gets that one. */
static const struct os_ops net_ops = {
    .monotonic_ns = net_monotonic_ns,
    .wall_us = net_wall_us,
    .random = net_random,
    .open = net_open,
    .close = net_close,
    .listen_tcp = net_listen_tcp,
    .accept = net_accept,
    .read = net_read,
    .write = net_write,
    .writev = net_writev,
    .shutdown_write = net_shutdown_write,
    .local_name = net_local_name,
    .keepalive = net_keepalive,
    .poller_open = net_poller_open,
    .poller_add = net_poller_set,
    .poller_change = net_poller_set,
    .poller_remove = net_poller_remove,
    .poller_wait = net_poller_wait,
    .wake_open = net_wake_open,
    .wake_signal = net_wake_signal,
    .wake_clear = net_wake_clear,
};

struct sim_net *sim_net_new(struct os_sim *machine, uint64_t seed)
{
    struct sim_net *net = calloc(1, sizeof *net);
    assert(net);
    net->os = (struct os){&net_ops, net};
    net->machine = machine;
    net->below = os_sim_os(machine);
    net->random = seed;
    return net;
}

void sim_net_free(struct sim_net *net)
{
    for (int i = 0; i < SIM_NET_ENDS_MAX; i++) {
        buffer_free(&net->ends[i].in);
        buffer_free(&net->ends[i].flight);
    }
    free(net);
}

struct os *sim_net_os(struct sim_net *net)
{
    return &net->os;
}

/* ---- the clients' side ---- */

int sim_net_connect(struct sim_net *net, int port)
{
    struct end *listener = NULL;
    for (int i = 0; i < SIM_NET_ENDS_MAX; i++)
        if (net->ends[i].kind == END_LISTENER && net->ends[i].port == port)
            listener = &net->ends[i];
    if (!listener)
        return -ECONNREFUSED;
    int client = new_end(net, END_SOCKET), daemon = new_end(net, END_SOCKET);
    if (client < 0 || daemon < 0) {
        if (client >= 0)
            net->ends[client] = (struct end){0};
        return -EMFILE;
    }
    net->ends[client].peer = daemon;
    net->ends[daemon].peer = client;
    int *link = &listener->backlog; /* the longest waiting first */
    while (*link)
        link = &net->ends[*link - 1].backlog_next;
    *link = daemon + 1;
    listener->edges |= OS_READABLE;
    return client;
}

ssize_t sim_net_send(struct sim_net *net, int client, const void *bytes, size_t size)
{
    return end_write(net, &net->ends[client], bytes, size);
}

ssize_t sim_net_receive(struct sim_net *net, int client, void *bytes, size_t size)
{
    return end_read(net, &net->ends[client], bytes, size);
}

void sim_net_shutdown(struct sim_net *net, int client)
{
    if (net->ends[client].peer >= 0)
        net->ends[net->ends[client].peer].fin_sent = true;
}

void sim_net_close(struct sim_net *net, int client, bool reset)
{
    end_close(net, &net->ends[client], reset);
}

unsigned sim_net_open_ends(const struct sim_net *net)
{
    unsigned count = 0;
    for (int i = 0; i < SIM_NET_ENDS_MAX; i++)
        count += net->ends[i].kind != END_FREE;
    return count;
}
