/* SPDX-License-Identifier: MIT
 * hostile_test: bad input over real sockets. Whatever a peer sends or refuses to read, it gets Redis's error or a closed connection, the
 * daemon's memory stays bounded, and a bystander on another connection is answered throughout. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/redisd/peer.h"

enum {
    BYSTANDER_MS = 2000, /* an answer takes microseconds; the machine may be busy, a starved bystander would wait for ever */
    STALL_MS = 300,      /* no progress for so long: the daemon has stopped reading */
};

static const char options[] = "--loglevel warning --appendonly no --save \"\"";

/* The bystander asks, and is answered in time. */
static void bystander_is_served(redisContext *bystander)
{
    int64_t began = daemon_now_ms();
    peer_expect(bystander, "PONG", "PING");
    assert_in_range(daemon_now_ms() - began, 0, BYSTANDER_MS);
}

static size_t megabytes(const struct daemon *daemon)
{
    return daemon_rss(daemon) >> 20;
}

/* Resident memory may have grown by so much since `before`; sanitizers multiply and keep what was freed. */
static void memory_grew_at_most(const struct daemon *daemon, size_t before, size_t allowed)
{
    size_t now = megabytes(daemon);
    if (!daemon_sanitized() && now > before + allowed)
        fail_msg("resident memory went from %zu MB to %zu MB, allowed are %zu more", before, now, allowed);
}

/* ---- malformed requests ---- */

/* What is sent, and what Redis 7.0 answers before it closes. */
static const struct {
    const char *sent, *error;
} malformed[] = {
    {"*3\r\n$3\r\nSET\r\n$-1\r\n", "invalid bulk length"},
    {"*1\r\n$-0\r\n", "invalid bulk length"},
    {"*1\r\n$abc\r\n", "invalid bulk length"},
    {"*1\r\n$\r\n", "invalid bulk length"},
    {"*1\r\n$1 \r\n", "invalid bulk length"},
    {"*1\r\n$536870913\r\n", "invalid bulk length"},
    {"*1\r\n$18446744073709551617\r\n", "invalid bulk length"},
    {"*abc\r\n", "invalid multibulk length"},
    {"*\r\n", "invalid multibulk length"},
    {"*1 \r\n", "invalid multibulk length"},
    {"*+1\r\n$4\r\nPING\r\n", "invalid multibulk length"},
    {"*01\r\n$4\r\nPING\r\n", "invalid multibulk length"},
    {"*2147483648\r\n", "invalid multibulk length"},
    {"*99999999999999999999\r\n", "invalid multibulk length"},
    {"*1\r\nxPING\r\n", "expected '$', got 'x'"},
    {"*1\r\n*1\r\n", "expected '$', got '*'"},
    {"SET a \"b\r\n", "unbalanced quotes in request"},
    {"SET a 'b'c\r\n", "unbalanced quotes in request"},
};

static void malformed_requests_get_the_error_of_redis_and_are_closed(void **state)
{
    struct daemon *daemon = *state;
    char expected[128];
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        int fd = raw_open(daemon);
        raw_send_text(fd, "PING\r\n"); /* what came before the error is answered before the error */
        raw_send_text(fd, malformed[i].sent);
        snprintf(expected, sizeof(expected), "+PONG\r\n-ERR Protocol error: %s\r\n", malformed[i].error);
        raw_expect(fd, expected);
        raw_expect_end(fd);
        close(fd);
        bystander_is_served(bystander);
    }
    redisFree(bystander);
    daemon_stop(daemon);
}

/* A line that never ends, piece by piece. */
static void expect_too_long(const struct daemon *daemon, const char *begin, char filler, const char *error)
{
    enum { PIECE = 1000, PIECES = 80 };
    char piece[PIECE];
    struct buffer answer = {0};
    int fd = raw_open(daemon);
    memset(piece, filler, sizeof(piece));
    raw_send_text(fd, begin);
    for (int i = 0; i < PIECES && raw_send(fd, piece, sizeof(piece)); i++)
        continue;
    shutdown(fd, SHUT_WR);
    assert_true(raw_read_rest(fd, 5000, &answer));
    /* Closing with bytes unread resets the connection, and that may overtake the error on its way. */
    if (answer.size)
        assert_string_equal(answer.base, error);
    close(fd);
    buffer_free(&answer);
}

