/* SPDX-License-Identifier: MIT
 * sessions_test: what a connection costs and survives: micro-heaps, parking, faults, limits, passwords, and other ways in than TCP. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/fault.h"
#include "tests/redisd/peer.h"

enum {
    MANY = 5000,
    BYTES_PER_IDLE_MAX = 1024,
    SPARE_DESCRIPTORS = 64, /* what the test itself has open, rounded up */
};

static const char options[] = "--loglevel warning --appendonly no --save \"\"";

/* How many connections this test may hold; says so when they are fewer than wanted. */
static int connections_allowed(int wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)wanted + SPARE_DESCRIPTORS) {
        print_message("the descriptor limit of %lu is too low for %d connections: skipped\n", (unsigned long)limit.rlim_cur, wanted);
        skip();
    }
    return wanted;
}

static long long parked_of(redisContext *peer, long long wanted)
{
    return peer_await_info(peer, "locus_actors_parked", wanted);
}

/* ---- heaps and parking ---- */

static void sessions_run_on_micro_heaps_and_give_them_back(void **state)
{
    enum { PEERS = 50 };
    struct daemon *daemon = *state;
    int fds[PEERS];
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    for (int i = 0; i < PEERS; i++) {
        fds[i] = raw_open(daemon);
        raw_send_text(fds[i], "PING\r\n");
    }
    for (int i = 0; i < PEERS; i++)
        raw_expect(fds[i], "+PONG\r\n");
    long long heaps = peer_info(peer, "locus_heaps_in_use");
    assert_in_range(heaps, PEERS + 1, PEERS + 8); /* each active session has one; a few belong to the daemon itself */
    assert_int_equal(parked_of(peer, PEERS), PEERS);
    assert_int_equal(peer_info(peer, "locus_heaps_in_use"), heaps - PEERS);
    assert_int_equal(peer_info(peer, "connected_clients"), PEERS + 1);
    for (int i = 0; i < PEERS; i++) { /* a parked one answers as if nothing had been */
        raw_send_text(fds[i], "ECHO again\r\n");
        raw_expect(fds[i], "$5\r\nagain\r\n");
    }
    assert_in_range(peer_info(peer, "locus_unparks"), PEERS, 2 * PEERS);
    for (int i = 0; i < PEERS; i++)
        close(fds[i]);
    assert_int_equal(peer_await_info(peer, "connected_clients", 1), 1);
    redisFree(peer);
    daemon_stop(daemon);
}

static void an_idle_connection_costs_at_most_a_kibibyte(void **state)
{
    struct daemon *daemon = *state;
    int count = connections_allowed(MANY);
    int *fds = calloc((size_t)count, sizeof(*fds));
    assert_non_null(fds);
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    peer_expect(peer, "OK", "SET key:1 value"); /* the keyspace's first pages are no connection's cost */
    size_t before = daemon_rss(daemon);
    for (int i = 0; i < count; i++) {
        fds[i] = raw_open(daemon);
        raw_send_text(fds[i], "SET key:1 value\r\nGET key:1\r\n");
        raw_expect(fds[i], "+OK\r\n$5\r\nvalue\r\n");
    }
    assert_int_equal(parked_of(peer, count), count);
    size_t after = daemon_rss(daemon), each = after > before ? (after - before) / (size_t)count : 0;
    print_message("%zu bytes per idle connection, %d connections\n", each, count);
    if (!daemon_sanitized())
        assert_in_range(each, 0, BYTES_PER_IDLE_MAX);
    struct buffer list = {0};
    peer_ask(peer, &list, "CLIENT LIST");
    int lines = 0;
    for (const char *at = list.base; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, count + 1);
    buffer_free(&list);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
    assert_int_equal(peer_await_info(peer, "connected_clients", 1), 1);
    redisFree(peer);
    daemon_stop(daemon);
}

static void a_parked_subscriber_still_gets_its_messages(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon), *subscriber = peer_open(daemon);
    peer_expect(subscriber, "[subscribe news 1]", "SUBSCRIBE news");
    peer_expect(subscriber, "[psubscribe n* 2]", "PSUBSCRIBE n*");
    assert_int_equal(parked_of(peer, 1), 1);
    for (int i = 0; i < 3; i++) {
        peer_expect(peer, "2", "PUBLISH news today");
        peer_expect_push(subscriber, "[message news today]");
        peer_expect_push(subscriber, "[pmessage n* news today]");
    }
    peer_expect(subscriber, "[pong ]", "PING");
    redisFree(subscriber);
    assert_int_equal(peer_await_info(peer, "pubsub_channels", 0), 0);
    redisFree(peer);
    daemon_stop(daemon);
}

