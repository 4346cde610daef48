/* SPDX-License-Identifier: MIT
 * actor: see actor.h. Here: spawning, waking, running, ending. Parking is in park.c.
 *
 * 1. An actor is in one of the two run queues exactly while its state is ACTOR_RUNNABLE.
 * 2. An actor ends only after its run returned (or when the reactor is freed): whoever holds its pointer within a turn, and did not
 *    await, may use it.
 * 3. Under isolation_mask a heap is accessible exactly from the unmasking before a run, a park or a cleanup to the masking after it. */
#include "kernel/actor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "kernel/internal.h"

static void queue_push(struct actor_queue *queue, struct actor *actor)
{
    actor->queue_next = NULL;
    if (queue->tail)
        queue->tail->queue_next = actor;
    else
        queue->head = actor;
    queue->tail = actor;
}

static struct actor *queue_pop(struct actor_queue *queue)
{
    struct actor *actor = queue->head;
    queue->head = actor->queue_next;
    if (!queue->head)
        queue->tail = NULL;
    return actor;
}

/* What was left over goes behind what the poll brought. */
static void queue_append(struct actor_queue *queue, struct actor_queue *more)
{
    if (!more->head)
        return;
    if (queue->tail)
        queue->tail->queue_next = more->head;
    else
        queue->head = more->head;
    queue->tail = more->tail;
    *more = (struct actor_queue){0};
}

static void make_runnable(struct actor *actor)
{
    struct reactor *r = actor->reactor;
    actor->state = ACTOR_RUNNABLE;
    queue_push(actor->turn_ran == r->turn ? &r->next : &r->now, actor);
}

static void alarm_fire(void *context)
{
    actor_wake(context);
}

struct actor *actor_spawn(struct reactor *r, const struct actor_class *class)
{
    struct heap *heap = heap_take(&r->heaps);
    if (!heap)
        return NULL;
    struct actor *actor = slab_new(&r->actors);
    actor->class = class;
    actor->reactor = r;
    actor->heap = heap;
    actor->root = heap_root(heap, class->root_size);
    actor->active_ns = r->now_ns;
    actor->alarm = (struct timer){.fire = alarm_fire, .context = actor};
    make_runnable(actor);
    r->counters.actors_spawned++;
    r->counters.actors_live++;
    sweep_arm(r);
    return actor;
}

void *actor_root_unparked(struct actor *actor)
{
    if (!actor->heap && actor_unpark(actor) == 0 && actor->state == ACTOR_PARKED)
        make_runnable(actor); /* from there it becomes idle, and may park again */
    return actor->root;
}

void actor_wake(struct actor *actor)
{
    switch ((enum actor_state)actor->state) {
    case ACTOR_IDLE:
    case ACTOR_PARKED: /* the heap comes back when it runs: a cancelled or faulted peer may never get there */
        make_runnable(actor);
        break;
    case ACTOR_RUNNING:
        actor->again = true;
        break;
    case ACTOR_RUNNABLE:
    case ACTOR_ENDING:
        break;
    }
}

void actor_cancel(struct actor *actor, int error)
{
    assert(error < 0);
    if (actor->cancelled == 0)
        actor->cancelled = error;
    actor_wake(actor);
}

void actor_set_alarm(struct actor *actor, uint64_t deadline_ns)
{
    timer_set(&actor->reactor->timers, &actor->alarm, deadline_ns);
}

void actor_clear_alarm(struct actor *actor)
{
    timer_cancel(&actor->reactor->timers, &actor->alarm);
}

int actor_sleep_until(struct actor *actor, uint64_t deadline_ns)
{
    if (actor->cancelled)
        return actor->cancelled;
    if (actor->reactor->now_ns >= deadline_ns)
        return 0;
    actor_set_alarm(actor, deadline_ns);
    return CO_WAIT;
}

void *actor_alloc(struct actor *actor, size_t size)
{
    return heap_alloc(actor->heap, size);
}

void actor_free_bytes(struct actor *actor, void *block, size_t size)
{
    heap_free(actor->heap, block, size);
}

