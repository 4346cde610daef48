/* SPDX-License-Identifier: MIT
 * disk_test: a disk that is full. The data lies on a small file system of its own (tmpfs), with a file of ballast whose removal is what an operator's
 * cleaning up looks like to the daemon. Mounting needs root; without it the tests say so and are skipped. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/redisd/peer.h"

enum { BALLAST = 6 << 20, VALUE_BYTES = 1000, KEYS_MAX = 20000, EXTRA_KEYS = 2 /* counter and n */ };

static const char refusal[] = "-MISCONF The transaction log cannot take more: no space left on device. Commands that may modify the data set are disabled, reads go on.";

static int disk_setup(void **state)
{
    if (daemon_setup(state) < 0)
        return -1;
    struct daemon *daemon = *state;
    mkdir(daemon->dir, 0700);
    return 0;
}

static int disk_teardown(void **state)
{
    struct daemon *daemon = *state;
    if (daemon->pid)
        daemon_kill(daemon);
    umount2(daemon->dir, MNT_DETACH);
    return daemon_teardown(state);
}

static void mount_or_skip(struct daemon *daemon)
{
    if (mount("tmpfs", daemon->dir, "tmpfs", 0, "size=10m,mode=700") == 0)
        return;
    print_message("cannot mount a small file system (%s): skipped\n", strerror(errno));
    skip();
}

static void ballast_path(const struct daemon *daemon, char path[DAEMON_PATH_MAX + 16])
{
    snprintf(path, DAEMON_PATH_MAX + 16, "%s/ballast", daemon->dir);
}