/* What a session holds beyond its buffers is still there after the time in which others are parked. */
static void open_transactions_watches_and_blocked_commands_survive_idleness(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon), *multi = peer_open(daemon), *watcher = peer_open(daemon), *blocked = peer_open(daemon), *idle = peer_open(daemon);
    peer_expect(multi, "OK", "SELECT 3");
    peer_expect(multi, "OK", "CLIENT SETNAME me");
    peer_expect(multi, "OK", "MULTI");
    peer_expect(multi, "QUEUED", "SET k 1");
    peer_expect(watcher, "OK", "WATCH w");
    redisAppendCommand(blocked, "BLPOP q 0");
    int done = 0;
    redisBufferWrite(blocked, &done);
    peer_expect(idle, "OK", "SELECT 5");
    peer_expect(idle, "OK", "SET here yes");
    while (peer_info(peer, "locus_actors_parked") < 1)
        daemon_nap_ms(5);
    daemon_nap_ms(200);
    peer_expect(multi, "QUEUED", "GET k");
    peer_expect(multi, "[OK 1]", "EXEC");
    peer_expect(multi, "me", "CLIENT GETNAME");
    peer_expect(idle, "yes", "GET here");
    peer_expect(peer, "OK", "SET w changed");
    peer_expect(watcher, "OK", "MULTI");
    peer_expect(watcher, "QUEUED", "PING");
    peer_expect(watcher, "(nil)", "EXEC");
    peer_expect(peer, "1", "RPUSH q a");
    peer_expect_push(blocked, "[q a]");
    redisFree(peer), redisFree(multi), redisFree(watcher), redisFree(blocked), redisFree(idle);
    daemon_stop(daemon);
}

/* ---- faults ---- */

static void fault_ends_one_session(struct daemon *daemon, const char *kind, long long contained)
{
    redisContext *peer = peer_open(daemon), *faulty = peer_open(daemon), *blocked = peer_open(daemon);
    redisAppendCommand(blocked, "BLPOP q 0");
    int done = 0;
    redisBufferWrite(blocked, &done);
    struct buffer answer = {0};
    peer_ask(faulty, &answer, "DEBUG SESSION-FAULT %s", kind); /* the reply may or may not leave before the fault */
    if (strcmp(answer.base, "OK") == 0)
        peer_ask(faulty, &answer, "PING");
    assert_string_equal(answer.base, "(closed)");
    buffer_free(&answer);
    assert_true(daemon_alive(daemon));
    assert_int_equal(peer_info(peer, "locus_faults_contained"), contained);
    assert_int_equal(peer_await_info(peer, "connected_clients", 2), 2);
    peer_expect(peer, "1", "RPUSH q a");
    peer_expect_push(blocked, "[q a]");
    redisFree(peer), redisFree(faulty), redisFree(blocked);
}

static void a_fault_in_a_session_ends_that_session_only(void **state)
{
    struct daemon *daemon = *state;
    if (!fault_available()) {
        print_message("faults belong to the sanitizer in this build: skipped\n");
        skip();
    }
    daemon_start(daemon, options);
    for (int i = 0; i < 6; i++)
        fault_ends_one_session(daemon, i % 2 ? "stack" : "null", i + 1);
    daemon_stop(daemon);
}

/* ---- limits and endings ---- */

static void beyond_maxclients_there_is_a_clear_refusal(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, "--loglevel warning --appendonly no --maxclients 5");
    redisContext *peers[5];
    for (int i = 0; i < 5; i++) {
        peers[i] = peer_open(daemon);
        peer_expect(peers[i], "PONG", "PING");
    }
    int fd = raw_open(daemon);
    raw_expect(fd, "-ERR max number of clients reached\r\n");
    raw_expect_end(fd);
    close(fd);
    assert_int_equal(peer_info(peers[0], "rejected_connections"), 1);
    redisFree(peers[4]);
    assert_int_equal(peer_await_info(peers[0], "connected_clients", 4), 4);
    peers[4] = peer_open(daemon);
    peer_expect(peers[4], "PONG", "PING");
    for (int i = 0; i < 5; i++)
        redisFree(peers[i]);
    daemon_stop(daemon);
}

