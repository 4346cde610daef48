/* SPDX-License-Identifier: MIT
 * park: idle actors give their heaps and buffers back.
 *
 * One timer for all: a sweep that comes a few times within park_after_ns and looks at a part of the actor slab each time, so
 * that being active costs an actor one store per run and being idle costs nothing. It parks at most PARKS_PER_SWEEP at a time (each
 * may cost a madvise of some microseconds) and comes back after a millisecond while there is more to do: ten thousand sessions that
 * fall idle together are parked within a quarter of a second, without a stall that anybody notices. */
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/internal.h"

enum { PARKS_PER_SWEEP = 64, SWEEPS_PER_ROUND = 4 };
static const uint64_t sweep_longest_ns = 500000000u, sweep_shortest_ns = 1000000u;
/* Small buffers freed since the last time that malloc was asked to give pages back: enough to be worth walking its lists. */
static const uint64_t trim_bytes = 4u << 20;

static uint64_t sweep_period_ns(const struct reactor *r)
{
    uint64_t period = r->options.park_after_ns / SWEEPS_PER_ROUND;
    if (period > sweep_longest_ns)
        return sweep_longest_ns;
    return period < sweep_shortest_ns ? sweep_shortest_ns : period;
}

void sweep_arm(struct reactor *r)
{
    if (!timer_armed(&r->sweep))
        timer_set(&r->timers, &r->sweep, r->now_ns + sweep_period_ns(r));
}

static void *copy_record(const void *bytes, size_t size)
{
    void *record = malloc(size ? size : 1);
    if (!record) {
        fprintf(stderr, "out of memory: a parked record\n");
        abort();
    }
    return memcpy(record, bytes, size);
}

/* Park an idle actor if it agrees. */
static bool try_park(struct actor *actor)
{
    struct reactor *r = actor->reactor;
    _Alignas(16) char record[ACTOR_RECORD_MAX];
    assert(actor->state == ACTOR_IDLE);
    if (!actor->class->park || !streams_quiet(actor))
        return false;
    if (r->options.isolation_mask)
        heap_unmask(actor->heap);
    int size = actor->class->park(actor, actor->root, record);
    if (size < 0) {
        if (r->options.isolation_mask)
            heap_mask(actor->heap);
        return false;
    }
    assert(size <= ACTOR_RECORD_MAX);
    assert(actor->state == ACTOR_IDLE); /* park must not wake anybody, itself least of all */
    actor->record = copy_record(record, (size_t)size);
    actor->record_size = (uint16_t)size;
    heap_give(&r->heaps, actor->heap);
    actor->heap = NULL;
    actor->root = NULL;
    actor->state = ACTOR_PARKED;
    r->counters.parks++;
    r->counters.actors_parked++;
    return true;
}

int actor_unpark(struct actor *actor)
{
    struct reactor *r = actor->reactor;
    assert(!actor->heap);
    actor->heap = heap_take(&r->heaps);
    if (!actor->heap)
        return -ENOMEM;
    actor->root = heap_root(actor->heap, actor->class->root_size);
    actor->class->unpark(actor, actor->root, actor->record, actor->record_size);
    free(actor->record);
    actor->record = NULL;
    actor->record_size = 0;
    actor->active_ns = r->now_ns;
    r->counters.unparks++;
    r->counters.actors_parked--;
    sweep_arm(r);
    return 0;
}

size_t reactor_park_idle(struct reactor *r)
{
    size_t parked = 0;
    for (uint32_t i = 0; i < r->actors.used; i++) {
        struct actor *actor = slab_at(&r->actors, i);
        if ((actor->slot.generation & 1) && actor->state == ACTOR_IDLE)
            parked += try_park(actor);
    }
    return parked;
}

static bool is_overdue(const struct actor *actor, uint64_t now_ns, uint64_t after_ns)
{
    return (actor->slot.generation & 1) && actor->state == ACTOR_IDLE && now_ns - actor->active_ns >= after_ns;
}

/* Look at a part of the slab. Returns whether it stopped because it had parked enough. */
static bool sweep_actors(struct reactor *r)
{
    unsigned parks = 0;
    if (r->options.park_after_ns == UINT64_MAX)
        return false;
    for (uint32_t left = r->actors.used / SWEEPS_PER_ROUND + 1; left && parks < PARKS_PER_SWEEP; left--) {
        if (r->sweep_at >= r->actors.used)
            r->sweep_at = 0;
        struct actor *actor = slab_at(&r->actors, r->sweep_at++);
        if (is_overdue(actor, r->now_ns, r->options.park_after_ns))
            parks += try_park(actor);
    }
    return parks == PARKS_PER_SWEEP;
}

void sweep_fire(void *context)
{
    struct reactor *r = context;
    bool more = r->actors.used && sweep_actors(r);
    streams_end_lingering(r);
    if (!more && r->buffers.freed >= trim_bytes) {
        malloc_trim(0);
        r->buffers.freed = 0;
    }
    if (more)
        timer_set(&r->timers, &r->sweep, r->now_ns + sweep_shortest_ns);
    else if (r->lingering.head || r->counters.actors_live > r->counters.actors_parked)
        sweep_arm(r);
}
