/* SPDX-License-Identifier: MIT
 * park_test: idle sessions give their heaps and buffers back, and come back as they were. */
#include "tests/kernel/echo.h"

static const struct reactor_options quick = {.park_after_ns = 10000000, .heaps_warm = 4, .buffers_warm = 4};

static void wait_until_parked(struct reactor *r, uint32_t count)
{
    for (int i = 0; i < 500 && r->counters.actors_parked < count; i++)
        assert_int_equal(reactor_turn(r, 5000000), 0);
    assert_int_equal(r->counters.actors_parked, count);
}

static void an_idle_session_parks_and_the_next_byte_brings_it_back(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(&quick);
    struct actor *actor = echo_spawn_on(open_pair(r, &peer))->actor;
    send_text(peer, "before");
    turns(r, 2);
    assert_receives(peer, "before");
    wait_until_parked(r, 1);
    assert_null(actor_root(actor));
    assert_int_equal(r->heaps.used_count, 0);
    send_text(peer, "after");
    turns(r, 1);
    assert_receives(peer, "after");
    struct echo *echo = actor_root(actor);
    assert_int_equal(echo->served, 11); /* what it remembered through the record */
    assert_int_equal(r->counters.actors_parked, 0);
    wait_until_parked(r, 1);
    close(peer);
    turns(r, 2);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(r->counters.actors_parked, 0);
    reactor_free(r);
}

static void a_session_with_bytes_in_flight_does_not_park(void **state)
{
    (void)state;
    int gated_peer, waiting_peer;
    struct reactor *r = new_reactor(&quick);
    struct stream *gated = open_pair(r, &gated_peer);
    echo_spawn_on(gated);
    echo_spawn_on(open_pair(r, &waiting_peer));
    turns(r, 1);
    buffer_append_slice(stream_output(gated), SLICE("not yet durable"));
    stream_mark(gated, 1);
    turns(r, 1);
    assert_int_equal(reactor_park_idle(r), 1);
    reactor_release(r, 1);
    turns(r, 1);
    assert_receives(gated_peer, "not yet durable");
    assert_int_equal(reactor_park_idle(r), 1);
    close(gated_peer);
    close(waiting_peer);
    reactor_free(r);
}

static void an_alarm_and_an_append_reach_a_parked_session(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(&quick);
    struct stream *s = open_pair(r, &peer);
    struct actor *actor = echo_spawn_on(s)->actor;
    turns(r, 1);
    assert_int_equal(reactor_park_idle(r), 1);
    buffer_append_slice(stream_output(s), SLICE("pushed"));
    turns(r, 1);
    assert_receives(peer, "pushed");
    assert_int_equal(r->counters.actors_parked, 1); /* sending needs no heap */
    uint64_t before = actor->turns;
    actor_set_alarm(actor, reactor_now_ns(r) + 2000000);
    while (actor->turns == before)
        assert_int_equal(reactor_turn(r, -1), 0);
    assert_non_null(actor_root(actor));
    assert_int_equal(reactor_park_idle(r), 1);
    assert_non_null(actor_root_unparked(actor));
    actor_cancel(actor, -ECANCELED);
    turns(r, 1);
    assert_int_equal(r->counters.actors_live, 0);
    close(peer);
    reactor_free(r);
}

static void cancelling_a_parked_session_ends_it(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(&quick);
    struct actor *actor = echo_spawn_on(open_pair(r, &peer))->actor;
    turns(r, 1);
    assert_int_equal(reactor_park_idle(r), 1);
    actor_cancel(actor, -ECANCELED);
    turns(r, 1);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(r->counters.actors_parked, 0);
    assert_receives(peer, "END");
    close(peer);
    reactor_free(r);
}

static void heaps_of_a_burst_are_parked_in_a_moment_and_counted(void **state)
{
    (void)state;
    enum { SESSIONS = 300 };
    int peers[SESSIONS];
    struct reactor *r = new_reactor(&quick);
    for (int i = 0; i < SESSIONS; i++) {
        echo_spawn_on(open_pair(r, &peers[i]));
        send_text(peers[i], "x");
    }
    turns(r, 4); /* more sessions than events in one poll */
    assert_int_equal(r->heaps.used_count, SESSIONS);
    wait_until_parked(r, SESSIONS);
    assert_int_equal(r->heaps.used_count, 0);
    assert_int_equal(r->heaps.used_peak, SESSIONS);
    assert_int_equal(r->heaps.warm_count, 4);
    assert_int_equal(r->heaps.cold_count, SESSIONS - 4);
    assert_true(r->buffers.count <= 4);
    for (int i = 0; i < SESSIONS; i++) {
        assert_receives(peers[i], "x");
        close(peers[i]);
    }
    for (int i = 0; i < 10; i++)
        turns(r, 1);
    assert_int_equal(r->counters.actors_live, 0);
    reactor_free(r);
}

static void a_reactor_with_parked_sessions_is_freed_whole(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(&quick);
    echo_spawn_on(open_pair(r, &peer));
    turns(r, 1);
    assert_int_equal(reactor_park_idle(r), 1);
    reactor_free(r);
    assert_receives(peer, "END");
    close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_session_parks_and_the_next_byte_brings_it_back),
        cmocka_unit_test(a_session_with_bytes_in_flight_does_not_park),
        cmocka_unit_test(an_alarm_and_an_append_reach_a_parked_session),
        cmocka_unit_test(cancelling_a_parked_session_ends_it),
        cmocka_unit_test(heaps_of_a_burst_are_parked_in_a_moment_and_counted),
        cmocka_unit_test(a_reactor_with_parked_sessions_is_freed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
