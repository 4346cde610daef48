/* SPDX-License-Identifier: MIT
 * txlog_test: the log on a simulated machine, without a thread: appending, releasing, reopening, segments, checkpoints. */
#include "tests/support.h"

#include <errno.h>

#include "kernel/os_sim.h"
#include "services/txlog/argv.h"
#include "services/txlog/format.h"
#include "services/txlog/reader.h"
#include "services/txlog/txlog.h"
#include "tests/txlog/ledger_service.h"

#define DIR "log"

struct machine {
    struct os_sim *sim;
    struct os *os;
    struct ledger ledger;
    struct service service;
    struct ledger_session session;
    struct txlog_options options;
    struct txlog *log;
    struct buffer error;
};

static void identify(void *context, uint64_t client, struct tx_identity *identity)
{
    (void)context;
    identity->user = SLICE("default");
    identity->address = SLICE("127.0.0.1:5555");
    identity->name = client == 7 ? SLICE("seven") : SLICE("");
}

static void machine_init(struct machine *m, enum txlog_fsync policy)
{
    memset(m, 0, sizeof *m);
    m->sim = os_sim_new(1);
    m->os = os_sim_os(m->sim);
    m->service = ledger_service(&m->ledger);
    m->session.client = 7;
    m->options = (struct txlog_options){
        .policy = policy, .segment_bytes = 64 << 10, .release = "test 1", .identity = identify};
}

static void machine_open(struct machine *m)
{
    ledger_init(&m->ledger);
    int error = txlog_open(m->os, DIR, &m->options, &m->service, 1, &m->error, &m->log);
    if (error)
        fail_msg("open: %s: %.*s", strerror(-error), (int)m->error.size, m->error.base);
}

static void machine_free(struct machine *m)
{
    buffer_free(&m->session.staged);
    buffer_free(&m->error);
    os_sim_free(m->sim);
}

static uint64_t deposit(struct machine *m, unsigned account, int64_t amount)
{
    struct tx_admission admission = txlog_admit(m->log, os_wall_us(m->os));
    assert_int_equal(txlog_reserve(m->log, 64), 0);
    ledger_deposit(&m->session, account, amount);
    return ledger_commit(&m->ledger, &m->session, admission, txlog_receiver(m->log));
}

static void note(struct machine *m, size_t size)
{
    char *bytes = malloc(size);
    memset(bytes, 'n', size);
    struct tx_admission admission = txlog_admit(m->log, os_wall_us(m->os));
    assert_int_equal(txlog_reserve(m->log, size + 64), 0);
    ledger_note(&m->session, slice_of(bytes, size));
    ledger_commit(&m->ledger, &m->session, admission, txlog_receiver(m->log));
    free(bytes);
}

static void reopen_and_compare(struct machine *m)
{
    struct tx_digest before = ledger_digest(&m->ledger);
    uint64_t newest = txlog_newest(m->log);
    assert_int_equal(txlog_close(m->log), 0);
    machine_open(m);
    struct tx_digest after = ledger_digest(&m->ledger);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(txlog_newest(m->log), newest);
    assert_int_equal(txlog_released(m->log), newest);
}

/* ---- */

static void an_empty_log_opens_again_and_again(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    for (int i = 0; i < 5; i++) {
        machine_open(&m);
        assert_int_equal(txlog_newest(m.log), 0);
        assert_int_equal(txlog_turn_end(m.log, true), 0);
        assert_int_equal(txlog_opened(m.log)->created, i == 0);
        assert_int_equal(txlog_close(m.log), 0);
    }
    machine_free(&m);
}

static void always_releases_what_was_flushed(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    machine_open(&m);
    uint64_t tx = deposit(&m, 1, 10);
    assert_int_equal(tx, 2); /* 1 introduced the client */
    assert_int_equal(txlog_released(m.log), 0);
    assert_int_equal(txlog_turn_end(m.log, true), 2);
    assert_int_equal(txlog_durable(m.log), 2);
    os_sim_power_on(m.sim, OS_SIM_LOSE_ALL, 0);
    struct tx_digest before = ledger_digest(&m.ledger);
    txlog_close(m.log);
    machine_open(&m);
    struct tx_digest after = ledger_digest(&m.ledger);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(txlog_close(m.log), 0);
    machine_free(&m);
}

