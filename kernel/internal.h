/* SPDX-License-Identifier: MIT
 * internal: what the kernel's files say to each other and to nobody else. */
#ifndef LOCUS_KERNEL_INTERNAL_H
#define LOCUS_KERNEL_INTERNAL_H

#include "kernel/actor.h"
#include "kernel/reactor.h"
#include "kernel/stream.h"

/* ---- actor.c ---- */

/* Run every actor that is runnable in this turn, once. */
void actors_run(struct reactor *reactor);
/* End every actor, whatever its state. */
void actors_end_all(struct reactor *reactor);

/* ---- park.c ---- */

/* Give a parked actor a heap and its root back. 0 or -ENOMEM. */
int actor_unpark(struct actor *actor);
/* The sweep's timer: parks the idle, ends the lingering, keeps itself armed while there is anybody to look after. */
void sweep_fire(void *reactor);
/* Make sure that the sweep will come. */
void sweep_arm(struct reactor *reactor);

/* ---- stream.c ---- */

/* Detach an actor's streams and close them; abort: without sending what is pending. */
void streams_leave(struct actor *actor, bool abort);
/* Whether every stream of the actor is empty in both directions; gives back input buffers that hold nothing. */
bool streams_quiet(struct actor *actor);
/* Close at once and forget. */
void stream_destroy(struct stream *stream);
/* Go on with closing: pending output is gone, or the peer sent something, or the stream broke. May destroy it. */
void stream_close_step(struct stream *stream);
/* Destroy the lingering streams whose time is over. */
void streams_end_lingering(struct reactor *reactor);

/* ---- stream_output.c ---- */

/* Send what the turn left: new output, and, when the gate has moved, what waited for it. */
void streams_flush_all(struct reactor *reactor);
/* The poller says that out_fd takes bytes again. */
void stream_writable(struct stream *stream);
/* Take the stream out of the list that it is in. */
void stream_unlist(struct stream *stream);
/* Forget all output and give its buffer back. */
void stream_drop_output(struct stream *stream);

#endif
