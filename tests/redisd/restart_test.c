/* SPDX-License-Identifier: MIT
 * restart_test: what was there is there again, in the same order and encoding, whichever way the daemon ended and whatever it starts from. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/redisd/workload.h"

static const char options[] = "--loglevel warning";

/* Deadlines of the workload that are soon over have passed, and active expiry has been there. */
static void let_short_deadlines_pass(void)
{
    daemon_nap_ms(300);
}

static redisContext *restarted(struct daemon *daemon, redisContext *peer, bool kill, const char *with)
{
    redisFree(peer);
    daemon_restart(daemon, kill, with);
    return peer_open(daemon);
}

static void expect_same(redisContext *peer, const struct buffer *before, const char *when, uint64_t seed)
{
    struct buffer after = {0};
    workload_portrait(peer, &after);
    workload_compare(before, &after, when, seed);
    buffer_free(&after);
}

static void verify_replay(struct daemon *daemon, uint64_t seed)
{
    struct buffer output = {0};
    int code = daemon_tool(daemon, "redisd", "replay --dir %s --verify", SLICE(""), &output);
    if (code != 0)
        fail_msg("seed %llu: redisd replay --verify exits with %d: %s", (unsigned long long)seed, code, output.base);
    output.size = 0;
    code = daemon_tool(daemon, "txlog", "verify %s/txlog --deep", SLICE(""), &output);
    if (code != 0)
        fail_msg("seed %llu: txlog verify exits with %d: %s", (unsigned long long)seed, code, output.base);
    buffer_free(&output);
}

static void await_save(redisContext *peer)
{
    assert_int_equal(peer_await_info(peer, "rdb_bgsave_in_progress", 0), 0);
}

/* ---- every way to end ---- */

static void one_of_each(redisContext *peer)
{
    peer_expect(peer, "OK", "SET string value");
    peer_expect(peer, "OK", "SET number 12345 EX 100000");
    peer_expect(peer, "3", "RPUSH list a b c");
    peer_expect(peer, "3", "SADD ints 3 1 2");
    peer_expect(peer, "3", "SADD set c a b");
    peer_expect(peer, "2", "HSET hash f 1 g 2");
    peer_expect(peer, "3", "ZADD zset 1.5 one -inf two 3 three");
    peer_expect(peer, "1", "PEXPIREAT list 33333333333333");
    peer_expect(peer, "1", "EXPIRE hash 5000");
    for (int i = 0; i < 1000; i++) {
        peer_number(peer, "SADD large:set member:%d", i * 7919 % 1000);
        peer_number(peer, "HSET large:hash field:%d %d", i * 7919 % 1000, i);
        peer_number(peer, "ZADD large:zset %d member:%d", i % 10, i * 7919 % 1000);
        peer_number(peer, "RPUSH large:list element:%d", i);
    }
    for (int i = 0; i < 1000; i += 3) {
        peer_number(peer, "SREM large:set member:%d", i);
        peer_number(peer, "HDEL large:hash field:%d", i);
        peer_number(peer, "ZREM large:zset member:%d", i);
    }
    peer_expect(peer, "OK", "SELECT 2");
    peer_expect(peer, "OK", "SET other database");
    peer_expect(peer, "OK", "SELECT 0");
}

static void every_type_survives_every_kind_of_end(void **state)
{
    struct daemon *daemon = *state;
    struct buffer before = {0};
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    one_of_each(peer);
    workload_portrait(peer, &before);
    peer = restarted(daemon, peer, false, options);
    expect_same(peer, &before, "SIGTERM", 0);
    peer = restarted(daemon, peer, true, options);
    expect_same(peer, &before, "SIGKILL", 0);
    peer_expect(peer, "Background saving started", "BGSAVE");
    await_save(peer);
    peer = restarted(daemon, peer, true, options);
    expect_same(peer, &before, "BGSAVE and SIGKILL", 0);
    peer_expect(peer, "OK", "SAVE");
    peer = restarted(daemon, peer, false, options);
    expect_same(peer, &before, "SAVE and SIGTERM", 0);
    redisFree(peer);
    daemon_stop(daemon);
    verify_replay(daemon, 0);
    buffer_free(&before);
}

