/* SPDX-License-Identifier: MIT
 * os_sim_net: the sockets and the poller of a simulated machine: a network that tests own, repeatable from a seed.
 *
 *      client --send--> in flight --poller_wait, a piece at a time--> arrived --read--> daemon
 *
 * Bytes arrive in pieces whose sizes the seed decides, ends of input after the last byte, events in any order; writes are short now
 * and then. Edges are reported as epoll does: once per arrival, and anew after poller_change. When nothing can happen before a
 * deadline, the machine's clock moves there at once, so that an idle timeout of an hour takes no time.
 *
 * It is an os for a reactor: clock and randomness are the machine's below; whoever stores files uses the machine's own os. One thread
 * only. */
#ifndef LOCUS_KERNEL_OS_SIM_NET_H
#define LOCUS_KERNEL_OS_SIM_NET_H

#include "kernel/os_sim.h"

enum {
    SIM_NET_ENDS_MAX = 1024,    /* descriptors of both sides together */
    SIM_NET_WINDOW = 64 * 1024, /* bytes that one direction of a connection holds, in flight and arrived */
};

struct sim_net;

/* A network on this machine, which must outlive it. */
struct sim_net *sim_net_new(struct os_sim *machine, uint64_t seed);
void sim_net_free(struct sim_net *net);
struct os *sim_net_os(struct sim_net *net); /* Borrowed until sim_net_free */

/* ---- the clients' side ---- */

/* Connect to the listener of a port: the client's end, or -ECONNREFUSED. */
int sim_net_connect(struct sim_net *net, int port);
/* As read and write: -EAGAIN, 0 at the end of input, -ECONNRESET, -EPIPE. */
ssize_t sim_net_send(struct sim_net *net, int client, const void *bytes, size_t size);
ssize_t sim_net_receive(struct sim_net *net, int client, void *bytes, size_t size);
/* No more bytes from this client; it goes on receiving. */
void sim_net_shutdown(struct sim_net *net, int client);
/* Gone; with unread replies, or by `reset`, the daemon's next read says ECONNRESET. */
void sim_net_close(struct sim_net *net, int client, bool reset);

/* Ends that are not closed, listeners and pollers included: for leaks. */
unsigned sim_net_open_ends(const struct sim_net *net);

#endif
