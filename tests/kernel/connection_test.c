/* SPDX-License-Identifier: MIT
 * connection_test: many connections: one after another without leaks, as many at once as there are descriptors, idle for little. */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/kernel/echo.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const char refusal[] = "-ERR max number of clients reached\r\n";

struct daemon {
    struct reactor *reactor;
    struct listener *listener;
    char dir[64];
    struct sockaddr_un address;
};

static void start(struct daemon *d, const struct reactor_options *options)
{
    struct os *os = os_linux();
    d->reactor = new_reactor(options);
    test_dir_make(d->dir, sizeof d->dir);
    d->address.sun_family = AF_UNIX;
    snprintf(d->address.sun_path, sizeof d->address.sun_path, "%s/socket", d->dir);
    int fd = os->ops->listen_unix(os->self, d->address.sun_path, 0700, 4096);
    assert_true(fd >= 0);
    assert_int_equal(listener_open(&d->listener, d->reactor, fd, echo_accepted, d), 0);
}

static void stop(struct daemon *d)
{
    listener_close(d->listener);
    reactor_free(d->reactor);
    test_dir_remove(d->dir);
}

static int connect_to(const struct daemon *d)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&d->address, sizeof d->address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- one after another ---- */

/* Each ends in a way of its own; r is turned by the caller. */
static void visit(struct daemon *d, int manner)
{
    int fd = connect_to(d);
    assert_true(fd >= 0);
    if (manner == 0) { /* leaves without a word */
        close(fd);
        return;
    }
    send_text(fd, "hello");
    turns(d->reactor, 2);
    if (manner == 1) /* asks once more and half-closes */
        shutdown(fd, SHUT_WR);
    if (manner <= 2)
        assert_receives(fd, "hello");
    if (manner == 1) {
        turns(d->reactor, 1);
        assert_receives(fd, "END");
    }
    close(fd); /* manner 3: with the reply unread, which resets the connection */
}

static void connects_and_closes_leak_nothing(void **state)
{
    (void)state;
    struct daemon d = {0};
    int count = test_long_factor() > 1 ? 100000 : SANITIZED ? 4000 : 20000;
    start(&d, NULL);
    visit(&d, 2);
    turns(d.reactor, 2);
    int descriptors = count_descriptors();
    for (int i = 0; i < count; i++) {
        visit(&d, i % 4);
        turns(d.reactor, 1);
    }
    turns(d.reactor, 2);
    assert_int_equal(count_descriptors(), descriptors);
    assert_int_equal(d.reactor->counters.accepted, count + 1);
    assert_int_equal(d.reactor->counters.actors_live, 0);
    assert_int_equal(d.reactor->counters.streams_open, 0);
    assert_int_equal(d.reactor->heaps.used_count, 0);
    assert_in_range(d.reactor->heaps.used_peak, 1, 4);
    assert_in_range(d.reactor->actors.used, 1, 4);
    assert_int_equal(d.reactor->counters.refused, 0);
    stop(&d);
}

static void resets_over_tcp_leak_nothing(void **state)
{
    (void)state;
    struct os *os = os_linux();
    struct listener *listener;
    struct reactor *r = new_reactor(NULL);
    int port, fd = os->ops->listen_tcp(os->self, "127.0.0.1", 0, 128, &port);
    assert_int_equal(listener_open(&listener, r, fd, echo_accepted, NULL), 0);
    int descriptors = count_descriptors();
    for (int i = 0; i < 300; i++) {
        int peer = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        assert_int_equal(connect(peer, (struct sockaddr *)&to, sizeof to), 0);
        send_text(peer, "hello");
        turns(r, i % 3); /* reset before it is accepted, before it is answered, afterwards */
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(peer);
        turns(r, 2);
    }
    for (int i = 0; i < 20 && r->counters.streams_open; i++)
        reactor_turn(r, 10000000);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(r->counters.streams_open, 0);
    assert_int_equal(count_descriptors(), descriptors);
    listener_close(listener);
    reactor_free(r);
}

/* ---- as many at once as there are descriptors; the clients are a process of their own, with a limit of its own ---- */

enum { MANY = 20000, RESERVED = 64 };

static void exchange(const int *fds, int count, int step)
{
    for (int i = 0; i < count; i += step)
        if (write(fds[i], "x", 1) != 1)
            _exit(10);
    for (int i = 0; i < count; i += step) {
        char reply;
        if (read(fds[i], &reply, 1) != 1)
            _exit(11);
    }
}

/* A connection beyond the limit must be told so, whole, and closed. */
static void expect_refusal(const struct daemon *d)
{
    char text[100] = {0};
    size_t got = 0;
    ssize_t n;
    int fd = connect_to(d);
    if (fd < 0)
        _exit(12);
    while ((n = read(fd, text + got, sizeof text - 1 - got)) > 0)
        got += (size_t)n;
    if (strcmp(text, refusal) != 0 || n < 0)
        _exit(13);
    close(fd);
}

/* Say that a stage is done, and wait for the word to go on. */
static void stage(int out, int in)
{
    char word = 's';
    if (write(out, &word, 1) != 1 || read(in, &word, 1) != 1)
        _exit(14);
}

