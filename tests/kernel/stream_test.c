/* SPDX-License-Identifier: MIT
 * stream_test: input, output, the gate, half-closed and vanished peers, closing. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "tests/kernel/echo.h"

static void what_arrives_is_echoed_in_one_read_and_one_write(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    echo_spawn_on(open_pair(r, &peer));
    turns(r, 1);
    for (int i = 0; i < 64; i++)
        send_text(peer, "PING ");
    uint64_t reads = r->counters.reads, writes = r->counters.writes;
    turns(r, 1);
    char text[400];
    assert_int_equal(strlen(receive_text(peer, text, sizeof text)), 320);
    assert_int_equal(r->counters.reads - reads, 1); /* a short read is not followed by one that finds nothing */
    assert_int_equal(r->counters.writes - writes, 1);
    close(peer);
    turns(r, 2);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(r->counters.streams_open, 0);
    reactor_free(r);
}

static void buffers_are_held_only_while_bytes_are_in_them(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    echo_spawn_on(s);
    send_text(peer, "x");
    turns(r, 1);
    assert_int_equal(s->in.capacity, 0);
    assert_int_equal(s->out.capacity, 0);
    assert_int_equal(r->buffers.count, 2);
    close(peer);
    reactor_free(r);
}

static void input_grows_to_what_is_needed(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    enum { NEED = 3 << 20 };
    char *bytes = malloc(NEED);
    for (int i = 0; i < NEED; i++)
        bytes[i] = (char)(i * 7 >> 3);
    size_t sent = 0;
    while (stream_input(s).size < NEED) {
        ssize_t n = send(peer, bytes + sent, NEED - sent, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        turns(r, 1);
        int got = stream_fill(s, NEED);
        assert_true(got > 0 || got == CO_WAIT);
        assert_true(s->in.capacity <= 3 * (stream_input(s).size > STREAM_TRUSTED_NEED / 2 ? stream_input(s).size : STREAM_TRUSTED_NEED));
    }
    assert_memory_equal(stream_input(s).base, bytes, NEED);
    stream_consume(s, NEED);
    assert_int_equal(stream_fill(s, 0), CO_WAIT);
    assert_int_equal(s->in.capacity, 0);
    free(bytes);
    close(peer);
    reactor_free(r);
}

static void unconsumed_bytes_stay_in_front_of_new_ones(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    uint64_t seed = test_seed(7);
    struct test_random random = {seed};
    uint8_t next_out = 0, next_in = 0;
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[2000];
        size_t size = test_random_below(&random, sizeof bytes) + 1;
        for (size_t i = 0; i < size; i++)
            bytes[i] = next_out++;
        assert_int_equal(write(peer, bytes, size), size);
        turns(r, 1);
        assert_true(stream_fill(s, test_random_below(&random, 4) ? 0 : test_random_below(&random, 60000)) > 0);
        struct slice input = stream_input(s);
        size_t take = test_random_below(&random, input.size + 1);
        if (input.size > 40000)
            take = input.size;
        for (size_t i = 0; i < take; i++)
            if ((uint8_t)input.base[i] != next_in++)
                fail_msg("wrong byte in round %d, seed %llu", round, (unsigned long long)seed);
        stream_consume(s, take);
    }
    close(peer);
    reactor_free(r);
}

static void append(struct stream *s, const char *text)
{
    buffer_append_slice(stream_output(s), slice_from_string(text));
}

static void output_waits_for_the_gate_in_order(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    append(s, "free ");
    turns(r, 1);
    assert_receives(peer, "free ");
    append(s, "one ");
    stream_mark(s, 1);
    append(s, "two ");
    stream_mark(s, 2);
    append(s, "unmarked ");
    turns(r, 1);
    assert_receives(peer, "");
    reactor_release(r, 1);
    turns(r, 1);
    assert_receives(peer, "one ");
    append(s, "three ");
    stream_mark(s, 3);
    turns(r, 1);
    assert_receives(peer, "");
    reactor_release(r, 2);
    reactor_release(r, 1); /* does not go back */
    turns(r, 1);
    assert_receives(peer, "two "); /* what follows is covered by the mark of transaction 3 */
    reactor_release(r, 3);
    turns(r, 1);
    assert_receives(peer, "unmarked three ");
    append(s, "late ");
    stream_mark(s, 3);
    turns(r, 1);
    assert_receives(peer, "late ");
    assert_int_equal(s->out.capacity, 0);
    close(peer);
    reactor_free(r);
}