static void random_workloads_survive_every_kind_of_end_and_replay_verifies(void **state)
{
    struct daemon *daemon = *state;
    uint64_t seed = test_seed(7);
    struct test_random random = {seed};
    struct buffer before = {0};
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    for (unsigned round = 0; round < 6 * test_long_factor(); round++) {
        char when[64];
        bool kill = test_random_below(&random, 2), save = test_random_below(&random, 2), small = test_random_below(&random, 2);
        snprintf(when, sizeof(when), "%s%s in round %u", save ? "BGSAVE and " : "", kill ? "SIGKILL" : "SIGTERM", round);
        workload_run(peer, &random, 2000);
        if (save)
            peer_expect_prefix(peer, "Background saving", "BGSAVE");
        workload_run(peer, &random, 2000); /* while it is being saved */
        let_short_deadlines_pass();
        workload_portrait(peer, &before);
        peer = restarted(daemon, peer, kill, small ? "--loglevel warning --txlog-checkpoint-size 128kb --txlog-segment-size 64kb --txlog-retain 1gb" : "--loglevel warning --txlog-retain 1gb");
        expect_same(peer, &before, when, seed);
    }
    redisFree(peer);
    daemon_stop(daemon);
    verify_replay(daemon, seed);
    buffer_free(&before);
}

/* ---- deadlines ---- */

static void a_deadline_that_passes_while_the_daemon_is_down_has_passed(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    peer_expect(peer, "OK", "SET over v PX 30");
    peer_expect(peer, "OK", "SET soon v PX 400");
    peer_expect(peer, "OK", "SET later v PX 100000");
    daemon_nap_ms(50);
    peer_expect(peer, "(nil)", "GET over");
    redisFree(peer);
    daemon_kill(daemon);
    daemon_nap_ms(450);
    daemon_start(daemon, options);
    peer = peer_open(daemon);
    peer_expect(peer, "(nil)", "GET over");
    peer_expect(peer, "(nil)", "GET soon");
    peer_expect(peer, "v", "GET later");
    peer_expect(peer, "1", "DBSIZE");
    redisFree(peer);
    daemon_stop(daemon);
    verify_replay(daemon, 0);
}

/* ---- without the log, and switching it ---- */

static void without_a_log_save_is_what_survives(void **state)
{
    static const char no_log[] = "--loglevel warning --appendonly no";
    struct daemon *daemon = *state;
    struct test_random random = {test_seed(11)};
    struct buffer before = {0};
    daemon_start(daemon, no_log);
    redisContext *peer = peer_open(daemon);
    workload_run(peer, &random, 3000);
    let_short_deadlines_pass();
    workload_portrait(peer, &before);
    peer_expect(peer, "OK", "SAVE");
    peer_expect(peer, "OK", "SET lost 1");
    peer = restarted(daemon, peer, true, no_log);
    struct buffer after = {0};
    workload_portrait(peer, &after);
    assert_memory_equal(before.base, after.base, 48); /* the digest; orders follow from a key that only the log keeps */
    peer_expect(peer, "Background saving started", "BGSAVE");
    await_save(peer);
    peer = restarted(daemon, peer, true, no_log);
    workload_portrait(peer, &after);
    assert_memory_equal(before.base, after.base, 48);
    redisFree(peer);
    daemon_stop(daemon);
    buffer_free(&before);
    buffer_free(&after);
}

