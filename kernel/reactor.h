/* SPDX-License-Identifier: MIT
 * reactor: one thread's world: poller, actors, run queue, timers, pools, and the gate that holds replies back.
 *
 * A turn, the only loop in a daemon:
 *
 *      poll ----> events make actors runnable ----> timers, posts ----> run each runnable actor once, within its budget
 *        ^                                                                              |
 *        |                                                                              v
 *      flush every stream that has releasable output <---- turn_end(context, idle): the log writes what the turn appended
 *
 * An actor that is woken in a turn in which it has not run yet runs in that turn; one that has run, or used up its budget, runs
 * in the next, and the poll does not wait while any actor is runnable.
 *
 * Sources. Whatever the poller reports on begins with a `struct source` and lives in one slab: the poller's tag is the
 * generation-tagged handle, so an event for something closed a moment ago finds nobody, is counted, and is dropped.
 *
 * Threads. A reactor belongs to the thread that is inside reactor_run (or reactor_turn). Only what says so may be called from others: reactor_post,
 * reactor_post_node, reactor_stop. Nothing is global or thread-local: any number of reactors run side by side, and one may be
 * handed to another thread between turns. */
#ifndef LOCUS_KERNEL_REACTOR_H
#define LOCUS_KERNEL_REACTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/fault.h"
#include "kernel/heap.h"
#include "kernel/os.h"
#include "kernel/pool.h"
#include "kernel/slab.h"
#include "kernel/timer.h"

enum {
    REACTOR_EVENTS_MAX = 256,   /* events taken per poll: bounds the replies that one turn holds back, hence buffers in use */
    REACTOR_BUDGET_DEFAULT = 4096, /* units (commands) an actor may spend per turn: about a millisecond of small commands */
    REACTOR_ACCEPTS_PER_TURN = 128,
};

struct actor;
struct stream;
struct reactor;

/* All zero means the defaults. */
struct reactor_options {
    size_t heap_bytes;        /* address space of a micro-heap; 0: 64 KiB */
    uint32_t heaps_warm;      /* free heaps that keep their pages; 0: 64 */
    uint32_t buffers_warm;    /* free I/O buffers kept; 0: 64 */
    uint32_t budget;          /* units per actor and turn; 0: REACTOR_BUDGET_DEFAULT */
    uint64_t park_after_ns;   /* idleness after which an actor is asked to park; 0: 2 s, UINT64_MAX: never */
    uint64_t linger_ns;       /* how long a closed stream may still deliver its last bytes; 0: 5 s */
    bool isolation_mask;      /* heaps of actors that are not running are inaccessible: two mprotect calls per run, ~4 us */
    bool contain_faults;      /* install the fault handler (see fault.h) */
    bool measure_run_time;    /* actor counters include run_ns: two clock reads per run */
    /* Called at the end of every turn, before output is flushed; NULL: none. idle: no actor is left runnable. The log writes here
     * and calls reactor_release. */
    void (*turn_end)(void *context, struct reactor *reactor, bool idle);
    void *context;            /* Borrowed for the reactor's life: of turn_end and on_signal */
    /* Called within a turn when the process got SIGTERM or SIGINT (after reactor_catch_signals); NULL: reactor_stop. */
    void (*on_signal)(void *context, struct reactor *reactor, int signal);
};

struct source;

struct source_class {
    void (*ready)(struct reactor *reactor, struct source *source, uint32_t events); /* OS_READABLE | OS_WRITABLE | OS_HANGUP */
    void (*close)(struct reactor *reactor, struct source *source); /* when the reactor is freed: close and forget */
};

/* What the poller reports on. First member of streams, listeners and the reactor's own descriptors. */
struct source {
    struct slab_slot slot;
    const struct source_class *class;
};

/* Work handed over from another thread. Embedded by the sender, who keeps it alive until run is called. */
struct post {
    struct post *next;
    void (*run)(struct reactor *reactor, struct post *post); /* on the reactor's thread; the post may be freed or posted again */
};

struct reactor_counters {
    uint64_t turns;
    uint64_t polls_waited;        /* polls that were allowed to wait */
    uint64_t events;
    uint64_t late_events;         /* dropped: their source was gone */
    uint64_t faults_contained;    /* actors that ended by a fault of their own */
    uint64_t accepted;
    uint64_t refused;             /* accepted only to be told no: limits reached (listener.h) */
    uint64_t actors_spawned;
    uint64_t parks;
    uint64_t unparks;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t reads;               /* read calls on streams */
    uint64_t writes;              /* write calls on streams */
    uint32_t actors_live;         /* parked ones included */
    uint32_t actors_parked;
    uint32_t streams_open;        /* sources of kind stream, lingering ones included */
    uint32_t streams_lingering;
};