/* What must hold for any order of appending, marking and releasing: a byte leaves exactly when the gate covers it, in order. */
static void nothing_passes_the_gate_early_and_everything_passes_in_the_end(void **state)
{
    (void)state;
    uint64_t seed = test_seed(11);
    struct test_random random = {seed};
    for (int history = 0; history < 60; history++) {
        int peer;
        struct reactor *r = new_reactor(NULL);
        struct stream *s = open_pair(r, &peer);
        uint64_t tx = 1, gate = 0;
        size_t appended = 0, received = 0;
        uint64_t *needs = calloc(4000, sizeof *needs); /* of each byte */
        for (int step = 0; step < 300; step++) {
            if (test_random_below(&random, 3) && appended < 3900) {
                size_t size = test_random_below(&random, 12) + 1;
                for (size_t i = 0; i < size; i++)
                    buffer_append_char(stream_output(s), (char)(appended + i));
                tx += test_random_below(&random, 2);
                for (size_t i = 0; i < size; i++)
                    needs[appended + i] = tx;
                stream_mark(s, tx);
                appended += size;
            }
            if (test_random_below(&random, 3) == 0 && gate < tx) {
                gate += test_random_below(&random, tx - gate + 1);
                reactor_release(r, gate);
            }
            turns(r, 1);
            char text[4096];
            ssize_t n = recv(peer, text, sizeof text, MSG_DONTWAIT);
            for (ssize_t i = 0; i < n; i++, received++)
                if (text[i] != (char)received || needs[received] > gate)
                    fail_msg("byte %zu in step %d of history %d, seed %llu", received, step, history, (unsigned long long)seed);
        }
        reactor_release(r, tx);
        turns(r, 1);
        char text[4096];
        ssize_t n = recv(peer, text, sizeof text, MSG_DONTWAIT);
        assert_int_equal(received + (size_t)(n > 0 ? n : 0), appended);
        free(needs);
        close(peer);
        reactor_free(r);
    }
}

/* The same where the peer is slow, output is sent in parts, and the sent part is moved away under the marks. */
static void the_gate_holds_for_large_output_to_a_slow_reader(void **state)
{
    (void)state;
    enum { CHUNKS = 150, CHUNK_MAX = 60000 };
    static char bytes[200000];
    size_t ends[CHUNKS + 1] = {0}; /* chunk i needs transaction i */
    uint64_t seed = test_seed(13);
    struct test_random random = {seed};
    int peer, chunk = 0;
    uint64_t gate = 0;
    size_t appended = 0, received = 0;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    for (int step = 0; step < 100000 && (chunk < CHUNKS || received < appended); step++) {
        if (chunk < CHUNKS && test_random_below(&random, 3) == 0) {
            size_t size = test_random_below(&random, CHUNK_MAX) + 1;
            for (size_t i = 0; i < size; i++)
                bytes[i] = (char)((appended + i) * 7 >> 4);
            buffer_append(stream_output(s), bytes, size);
            stream_mark(s, (uint64_t)++chunk);
            ends[chunk] = appended += size;
        }
        if (test_random_below(&random, 4) == 0 && gate < (uint64_t)chunk)
            reactor_release(r, ++gate);
        turns(r, 1);
        ssize_t n = recv(peer, bytes, test_random_below(&random, sizeof bytes), MSG_DONTWAIT);
        for (ssize_t i = 0; i < n; i++, received++)
            if (bytes[i] != (char)(received * 7 >> 4))
                fail_msg("wrong byte %zu in step %d, seed %llu", received, step, (unsigned long long)seed);
        if (received > ends[gate])
            fail_msg("%zu bytes with the gate at %zu, step %d, seed %llu", received, ends[gate], step, (unsigned long long)seed);
    }
    assert_int_equal(received, appended);
    assert_int_equal(s->out.capacity, 0);
    close(peer);
    reactor_free(r);
}

static void count_writes(void *context, struct reactor *r, bool idle)
{
    (void)idle;
    *(uint64_t *)context = r->counters.writes;
}

static void replies_leave_before_the_session_waits_again(void **state)
{
    (void)state;
    int peer;
    uint64_t writes_at_turn_end = 0;
    struct reactor *r = new_reactor(&(struct reactor_options){.turn_end = count_writes, .context = &writes_at_turn_end});
    echo_spawn_on(open_pair(r, &peer));
    send_text(peer, "ask");
    turns(r, 1);
    assert_int_equal(writes_at_turn_end, 1);
    close(peer);
    reactor_free(r);
}

