/* SPDX-License-Identifier: MIT
 * kill_test: SIGKILL at any moment loses nothing that was acknowledged and leaves nothing half done.
 *
 * One directory lives through many lives of the daemon; each ends with SIGKILL under load, some while it is still recovering. The system under
 * the daemon goes on, so what was written is there under every fsync policy; the simulated disk of the log's own tests takes away what was not flushed. */
#include "tests/redisd/load.h"

enum { ROUNDS = 30, LOAD_MS_MAX = 50 };

struct run {
    struct daemon *daemon;
    struct load load;
    struct test_random random;
    const char *policy;
    uint64_t beyond; /* writes that survived without having been acknowledged */
};

static unsigned chance(struct run *run, unsigned bound)
{
    return (unsigned)test_random_below(&run->random, bound);
}

/* Small segments and checkpoints all the time in half of the lives, so that many end while files come and go. */
static void options(struct run *run, char *text, size_t size)
{
    bool busy = chance(run, 2) == 0;
    snprintf(text, size, "--appendfsync %s --txlog-segment-size %s --txlog-checkpoint-size %s --txlog-flush-thread %s --loglevel warning", run->policy, busy ? "1mb" : "64mb", busy ? "1mb" : "256mb",
             chance(run, 4) ? "yes" : "no");
}

static void one_life(struct run *run)
{
    char text[256];
    options(run, text, sizeof(text));
    if (chance(run, 4) == 0) { /* one that does not get far */
        daemon_spawn(run->daemon, text);
        daemon_nap_ms((int)chance(run, 20));
        daemon_kill(run->daemon);
    }
    daemon_start(run->daemon, text);
    redisContext *peer = peer_open(run->daemon);
    run->beyond += load_check(&run->load, peer);
    load_connect(&run->load, run->daemon);
    load_run(&run->load, (int)chance(run, LOAD_MS_MAX));
    if (chance(run, 2)) {
        peer_expect_prefix(peer, "", "BGSAVE");
        load_run(&run->load, (int)chance(run, LOAD_MS_MAX));
    }
    redisFree(peer);
    daemon_kill(run->daemon);
    load_drain(&run->load);
}

static void digest_of(struct run *run, const char *words, char digest[64])
{
    struct buffer output = {0};
    int code = daemon_tool(run->daemon, "redisd", words, SLICE(""), &output);
    const char *at = strstr(output.base, "digest:");
    if (code != 0 || !at || sscanf(at, "digest:%63[0-9a-f]", digest) != 1)
        fail_msg("seed %llu: redisd %s exits with %d: %s", (unsigned long long)run->load.seed, words, code, output.base);
    buffer_free(&output);
}

static void the_log_verifies(struct run *run)
{
    char applied[64], executed[64];
    struct buffer output = {0};
    digest_of(run, "replay --dir %s", applied);
    digest_of(run, "replay --dir %s --verify", executed);
    assert_string_equal(applied, executed);
    int code = daemon_tool(run->daemon, "txlog", "verify %s/txlog --deep", SLICE(""), &output);
    if (code != 0)
        fail_msg("seed %llu: txlog verify: %s", (unsigned long long)run->load.seed, output.base);
    buffer_free(&output);
}

static void kill_and_recover(struct daemon *daemon, const char *policy, int rounds)
{
    struct run run = {.daemon = daemon, .policy = policy, .random = {test_seed(20261120)}};
    load_init(&run.load, run.random.state);
    for (int i = 0; i < rounds; i++)
        one_life(&run);
    the_log_verifies(&run);
    daemon_start(daemon, "");
    redisContext *peer = peer_open(daemon);
    load_check(&run.load, peer);
    redisFree(peer);
    daemon_stop(daemon);
    the_log_verifies(&run);
    print_message("%d kills under %s: %llu writes beyond the acknowledged ones\n", rounds, policy, (unsigned long long)run.beyond);
    load_free(&run.load);
}

static int rounds_of(int usual)
{
    return test_long_factor() > 1 ? 10 * usual : usual;
}

static void under_always_every_acknowledged_write_survives_sigkill(void **state)
{
    kill_and_recover(*state, "always", rounds_of(ROUNDS));
}

static void under_everysec_sigkill_loses_nothing_that_was_written(void **state)
{
    kill_and_recover(*state, "everysec", rounds_of(ROUNDS / 3));
}

static void under_no_sigkill_loses_nothing_that_was_written(void **state)
{
    kill_and_recover(*state, "no", rounds_of(ROUNDS / 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        daemon_test(under_always_every_acknowledged_write_survives_sigkill),
        daemon_test(under_everysec_sigkill_loses_nothing_that_was_written),
        daemon_test(under_no_sigkill_loses_nothing_that_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
