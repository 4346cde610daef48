/* SPDX-License-Identifier: MIT
 * reactor: see reactor.h. Here: making and freeing, the turn, posts from other threads, signals. */
#include "kernel/reactor.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

enum { HEAPS_WARM_DEFAULT = 64, BUFFERS_WARM_DEFAULT = 64 };
static const uint64_t park_after_default_ns = 2000000000u;
static const uint64_t linger_default_ns = 5000000000u;

/* A source that is nothing but a descriptor: the wake-up, the signals. */
struct plain_source {
    struct source source;
    int fd; /* Ours */
};

/* Every kind of source has a slot of the same size, the stream's. */
_Static_assert(sizeof(struct plain_source) <= sizeof(struct stream), "sources share one slab");

static void fill_defaults(struct reactor_options *o)
{
    o->heaps_warm = o->heaps_warm ? o->heaps_warm : HEAPS_WARM_DEFAULT;
    o->buffers_warm = o->buffers_warm ? o->buffers_warm : BUFFERS_WARM_DEFAULT;
    o->budget = o->budget ? o->budget : REACTOR_BUDGET_DEFAULT;
    o->park_after_ns = o->park_after_ns ? o->park_after_ns : park_after_default_ns;
    o->linger_ns = o->linger_ns ? o->linger_ns : linger_default_ns;
}

static void read_clocks(struct reactor *r)
{
    r->now_ns = os_monotonic_ns(r->os);
    r->wall_us = os_wall_us(r->os);
}

static void plain_close(struct reactor *r, struct source *source)
{
    r->os->ops->close(r->os->self, ((struct plain_source *)source)->fd);
    slab_free(&r->sources, source);
}

/* Takes the descriptor, also when it fails. */
static struct source *add_plain(struct reactor *r, int fd, const struct source_class *class)
{
    struct plain_source *plain = slab_new(&r->sources);
    plain->source.class = class;
    plain->fd = fd;
    if (r->os->ops->poller_add(r->os->self, r->poller, fd, OS_READABLE, slab_handle(plain)) < 0) {
        plain_close(r, &plain->source);
        return NULL;
    }
    return &plain->source;
}

static void wake_ready(struct reactor *r, struct source *source, uint32_t events)
{
    (void)events; /* what to do lies in the posts; this only ended the wait */
    r->os->ops->wake_clear(r->os->self, ((struct plain_source *)source)->fd);
}

static const struct source_class wake_class = {wake_ready, plain_close};

int reactor_new(struct reactor **out, struct os *os, const struct reactor_options *options)
{
    struct reactor *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->os = os;
    r->options = options ? *options : (struct reactor_options){0};
    fill_defaults(&r->options);
    r->turn = 1;
    slab_init(&r->actors, sizeof(struct actor));
    slab_init(&r->sources, sizeof(struct stream));
    heap_pool_init(&r->heaps, r->options.heap_bytes, r->options.heaps_warm);
    pool_init(&r->buffers, r->options.buffers_warm);
    r->sweep = (struct timer){.fire = sweep_fire, .context = r};
    read_clocks(r);

    int fd, error = r->poller = os->ops->poller_open(os->self);
    if (error < 0)
        goto failed;
    error = fd = os->ops->wake_open(os->self);
    if (error < 0)
        goto failed;
    error = (r->wake = add_plain(r, fd, &wake_class)) ? 0 : -ENOMEM;
    if (!error && r->options.contain_faults)
        error = fault_open(&r->fault);
    if (error < 0)
        goto failed;
    *out = r;
    return 0;
failed:
    reactor_free(r);
    return error;
}

static void run_posts(struct reactor *r)
{
    if (!atomic_load_explicit(&r->posts, memory_order_relaxed))
        return;
    struct post *newest = atomic_exchange(&r->posts, NULL), *oldest = NULL;
    while (newest) { /* senders push in front: turn the list round */
        struct post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct post *next = oldest->next; /* the post may be gone after run */
        oldest->run(r, oldest);
        oldest = next;
    }
}

static void close_sources(struct reactor *r)
{
    for (uint32_t i = 0; i < r->sources.used; i++) {
        struct source *source = slab_at(&r->sources, i);
        if (source->slot.generation & 1)
            source->class->close(r, source);
    }
}

void reactor_free(struct reactor *r)
{
    run_posts(r); /* jobs that came back while nobody looked may lie in the heaps of actors */
    actors_end_all(r);
    run_posts(r);
    close_sources(r);
    if (r->poller > 0)
        r->os->ops->close(r->os->self, r->poller);
    fault_close(&r->fault);
    timer_cancel(&r->timers, &r->sweep);
    timers_deinit(&r->timers);
    pool_deinit(&r->buffers);
    heap_pool_deinit(&r->heaps);
    slab_deinit(&r->actors);
    slab_deinit(&r->sources);
    free(r);
}

/* How long the poll may wait. */
static int64_t poll_time(struct reactor *r, int64_t wait_ns)
{
    if (wait_ns == 0 || r->now.head || r->next.head)
        return 0;
    /* The turn's own clock is as old as the turn is long: a timer must not be late by that. */
    int64_t timer_ns = r->timers.count ? timers_wait_ns(&r->timers, os_monotonic_ns(r->os)) : -1;
    if (timer_ns < 0)
        return wait_ns;
    return wait_ns < 0 || timer_ns < wait_ns ? timer_ns : wait_ns;
}