static void output_of_a_failed_transaction_is_dropped_and_what_was_free_stays(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    append(s, "kept ");
    stream_mark(s, 1);
    append(s, "lost ");
    stream_mark(s, 2);
    turns(r, 1);
    reactor_release(r, 1);
    stream_discard_gated(s);
    append(s, "error");
    turns(r, 1);
    assert_receives(peer, "kept error");
    assert_int_equal(s->out.capacity, 0);
    close(peer);
    reactor_free(r);
}

static void another_actor_may_append_and_it_leaves_in_the_same_turn(void **state)
{
    (void)state;
    int peer, other;
    struct reactor *r = new_reactor(NULL);
    struct stream *a = open_pair(r, &peer), *b = open_pair(r, &other);
    echo_spawn_on(a);
    echo_spawn_on(b);
    turns(r, 1);
    append(b, "news ");
    send_text(other, "hello");
    uint64_t writes = r->counters.writes;
    turns(r, 1);
    assert_receives(other, "news hello");
    assert_int_equal(r->counters.writes - writes, 1);
    close(peer);
    close(other);
    reactor_free(r);
}

static void a_slow_reader_gets_everything_in_order(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    enum { TOTAL = 4 << 20 };
    for (int i = 0; i < TOTAL; i++)
        buffer_append_char(stream_output(s), (char)(i >> 5));
    turns(r, 1);
    assert_true(s->blocked);
    assert_true(stream_pending(s) > TOTAL / 2);
    int got = 0, idle = 0;
    static char part[100000];
    while (got < TOTAL && idle < 1000) {
        ssize_t n = recv(peer, part, sizeof part, MSG_DONTWAIT);
        for (ssize_t i = 0; i < n; i++, got++)
            assert_int_equal(part[i], (char)(got >> 5));
        idle = n > 0 ? 0 : idle + 1;
        turns(r, 1);
    }
    assert_int_equal(got, TOTAL);
    assert_int_equal(stream_pending(s), 0);
    assert_int_equal(s->out.capacity, 0);
    assert_false(s->blocked);
    send_text(peer, "still readable");
    turns(r, 1);
    assert_true(stream_fill(s, 0) > 0);
    close(peer);
    reactor_free(r);
}

struct flood {
    struct co co;
    struct stream *stream;
    int rounds;
    size_t pending_most;
};

static int flood_run(struct actor *actor, void *root)
{
    static const char block[50000];
    struct flood *self = root;
    (void)actor;
    CO_BEGIN(self);
    for (self->rounds = 0; self->rounds < 100; self->rounds++) {
        TRY(stream_drain(self->stream, 100000));
        buffer_append(stream_output(self->stream), block, sizeof block);
        if (stream_pending(self->stream) > self->pending_most)
            self->pending_most = stream_pending(self->stream);
    }
    TRY(stream_drain(self->stream, 1));
    AWAIT(stream_fill(self->stream, 0)); /* for the peer's end */
    CO_FINALLY;
    CO_END;
}

static const struct actor_class flood_class = {.name = "flood", .root_size = sizeof(struct flood), .run = flood_run};

