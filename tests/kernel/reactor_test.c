/* SPDX-License-Identifier: MIT
 * reactor_test: turns, budgets, posts, alarms, signals, two reactors side by side. */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "kernel/offload.h"
#include "kernel/ring.h"
#include "tests/kernel/echo.h"

/* ---- budgets ---- */

struct worker {
    struct co co;
    struct actor *actor;
    int units;       /* still to do */
    uint32_t turn_done;
};

static int worker_run(struct actor *actor, void *root)
{
    struct worker *self = root;
    CO_BEGIN(self);
    while (self->units > 0) {
        self->units--;
        if (actor_spend(actor, 1))
            CO_YIELD();
    }
    self->turn_done = actor_reactor(actor)->turn;
    AWAIT(CO_WAIT);
    CO_FINALLY;
    CO_END;
}

static const struct actor_class worker_class = {.name = "worker", .root_size = sizeof(struct worker), .run = worker_run};

static struct worker *spawn_worker(struct reactor *r, int units)
{
    struct actor *actor = actor_spawn(r, &worker_class);
    struct worker *self = actor_root(actor);
    self->actor = actor;
    self->units = units;
    return self;
}

static void a_greedy_actor_does_not_delay_the_others(void **state)
{
    (void)state;
    struct reactor *r = new_reactor(&(struct reactor_options){.budget = 100});
    struct worker *greedy = spawn_worker(r, 1000), *modest = spawn_worker(r, 10);
    uint32_t first = r->turn + 1;
    turns(r, 1);
    assert_int_equal(modest->turn_done, first);
    assert_int_equal(greedy->units, 900);
    turns(r, 5);
    assert_int_equal(greedy->turn_done, 0);
    turns(r, 6);
    assert_in_range(greedy->turn_done, first + 9, first + 10);
    reactor_free(r);
}

/* A session that spends a unit per byte and asks for more: the kernel itself sends it to the back. */
struct spender {
    struct co co;
    struct stream *stream;
    int bytes;
};

static int spender_run(struct actor *actor, void *root)
{
    struct spender *self = root;
    CO_BEGIN(self);
    for (;;) {
        TRY(stream_fill(self->stream, 0));
        if (CO_RESULT == 0)
            break;
        self->bytes += CO_RESULT;
        actor_spend(actor, (uint32_t)CO_RESULT);
        stream_consume(self->stream, (size_t)CO_RESULT);
    }
    CO_FINALLY;
    CO_END;
}

static const struct actor_class spender_class = {.name = "spender", .root_size = sizeof(struct spender), .run = spender_run};

static void a_pipeline_larger_than_the_budget_is_served_in_slices(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(&(struct reactor_options){.budget = 1000});
    struct actor *actor = actor_spawn(r, &spender_class);
    struct spender *self = actor_root(actor);
    self->stream = open_pair(r, &peer);
    stream_give(self->stream, actor);
    turns(r, 1);
    static char bytes[3 * POOL_BUFFER_BYTES];
    assert_int_equal(send(peer, bytes, sizeof bytes, 0), sizeof bytes);
    turns(r, 1);
    assert_int_equal(self->bytes, POOL_BUFFER_BYTES); /* one read's worth, though more was there */
    assert_int_equal(actor->state, ACTOR_RUNNABLE);
    turns(r, 2);
    assert_int_equal(self->bytes, 3 * POOL_BUFFER_BYTES);
    close(peer);
    turns(r, 3);
    assert_int_equal(r->counters.actors_live, 0);
    reactor_free(r);
}

static void wake_twice_runs_once(void **state)
{
    (void)state;
    struct reactor *r = new_reactor(NULL);
    struct worker *a = spawn_worker(r, 0);
    turns(r, 1);
    uint64_t before = a->actor->turns;
    uint64_t handle = actor_handle(a->actor);
    reactor_wake(r, handle);
    actor_wake(a->actor);
    turns(r, 3);
    assert_int_equal(a->actor->turns - before, 1);
    actor_cancel(a->actor, -ECANCELED);
    turns(r, 1);
    assert_null(reactor_actor(r, handle + 12345));
    reactor_free(r);
}

