/* SPDX-License-Identifier: MIT
 * timer: deadlines, embedded in whatever waits for them.
 *
 * A 4-ary heap of {key, timer}. The key is the deadline at which the timer entered the heap, or an earlier one: moving a deadline
 * later only writes timer->deadline_ns, and the heap finds out when the key is due (lazy re-arm). So thousands of idle timeouts
 * that are pushed back at each request cost one store per request. Moving it earlier, cancelling and setting are O(log n).
 *
 * Timers fire in the order of their deadlines; those of the same nanosecond in no promised order. */
#ifndef LOCUS_KERNEL_TIMER_H
#define LOCUS_KERNEL_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero it, set fire and context, and hand it to timer_set. Must not move while it is armed. */
struct timer {
    uint64_t deadline_ns;           /* on the monotonic clock; valid while armed */
    void (*fire)(void *context);    /* called once per deadline; the timer is no longer armed and may be set again */
    void *context;                  /* Borrowed while armed */
    uint32_t position;              /* in the heap + 1; 0: not armed */
};

struct timer_slot;

struct timers {
    struct timer_slot *slots; /* Ours */
    uint32_t count;
    uint32_t capacity;
};

void timers_deinit(struct timers *timers);

/* Arm the timer, or move its deadline. */
void timer_set(struct timers *timers, struct timer *timer, uint64_t deadline_ns);
/* Disarm; nothing happens when it is not armed. */
void timer_cancel(struct timers *timers, struct timer *timer);

static inline bool timer_armed(const struct timer *timer)
{
    return timer->position != 0;
}

/* Fire what is due at now_ns; returns how many fired. Timers set meanwhile with a deadline that is due fire at the next call. */
size_t timers_run(struct timers *timers, uint64_t now_ns);

/* Nanoseconds from now_ns until the earliest key, 0 when it is due, -1 when no timer is armed. May be early, never late. */
int64_t timers_wait_ns(const struct timers *timers, uint64_t now_ns);

#endif