/* A sender pushes its post, then looks whether we are asleep; we say that we are going to sleep, then look for posts. With both in
 * sequential order at least one sees the other, so a post is never left lying and a busy reactor is never signalled. */
static int poll_events(struct reactor *r, struct os_event *events, int64_t wait_ns)
{
    int64_t time = poll_time(r, wait_ns);
    if (time != 0) {
        atomic_store(&r->asleep, true);
        if (atomic_load(&r->posts) || atomic_load(&r->stop_asked))
            time = 0;
        else
            r->counters.polls_waited++;
    }
    int count = r->os->ops->poller_wait(r->os->self, r->poller, events, REACTOR_EVENTS_MAX, time);
    atomic_store_explicit(&r->asleep, false, memory_order_relaxed);
    return count;
}

static void dispatch(struct reactor *r, const struct os_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct source *source = slab_get(&r->sources, events[i].tag);
        if (source)
            source->class->ready(r, source, events[i].events);
        else
            r->counters.late_events++;
    }
    r->counters.events += (uint64_t)count;
}

int reactor_turn(struct reactor *r, int64_t wait_ns)
{
    struct os_event events[REACTOR_EVENTS_MAX];
    int count = poll_events(r, events, wait_ns);
    if (count < 0)
        return count;
    read_clocks(r);
    r->counters.turns++;
    if (++r->turn == 0)
        r->turn = 1;
    dispatch(r, events, count);
    run_posts(r);
    if (r->timers.count)
        timers_run(&r->timers, r->now_ns);
    actors_run(r);
    if (r->options.turn_end)
        r->options.turn_end(r->options.context, r, r->next.head == NULL);
    streams_flush_all(r);
    if (atomic_load_explicit(&r->stop_asked, memory_order_relaxed))
        r->stopping = true;
    return 0;
}

int reactor_run(struct reactor *r)
{
    int error = 0;
    r->stopping = false;
    fault_enter(&r->fault);
    while (!r->stopping && error == 0)
        error = reactor_turn(r, -1);
    fault_exit(&r->fault);
    atomic_store(&r->stop_asked, false);
    return error;
}

/* ---- from other threads ---- */

static void wake_if_asleep(struct reactor *r)
{
    if (atomic_exchange(&r->asleep, false))
        r->os->ops->wake_signal(r->os->self, ((struct plain_source *)r->wake)->fd);
}

void reactor_stop(struct reactor *r)
{
    atomic_store(&r->stop_asked, true);
    wake_if_asleep(r);
}

void reactor_post_node(struct reactor *r, struct post *post)
{
    struct post *head = atomic_load_explicit(&r->posts, memory_order_relaxed);
    do
        post->next = head;
    while (!atomic_compare_exchange_weak(&r->posts, &head, post));
    wake_if_asleep(r);
}

struct allocated_post {
    struct post post;
    void (*fn)(struct reactor *reactor, void *arg);
    void *arg;
};

static void run_allocated(struct reactor *r, struct post *post)
{
    struct allocated_post *p = (struct allocated_post *)post;
    p->fn(r, p->arg);
    free(p);
}

void reactor_post(struct reactor *r, void (*fn)(struct reactor *reactor, void *arg), void *arg)
{
    struct allocated_post *p = malloc(sizeof *p);
    if (!p) {
        fprintf(stderr, "out of memory: a post\n");
        abort();
    }
    *p = (struct allocated_post){.post.run = run_allocated, .fn = fn, .arg = arg};
    reactor_post_node(r, &p->post);
}

/* ---- on the reactor's own thread ---- */

void reactor_release(struct reactor *r, uint64_t tx)
{
    if (tx <= r->gate)
        return;
    r->gate = tx;
    r->gate_moved = true;
}

void reactor_wake(struct reactor *r, uint64_t handle)
{
    struct actor *actor = reactor_actor(r, handle);
    if (actor)
        actor_wake(actor);
}

void reactor_each_actor(struct reactor *r, void (*visit)(void *context, struct actor *actor), void *context)
{
    for (uint32_t i = 0; i < r->actors.used; i++) {
        struct actor *actor = slab_at(&r->actors, i);
        if (actor->slot.generation & 1)
            visit(context, actor);
    }
}

static void signals_ready(struct reactor *r, struct source *source, uint32_t events)
{
    (void)events;
    int number;
    while ((number = r->os->ops->signal_read(r->os->self, ((struct plain_source *)source)->fd)) > 0) {
        if (r->options.on_signal)
            r->options.on_signal(r->options.context, r, number);
        else
            reactor_stop(r);
    }
}

static const struct source_class signals_class = {signals_ready, plain_close};

int reactor_catch_signals(struct reactor *r)
{
    static const int caught[] = {SIGTERM, SIGINT};
    if (!r->os->ops->signal_open)
        return -ENOSYS;
    int fd = r->os->ops->signal_open(r->os->self, caught, 2);
    if (fd < 0)
        return fd;
    r->signals = add_plain(r, fd, &signals_class);
    return r->signals ? 0 : -ENOMEM;
}
