/* SPDX-License-Identifier: MIT
 * threaded_test: the log with its flush thread on a real disk: group commit, notifications, segments prepared ahead, checkpoints,
 * restarts. Runs under SAN=thread as well. */
#include "tests/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "services/txlog/reader.h"
#include "services/txlog/txlog.h"
#include "tests/txlog/ledger_service.h"

struct daemon {
    char dir[256];
    struct os *os;
    struct ledger ledger;
    struct service service;
    struct ledger_session session;
    struct txlog_options options;
    struct txlog *log;
    struct buffer error;
    _Atomic unsigned notified;
};

static void notify(void *context)
{
    struct daemon *d = context;
    atomic_fetch_add(&d->notified, 1);
}

static void daemon_init(struct daemon *d, enum txlog_fsync policy)
{
    memset(d, 0, sizeof *d);
    test_dir_make(d->dir, sizeof d->dir);
    d->os = os_linux();
    d->service = ledger_service(&d->ledger);
    d->options = (struct txlog_options){.policy = policy,
                                        .segment_bytes = 256 << 10,
                                        .flush_thread = true,
                                        .notify = notify,
                                        .notify_context = d};
}

static void daemon_open(struct daemon *d)
{
    ledger_init(&d->ledger);
    if (txlog_open(d->os, d->dir, &d->options, &d->service, 1, &d->error, &d->log))
        fail_msg("%.*s", (int)d->error.size, d->error.base);
}

static void daemon_free(struct daemon *d)
{
    test_dir_remove(d->dir);
    buffer_free(&d->error);
    buffer_free(&d->session.staged);
}

static void commit(struct daemon *d, unsigned i)
{
    struct tx_admission admission = txlog_admit(d->log, os_wall_us(d->os));
    assert_int_equal(txlog_reserve(d->log, 500), 0);
    ledger_deposit(&d->session, i % LEDGER_ACCOUNTS, i);
    ledger_note(&d->session, SLICE("a note that makes the record a little longer than it would be without one"));
    ledger_commit(&d->ledger, &d->session, admission, txlog_receiver(d->log));
}

/* Turns of ten transactions each; what is released never goes back and never runs ahead. */
static void serve(struct daemon *d, unsigned turns, bool checkpoint)
{
    uint64_t released = txlog_released(d->log);
    for (unsigned turn = 0; turn < turns; turn++) {
        for (unsigned i = 0; i < 10; i++)
            commit(d, turn * 10 + i);
        uint64_t now = txlog_turn_end(d->log, turn % 64 == 0);
        assert_true(now >= released && now <= txlog_newest(d->log));
        if (txlog_policy(d->log) == TXLOG_ALWAYS)
            assert_true(now <= txlog_durable(d->log));
        released = now;
        if (checkpoint && turn == turns / 4)
            assert_int_equal(txlog_checkpoint_begin(d->log), 0);
        if (txlog_checkpoint_running(d->log))
            assert_true(txlog_checkpoint_step(d->log, 300) >= 0);
        if (turn % 32 == 31)
            usleep(200);
    }
}

static void wait_released(struct daemon *d)
{
    for (int i = 0; i < 10000 && txlog_turn_end(d->log, false) < txlog_newest(d->log); i++)
        usleep(200);
    assert_int_equal(txlog_poll(d->log), txlog_newest(d->log));
}

static void run_policy(enum txlog_fsync policy)
{
    struct daemon d;
    daemon_init(&d, policy);
    daemon_open(&d);
    for (int round = 0; round < 2; round++) {
        serve(&d, 600, round == 1);
        wait_released(&d);
        while (txlog_checkpoint_running(d.log))
            assert_true(txlog_checkpoint_step(d.log, 100000) >= 0);
        struct tx_digest before = ledger_digest(&d.ledger);
        uint64_t newest = txlog_newest(d.log);
        assert_int_equal(txlog_close(d.log), 0);
        daemon_open(&d);
        struct tx_digest after = ledger_digest(&d.ledger);
        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(txlog_newest(d.log), newest);
    }
    assert_true(txlog_opened(d.log)->checkpoint_tx > 0);
    assert_true(policy == TXLOG_NO || atomic_load(&d.notified) > 0);
    assert_int_equal(txlog_close(d.log), 0);
    daemon_free(&d);
}

static void the_flush_thread_serves_always(void **state)
{
    (void)state;
    run_policy(TXLOG_ALWAYS);
}

static void the_flush_thread_serves_everysec(void **state)
{
    (void)state;
    run_policy(TXLOG_EVERYSEC);
}

static void the_flush_thread_serves_no(void **state)
{
    (void)state;
    run_policy(TXLOG_NO);
}

static void an_idle_log_attests_what_it_holds(void **state)
{
    (void)state;
    struct daemon d;
    daemon_init(&d, TXLOG_ALWAYS);
    daemon_open(&d);
    commit(&d, 1);
    wait_released(&d);
    usleep(1050000);
    txlog_turn_end(d.log, true);
    txlog_flush_now(d.log);
    struct txlog_reader *reader;
    struct tx_record record;
    struct txlog_reader_stats stats;
    assert_int_equal(txlog_reader_open(d.os, d.dir, 0, &d.error, &reader), 0);
    while (txlog_reader_next(reader, &record) > 0)
        continue;
    txlog_reader_stats(reader, &stats);
    txlog_reader_close(reader);
    assert_int_equal(stats.watermark_tx, 1);
    assert_int_equal(txlog_close(d.log), 0);
    daemon_free(&d);
}

/* A reader walks the log again and again while the daemon writes: never corruption, never fewer records. */
struct watcher {
    struct daemon *d;
    _Atomic bool stop;
    uint64_t walks, records;
    int error;
    struct buffer text;
};

static void *watch(void *context)
{
    struct watcher *w = context;
    while (!atomic_load(&w->stop) && !w->error) {
        struct txlog_reader *reader;
        struct tx_record record;
        uint64_t seen = 0;
        int got = txlog_reader_open(w->d->os, w->d->dir, 0, &w->text, &reader);
        if (got == 0) {
            while ((got = txlog_reader_next(reader, &record)) > 0)
                seen++;
            txlog_reader_close(reader);
        }
        w->error = got ? got : seen < w->records ? -1 : 0;
        w->records = seen;
        w->walks++;
    }
    return NULL;
}

static void a_reader_walks_a_log_that_is_written_to(void **state)
{
    (void)state;
    for (int policy = TXLOG_ALWAYS; policy <= TXLOG_EVERYSEC; policy++) {
        struct daemon d;
        daemon_init(&d, policy);
        daemon_open(&d);
        struct watcher w = {.d = &d};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
        serve(&d, 500, false);
        wait_released(&d);
        atomic_store(&w.stop, true);
        pthread_join(thread, NULL);
        if (w.error)
            fail_msg("after %llu walks: %d: %.*s", (unsigned long long)w.walks, w.error, (int)w.text.size,
                     w.text.base ? w.text.base : "");
        buffer_free(&w.text);
        assert_int_equal(txlog_close(d.log), 0);
        daemon_free(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_flush_thread_serves_always),
        cmocka_unit_test(the_flush_thread_serves_everysec),
        cmocka_unit_test(the_flush_thread_serves_no),
        cmocka_unit_test(an_idle_log_attests_what_it_holds),
        cmocka_unit_test(a_reader_walks_a_log_that_is_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