/* ---- turn_end ---- */

struct turn_end_log {
    int calls, idle_calls;
    uint64_t release;
};

static void note_turn_end(void *context, struct reactor *r, bool idle)
{
    struct turn_end_log *log = context;
    log->calls++;
    log->idle_calls += idle;
    reactor_release(r, log->release);
}

static void output_released_at_the_turns_end_leaves_in_that_turn(void **state)
{
    (void)state;
    int peer;
    struct turn_end_log log = {0};
    struct reactor *r = new_reactor(&(struct reactor_options){.turn_end = note_turn_end, .context = &log, .budget = 10});
    struct stream *s = open_pair(r, &peer);
    buffer_append_slice(stream_output(s), SLICE("written"));
    stream_mark(s, 1);
    log.release = 1;
    turns(r, 1);
    assert_receives(peer, "written");
    assert_int_equal(log.idle_calls, 1);
    spawn_worker(r, 25);
    turns(r, 3);
    assert_int_equal(log.calls, 4);
    assert_int_equal(log.idle_calls, 2); /* two turns ended with the worker still runnable */
    close(peer);
    reactor_free(r);
}

/* ---- alarms ---- */

struct sleeper {
    struct co co;
    uint64_t woke_ns;
};

static int sleeper_run(struct actor *actor, void *root)
{
    struct sleeper *self = root;
    CO_BEGIN(self);
    self->woke_ns = reactor_now_ns(actor_reactor(actor)) + 5000000;
    TRY(actor_sleep_until(actor, self->woke_ns));
    CO_FINALLY;
    CO_END;
}

static const struct actor_class sleeper_class = {.name = "sleeper", .root_size = sizeof(struct sleeper), .run = sleeper_run};

static void a_sleeping_actor_is_woken_in_time_and_not_before(void **state)
{
    (void)state;
    struct reactor *r = new_reactor(NULL);
    actor_spawn(r, &sleeper_class);
    uint64_t start = os_monotonic_ns(os_linux());
    while (r->counters.actors_live)
        assert_int_equal(reactor_turn(r, -1), 0);
    uint64_t took = os_monotonic_ns(os_linux()) - start;
    assert_true(took >= 5000000);
    assert_true(took < 500000000);
    assert_true(r->counters.turns < 10);
    reactor_free(r);
}

/* ---- posts from other threads ---- */

enum { SENDERS = 3, POSTS = 20000 };

struct post_count {
    struct reactor *reactor;
    int received;
    int last[SENDERS];
    bool in_order;
};

struct numbered {
    struct post_count *count;
    int sender, number;
};

static void receive_post(struct reactor *r, void *arg)
{
    struct numbered *n = arg;
    n->count->in_order = n->count->in_order && n->number == n->count->last[n->sender] + 1;
    n->count->last[n->sender] = n->number;
    if (++n->count->received == SENDERS * POSTS)
        reactor_stop(r);
}

static void *send_posts(void *context)
{
    struct numbered *all = context;
    for (int i = 0; i < POSTS; i++)
        reactor_post(all[i].count->reactor, receive_post, &all[i]);
    return NULL;
}

static void posts_arrive_once_and_in_order(void **state)
{
    (void)state;
    struct reactor *r = new_reactor(NULL);
    struct post_count count = {.reactor = r, .in_order = true};
    struct numbered *all = calloc(SENDERS * POSTS, sizeof *all);
    pthread_t threads[SENDERS];
    for (int s = 0; s < SENDERS; s++) {
        for (int i = 0; i < POSTS; i++)
            all[s * POSTS + i] = (struct numbered){&count, s, i + 1};
        pthread_create(&threads[s], NULL, send_posts, &all[s * POSTS]);
    }
    assert_int_equal(reactor_run(r), 0);
    for (int s = 0; s < SENDERS; s++)
        pthread_join(threads[s], NULL);
    assert_int_equal(count.received, SENDERS * POSTS);
    assert_true(count.in_order);
    free(all);
    reactor_free(r);
}

/* ---- two reactors with rings between ---- */

struct message {
    uint64_t number;
};

struct player {
    struct co co;
    struct ring *in, *out;
    struct message message;
    uint64_t seen;
    uint64_t last;
};

