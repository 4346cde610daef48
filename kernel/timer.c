/* SPDX-License-Identifier: MIT
 * timer: see timer.h.
 *
 * Position p of the 4-ary heap has its children at 4p+1 ... 4p+4: half the depth of a binary heap, and the four keys that are
 * compared lie in one cache line. Invariants:
 * 1. slots[p].key <= slots[child of p].key.
 * 2. slots[p].timer->position == p + 1.
 * 3. slots[p].key <= slots[p].timer->deadline_ns: never late. */
#include "kernel/timer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

struct timer_slot {
    uint64_t key;        /* deadline when it entered, or an earlier one */
    struct timer *timer; /* Borrowed while armed */
};

void timers_deinit(struct timers *timers)
{
    free(timers->slots);
    *timers = (struct timers){0};
}

static void place(struct timers *timers, uint32_t at, struct timer_slot slot)
{
    timers->slots[at] = slot;
    slot.timer->position = at + 1;
}

static void sift_up(struct timers *timers, uint32_t at, struct timer_slot slot)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 4;
        if (timers->slots[parent].key <= slot.key)
            break;
        place(timers, at, timers->slots[parent]);
        at = parent;
    }
    place(timers, at, slot);
}

static void sift_down(struct timers *timers, uint32_t at, struct timer_slot slot)
{
    for (;;) {
        uint32_t first = 4 * at + 1, least = first;
        if (first >= timers->count)
            break;
        for (uint32_t child = first + 1; child < first + 4 && child < timers->count; child++)
            if (timers->slots[child].key < timers->slots[least].key)
                least = child;
        if (timers->slots[least].key >= slot.key)
            break;
        place(timers, at, timers->slots[least]);
        at = least;
    }
    place(timers, at, slot);
}

static void grow(struct timers *timers)
{
    uint32_t capacity = timers->capacity ? timers->capacity * 2 : CAPACITY_MIN;
    struct timer_slot *slots = realloc(timers->slots, capacity * sizeof *slots);
    if (!slots) {
        fprintf(stderr, "out of memory: %u timers\n", capacity);
        abort();
    }
    timers->slots = slots;
    timers->capacity = capacity;
}

void timer_set(struct timers *timers, struct timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    if (timer->position) {
        uint32_t at = timer->position - 1;
        assert(timers->slots[at].timer == timer);
        if (deadline_ns < timers->slots[at].key)
            sift_up(timers, at, (struct timer_slot){deadline_ns, timer});
        return; /* later: the heap finds out when the old key is due */
    }
    if (timers->count == timers->capacity)
        grow(timers);
    timers->count++;
    sift_up(timers, timers->count - 1, (struct timer_slot){deadline_ns, timer});
}

void timer_cancel(struct timers *timers, struct timer *timer)
{
    if (!timer->position)
        return;
    uint32_t at = timer->position - 1;
    assert(timers->slots[at].timer == timer);
    timer->position = 0;
    struct timer_slot last = timers->slots[--timers->count];
    if (at == timers->count)
        return;
    if (at > 0 && last.key < timers->slots[(at - 1) / 4].key)
        sift_up(timers, at, last);
    else
        sift_down(timers, at, last);
}

size_t timers_run(struct timers *timers, uint64_t now_ns)
{
    size_t fired = 0;
    /* At most as many as there are now: a timer that sets itself to what is already due waits for the next call. */
    uint32_t most = timers->count;
    while (fired < most && timers->count && timers->slots[0].key <= now_ns) {
        struct timer *timer = timers->slots[0].timer;
        if (timer->deadline_ns > timers->slots[0].key) { /* it was moved later, perhaps behind others that are due */
            sift_down(timers, 0, (struct timer_slot){timer->deadline_ns, timer});
            continue;
        }
        timer_cancel(timers, timer);
        timer->fire(timer->context);
        fired++;
    }
    return fired;
}

int64_t timers_wait_ns(const struct timers *timers, uint64_t now_ns)
{
    if (!timers->count)
        return -1;
    uint64_t key = timers->slots[0].key;
    if (key <= now_ns)
        return 0;
    return key - now_ns > INT64_MAX ? INT64_MAX : (int64_t)(key - now_ns);
}