size_t actor_heap_bytes(const struct actor *actor)
{
    return actor->heap ? actor->heap->bytes_now : 0;
}

/* ---- ending ---- */

static void end(struct actor *actor, bool faulted)
{
    struct reactor *r = actor->reactor;
    bool parked = actor->record != NULL;
    actor->state = ACTOR_ENDING;
    if (actor->class->cleanup)
        actor->class->cleanup(actor, actor->root, faulted);
    streams_leave(actor, faulted);
    timer_cancel(&r->timers, &actor->alarm);
    if (actor->heap)
        heap_give(&r->heaps, actor->heap);
    free(actor->record);
    r->counters.actors_live--;
    if (parked)
        r->counters.actors_parked--;
    slab_free(&r->actors, actor);
}

static void end_visited(void *context, struct actor *actor)
{
    (void)context;
    struct reactor *r = actor->reactor;
    if (!actor->heap)
        actor_unpark(actor);
    else if (r->options.isolation_mask)
        heap_unmask(actor->heap);
    end(actor, false);
}

void actors_end_all(struct reactor *r)
{
    r->now = r->next = (struct actor_queue){0};
    reactor_each_actor(r, end_visited, NULL);
}

/* ---- running ---- */

struct guarded_run {
    struct actor *actor;
    int result;
    bool returned; /* run itself came back, whatever it returned */
};

static int run_guarded(void *context)
{
    struct guarded_run *g = context;
    g->result = g->actor->class->run(g->actor, g->actor->root);
    g->returned = true;
    return 0;
}

/* Returns what run returned; *faulted when a fault ended it instead. */
static int call_run(struct actor *actor, bool *faulted)
{
    struct fault *fault = &actor->reactor->fault;
    fault->running = actor->class->name;
    if (!actor->class->guarded || !fault->stack)
        return actor->class->run(actor, actor->root);
    struct guarded_run g = {.actor = actor};
    fault_run(fault, run_guarded, &g);
    *faulted = !g.returned;
    return g.result;
}

/* What is rare, kept out of the way of run_one. */
static int call_run_measured(struct actor *actor, bool *faulted)
{
    struct reactor *r = actor->reactor;
    uint64_t start = r->options.measure_run_time ? os_monotonic_ns(r->os) : 0;
    if (r->options.isolation_mask)
        heap_unmask(actor->heap);
    int result = call_run(actor, faulted);
    if (r->options.measure_run_time)
        actor->run_ns += os_monotonic_ns(r->os) - start;
    return result;
}

static void finish(struct actor *actor, int result, bool faulted)
{
    struct reactor *r = actor->reactor;
    if (actor->heap && actor->heap->bytes_peak > actor->heap_peak)
        actor->heap_peak = (uint32_t)actor->heap->bytes_peak;
    if (faulted)
        r->counters.faults_contained++;
    if (faulted || (result != CO_WAIT && result != CO_AGAIN)) {
        end(actor, faulted);
        return;
    }
    if (r->options.isolation_mask)
        heap_mask(actor->heap);
    if (result == CO_AGAIN || actor->again)
        make_runnable(actor);
    else
        actor->state = ACTOR_IDLE;
}

static void run_one(struct reactor *r, struct actor *actor)
{
    bool faulted = false;
    if (!actor->heap && actor_unpark(actor) < 0) {
        end(actor, false);
        return;
    }
    actor->state = ACTOR_RUNNING;
    actor->again = false;
    actor->turn_ran = r->turn;
    actor->budget_left = r->options.budget;
    actor->active_ns = r->now_ns;
    actor->turns++;
    r->running = actor;
    int result = r->options.isolation_mask || r->options.measure_run_time ? call_run_measured(actor, &faulted) : call_run(actor, &faulted);
    r->running = NULL;
    r->fault.running = NULL;
    finish(actor, result, faulted);
}

void actors_run(struct reactor *r)
{
    queue_append(&r->now, &r->next);
    while (r->now.head)
        run_one(r, queue_pop(&r->now));
}