enum { EXCHANGES = 20000 };

static int player_run(struct actor *actor, void *root)
{
    struct player *self = root;
    CO_BEGIN(self);
    for (;;) {
        TRY(ring_receive(self->in, actor, &self->message));
        self->seen++;
        self->last = self->message.number;
        if (self->message.number < EXCHANGES)
            assert_true(ring_push(self->out, &(struct message){self->message.number + 1}));
        if (self->message.number + 1 >= EXCHANGES)
            break;
    }
    CO_FINALLY;
    reactor_stop(actor_reactor(actor));
    CO_END;
}

static const struct actor_class player_class = {.name = "player", .root_size = sizeof(struct player), .run = player_run};

static void *run_reactor(void *context)
{
    assert_int_equal(reactor_run(context), 0);
    return NULL;
}

static void two_reactors_talk_through_rings(void **state)
{
    (void)state;
    struct reactor *a = new_reactor(NULL), *b = new_reactor(NULL);
    struct ring *to_a = ring_new(16, sizeof(struct message)), *to_b = ring_new(16, sizeof(struct message));
    struct actor *on_a = actor_spawn(a, &player_class), *on_b = actor_spawn(b, &player_class);
    *(struct player *)actor_root(on_a) = (struct player){.in = to_a, .out = to_b};
    *(struct player *)actor_root(on_b) = (struct player){.in = to_b, .out = to_a};
    ring_tie(to_a, on_a);
    ring_tie(to_b, on_b);
    assert_true(ring_push(to_a, &(struct message){1}));
    pthread_t thread;
    pthread_create(&thread, NULL, run_reactor, b);
    assert_int_equal(reactor_run(a), 0);
    pthread_join(thread, NULL);
    assert_int_equal(a->counters.actors_live, 0);
    assert_int_equal(b->counters.actors_live, 0);
    reactor_free(a);
    reactor_free(b);
    ring_free(to_a);
    ring_free(to_b);
}

/* ---- offload ---- */

struct blocking {
    struct co co;
    struct offload *offload;
    struct offload_wait wait;
    pthread_t ran_on;
    int rounds;
};

static void block(struct offload_job *job)
{
    struct blocking *self = (struct blocking *)(void *)((char *)job - offsetof(struct blocking, wait.job));
    self->ran_on = pthread_self();
}

static int blocking_run(struct actor *actor, void *root)
{
    struct blocking *self = root;
    CO_BEGIN(self);
    for (self->rounds = 0; self->rounds < 1000; self->rounds++) {
        self->wait.job.run = block;
        offload_wait_give(self->offload, actor, &self->wait);
        AWAIT(offload_wait(&self->wait));
        assert_false(pthread_equal(self->ran_on, pthread_self()));
    }
    CO_FINALLY;
    reactor_stop(actor_reactor(actor));
    CO_END;
}

static const struct actor_class blocking_class = {.name = "blocking", .root_size = sizeof(struct blocking), .run = blocking_run};

static void blocking_work_runs_elsewhere_and_comes_back(void **state)
{
    (void)state;
    struct offload *offload;
    struct reactor *r = new_reactor(NULL);
    assert_int_equal(offload_new(&offload, 2), 0);
    struct blocking *self = actor_root(actor_spawn(r, &blocking_class));
    self->offload = offload;
    assert_int_equal(reactor_run(r), 0);
    assert_int_equal(r->counters.actors_live, 0);
    offload_free(offload);
    reactor_free(r);
}

struct ordered_job {
    struct offload_job job;
    int number, *next;
};

static void check_order(struct offload_job *job)
{
    struct ordered_job *o = (struct ordered_job *)job;
    assert_int_equal(o->number, (*o->next)++);
}

static void one_thread_keeps_the_order_and_finishes_before_it_ends(void **state)
{
    (void)state;
    static struct ordered_job jobs[1000];
    struct offload *offload;
    int next = 0;
    assert_int_equal(offload_new(&offload, 1), 0);
    for (int i = 0; i < 1000; i++) {
        jobs[i] = (struct ordered_job){.job.run = check_order, .number = i, .next = &next};
        offload_give(offload, NULL, &jobs[i].job);
    }
    offload_free(offload);
    assert_int_equal(next, 1000);
}