static void the_log_can_be_switched_off_and_on_while_serving(void **state)
{
    struct daemon *daemon = *state;
    struct buffer before = {0};
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    one_of_each(peer);
    peer_expect(peer, "OK", "CONFIG SET appendonly no");
    peer_expect(peer, "0", "DEL nothing");
    peer_expect(peer, "4", "RPUSH list off");
    peer_expect(peer, "1", "DEL string");
    peer_expect(peer, "OK", "CONFIG SET appendonly yes");
    peer_expect(peer, "5", "RPUSH list on");
    workload_portrait(peer, &before);
    for (int i = 0; i < 2; i++) {
        peer = restarted(daemon, peer, i == 0, options);
        expect_same(peer, &before, "switching the log off and on", 0);
    }
    peer_expect(peer, "6", "RPUSH list more");
    peer_expect(peer, "OK", "CONFIG SET appendonly no");
    peer_expect(peer, "OK", "CONFIG SET appendonly yes");
    peer = restarted(daemon, peer, true, options);
    peer_expect(peer, "6", "LLEN list");
    redisFree(peer);
    daemon_stop(daemon);
    verify_replay(daemon, 0);
    buffer_free(&before);
}

/* ---- blocked clients ---- */

static void what_a_blocked_client_was_given_is_logged(void **state)
{
    struct daemon *daemon = *state;
    daemon_start(daemon, "--loglevel warning --appendfsync always");
    redisContext *peer = peer_open(daemon), *blocked = peer_open(daemon), *mover = peer_open(daemon);
    int done = 0;
    redisAppendCommand(blocked, "BLPOP q 0");
    redisBufferWrite(blocked, &done);
    assert_int_equal(peer_await_info(peer, "blocked_clients", 1), 1);
    redisAppendCommand(mover, "BLMOVE q r LEFT RIGHT 0");
    redisBufferWrite(mover, &done);
    assert_int_equal(peer_await_info(peer, "blocked_clients", 2), 2);
    peer_expect(peer, "OK", "MULTI");
    peer_expect(peer, "QUEUED", "RPUSH q 1 2 3");
    peer_expect(peer, "QUEUED", "ZADD z 1 m");
    peer_expect(peer, "[3 1]", "EXEC");
    peer_expect_push(blocked, "[q 1]");
    peer_expect_push(mover, "2");
    peer_expect(blocked, "[z m 1]", "BZPOPMIN z 1");
    redisFree(blocked), redisFree(mover);
    peer = restarted(daemon, peer, true, options);
    peer_expect(peer, "[3]", "LRANGE q 0 -1");
    peer_expect(peer, "[2]", "LRANGE r 0 -1");
    peer_expect(peer, "0", "EXISTS z");
    redisFree(peer);
    daemon_stop(daemon);
    verify_replay(daemon, 0);
}

/* ---- damage ---- */

struct place {
    uint64_t segment, offset;
};

/* Where the log ends, as the tool tells. */
static struct place end_of_log(const struct daemon *daemon)
{
    struct buffer output = {0};
    struct place end = {0};
    assert_int_equal(daemon_tool(daemon, "txlog", "stat %s/txlog", SLICE(""), &output), 0);
    const char *at = strstr(output.base, "\nend: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\nend: segment %" SCNu64 " offset %" SCNu64, &end.segment, &end.offset), 2);
    buffer_free(&output);
    return end;
}

