/* SPDX-License-Identifier: MIT
 * sim_net_test: sessions over the simulated network: every split of the input, short writes, ends and resets at any moment, idle
 * hours, all repeatable from a seed. */
#include "kernel/os_sim_net.h"
#include "tests/kernel/echo.h"

enum { CLIENTS = 24, BYTES = 20000 };

struct client {
    int end;
    size_t sent, received;
    size_t give_up_at;  /* bytes sent after which it leaves */
    int manner;         /* 0: half-closes and reads to the end, 1: closes, 2: resets */
    bool shut, gone;
};

struct world {
    struct os_sim *machine;
    struct sim_net *net;
    struct reactor *reactor;
    struct listener *listener;
    struct test_random random;
    int port;
};

static void world_open(struct world *w, uint64_t seed, const struct reactor_options *options)
{
    w->machine = os_sim_new(seed);
    w->net = sim_net_new(w->machine, seed);
    w->random.state = seed;
    struct os *os = sim_net_os(w->net);
    assert_int_equal(reactor_new(&w->reactor, os, options), 0);
    int fd = os->ops->listen_tcp(os->self, "any", 0, 100, &w->port);
    assert_int_equal(listener_open(&w->listener, w->reactor, fd, echo_accepted, NULL), 0);
}

static void world_close(struct world *w)
{
    listener_close(w->listener);
    reactor_free(w->reactor);
    assert_int_equal(sim_net_open_ends(w->net), 0);
    sim_net_free(w->net);
    os_sim_free(w->machine);
}

static char byte_at(size_t i)
{
    return (char)(i * 31 >> 2);
}

/* One step of a client. Fails when a byte comes back wrong. */
static void client_step(struct world *w, struct client *c)
{
    char bytes[3000];
    size_t size = test_random_below(&w->random, sizeof bytes);
    if (!c->shut && test_random_below(&w->random, 3)) {
        size_t part = size < c->give_up_at - c->sent ? size : c->give_up_at - c->sent;
        for (size_t i = 0; i < part; i++)
            bytes[i] = byte_at(c->sent + i);
        ssize_t n = part ? sim_net_send(w->net, c->end, bytes, part) : 0;
        c->sent += n > 0 ? (size_t)n : 0;
    }
    if (c->sent == c->give_up_at && c->manner > 0) {
        sim_net_close(w->net, c->end, c->manner == 2);
        c->gone = true;
        return;
    }
    if (c->sent == c->give_up_at && !c->shut) {
        sim_net_shutdown(w->net, c->end);
        c->shut = true;
    }
    ssize_t n = test_random_below(&w->random, 2) ? sim_net_receive(w->net, c->end, bytes, size + 1) : -EAGAIN;
    for (ssize_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], byte_at(c->received + (size_t)i));
    c->received += n > 0 ? (size_t)n : 0;
    if (n == 0) {
        assert_true(c->shut);
        assert_int_equal(c->received, c->sent); /* a half-closed client got everything */
        sim_net_close(w->net, c->end, false);
        c->gone = true;
    }
}

/* A whole history; returns a number that depends on everything that happened. */
static uint64_t play(uint64_t seed)
{
    struct world w;
    struct client clients[CLIENTS];
    world_open(&w, seed, &(struct reactor_options){.budget = 3});
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.end = sim_net_connect(w.net, w.port), .manner = (int)test_random_below(&w.random, 3)};
        clients[i].give_up_at = test_random_below(&w.random, BYTES);
    }
    int left = CLIENTS, steps = 0;
    while (left && ++steps < 20000) {
        struct client *c = &clients[test_random_below(&w.random, CLIENTS)];
        if (!c->gone) {
            client_step(&w, c);
            left -= c->gone;
        }
        if (test_random_below(&w.random, 2))
            assert_int_equal(reactor_turn(w.reactor, 0), 0);
    }
    if (left)
        fail_msg("%d clients never ended, seed %llu", left, (unsigned long long)seed);
    turns(w.reactor, 60);
    struct reactor_counters n = w.reactor->counters;
    if (n.actors_live || n.streams_open || w.reactor->heaps.used_count)
        fail_msg("%u actors, %u streams were left, seed %llu", n.actors_live, n.streams_open, (unsigned long long)seed);
    world_close(&w);
    return n.turns * 31 + n.events * 17 + n.bytes_in * 7 + n.bytes_out * 3 + n.reads + n.writes;
}

static void echoes_are_right_whatever_the_network_does(void **state)
{
    (void)state;
    uint64_t seed = test_seed(1);
    for (unsigned i = 0; i < 30 * test_long_factor(); i++)
        play(seed + i);
}

static void the_same_seed_gives_the_same_history(void **state)
{
    (void)state;
    assert_int_equal(play(77), play(77));
    assert_true(play(77) != play(78));
}

static void waiting_takes_no_time_and_idle_sessions_park(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 5, NULL);
    int client = sim_net_connect(w.net, w.port);
    char text[16];
    assert_int_equal(sim_net_send(w.net, client, "x", 1), 1);
    turns(w.reactor, 5);
    uint64_t start = reactor_now_ns(w.reactor);
    while (reactor_now_ns(w.reactor) < start + 3000000000u && w.reactor->timers.count)
        assert_int_equal(reactor_turn(w.reactor, 3600000000000), 0);
    assert_int_equal(w.reactor->counters.actors_parked, 1);
    assert_int_equal(sim_net_receive(w.net, client, text, sizeof text), 1);
    assert_int_equal(sim_net_send(w.net, client, "y", 1), 1);
    turns(w.reactor, 5);
    assert_int_equal(sim_net_receive(w.net, client, text, sizeof text), 1);
    sim_net_close(w.net, client, false);
    turns(w.reactor, 3);
    assert_int_equal(w.reactor->counters.actors_live, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_are_right_whatever_the_network_does),
        cmocka_unit_test(the_same_seed_gives_the_same_history),
        cmocka_unit_test(waiting_takes_no_time_and_idle_sessions_park),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