static void back_pressure_bounds_what_is_pending(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    struct actor *actor = actor_spawn(r, &flood_class);
    struct flood *flood = actor_root(actor);
    flood->stream = s;
    stream_give(s, actor);
    static char part[200000];
    size_t got = 0;
    for (int i = 0; i < 3000 && got < 5000000; i++) {
        turns(r, 1);
        ssize_t n = recv(peer, part, sizeof part, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(got, 5000000);
    assert_int_equal(flood->rounds, 100);
    assert_true(flood->pending_most < 150000);
    close(peer);
    turns(r, 2);
    assert_int_equal(r->counters.actors_live, 0);
    reactor_free(r);
}

static void a_half_closed_peer_gets_all_its_replies(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    echo_spawn_on(open_pair(r, &peer));
    send_text(peer, "last words");
    shutdown(peer, SHUT_WR);
    turns(r, 2);
    assert_receives(peer, "last words");
    assert_receives(peer, "END");
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(r->counters.streams_open, 0);
    close(peer);
    reactor_free(r);
}

static void replies_behind_the_gate_reach_a_half_closed_peer(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    append(s, "durable");
    stream_mark(s, 5);
    shutdown(peer, SHUT_WR);
    turns(r, 1);
    assert_int_equal(stream_fill(s, 0), 0);
    stream_close(s);
    turns(r, 2);
    assert_receives(peer, "");
    assert_int_equal(r->counters.streams_lingering, 1);
    reactor_release(r, 5);
    turns(r, 1);
    assert_receives(peer, "durable");
    assert_receives(peer, "END");
    assert_int_equal(r->counters.streams_open, 0);
    close(peer);
    reactor_free(r);
}

/* TCP on the loopback: a reset can only be had there. */
static void tcp_pair(struct reactor *r, struct stream **stream, int *peer)
{
    struct os *os = os_linux();
    int port, fd = os->ops->listen_tcp(os->self, "127.0.0.1", 0, 8, &port);
    assert_true(fd >= 0);
    *peer = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(*peer, (struct sockaddr *)&to, sizeof to), 0);
    char name[LISTENER_PEER_MAX];
    int accepted = os->ops->accept(os->self, fd, name, sizeof name);
    assert_true(accepted >= 0);
    assert_memory_equal(name, "127.0.0.1:", 10);
    *stream = stream_open(r, accepted);
    close(fd);
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void a_reset_peer_ends_its_session_and_nothing_else(void **state)
{
    (void)state;
    int peer, bystander;
    struct stream *a, *b;
    struct reactor *r = new_reactor(NULL);
    tcp_pair(r, &a, &peer);
    tcp_pair(r, &b, &bystander);
    echo_spawn_on(a);
    echo_spawn_on(b);
    turns(r, 1);
    send_text(peer, "bytes that nobody will answer");
    reset(peer);
    assert_int_equal(reactor_turn(r, 1000000000), 0);
    turns(r, 2);
    assert_int_equal(r->counters.actors_live, 1);
    assert_int_equal(r->counters.streams_open, 1);
    send_text(bystander, "here");
    assert_int_equal(reactor_turn(r, 1000000000), 0);
    struct pollfd wait = {.fd = bystander, .events = POLLIN};
    poll(&wait, 1, 1000);
    assert_receives(bystander, "here");
    close(bystander);
    reactor_free(r);
}

static void output_to_a_vanished_peer_is_dropped(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct stream *s = open_pair(r, &peer);
    close(peer);
    append(s, "to nobody");
    turns(r, 1);
    assert_true(s->broken);
    append(s, "to nobody either");
    turns(r, 1);
    assert_int_equal(stream_pending(s), 0);
    assert_int_equal(stream_fill(s, 0), 0);
    stream_close(s);
    assert_int_equal(r->counters.streams_open, 0);
    reactor_free(r);
}

static void closing_waits_for_the_peer_so_that_the_last_reply_is_not_reset_away(void **state)
{
    (void)state;
    int peer;
    struct stream *s;
    struct reactor *r = new_reactor(NULL);
    tcp_pair(r, &s, &peer);
    append(s, "-ERR goodbye\r\n");
    stream_close(s);
    send_text(peer, "sent before it knew");
    assert_int_equal(r->counters.streams_lingering, 1);
    assert_int_equal(reactor_turn(r, 1000000000), 0);
    assert_receives(peer, "-ERR goodbye\r\n");
    assert_receives(peer, "END");
    close(peer);
    for (int i = 0; i < 10 && r->counters.streams_open; i++)
        reactor_turn(r, 100000000);
    assert_int_equal(r->counters.streams_open, 0);
    assert_int_equal(r->counters.streams_lingering, 0);
    reactor_free(r);
}

static void a_peer_that_never_closes_is_closed_after_the_linger_time(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(&(struct reactor_options){.linger_ns = 20000000, .park_after_ns = 20000000});
    struct stream *s = open_pair(r, &peer);
    append(s, "held back");
    stream_mark(s, 9); /* and the log never gets there */
    stream_close(s);
    for (int i = 0; i < 50 && r->counters.streams_open; i++)
        reactor_turn(r, 10000000);
    assert_int_equal(r->counters.streams_open, 0);
    assert_receives(peer, "END");
    close(peer);
    reactor_free(r);
}

static void an_event_for_a_closed_stream_is_dropped_and_counted(void **state)
{
    (void)state;
    int fds[2];
    struct reactor *r = new_reactor(NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    int copy = dup(fds[0]); /* keeps the registration alive after the stream's own descriptor is closed */
    struct stream *s = stream_open(r, fds[0]);
    uint64_t handle = stream_handle(s);
    assert_ptr_equal(stream_of(r, handle), s);
    stream_abort(s);
    assert_null(stream_of(r, handle));
    int peer;
    struct stream *successor = open_pair(r, &peer); /* takes the slot over */
    assert_ptr_equal(successor, s);
    struct echo *echo = echo_spawn_on(successor);
    turns(r, 1);
    uint64_t ran = echo->actor->turns;
    send_text(fds[1], "too late");
    turns(r, 1);
    assert_int_equal(r->counters.late_events, 1);
    assert_int_equal(echo->actor->turns, ran);
    close(copy);
    close(fds[1]);
    close(peer);
    reactor_free(r);
}

static void the_same_session_runs_on_pipes(void **state)
{
    (void)state;
    int in[2], out[2];
    struct reactor *r = new_reactor(NULL);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    echo_spawn_on(stream_open_pair(r, in[0], out[1]));
    enum { TOTAL = 300000 }; /* more than a pipe holds: output blocks on the way */
    size_t sent = 0, got = 0;
    static char bytes[TOTAL];
    for (int i = 0; i < 1000 && got < TOTAL; i++) {
        fcntl(in[1], F_SETFL, O_NONBLOCK);
        ssize_t n = sent < TOTAL ? write(in[1], bytes + sent, TOTAL - sent) : 0;
        sent += n > 0 ? (size_t)n : 0;
        turns(r, 1);
        fcntl(out[0], F_SETFL, O_NONBLOCK);
        n = read(out[0], bytes, 5000);
        got += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(got, TOTAL);
    close(in[1]);
    turns(r, 3);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(read(out[0], bytes, 10), 0);
    close(out[0]);
    reactor_free(r);
}

static void the_same_session_runs_on_files(void **state)
{
    (void)state;
    char text[100] = {0};
    struct reactor *r = new_reactor(NULL);
    FILE *in = tmpfile(), *out = tmpfile();
    fputs("from a file\n", in);
    fflush(in);
    lseek(fileno(in), 0, SEEK_SET);
    echo_spawn_on(stream_open_pair(r, dup(fileno(in)), dup(fileno(out))));
    turns(r, 4);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(pread(fileno(out), text, sizeof text, 0), 12);
    assert_string_equal(text, "from a file\n");
    fclose(in);
    fclose(out);
    reactor_free(r);
}

static void a_cancelled_session_leaves_through_its_end(void **state)
{
    (void)state;
    int peer;
    struct reactor *r = new_reactor(NULL);
    struct echo *echo = echo_spawn_on(open_pair(r, &peer));
    turns(r, 1);
    append(echo->stream, "killed");
    actor_cancel(echo->actor, -ECANCELED);
    turns(r, 1);
    assert_int_equal(r->counters.actors_live, 0);
    assert_receives(peer, "killed");
    assert_receives(peer, "END");
    close(peer);
    turns(r, 1);
    assert_int_equal(r->counters.streams_open, 0);
    reactor_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_is_echoed_in_one_read_and_one_write),
        cmocka_unit_test(buffers_are_held_only_while_bytes_are_in_them),
        cmocka_unit_test(input_grows_to_what_is_needed),
        cmocka_unit_test(unconsumed_bytes_stay_in_front_of_new_ones),
        cmocka_unit_test(output_waits_for_the_gate_in_order),
        cmocka_unit_test(nothing_passes_the_gate_early_and_everything_passes_in_the_end),
        cmocka_unit_test(the_gate_holds_for_large_output_to_a_slow_reader),
        cmocka_unit_test(replies_leave_before_the_session_waits_again),
        cmocka_unit_test(output_of_a_failed_transaction_is_dropped_and_what_was_free_stays),
        cmocka_unit_test(another_actor_may_append_and_it_leaves_in_the_same_turn),
        cmocka_unit_test(a_slow_reader_gets_everything_in_order),
        cmocka_unit_test(back_pressure_bounds_what_is_pending),
        cmocka_unit_test(a_half_closed_peer_gets_all_its_replies),
        cmocka_unit_test(replies_behind_the_gate_reach_a_half_closed_peer),
        cmocka_unit_test(a_reset_peer_ends_its_session_and_nothing_else),
        cmocka_unit_test(output_to_a_vanished_peer_is_dropped),
        cmocka_unit_test(closing_waits_for_the_peer_so_that_the_last_reply_is_not_reset_away),
        cmocka_unit_test(a_peer_that_never_closes_is_closed_after_the_linger_time),
        cmocka_unit_test(an_event_for_a_closed_stream_is_dropped_and_counted),
        cmocka_unit_test(the_same_session_runs_on_pipes),
        cmocka_unit_test(the_same_session_runs_on_files),
        cmocka_unit_test(a_cancelled_session_leaves_through_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