static void everysec_releases_what_was_written_and_flushes_once_a_second(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_EVERYSEC);
    machine_open(&m);
    deposit(&m, 1, 10);
    assert_int_equal(txlog_turn_end(m.log, true), 2);
    assert_int_equal(txlog_durable(m.log), 0);
    os_sim_advance(m.sim, 1000000000u);
    deposit(&m, 1, 10);
    assert_int_equal(txlog_turn_end(m.log, true), 3);
    assert_int_equal(txlog_durable(m.log), 3);
    reopen_and_compare(&m);
    assert_int_equal(txlog_close(m.log), 0);
    machine_free(&m);
}

static void a_killed_process_loses_nothing_that_was_written(void **state)
{
    (void)state;
    for (int policy = TXLOG_EVERYSEC; policy <= TXLOG_NO; policy++) {
        struct machine m;
        machine_init(&m, policy);
        machine_open(&m);
        for (unsigned i = 0; i < 300; i++) {
            deposit(&m, i % LEDGER_ACCOUNTS, i);
            txlog_turn_end(m.log, false);
        }
        struct tx_digest before = ledger_digest(&m.ledger);
        os_sim_cut(m.sim, 1); /* what close would still do does not happen */
        txlog_close(m.log);
        os_sim_power_on(m.sim, OS_SIM_KEEP_ALL, 0);
        machine_open(&m);
        struct tx_digest after = ledger_digest(&m.ledger);
        assert_memory_equal(&before, &after, sizeof before);
        reopen_and_compare(&m);
        assert_int_equal(txlog_close(m.log), 0);
        machine_free(&m);
    }
}

static void many_segments_are_walked_in_order(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_EVERYSEC);
    machine_open(&m);
    for (unsigned i = 0; i < 5000; i++) {
        deposit(&m, i % LEDGER_ACCOUNTS, i);
        if (i % 7 == 0)
            txlog_turn_end(m.log, false);
        if (i % 500 == 0)
            os_sim_advance(m.sim, 1100000000u);
    }
    txlog_turn_end(m.log, true);
    struct txlog_stats stats;
    txlog_stats(m.log, &stats);
    assert_true(stats.segments > 3);
    reopen_and_compare(&m);
    deposit(&m, 3, 3);
    txlog_turn_end(m.log, true);
    reopen_and_compare(&m);
    assert_int_equal(txlog_close(m.log), 0);

    struct txlog_reader *reader;
    struct tx_record record;
    uint64_t expected = 0, identities = 0;
    assert_int_equal(txlog_reader_open(m.os, DIR, 0, &m.error, &reader), 0);
    txlog_reader_verify_hashes(reader);
    int got;
    while ((got = txlog_reader_next(reader, &record)) > 0) {
        assert_int_equal(record.tx, ++expected);
        identities += record.kind == TX_IDENTITY;
    }
    if (got)
        fail_msg("%.*s", (int)m.error.size, m.error.base);
    struct txlog_reader_stats seen;
    txlog_reader_stats(reader, &seen);
    assert_true(seen.roots_checked > 3);
    assert_in_range(identities, stats.segments - 1, stats.segments + 1);
    txlog_reader_close(reader);
    machine_free(&m);
}

static void a_record_larger_than_a_segment_gets_one_of_its_own(void **state)
{
    (void)state;
    for (int policy = TXLOG_ALWAYS; policy <= TXLOG_NO; policy++) {
        struct machine m;
        machine_init(&m, policy);
        machine_open(&m);
        deposit(&m, 1, 1);
        note(&m, 300000);
        deposit(&m, 2, 2);
        txlog_turn_end(m.log, true);
        note(&m, 60000);
        note(&m, 3000000);
        note(&m, 1);
        txlog_turn_end(m.log, true);
        reopen_and_compare(&m);
        assert_int_equal(txlog_close(m.log), 0);
        machine_free(&m);
    }
}

static void a_small_set_costs_at_most_forty_bytes_beyond_its_words(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_EVERYSEC);
    machine_open(&m);
    struct slice words[] = {SLICE("SET"), SLICE("key:000000000001"), SLICE("32 bytes of value, which is many")};
    struct txlog_stats before, after;
    m.options.identity(NULL, 1, &(struct tx_identity){0});
    for (int i = 0; i < 2; i++) { /* the second one introduces nobody */
        txlog_stats(m.log, &before);
        struct tx_result result = {.kind = TX_COMMAND, .service = 1, .client = 123456, .request_id = 0};
        result.admission = txlog_admit(m.log, os_wall_us(m.os));
        result.input = tx_body_argv(words, 3);
        txlog_append(m.log, &result);
        txlog_stats(m.log, &after);
    }
    assert_true(after.record_bytes - before.record_bytes <= 3 + 16 + 32 + 40);
    txlog_close(m.log);
    machine_free(&m);
}