/* ---- signals ---- */

static void note_signal(void *context, struct reactor *r, int number)
{
    *(int *)context = number;
    reactor_stop(r);
}

static void a_signal_is_an_event_of_the_turn(void **state)
{
    (void)state;
    int got = 0;
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct reactor *r = new_reactor(&(struct reactor_options){.on_signal = note_signal, .context = &got});
    assert_int_equal(reactor_catch_signals(r), 0);
    kill(getpid(), SIGTERM);
    assert_int_equal(reactor_run(r), 0);
    assert_int_equal(got, SIGTERM);
    reactor_free(r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- inspection, isolation ---- */

static void count_one(void *context, struct actor *actor)
{
    assert_true(actor_heap_bytes(actor) >= sizeof(struct echo));
    ++*(int *)context;
}

static void every_session_has_a_heap_of_its_own(void **state)
{
    (void)state;
    enum { SESSIONS = 40 };
    int peers[SESSIONS], seen = 0;
    struct reactor *r = new_reactor(&(struct reactor_options){.measure_run_time = true});
    char *bases[SESSIONS];
    for (int i = 0; i < SESSIONS; i++) {
        struct echo *echo = echo_spawn_on(open_pair(r, &peers[i]));
        bases[i] = echo->actor->heap->base;
        assert_ptr_equal(bases[i], echo);
        assert_int_equal((uintptr_t)bases[i] % 4096, 0);
        for (int j = 0; j < i; j++)
            assert_true(bases[i] - bases[j] >= HEAP_BYTES_DEFAULT || bases[j] - bases[i] >= HEAP_BYTES_DEFAULT);
        send_text(peers[i], "x");
    }
    turns(r, 2);
    assert_int_equal(r->heaps.used_count, SESSIONS);
    reactor_each_actor(r, count_one, &seen);
    assert_int_equal(seen, SESSIONS);
    struct actor *last = ((struct echo *)(void *)bases[SESSIONS - 1])->actor;
    assert_int_equal(last->bytes_in, 1);
    assert_int_equal(last->bytes_out, 1);
    assert_true(last->run_ns > 0);
    for (int i = 0; i < SESSIONS; i++)
        close(peers[i]);
    turns(r, 2);
    assert_int_equal(r->heaps.used_count, 0);
    reactor_free(r);
}

static void masked_heaps_are_accessible_only_while_their_actor_runs(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(&(struct reactor_options){.isolation_mask = true});
    struct echo *echo = echo_spawn_on(open_pair(r, &peer));
    send_text(peer, "through a masked heap");
    turns(r, 2);
    assert_receives(peer, "through a masked heap");
    /* The kernel is asked to read the page for us: it says EFAULT where we would fault. */
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], (void *)echo, 1), -1);
    assert_int_equal(errno, EFAULT);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(reactor_park_idle(r), 1);
    send_text(peer, "again");
    turns(r, 1);
    assert_receives(peer, "again");
    close(peer);
    turns(r, 2);
    assert_int_equal(r->counters.actors_live, 0);
    reactor_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greedy_actor_does_not_delay_the_others),
        cmocka_unit_test(a_pipeline_larger_than_the_budget_is_served_in_slices),
        cmocka_unit_test(wake_twice_runs_once),
        cmocka_unit_test(output_released_at_the_turns_end_leaves_in_that_turn),
        cmocka_unit_test(a_sleeping_actor_is_woken_in_time_and_not_before),
        cmocka_unit_test(posts_arrive_once_and_in_order),
        cmocka_unit_test(two_reactors_talk_through_rings),
        cmocka_unit_test(blocking_work_runs_elsewhere_and_comes_back),
        cmocka_unit_test(one_thread_keeps_the_order_and_finishes_before_it_ends),
        cmocka_unit_test(a_signal_is_an_event_of_the_turn),
        cmocka_unit_test(every_session_has_a_heap_of_its_own),
        cmocka_unit_test(masked_heaps_are_accessible_only_while_their_actor_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