static void be_the_clients(const struct daemon *d, int count, int out, int in)
{
    static int fds[MANY];
    for (int i = 0; i < count; i++)
        if ((fds[i] = connect_to(d)) < 0)
            _exit(15);
    exchange(fds, count, 1);
    stage(out, in);
    exchange(fds, count, 2);
    stage(out, in);
    for (int i = 0; i < 20; i++)
        expect_refusal(d);
    exchange(fds, count, 97); /* those who are in notice nothing */
    stage(out, in);
    close(fds[0]);
    fds[0] = connect_to(d); /* a place became free */
    exchange(fds, 1, 1);
    _exit(0);
}

static void turn_until_stage(struct daemon *d, int in)
{
    char word;
    uint64_t limit = os_monotonic_ns(os_linux()) + 60000000000u;
    while (read(in, &word, 1) != 1) {
        assert_int_equal(reactor_turn(d->reactor, 10000000), 0);
        assert_true(os_monotonic_ns(os_linux()) < limit);
    }
}

static void turn_until_parked(struct daemon *d, uint32_t count)
{
    for (int i = 0; i < 3000 && d->reactor->counters.actors_parked < count; i++)
        assert_int_equal(reactor_turn(d->reactor, 5000000), 0);
    assert_int_equal(d->reactor->counters.actors_parked, count);
}

/* statm: /proc/self/statm, opened while there were descriptors. */
static long resident_bytes(int statm)
{
    char text[128] = {0};
    long total, resident = 0;
    assert_true(pread(statm, text, sizeof text - 1, 0) > 0);
    assert_int_equal(sscanf(text, "%ld %ld", &total, &resident), 2);
    return resident * sysconf(_SC_PAGESIZE);
}

/* Descriptors that this process may still open. */
static int descriptors_left(void)
{
    static int fds[MANY + RESERVED];
    int count = 0;
    while (count < MANY + RESERVED && (fds[count] = dup(0)) >= 0)
        count++;
    for (int i = 0; i < count; i++)
        close(fds[i]);
    return count;
}

static void as_many_as_there_are_descriptors_then_a_clear_refusal(void **state)
{
    (void)state;
    struct rlimit old, limit;
    getrlimit(RLIMIT_NOFILE, &old);
    limit = old;
    /* Ours is a little lower than the clients', so that it is the daemon that runs out. */
    rlim_t most = SANITIZED ? 2000 : MANY;
    limit.rlim_cur = (old.rlim_max < most ? old.rlim_max : most) - RESERVED;
    int to_us[2], to_them[2];
    assert_int_equal(pipe2(to_us, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(pipe2(to_them, O_CLOEXEC), 0);
    int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    struct daemon d = {0};
    start(&d, &(struct reactor_options){.park_after_ns = 300000000, .linger_ns = 300000000});
    limit.rlim_cur = limit.rlim_cur < old.rlim_cur ? limit.rlim_cur : old.rlim_cur - RESERVED;
    pid_t child;
    fflush(NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int count = descriptors_left();
    if (count < 1) {
        fail();
        return;
    }
    if ((child = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed assertion in the daemon leaves nobody behind */
        setrlimit(RLIMIT_NOFILE, &old);
        fcntl(to_us[1], F_SETFL, 0);
        be_the_clients(&d, count, to_us[1], to_them[0]);
    }
    struct reactor *r = d.reactor;
    long before = resident_bytes(statm);

    turn_until_stage(&d, to_us[0]);
    assert_int_equal(r->counters.actors_live, count);
    long burst = resident_bytes(statm) - before;
    turn_until_parked(&d, (uint32_t)count);
    long idle = resident_bytes(statm) - before;
    print_message("%d connections: %ld bytes each after a burst, %ld when idle\n", count, burst / count, idle / count);
    if (!SANITIZED)
        assert_in_range(idle / count, 0, 1024);
    assert_int_equal(r->heaps.used_count, 0);

    assert_int_equal(write(to_them[1], "g", 1), 1);
    turn_until_stage(&d, to_us[0]); /* half of them active again */
    assert_int_equal(r->counters.actors_live, count);
    assert_int_equal(r->heaps.used_count, count - (int)r->counters.actors_parked);
    assert_true(r->heaps.used_peak >= (uint32_t)count / 2);
    assert_int_equal(r->counters.refused, 0);

    assert_int_equal(write(to_them[1], "g", 1), 1);
    turn_until_stage(&d, to_us[0]); /* refusals */
    assert_int_equal(r->counters.refused, 20);
    assert_int_equal(r->counters.actors_live, count);

    assert_int_equal(write(to_them[1], "g", 1), 1);
    int status;
    while (waitpid(child, &status, WNOHANG) == 0)
        assert_int_equal(reactor_turn(r, 1000000), 0);
    assert_int_equal(status, 0);
    for (int i = 0; i < 1000 && r->counters.streams_open; i++)
        assert_int_equal(reactor_turn(r, 10000000), 0);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(r->heaps.used_count, 0);
    assert_int_equal(descriptors_left(), count);
    stop(&d);
    setrlimit(RLIMIT_NOFILE, &old);
    close(statm);
    for (int i = 0; i < 2; i++) {
        close(to_us[i]);
        close(to_them[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_and_closes_leak_nothing),
        cmocka_unit_test(resets_over_tcp_leak_nothing),
        cmocka_unit_test(as_many_as_there_are_descriptors_then_a_clear_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