static void admissions_never_go_back(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    machine_open(&m);
    deposit(&m, 1, 1);
    struct tx_admission first = txlog_admit(m.log, os_wall_us(m.os));
    deposit(&m, 1, 1);
    txlog_turn_end(m.log, true);
    os_sim_jump(m.sim, -3600000000);
    txlog_close(m.log);
    machine_open(&m);
    struct tx_admission later = txlog_admit(m.log, os_wall_us(m.os));
    assert_true(later.cmd_seq > first.cmd_seq);
    assert_true(later.time_us >= first.time_us);
    assert_true(txlog_seed(m.log, 1) != txlog_seed(m.log, 2));
    assert_true(txlog_seed(m.log, 1) == tx_seed(txlog_uuid(m.log), 1));
    txlog_close(m.log);
    machine_free(&m);
}

static void take_checkpoint(struct machine *m, bool write_meanwhile)
{
    assert_int_equal(txlog_checkpoint_begin(m->log), 0);
    assert_int_equal(txlog_checkpoint_begin(m->log), -EBUSY);
    int more;
    while ((more = txlog_checkpoint_step(m->log, 200)) == 1)
        if (write_meanwhile)
            deposit(m, 5, 1);
    assert_int_equal(more, 0);
    txlog_turn_end(m->log, true);
}

static void a_checkpoint_taken_while_serving_shortens_recovery(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    machine_open(&m);
    for (unsigned i = 0; i < 100; i++)
        deposit(&m, i, i);
    uint64_t tx = txlog_newest(m.log);
    take_checkpoint(&m, true);
    assert_int_equal(txlog_checkpoint_tx(m.log), tx);
    assert_true(txlog_newest(m.log) > tx);
    reopen_and_compare(&m);
    assert_int_equal(m.ledger.restores, 1);
    assert_int_equal(txlog_opened(m.log)->checkpoint_tx, tx);
    assert_int_equal(m.ledger.applies, txlog_newest(m.log) - tx);
    txlog_close(m.log);
    machine_free(&m);
}

static void a_damaged_checkpoint_gives_way_to_the_one_before(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    machine_open(&m);
    deposit(&m, 1, 1);
    take_checkpoint(&m, false);
    uint64_t first = txlog_checkpoint_tx(m.log);
    deposit(&m, 2, 2);
    take_checkpoint(&m, false);
    struct buffer path = {0};
    txlog_checkpoint_path(m.log, LEDGER_SERVICE_ID, &path);
    uint64_t size;
    os_sim_file(m.sim, path.base, &size)[size / 2] ^= 1;
    reopen_and_compare(&m);
    assert_int_equal(txlog_opened(m.log)->checkpoint_tx, first);
    buffer_free(&path);
    txlog_close(m.log);
    machine_free(&m);
}

static void retention_drops_segments_below_the_checkpoint(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_EVERYSEC);
    m.options.retain_bytes = 1;
    machine_open(&m);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3000; i++)
            deposit(&m, i % LEDGER_ACCOUNTS, i);
        txlog_turn_end(m.log, true);
        take_checkpoint(&m, false);
    }
    struct txlog_stats stats;
    txlog_stats(m.log, &stats);
    assert_true(stats.segments <= 2);
    reopen_and_compare(&m);
    assert_int_equal(txlog_close(m.log), 0);
    struct txlog_reader *reader;
    assert_int_equal(txlog_reader_open(m.os, DIR, 1, &m.error, &reader), -ERANGE);
    machine_free(&m);
}