static void load_ballast(const struct daemon *daemon)
{
    char path[DAEMON_PATH_MAX + 16];
    ballast_path(daemon, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(posix_fallocate(fd, 0, BALLAST), 0);
    close(fd);
}

static void drop_ballast(const struct daemon *daemon)
{
    char path[DAEMON_PATH_MAX + 16];
    ballast_path(daemon, path);
    assert_int_equal(unlink(path), 0);
}

/* SET key:FIRST, key:FIRST+1, ... until one is refused, then INCR n until nothing fits. Returns the number of the first key that is not there. */
static int fill(redisContext *peer, int first)
{
    struct buffer answer = {0};
    char value[VALUE_BYTES];
    memset(value, 'v', sizeof(value));
    int next = first;
    do {
        peer_ask(peer, &answer, "SET key:%d %b", next++, value, sizeof(value));
        assert_true(next < KEYS_MAX);
    } while (strcmp(answer.base, "OK") == 0);
    assert_string_equal(answer.base, refusal);
    do /* what is left is too little for that, but not for everything */
        peer_ask(peer, &answer, "INCR n");
    while (*answer.base != '-');
    assert_string_equal(answer.base, refusal);
    buffer_free(&answer);
    return next - 1;
}

/* The daemon looks for room again from time to time; so the first write that is taken may be a moment late. */
static void await_room(redisContext *peer)
{
    struct buffer answer = {0};
    int64_t end = daemon_now_ms() + 5000;
    do {
        daemon_nap_ms(10);
        peer_ask(peer, &answer, "INCR counter");
    } while (strcmp(answer.base, refusal) == 0 && daemon_now_ms() < end);
    assert_string_equal(answer.base, "42");
    buffer_free(&answer);
}

/* Every kind of write is refused, and has changed nothing. */
static void expect_only_reads(redisContext *peer, int keys)
{
    struct buffer before = {0};
    char value[VALUE_BYTES];
    memset(value, 'v', sizeof(value));
    peer_ask(peer, &before, "DEBUG DIGEST");
    peer_expect(peer, refusal, "INCR counter");
    peer_expect(peer, refusal, "DEL key:0");
    peer_expect(peer, refusal, "LPUSH list a");
    peer_expect(peer, refusal, "FLUSHALL ASYNC");
    peer_expect(peer, "OK", "MULTI");
    peer_expect(peer, "QUEUED", "SET a 1");
    peer_expect(peer, "QUEUED", "SET b %b", value, sizeof(value));
    peer_expect_prefix(peer, "-EXECABORT Transaction discarded because of: MISCONF The transaction log", "EXEC");
    peer_expect(peer, "OK", "MULTI"); /* one that only reads */
    peer_expect(peer, "QUEUED", "GET counter");
    peer_expect(peer, "[41]", "EXEC");
    peer_expect(peer, "0", "PUBLISH news still");
    peer_expect(peer, "PONG", "PING");
    peer_expect(peer, "1", "EXISTS key:0");
    peer_expect(peer, "41", "GET counter");
    assert_int_equal(peer_number(peer, "DBSIZE"), keys + EXTRA_KEYS);
    peer_expect(peer, before.base, "DEBUG DIGEST");
    buffer_free(&before);
}

/* Under the policy: full, then cleaned up, then written to again, then restarted; and the same with a kill while it is full. */
static void fill_and_free(struct daemon *daemon, const char *options)
{
    struct buffer before = {0}, output = {0};
    mount_or_skip(daemon);
    load_ballast(daemon);
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    peer_expect(peer, "OK", "MSET counter 41 n 0");
    int keys = fill(peer, 0);
    assert_in_range(keys, 500, 10000);
    expect_only_reads(peer, keys);
    drop_ballast(daemon);
    await_room(peer);
    peer_expect(peer, "41", "DECR counter");
    keys = fill(peer, keys);
    expect_only_reads(peer, keys);
    peer_ask(peer, &before, "DEBUG DIGEST");
    redisFree(peer);
    daemon_kill(daemon);
    /* A larger disk, as an operator would give it, holds exactly what was acknowledged. */
    assert_int_equal(mount("tmpfs", daemon->dir, "tmpfs", MS_REMOUNT, "size=40m"), 0);
    daemon_start(daemon, options);
    peer = peer_open(daemon);
    peer_expect(peer, before.base, "DEBUG DIGEST");
    assert_int_equal(peer_number(peer, "DBSIZE"), keys + EXTRA_KEYS);
    peer_expect(peer, "42", "INCR counter");
    redisFree(peer);
    daemon_stop(daemon);
    int code = daemon_tool(daemon, "redisd", "replay --dir %s --verify", SLICE(""), &output);
    if (code != 0)
        fail_msg("replay --verify: %s", output.base);
    buffer_free(&before);
    buffer_free(&output);
}

static void a_full_disk_refuses_writes_before_they_change_anything(void **state)
{
    fill_and_free(*state, "--loglevel warning --txlog-segment-size 1mb");
}

static void a_full_disk_refuses_writes_under_always_too(void **state)
{
    fill_and_free(*state, "--loglevel warning --txlog-segment-size 256kb --appendfsync always");
}

static void a_checkpoint_without_room_fails_and_the_daemon_goes_on(void **state)
{
    struct daemon *daemon = *state;
    mount_or_skip(daemon);
    load_ballast(daemon);
    daemon_start(daemon, "--loglevel warning --txlog-segment-size 1mb");
    redisContext *peer = peer_open(daemon);
    peer_expect(peer, "OK", "SET n 0");
    int keys = fill(peer, 0);
    peer_expect_prefix(peer, "", "BGSAVE");
    assert_int_equal(peer_await_info(peer, "rdb_bgsave_in_progress", 0), 0);
    struct buffer info = {0};
    peer_ask(peer, &info, "INFO persistence");
    assert_non_null(strstr(info.base, "rdb_last_bgsave_status:err"));
    assert_int_equal(peer_number(peer, "DBSIZE"), keys + 1);
    drop_ballast(daemon);
    peer_expect(peer, "OK", "SAVE"); /* old segments go, so there is room again */
    keys = fill(peer, keys);
    redisFree(peer);
    daemon_restart(daemon, true, "--loglevel warning --txlog-segment-size 1mb");
    peer = peer_open(daemon);
    assert_int_equal(peer_number(peer, "DBSIZE"), keys + 1);
    buffer_free(&info);
    redisFree(peer);
    daemon_stop(daemon);
}

#define disk_test(function) cmocka_unit_test_setup_teardown(function, disk_setup, disk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        disk_test(a_full_disk_refuses_writes_before_they_change_anything),
        disk_test(a_full_disk_refuses_writes_under_always_too),
        disk_test(a_checkpoint_without_room_fails_and_the_daemon_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