static void client_kill_ends_parked_and_blocked_sessions(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    int parked = raw_open(daemon), subscriber = raw_open(daemon);
    char id[32];
    raw_send_text(parked, "CLIENT SETNAME parked\r\n");
    raw_expect(parked, "+OK\r\n");
    raw_send_text(subscriber, "SUBSCRIBE c\r\n");
    raw_expect(subscriber, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    assert_int_equal(parked_of(peer, 2), 2);
    int blocked = raw_open(daemon);
    raw_send_text(blocked, "BLPOP q 0\r\n");
    assert_int_equal(peer_await_info(peer, "blocked_clients", 1), 1);
    struct buffer list = {0};
    peer_ask(peer, &list, "CLIENT LIST");
    for (const char *line = list.base; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strstr(line, "name=parked ") && (!strchr(line, '\n') || strstr(line, "name=parked ") < strchr(line, '\n')))
            assert_int_equal(sscanf(line, "id=%31[0-9]", id), 1);
    buffer_free(&list);
    peer_expect(peer, "1", "CLIENT KILL ID %s", id);
    raw_expect_end(parked);
    peer_expect(peer, "1", "CLIENT KILL TYPE pubsub");
    raw_expect_end(subscriber);
    peer_expect(peer, "1", "CLIENT KILL TYPE normal SKIPME yes");
    raw_expect_end(blocked);
    assert_int_equal(peer_await_info(peer, "connected_clients", 1), 1);
    peer_expect(peer, "1", "RPUSH q a");
    peer_expect(peer, "1", "LLEN q");
    close(parked), close(blocked), close(subscriber);
    redisFree(peer);
    daemon_stop(daemon);
}

static void idle_clients_are_closed_after_the_timeout_and_subscribers_are_not(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, "--loglevel warning --appendonly no --timeout 1");
    int idle = raw_open(daemon), subscriber = raw_open(daemon), blocked = raw_open(daemon);
    int64_t began = daemon_now_ms();
    raw_send_text(idle, "PING\r\n");
    raw_expect(idle, "+PONG\r\n");
    raw_send_text(subscriber, "SUBSCRIBE c\r\n");
    raw_expect(subscriber, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    raw_send_text(blocked, "BLPOP q 2.5\r\n");
    raw_expect_end(idle);
    assert_in_range(daemon_now_ms() - began, 1000, 4000);
    raw_expect(blocked, "*-1\r\n");
    raw_send_text(subscriber, "PING\r\n");
    raw_expect(subscriber, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    close(idle), close(subscriber), close(blocked);
    daemon_stop(daemon);
}

/* ---- passwords ---- */

static void a_password_is_asked_for(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, "--loglevel warning --appendonly no --requirepass secret");
    redisContext *peer = peer_open(daemon);
    peer_expect(peer, "-NOAUTH Authentication required.", "PING");
    peer_expect(peer, "-NOAUTH Authentication required.", "GET k");
    peer_expect(peer, "-WRONGPASS invalid username-password pair or user is disabled.", "AUTH wrong");
    peer_expect(peer, "-WRONGPASS invalid username-password pair or user is disabled.", "AUTH nobody secret");
    peer_expect(peer, "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
                "HELLO 2");
    peer_expect(peer, "OK", "AUTH secret");
    peer_expect(peer, "PONG", "PING");
    redisContext *other = peer_open(daemon);
    peer_expect(other, "OK", "AUTH default secret");
    peer_expect(other, "OK", "CONFIG SET requirepass %s", "");
    redisContext *third = peer_open(daemon);
    peer_expect(third, "PONG", "PING");
    int fd = raw_open(daemon);
    raw_send_text(fd, "HELLO 3 AUTH default anything SETNAME n\r\n");
    raw_expect(fd, "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n");
    close(fd);
    redisFree(peer), redisFree(other), redisFree(third);
    daemon_stop(daemon);
}

static void the_unauthenticated_may_announce_little(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, "--loglevel warning --appendonly no --requirepass secret");
    int fd = raw_open(daemon);
    raw_send_text(fd, "*11\r\n");
    raw_expect(fd, "-ERR Protocol error: unauthenticated multibulk length\r\n");
    raw_expect_end(fd);
    close(fd);
    fd = raw_open(daemon);
    raw_send_text(fd, "*2\r\n$4\r\nAUTH\r\n$16385\r\n");
    raw_expect(fd, "-ERR Protocol error: unauthenticated bulk length\r\n");
    raw_expect_end(fd);
    close(fd);
    /* What follows a successful AUTH in one pipeline is free of these limits. */
    fd = raw_open(daemon);
    raw_send_text(fd, "AUTH secret\r\n*12\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n");
    raw_expect(fd, "+OK\r\n:0\r\n");
    close(fd);
    daemon_stop(daemon);
}

