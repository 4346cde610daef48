/* SPDX-License-Identifier: MIT
 * listener: accepts connections and hands each one on as a stream.
 *
 * At most REACTOR_ACCEPTS_PER_TURN connections are taken per turn, so that a storm of connects does not starve those who are
 * connected. When the process runs out of descriptors, a spare one kept for this case is given up for a moment: the peer is
 * accepted, told, and closed, instead of hanging in the backlog for ever. */
#ifndef LOCUS_KERNEL_LISTENER_H
#define LOCUS_KERNEL_LISTENER_H

#include "kernel/reactor.h"
#include "kernel/stream.h"

enum { LISTENER_PEER_MAX = 108 }; /* bytes of a peer's name: sizeof(sockaddr_un.sun_path) */

/* A connection was accepted. error 0: spawn an actor and stream_give it the stream, or refuse: append a message, listener_refused
 * and stream_close. error -EMFILE: out of descriptors: append a message and stream_close, nothing else.
 * peer: "ip:port", or the socket's path; Borrowed for the call. */
typedef void (*listener_accept_fn)(void *context, struct stream *stream, const char *peer, int error);

struct listener {
    struct source source;
    struct reactor *reactor;
    int fd;                      /* Ours */
    int spare_fd;                /* Ours; -1 while given up */
    listener_accept_fn accepted;
    void *context;               /* Borrowed for the listener's life */
    struct timer retry;          /* armed while paused for want of descriptors */
};

/* Listen on a descriptor from os->listen_tcp or os->listen_unix; takes it, also when it fails. 0 or -errno. */
int listener_open(struct listener **listener, struct reactor *reactor, int fd, listener_accept_fn accepted, void *context);
/* Stop accepting and close; streams handed on are not touched. Not from within `accepted`. */
void listener_close(struct listener *listener);

/* Count a refusal for a limit of the daemon's own; those for want of descriptors are counted already. */
static inline void listener_refused(struct reactor *reactor) { reactor->counters.refused++; }

#endif
