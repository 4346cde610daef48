/* SPDX-License-Identifier: MIT
 * ring: see ring.h. */
#include "kernel/ring.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

struct ring {
    /* Fixed after ring_new and ring_tie. */
    uint32_t mask;         /* capacity - 1 */
    uint32_t message_size; /* bytes */
    size_t slot_size;      /* bytes, the sequence number included */
    char *slots;           /* Ours */
    struct reactor *reactor;
    uint64_t receiver;     /* handle */
    /* Each side's own line, so that they do not take it from each other at every message. */
    _Alignas(CACHE_LINE) atomic_ulong tail; /* next position to write */
    _Alignas(CACHE_LINE) unsigned long head; /* next position to read: the receiver's alone */
    _Alignas(CACHE_LINE) atomic_bool signalled; /* a wake-up is on its way */
    struct post post;      /* the wake-up; in the reactor's posts while signalled */
};

static void *checked(void *memory)
{
    if (!memory) {
        fprintf(stderr, "out of memory: a ring\n");
        abort();
    }
    return memory;
}

static atomic_ulong *sequence_of(const struct ring *ring, unsigned long position)
{
    return (atomic_ulong *)(void *)(ring->slots + (position & ring->mask) * ring->slot_size);
}

static char *message_of(const struct ring *ring, unsigned long position)
{
    return (char *)sequence_of(ring, position) + sizeof(atomic_ulong);
}

struct ring *ring_new(uint32_t capacity, uint32_t message_size)
{
    assert(capacity >= 2);
    assert((capacity & (capacity - 1)) == 0);
    struct ring *ring = checked(aligned_alloc(CACHE_LINE, sizeof *ring));
    memset(ring, 0, sizeof *ring);
    ring->mask = capacity - 1;
    ring->message_size = message_size;
    ring->slot_size = (sizeof(atomic_ulong) + message_size + 7) & ~(size_t)7;
    ring->slots = checked(calloc(capacity, ring->slot_size));
    for (uint32_t i = 0; i < capacity; i++)
        atomic_init(sequence_of(ring, i), i);
    return ring;
}

void ring_free(struct ring *ring)
{
    assert(!atomic_load(&ring->signalled));
    free(ring->slots);
    free(ring);
}

static void wake_receiver(struct reactor *r, struct post *post)
{
    struct ring *ring = (struct ring *)(void *)((char *)post - offsetof(struct ring, post));
    /* First, so that a message pushed from here on brings a wake-up of its own. */
    atomic_store(&ring->signalled, false);
    reactor_wake(r, ring->receiver);
}

void ring_tie(struct ring *ring, struct actor *receiver)
{
    ring->reactor = actor_reactor(receiver);
    ring->receiver = actor_handle(receiver);
    ring->post.run = wake_receiver;
}

bool ring_push(struct ring *ring, const void *message)
{
    unsigned long position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    for (;;) {
        unsigned long sequence = atomic_load_explicit(sequence_of(ring, position), memory_order_acquire);
        long ahead = (long)(sequence - position);
        if (ahead < 0)
            return false; /* the slot still holds the message of a round ago */
        if (ahead > 0)
            position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        else if (atomic_compare_exchange_weak_explicit(&ring->tail, &position, position + 1, memory_order_relaxed, memory_order_relaxed))
            break;
    }
    memcpy(message_of(ring, position), message, ring->message_size);
    atomic_store_explicit(sequence_of(ring, position), position + 1, memory_order_release);
    if (ring->reactor && !atomic_exchange(&ring->signalled, true))
        reactor_post_node(ring->reactor, &ring->post);
    return true;
}

bool ring_pop(struct ring *ring, void *message)
{
    unsigned long position = ring->head;
    if (atomic_load_explicit(sequence_of(ring, position), memory_order_acquire) != position + 1)
        return false;
    memcpy(message, message_of(ring, position), ring->message_size);
    atomic_store_explicit(sequence_of(ring, position), position + ring->mask + 1, memory_order_release);
    ring->head = position + 1;
    return true;
}

int ring_receive(struct ring *ring, struct actor *receiver, void *message)
{
    if (ring_pop(ring, message))
        return 0;
    return receiver->cancelled ? receiver->cancelled : CO_WAIT;
}