static void endless_lines_are_cut_off(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    expect_too_long(daemon, "", 'A', "-ERR Protocol error: too big inline request\r\n");
    bystander_is_served(bystander);
    expect_too_long(daemon, "*", '1', "-ERR Protocol error: too big mbulk count string\r\n");
    bystander_is_served(bystander);
    expect_too_long(daemon, "*1\r\n$", '1', "-ERR Protocol error: too big bulk count string\r\n");
    bystander_is_served(bystander);
    redisFree(bystander);
    daemon_stop(daemon);
}

static void truncated_requests_wait_and_end_with_their_connection(void **state)
{
    static const char whole[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n";
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    for (size_t cut = 1; cut < sizeof(whole) - 1; cut++) {
        int fd = raw_open(daemon);
        assert_true(raw_send(fd, whole, cut));
        bystander_is_served(bystander);
        if (cut % 2) {
            shutdown(fd, SHUT_WR);
            raw_expect_end(fd);
            close(fd);
        } else {
            raw_reset(fd);
        }
    }
    peer_expect(bystander, "(nil)", "GET k");
    assert_int_equal(peer_await_info(bystander, "connected_clients", 1), 1);
    redisFree(bystander);
    daemon_stop(daemon);
}

static void web_browsers_are_not_listened_to(void **state)
{
    static const char *const requests[] = {"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET attacked 1\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET attacked 1\r\n"};
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    for (int i = 0; i < 2; i++) {
        struct buffer answer = {0};
        int fd = raw_open(daemon);
        raw_send_text(fd, requests[i]);
        assert_true(raw_read_rest(fd, 5000, &answer));
        close(fd);
        buffer_free(&answer);
    }
    peer_expect(bystander, "0", "EXISTS attacked");
    redisFree(bystander);
    daemon_stop(daemon);
}

/* ---- many arguments ---- */

static void ten_thousand_arguments_are_a_command_like_any_other(void **state)
{
    struct daemon *daemon = *state;
    struct buffer request = {0};
    daemon_start(daemon, options);
    int fd = raw_open(daemon);
    buffer_format(&request, "*10001\r\n$4\r\nMSET\r\n");
    for (int i = 0; i < 5000; i++)
        buffer_format(&request, "$8\r\nkey:%04d\r\n$4\r\n%04d\r\n", i, i);
    assert_true(raw_send(fd, request.base, request.size));
    raw_expect(fd, "+OK\r\n");
    raw_send_text(fd, "GET key:4999\r\nDBSIZE\r\n");
    raw_expect(fd, "$4\r\n4999\r\n:5000\r\n");
    close(fd);
    buffer_free(&request);
    daemon_stop(daemon);
}

static void a_million_announced_arguments_cost_nothing_until_they_come(void **state)
{
    enum { PEERS = 200 };
    struct daemon *daemon = *state;
    int fds[PEERS];
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    size_t before = megabytes(daemon);
    for (int i = 0; i < PEERS; i++) {
        fds[i] = raw_open(daemon);
        raw_send_text(fds[i], i % 2 ? "*1000000\r\n$536870912\r\n" : "*1000000\r\n$3\r\nDEL\r\n");
    }
    bystander_is_served(bystander);
    assert_int_equal(peer_await_info(bystander, "connected_clients", PEERS + 1), PEERS + 1);
    memory_grew_at_most(daemon, before, 16);
    for (int i = 0; i < PEERS; i++)
        close(fds[i]);
    redisFree(bystander);
    daemon_stop(daemon);
}

/* ---- those who do not read ---- */

/* Send `bytes` of repeated `request`, reading nothing. Returns how much was taken before the daemon stopped reading. */
static size_t send_without_reading(int fd, const char *request, size_t bytes, redisContext *bystander)
{
    struct buffer block = {0};
    size_t done = 0;
    while (block.size < 1 << 20)
        buffer_append(&block, request, strlen(request));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (done < bytes) {
        size_t at = done % block.size; /* a block is a whole number of requests */
        ssize_t got = send(fd, block.base + at, block.size - at < bytes - done ? block.size - at : bytes - done, MSG_NOSIGNAL);
        done += got > 0 ? (size_t)got : 0;
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (got < 0 && (errno != EAGAIN || poll(&wait, 1, STALL_MS) <= 0))
            break;
        bystander_is_served(bystander);
    }
    buffer_free(&block);
    return done;
}

/* Go on until `bytes` of the repeated request are sent, and count the bytes of the replies. */
static size_t send_the_rest(int fd, const char *request, size_t done, size_t bytes)
{
    char replies[65536];
    size_t size = strlen(request), received = 0;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = (short)(POLLIN | (done < bytes ? POLLOUT : 0))};
        if (poll(&wait, 1, done < bytes ? 5000 : STALL_MS) <= 0)
            return received;
        ssize_t got = wait.revents & POLLIN ? recv(fd, replies, sizeof(replies), 0) : 0;
        received += got > 0 ? (size_t)got : 0;
        if (wait.revents & POLLOUT) {
            char block[8192];
            size_t fill = 0, at = done % size;
            for (; fill < sizeof(block) && done + fill < bytes; fill++)
                block[fill] = request[(at + fill) % size];
            got = send(fd, block, fill, MSG_NOSIGNAL);
            done += got > 0 ? (size_t)got : 0;
        }
    }
}

