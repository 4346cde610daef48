/* SPDX-License-Identifier: MIT
 * ring: a bounded queue of small messages from any number of threads to one, without locks.
 *
 *      tail (next to write, shared by senders) ........ head (next to read, the receiver's alone)
 *      | seq, message | seq, message | ...      capacity slots, a power of two
 *
 * Each slot carries a sequence number that says whose move it is: equal to the position, a sender may write; position + 1, the
 * receiver may read. (Vyukov's bounded queue.) A full ring says so: the sender decides what waits.
 *
 * A ring may be tied to an actor: pushing into it wakes the actor, with one wake-up for any number of messages. */
#ifndef LOCUS_KERNEL_RING_H
#define LOCUS_KERNEL_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/actor.h"
#include "kernel/reactor.h"

struct ring;

/* capacity: messages, a power of two, at least 2; message_size: bytes. Never fails: running out of memory ends the process. */
struct ring *ring_new(uint32_t capacity, uint32_t message_size);
/* Neither side may use it any more, and, when tied, the reactor's posts must be drained (free it on the reactor's thread, or after the reactor). */
void ring_free(struct ring *ring);

/* Have pushes wake this actor, on its reactor. On the receiver's thread, before the first push. The actor may end earlier than the ring. */
void ring_tie(struct ring *ring, struct actor *receiver);

/* Copy a message in; false when the ring is full. From any thread. */
bool ring_push(struct ring *ring, const void *message);
/* Copy the oldest message out; false when the ring is empty. By the receiver alone. */
bool ring_pop(struct ring *ring, void *message);
/* Awaitable for the tied actor: 0 with a message copied out, CO_WAIT, or what actor_cancel said. */
int ring_receive(struct ring *ring, struct actor *receiver, void *message);

#endif