static void replay_verifies_every_delta_across_a_checkpoint(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    machine_open(&m);
    for (unsigned i = 0; i < 50; i++) {
        struct tx_admission admission = {0};
        for (unsigned k = 0; k < 3; k++) {
            admission = txlog_admit(m.log, os_wall_us(m.os));
            ledger_bonus(&m.session, i + k, txlog_seed(m.log, admission.cmd_seq));
        }
        ledger_transfer(&m.session, i, i + 1, 5);
        txlog_reserve(m.log, 500);
        ledger_commit(&m.ledger, &m.session, admission, txlog_receiver(m.log));
        txlog_turn_end(m.log, true);
        if (i == 25)
            take_checkpoint(&m, false);
    }
    struct tx_digest live = ledger_digest(&m.ledger);
    txlog_close(m.log);
    struct ledger again;
    ledger_init(&again);
    struct service service = ledger_service(&again);
    struct replay_options options = {.mode = REPLAY_VERIFY};
    struct replay_report report;
    int error = txlog_replay(m.os, DIR, &service, 1, &options, &report, &m.error);
    if (error)
        fail_msg("%.*s", (int)m.error.size, m.error.base);
    assert_int_equal(report.executed, 50);
    assert_int_equal(report.states_compared, 1);
    struct tx_digest replayed = ledger_digest(&again);
    assert_memory_equal(&live, &replayed, sizeof live);

    ledger_init(&again);
    options = (struct replay_options){.mode = REPLAY_APPLY, .until_tx = 30};
    assert_int_equal(txlog_replay(m.os, DIR, &service, 1, &options, &report, &m.error), 0);
    assert_int_equal(report.last_tx, 30);
    assert_true(report.start_tx > 0 && report.start_tx < 30);
    machine_free(&m);
}

static void an_adopted_state_is_where_history_begins_anew(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    machine_open(&m);
    deposit(&m, 1, 10);
    txlog_turn_end(m.log, true);
    txlog_close(m.log);
    m.ledger.balances[1] = 5000; /* changed while no log was kept */
    m.options.adopt = true;
    assert_int_equal(txlog_open(m.os, DIR, &m.options, &m.service, 1, &m.error, &m.log), 0);
    take_checkpoint(&m, false);
    deposit(&m, 1, 1);
    txlog_turn_end(m.log, true);
    m.options.adopt = false;
    reopen_and_compare(&m);
    assert_int_equal(m.ledger.balances[1], 5001);
    txlog_close(m.log);
    struct ledger again;
    ledger_init(&again);
    struct service service = ledger_service(&again);
    struct replay_options options = {.mode = REPLAY_VERIFY};
    struct replay_report report;
    if (txlog_replay(m.os, DIR, &service, 1, &options, &report, &m.error))
        fail_msg("%.*s", (int)m.error.size, m.error.base);
    assert_int_equal(again.balances[1], 5001);
    machine_free(&m);
}

static void only_one_process_opens_a_log(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_ALWAYS);
    machine_open(&m);
    struct txlog *second;
    assert_int_equal(txlog_open(m.os, DIR, &m.options, &m.service, 1, &m.error, &second), -EWOULDBLOCK);
    txlog_close(m.log);
    machine_free(&m);
}

static void the_policy_changes_while_running(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, TXLOG_NO);
    machine_open(&m);
    for (int round = 0; round < 4; round++) {
        for (int policy = TXLOG_ALWAYS; policy <= TXLOG_NO; policy++) {
            deposit(&m, 1, 1);
            assert_int_equal(txlog_set_policy(m.log, policy), 0);
            deposit(&m, 2, 1);
            assert_int_equal(txlog_turn_end(m.log, true), txlog_newest(m.log));
            if (policy == TXLOG_ALWAYS)
                assert_int_equal(txlog_durable(m.log), txlog_newest(m.log));
        }
    }
    reopen_and_compare(&m);
    txlog_close(m.log);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_log_opens_again_and_again),
        cmocka_unit_test(always_releases_what_was_flushed),
        cmocka_unit_test(everysec_releases_what_was_written_and_flushes_once_a_second),
        cmocka_unit_test(a_killed_process_loses_nothing_that_was_written),
        cmocka_unit_test(many_segments_are_walked_in_order),
        cmocka_unit_test(a_record_larger_than_a_segment_gets_one_of_its_own),
        cmocka_unit_test(a_small_set_costs_at_most_forty_bytes_beyond_its_words),
        cmocka_unit_test(admissions_never_go_back),
        cmocka_unit_test(a_checkpoint_taken_while_serving_shortens_recovery),
        cmocka_unit_test(a_damaged_checkpoint_gives_way_to_the_one_before),
        cmocka_unit_test(retention_drops_segments_below_the_checkpoint),
        cmocka_unit_test(replay_verifies_every_delta_across_a_checkpoint),
        cmocka_unit_test(an_adopted_state_is_where_history_begins_anew),
        cmocka_unit_test(only_one_process_opens_a_log),
        cmocka_unit_test(the_policy_changes_while_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