static void a_pipeline_of_64_mb_without_reading_is_bounded_and_answered_in_the_end(void **state)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    struct daemon *daemon = *state;
    size_t pings = ((daemon_sanitized() ? 16u : 64u) << 20) / strlen(ping), bytes = pings * strlen(ping);
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    int fd = raw_open(daemon);
    size_t before = megabytes(daemon);
    size_t done = send_without_reading(fd, ping, bytes, bystander);
    assert_true(done < bytes); /* it was told to wait */
    memory_grew_at_most(daemon, before, 8);
    bystander_is_served(bystander);
    assert_int_equal(send_the_rest(fd, ping, done, bytes), pings * strlen("+PONG\r\n"));
    memory_grew_at_most(daemon, before, 8);
    close(fd);
    redisFree(bystander);
    daemon_stop(daemon);
}

static void one_who_never_reads_large_values_costs_a_few_of_them(void **state)
{
    enum { PEERS = 4 };
    struct daemon *daemon = *state;
    int fds[PEERS];
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    struct buffer value = {0};
    memset(buffer_room(&value, 2 << 20), 'v', 2 << 20);
    peer_expect(bystander, "OK", "SET large %b", value.base, (size_t)2 << 20);
    buffer_free(&value);
    size_t before = megabytes(daemon);
    for (int i = 0; i < PEERS; i++) {
        fds[i] = raw_open(daemon);
        send_without_reading(fds[i], "GET large\r\n", 1 << 20, bystander);
    }
    memory_grew_at_most(daemon, before, PEERS * 12);
    for (int i = 0; i < PEERS; i++)
        raw_reset(fds[i]);
    assert_int_equal(peer_await_info(bystander, "connected_clients", 1), 1);
    redisFree(bystander);
    daemon_stop(daemon);
}

