/* SPDX-License-Identifier: MIT
 * actor: a micro-process: a micro-heap with a root struct, a run function, streams, an alarm and counters; it ends whole.
 *
 *               actor_spawn             woken                  run returns CO_WAIT
 *      (none) -------------> runnable <-------- idle <------------------------------- running
 *                               |                |  ^                                    |  CO_AGAIN: runnable, next turn
 *                               +--> running     |  | woken: unpark(root)                |  anything else, or a fault: ends
 *                                                v  |                                    v
 *                                               parked                       cleanup, streams closed, heap freed, slot freed
 *                                 (park(root) agreed: no heap, no buffers)
 *
 * The root lies at the base of the micro-heap; actor_alloc gives further blocks from it. Nothing in it needs freeing at the end:
 * cleanup is for what the actor registered elsewhere (subscriptions, names).
 *
 * Parking: an actor that has been idle for park_after_ns, whose streams hold no bytes in either direction, is asked to write what it
 * must remember into a record. If it agrees, its heap goes back and only the record stays. At the next wake (byte, alarm,
 * actor_wake) it gets a fresh heap with a zeroed root, and unpark writes the record back: run then starts from CO_BEGIN. Pointers
 * into the heap do not survive; `struct actor *`, `struct stream *` and handles do. */
#ifndef LOCUS_KERNEL_ACTOR_H
#define LOCUS_KERNEL_ACTOR_H

#include "kernel/co.h"
#include "kernel/heap.h"
#include "kernel/reactor.h"

enum { ACTOR_RECORD_MAX = 512 }; /* bytes of a parked record: an actor that needs more should not park */

struct actor_class {
    const char *name;       /* one word: "session" */
    size_t root_size;       /* bytes; the root is zeroed */
    /* Called when runnable. CO_WAIT: until woken; CO_AGAIN: until the next turn; anything else ends the actor. */
    int (*run)(struct actor *actor, void *root);
    /* Write what must be remembered into `record` (ACTOR_RECORD_MAX bytes) and return its size; negative: do not park me now.
     * NULL: never parks. Called only when idle with empty streams. */
    int (*park)(struct actor *actor, void *root, void *record);
    void (*unpark)(struct actor *actor, void *root, const void *record, size_t size); /* required with park */
    /* The actor ends: leave what it entered elsewhere. Its streams are still open, and are closed afterwards (flushing first).
     * After a contained fault the root may hold anything: `faulted` is set then. The root is NULL when the actor was parked and
     * no heap was to be had to wake it. A NULL function: nothing to do. */
    void (*cleanup)(struct actor *actor, void *root, bool faulted);
    bool guarded; /* faults between actor_pure_begin and actor_pure_end end this actor alone */
};

enum actor_state { ACTOR_IDLE, ACTOR_RUNNABLE, ACTOR_RUNNING, ACTOR_PARKED, ACTOR_ENDING };

struct actor {
    struct slab_slot slot;
    const struct actor_class *class;
    struct reactor *reactor;
    void *root;                 /* NULL while parked */
    struct heap *heap;          /* NULL while parked */
    struct actor *queue_next;   /* while runnable */
    struct stream *streams;     /* those that wake it, by their actor_next */
    void *record;               /* Ours, malloc'd; while parked */
    uint16_t record_size;
    uint8_t state;              /* enum actor_state */
    bool again;                 /* woken while running: run once more in the next turn */
    int32_t cancelled;          /* negative: every kernel awaitable returns it */
    uint32_t budget_left;       /* units, in this turn */
    uint32_t turn_ran;          /* reactor->turn of the last run */
    uint32_t label;             /* whatever the class says it does now: actor_set_label */
    uint32_t heap_peak;         /* bytes, over all its heaps */
    uint64_t active_ns;         /* when it last ran */
    struct timer alarm;         /* actor_set_alarm; survives parking */
    uint64_t turns;             /* times it ran */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t run_ns;            /* with options.measure_run_time */
};

/* Make an actor with a zeroed root; it runs in this turn (or the next). The caller may fill the root before that.
 * NULL when no heap is to be had. */
struct actor *actor_spawn(struct reactor *reactor, const struct actor_class *class);

/* Its handle, for whoever may outlive it. */
static inline uint64_t actor_handle(const struct actor *actor) { return slab_handle(actor); }
static inline struct reactor *actor_reactor(const struct actor *actor) { return actor->reactor; }

/* The root, NULL while parked. */
static inline void *actor_root(const struct actor *actor) { return actor->root; }
/* The same, un-parking the actor when it must. */
void *actor_root_unparked(struct actor *actor);

/* Make it run (un-parking it). On the reactor's thread only. A wake too many does no harm. */
void actor_wake(struct actor *actor);

/* From now on every kernel awaitable that the actor asks returns `error` (negative), which leads its micro-threads to CO_FINALLY;
 * wakes it. Awaitables of your own should return actor_cancelled when it is negative. */
void actor_cancel(struct actor *actor, int error);
static inline int actor_cancelled(const struct actor *actor) { return actor->cancelled; }

/* Wake the actor at deadline_ns (monotonic, reactor_now_ns + something); one alarm per actor, setting it again moves it, later costs a store. */
void actor_set_alarm(struct actor *actor, uint64_t deadline_ns);
void actor_clear_alarm(struct actor *actor);
/* Awaitable: 0 once reactor_now_ns has reached deadline_ns. Uses the alarm. */
int actor_sleep_until(struct actor *actor, uint64_t deadline_ns);

/* Spend units of this turn's budget; true when it is used up, and CO_YIELD() or stream_fill should give the others their turn. */
static inline bool actor_spend(struct actor *actor, uint32_t units)
{
    actor->budget_left -= units < actor->budget_left ? units : actor->budget_left;
    return actor->budget_left == 0;
}

/* Blocks of its micro-heap (heap.h: aligned to 16, not zeroed, never NULL), freed whole with it. */
void *actor_alloc(struct actor *actor, size_t size);
void actor_free_bytes(struct actor *actor, void *block, size_t size);
/* Bytes of its heap in use now, 0 while parked. */
size_t actor_heap_bytes(const struct actor *actor);

/* What it is doing, for the inspector: a number that the daemon gives meaning to (a command's position in its table). */
static inline void actor_set_label(struct actor *actor, uint32_t label) { actor->label = label; }

/* Between these two the running actor (of a guarded class) touches nothing but its own heap and the stack: no allocator, library,
 * service or kernel call. A NULL write, a guard page or a stack overflow in there ends the actor alone. Two stores. */
static inline void actor_pure_begin(struct actor *actor) { fault_arm(&actor->reactor->fault); }
static inline void actor_pure_end(struct actor *actor) { fault_disarm(&actor->reactor->fault); }

#endif
