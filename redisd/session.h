/* SPDX-License-Identifier: MIT
 * session: one connection: read what has arrived, parse all of it, prefetch, execute, go on.
 *
 * The micro-thread waits for bytes, for a client that blocks, and for a peer that does not read its replies; never for the disk: replies
 * are marked with the newest transaction and the stream holds them back until the log lets them go. */
#ifndef LOCUS_REDISD_SESSION_H
#define LOCUS_REDISD_SESSION_H

#include "kernel/listener.h"
#include "redisd/redisd.h"

/* Takes an accepted connection: a listener's callback, whose context is the struct redisd. */
void session_accept(void *server, struct stream *stream, const char *peer, int error);

/* One session on standard input and output; the server stops when it ends. 0 or -errno. */
int session_stdio(struct redisd *server);

#endif