static void a_subscriber_who_never_reads_is_cut_off(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    peer_expect(bystander, "OK", "CONFIG SET client-output-buffer-limit %s", "pubsub 1mb 0 0");
    int fd = raw_open(daemon);
    raw_send_text(fd, "SUBSCRIBE news\r\n");
    raw_expect(fd, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    struct buffer message = {0};
    memset(buffer_room(&message, 100000), 'm', 100000);
    size_t before = megabytes(daemon);
    long long receivers = 1;
    for (int i = 0; i < 2000 && receivers; i++)
        receivers = peer_number(bystander, "PUBLISH news %b", message.base, (size_t)100000);
    assert_int_equal(receivers, 0);
    memory_grew_at_most(daemon, before, 8);
    buffer_free(&message);
    close(fd);
    redisFree(bystander);
    daemon_stop(daemon);
}

/* ---- ends of all kinds ---- */

static void a_half_closed_peer_still_gets_its_replies(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    for (int i = 0; i < 50; i++) {
        int fd = raw_open(daemon);
        raw_send_text(fd, "SET k v\r\nGET k\r\nPI");
        shutdown(fd, SHUT_WR);
        raw_expect(fd, "+OK\r\n$1\r\nv\r\n");
        raw_expect_end(fd);
        close(fd);
    }
    daemon_stop(daemon);
}

/* Writes are executed although their client left without reading a reply: some clients do not care for replies. */
static void those_who_write_and_go_have_written(void **state)
{
    enum { WRITES = 300 };
    struct daemon *daemon = *state;
    struct buffer requests = {0};
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    for (int i = 0; i < WRITES; i++)
        buffer_format(&requests, "INCR k\r\nGET k\r\n");
    int fd = raw_open(daemon);
    assert_true(raw_send(fd, requests.base, requests.size));
    close(fd);
    assert_int_equal(peer_await_info(bystander, "connected_clients", 1), 1);
    assert_int_equal(peer_number(bystander, "GET k"), WRITES);
    buffer_free(&requests);
    redisFree(bystander);
    daemon_stop(daemon);
}

static void resets_at_any_moment_leave_nothing_behind(void **state)
{
    static const char *const last_words[] = {"", "PING\r\n", "GET k\r\nGET", "MULTI\r\nSET k v\r\n", "BLPOP nothing 0\r\n", "SUBSCRIBE a b\r\n", "WATCH k\r\n", "*1\r\n$5\r\nab"};
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    for (int i = 0; i < 400; i++) {
        int fd = raw_open(daemon);
        raw_send_text(fd, last_words[i % 8]);
        if (i % 3)
            bystander_is_served(bystander); /* the words have arrived by now */
        if (i % 2)
            raw_reset(fd);
        else
            close(fd);
    }
    assert_int_equal(peer_await_info(bystander, "connected_clients", 1), 1);
    assert_int_equal(peer_info(bystander, "blocked_clients"), 0);
    assert_int_equal(peer_info(bystander, "pubsub_channels"), 0);
    redisFree(bystander);
    daemon_stop(daemon);
}

/* ---- noise ---- */

static const char *const fragments[] = {
    "*1\r\n", "*2\r\n", "*3\r\n", "$3\r\n", "$4\r\n", "$1\r\n", "\r\n", "\n", "\r", "PING", "GET", "SET", "k\r\n", "v\r\n", "GET k\r\n", "SET k v\r\n", "MULTI\r\n", "EXEC\r\n", "*-1\r\n", "$-1\r\n", "\"", "'",
    "\\x", " ", "$99\r\n", "*1024\r\n", "SUBSCRIBE c\r\n", "UNSUBSCRIBE\r\n", "BLPOP q 0\r\n", "HELLO 3\r\n", "HELLO 2\r\n", "LPUSH q 1\r\n", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "RESET\r\n", "INFO\r\n", "COMMAND\r\n",
    "*1\r\n$4\r\nEXEC\r\n", "WATCH k\r\n", "CLIENT LIST\r\n", "SUBSCRIBE", ":1\r\n", "+OK\r\n", "_\r\n", "%2\r\n",
};

static void make_noise(struct test_random *random, struct buffer *noise)
{
    size_t size = 1 + test_random_below(random, 3000);
    bool pure = test_random_below(random, 4) == 0;
    noise->size = 0;
    while (noise->size < size) {
        uint64_t r = test_random_next(random);
        if (pure || r % 16 == 0)
            buffer_append_char(noise, (char)(r >> 8));
        else
            buffer_append_slice(noise, slice_from_string(fragments[(r >> 8) % (sizeof(fragments) / sizeof(fragments[0]))]));
    }
}

static void noise_from_any_seed_harms_nobody(void **state)
{
    struct daemon *daemon = *state;
    uint64_t seed = test_seed(4711);
    struct test_random random = {seed};
    struct buffer noise = {0}, answer = {0};
    daemon_start(daemon, options);
    redisContext *bystander = peer_open(daemon);
    size_t before = megabytes(daemon);
    for (unsigned i = 0; i < 300 * test_long_factor(); i++) {
        int fd = raw_open(daemon);
        make_noise(&random, &noise);
        for (size_t at = 0, piece; at < noise.size; at += piece) {
            piece = 1 + test_random_below(&random, noise.size - at);
            if (!raw_send(fd, noise.base + at, piece))
                break;
        }
        shutdown(fd, SHUT_WR);
        answer.size = 0;
        if (!raw_read_rest(fd, 5000, &answer))
            fail_msg("seed %llu, connection %u: not closed although its peer has said all", (unsigned long long)seed, i);
        close(fd);
        bystander_is_served(bystander);
    }
    assert_int_equal(peer_await_info(bystander, "connected_clients", 1), 1);
    memory_grew_at_most(daemon, before, 16);
    buffer_free(&noise);
    buffer_free(&answer);
    redisFree(bystander);
    daemon_stop(daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        daemon_test(malformed_requests_get_the_error_of_redis_and_are_closed),
        daemon_test(endless_lines_are_cut_off),
        daemon_test(truncated_requests_wait_and_end_with_their_connection),
        daemon_test(web_browsers_are_not_listened_to),
        daemon_test(ten_thousand_arguments_are_a_command_like_any_other),
        daemon_test(a_million_announced_arguments_cost_nothing_until_they_come),
        daemon_test(a_pipeline_of_64_mb_without_reading_is_bounded_and_answered_in_the_end),
        daemon_test(one_who_never_reads_large_values_costs_a_few_of_them),
        daemon_test(a_subscriber_who_never_reads_is_cut_off),
        daemon_test(a_half_closed_peer_still_gets_its_replies),
        daemon_test(those_who_write_and_go_have_written),
        daemon_test(resets_at_any_moment_leave_nothing_behind),
        daemon_test(noise_from_any_seed_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