/* The only segment of a small log, open for writing. */
static int open_segment(const struct daemon *daemon, char name[256])
{
    char path[DAEMON_PATH_MAX + 300];
    snprintf(path, sizeof(path), "%s/txlog", daemon->dir);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    *name = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct stat stat;
        snprintf(path, sizeof(path), "%s/txlog/%s", daemon->dir, entry->d_name);
        /* By name the first of those that hold something: a second one may have been made ready. */
        if (lstat(path, &stat) == 0 && stat.st_size >= 64 << 10 && (!*name || strcmp(entry->d_name, name) < 0))
            snprintf(name, 256, "%s", entry->d_name);
    }
    closedir(dir);
    snprintf(path, sizeof(path), "%s/txlog/%s", daemon->dir, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void write_some(struct daemon *daemon, int first, int last)
{
    redisContext *peer = peer_open(daemon);
    for (int i = first; i <= last; i++)
        peer_expect(peer, "OK", "SET last %d", i);
    redisFree(peer);
}

static void damage_in_the_middle_of_the_log_is_named_and_refused(void **state)
{
    struct daemon *daemon = *state;
    char name[256], byte;
    daemon_start(daemon, options);
    write_some(daemon, 1, 500);
    daemon_restart(daemon, false, options);
    write_some(daemon, 501, 600);
    daemon_stop(daemon);
    struct place end = end_of_log(daemon);
    assert_int_equal(end.segment, 1);
    int fd = open_segment(daemon, name);
    uint64_t middle = (8192 + end.offset) / 2;
    assert_int_equal(pread(fd, &byte, 1, (off_t)middle), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)middle), 1);
    struct buffer said = {0}, tool = {0};
    assert_int_equal(daemon_start_failing(daemon, options), 1);
    daemon_said(daemon, &said);
    const char *at = strstr(said.base, "is corrupt at offset ");
    unsigned long long offset = at ? strtoull(at + strlen("is corrupt at offset "), NULL, 10) : 0;
    if (!at || !strstr(said.base, name) || offset > middle || offset + 4096 < middle)
        fail_msg("damage at %llu of %s, but the daemon says: %s", (unsigned long long)middle, name, said.base);
    assert_int_equal(daemon_tool(daemon, "txlog", "verify %s/txlog", SLICE(""), &tool), 1);
    if (!strstr(tool.base, "is corrupt at offset ") || !strstr(tool.base, name))
        fail_msg("txlog verify says: %s", tool.base);
    /* Nothing was touched by the refusal: with the byte as it was, all is there. */
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)middle), 1);
    close(fd);
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    peer_expect(peer, "600", "GET last");
    redisFree(peer);
    daemon_stop(daemon);
    buffer_free(&said);
    buffer_free(&tool);
}

static void a_torn_tail_is_dropped(void **state)
{
    struct daemon *daemon = *state;
    char name[256];
    static const char zeros[7];
    daemon_start(daemon, options);
    write_some(daemon, 1, 100);
    daemon_kill(daemon);
    struct place end = end_of_log(daemon);
    int fd = open_segment(daemon, name);
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)(end.offset - sizeof(zeros))), sizeof(zeros));
    close(fd);
    daemon_start(daemon, options);
    redisContext *peer = peer_open(daemon);
    long long last = peer_number(peer, "GET last");
    assert_in_range(last, 99, 100); /* 100: the tear met the trailer behind the last record */
    redisFree(peer);
    write_some(daemon, 101, 110);
    daemon_restart(daemon, false, options);
    peer = peer_open(daemon);
    peer_expect(peer, "110", "GET last");
    redisFree(peer);
    daemon_stop(daemon);
    verify_replay(daemon, 0);
}

static void one_directory_belongs_to_one_daemon(void **state)
{
    struct daemon *daemon = *state, second = *daemon;
    struct buffer said = {0};
    daemon_start(daemon, options);
    second.pid = 0;
    assert_int_equal(daemon_start_failing(&second, options), 1);
    daemon_said(&second, &said);
    assert_non_null(strstr(said.base, "used by another process"));
    write_some(daemon, 1, 3);
    daemon_stop(daemon);
    buffer_free(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        daemon_test(every_type_survives_every_kind_of_end),
        daemon_test(random_workloads_survive_every_kind_of_end_and_replay_verifies),
        daemon_test(a_deadline_that_passes_while_the_daemon_is_down_has_passed),
        daemon_test(without_a_log_save_is_what_survives),
        daemon_test(the_log_can_be_switched_off_and_on_while_serving),
        daemon_test(what_a_blocked_client_was_given_is_logged),
        daemon_test(damage_in_the_middle_of_the_log_is_named_and_refused),
        daemon_test(a_torn_tail_is_dropped),
        daemon_test(one_directory_belongs_to_one_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