/* An address of this machine that is not the loopback one; false when it has none. */
static bool outer_address(char text[INET_ADDRSTRLEN])
{
    struct ifaddrs *all;
    bool found = false;
    if (getifaddrs(&all) < 0)
        return false;
    for (struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET)
            continue;
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a->ifa_addr;
        if (ntohl(in->sin_addr.s_addr) >> 24 != 127)
            found = inet_ntop(AF_INET, &in->sin_addr, text, INET_ADDRSTRLEN);
    }
    freeifaddrs(all);
    return found;
}

static void protected_mode_refuses_peers_from_elsewhere(void **state)
{
    struct daemon *daemon = *state;
    char address[INET_ADDRSTRLEN];
    struct buffer answer = {0};
    if (!outer_address(address)) {
        print_message("this machine has no address but the loopback one: skipped\n");
        skip();
    }
    daemon_start(daemon, "--loglevel warning --appendonly no --bind *");
    redisContext *outside = redisConnect(address, daemon->port), *inside = peer_open(daemon);
    assert_true(outside && !outside->err);
    peer_expect(inside, "PONG", "PING");
    peer_ask(outside, &answer, "PING");
    assert_int_equal(strncmp(answer.base, "-DENIED Redis is running in protected mode because protected mode is enabled", 75), 0);
    redisFree(outside);
    peer_expect(inside, "OK", "CONFIG SET protected-mode no");
    outside = redisConnect(address, daemon->port);
    peer_expect(outside, "PONG", "PING");
    redisFree(outside);
    redisFree(inside);
    buffer_free(&answer);
    daemon_stop(daemon);
}

/* ---- other ways in ---- */

static void standard_input_and_output_are_a_session_too(void **state)
{
    struct daemon *daemon = *state;
    struct buffer output = {0};
    int code = daemon_tool(daemon, "redisd", "--stdio yes --dir %s --loglevel warning", SLICE("SET k v\r\nGET k\r\n*1\r\n$4\r\nPING\r\nNOSUCH\r\nLPUSH l a b\r\nLRANGE l 0 -1\r\n"), &output);
    assert_string_equal(output.base, "+OK\r\n$1\r\nv\r\n+PONG\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n:2\r\n*2\r\n$1\r\nb\r\n$1\r\na\r\n");
    assert_int_equal(code, 0);
    output.size = 0;
    code = daemon_tool(daemon, "redisd", "--stdio yes --dir %s --loglevel warning", SLICE("GET k\r\nQUIT\r\nGET k\r\n"), &output);
    assert_string_equal(output.base, "$1\r\nv\r\n+OK\r\n");
    assert_int_equal(code, 0);
    buffer_free(&output);
}

static void a_unix_socket_is_a_way_in(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, "--loglevel warning --unixsocket %s --unixsocketperm 700");
    redisContext *peer = redisConnectUnix(daemon->socket_path), *tcp = peer_open(daemon);
    assert_true(peer && !peer->err);
    peer_expect(peer, "OK", "SET k v");
    peer_expect(tcp, "v", "GET k");
    struct buffer info = {0};
    peer_ask(peer, &info, "CLIENT INFO");
    assert_non_null(strstr(info.base, daemon->socket_path));
    assert_non_null(strstr(info.base, " flags=U "));
    buffer_free(&info);
    redisFree(peer), redisFree(tcp);
    daemon_stop(daemon);
    assert_int_equal(access(daemon->socket_path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        daemon_test(sessions_run_on_micro_heaps_and_give_them_back),
        daemon_test(an_idle_connection_costs_at_most_a_kibibyte),
        daemon_test(a_parked_subscriber_still_gets_its_messages),
        daemon_test(open_transactions_watches_and_blocked_commands_survive_idleness),
        daemon_test(a_fault_in_a_session_ends_that_session_only),
        daemon_test(beyond_maxclients_there_is_a_clear_refusal),
        daemon_test(client_kill_ends_parked_and_blocked_sessions),
        daemon_test(idle_clients_are_closed_after_the_timeout_and_subscribers_are_not),
        daemon_test(a_password_is_asked_for),
        daemon_test(the_unauthenticated_may_announce_little),
        daemon_test(protected_mode_refuses_peers_from_elsewhere),
        daemon_test(standard_input_and_output_are_a_session_too),
        daemon_test(a_unix_socket_is_a_way_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