struct actor_queue {
    struct actor *head;
    struct actor *tail;
};

/* A list of streams through one of their links; see stream.c. */
struct stream_list {
    struct stream *head;
    struct stream *tail;
};

struct reactor {
    struct os *os;                     /* Borrowed */
    struct reactor_options options;    /* zeros replaced by the defaults */
    int poller;
    uint64_t now_ns;                   /* monotonic clock at the last poll's return */
    int64_t wall_us;                   /* wall clock at the last poll's return */
    uint64_t gate;                     /* output marked with a transaction up to this may leave */
    uint32_t turn;                     /* number of this turn, never 0; wraps */
    bool stopping;
    struct actor *running;             /* NULL between runs */
    struct actor_queue now;            /* runnable in this turn */
    struct actor_queue next;           /* runnable in the next one */
    struct stream_list dirty;          /* streams with output that nobody has tried to send yet */
    struct stream_list gated;          /* streams whose output waits for the gate */
    struct stream_list lingering;      /* closed streams still sending, the oldest first */
    bool gate_moved;                   /* since gated streams were last looked at */
    struct slab actors;
    struct slab sources;
    struct heap_pool heaps;
    struct pool buffers;
    struct timers timers;
    struct timer sweep;                /* parks idle actors and ends lingering */
    uint32_t sweep_at;                 /* next position of the actor slab to look at */
    struct fault fault;
    struct source *wake;               /* its descriptor is signalled by other threads */
    struct source *signals;            /* NULL unless reactor_catch_signals */
    _Atomic(struct post *) posts;      /* newest first */
    atomic_bool asleep;                /* about to wait, or waiting, in the poll: a post must signal */
    atomic_bool stop_asked;
    struct reactor_counters counters;
};

/* Make a reactor. 0 or -errno (descriptors, memory). The os must outlive it. */
int reactor_new(struct reactor **reactor, struct os *os, const struct reactor_options *options);
/* End every actor (their cleanup runs), close every descriptor, free all. Unsent output is lost: stop cleanly first. */
void reactor_free(struct reactor *reactor);

/* Turn until reactor_stop. Returns 0, or -errno when the poller fails. */
int reactor_run(struct reactor *reactor);
/* One turn; waits at most wait_ns for events (-1: as long as it takes; less when timers are due). For tests and own loops. */
int reactor_turn(struct reactor *reactor, int64_t wait_ns);
/* Make reactor_run return after the turn that runs now (or the next). From any thread, and from signal handlers. */
void reactor_stop(struct reactor *reactor);

/* Receive SIGTERM and SIGINT as on_signal calls. Blocks both for the calling thread: call it before starting threads, on the
 * thread that will run the reactor. 0 or -errno; -ENOSYS when the os has no signals (simulation). */
int reactor_catch_signals(struct reactor *reactor);

/* The clocks, read once per poll: what everything in a turn should take as "now". */
static inline uint64_t reactor_now_ns(const struct reactor *reactor) { return reactor->now_ns; }
static inline int64_t reactor_wall_us(const struct reactor *reactor) { return reactor->wall_us; }

/* Have fn(reactor, arg) called on the reactor's thread, in the order of posting per sender. From any thread. Allocates. */
void reactor_post(struct reactor *reactor, void (*fn)(struct reactor *reactor, void *arg), void *arg);
/* The same without allocation. */
void reactor_post_node(struct reactor *reactor, struct post *post);

/* Let output marked with a transaction up to tx leave, at the end of this turn. Never goes back: a smaller tx is ignored. */
void reactor_release(struct reactor *reactor, uint64_t tx);

/* The actor of a handle, NULL when it has ended. May be parked (actor_root is NULL then). */
static inline struct actor *reactor_actor(struct reactor *reactor, uint64_t handle)
{
    return slab_get(&reactor->actors, handle);
}

/* Wake the actor of a handle, if it still lives. */
void reactor_wake(struct reactor *reactor, uint64_t handle);

/* Visit every live actor, by position. The visitor may wake and cancel, not spawn. */
void reactor_each_actor(struct reactor *reactor, void (*visit)(void *context, struct actor *actor), void *context);

/* Park every actor that is idle and agrees, now, whatever its idleness; returns how many. For tests and memory pressure. */
size_t reactor_park_idle(struct reactor *reactor);

#endif
