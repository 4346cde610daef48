/* SPDX-License-Identifier: MIT
 * damage_test: the last batch cut at every byte and flipped at every bit; earlier ones flipped too.
 *
 *   batch 1 (2 records) | batch 2 (2 records) | batch 3 (2 records) | [empty seal]
 *
 * Without the empty seal nothing attests batch 3, and damage in it must give a prefix that holds all of batch 2; with it, and for
 * damage in batches 1 and 2, the log must be refused and the message must name the file and the offset. */
#include "tests/support.h"

#include <errno.h>

#include "kernel/os_sim.h"
#include "services/txlog/format.h"
#include "services/txlog/reader.h"
#include "services/txlog/txlog.h"
#include "tests/txlog/ledger_service.h"

#define DIR "log"
#define SEGMENT DIR "/segment-000000000001.log"
#define BATCHES 3
#define RECORDS 6

struct machine {
    struct os_sim *sim;
    struct os *os;
    struct ledger ledger;
    struct service service;
    struct txlog_options options;
    struct tx_digest after[RECORDS + 1];
    uint64_t ends[BATCHES + 1]; /* offset behind each batch; [0]: where the first begins */
    uint64_t tail;              /* behind the last record of the last batch */
    struct buffer error;
};

static void find_tail(struct machine *m)
{
    struct txlog_reader *reader;
    struct tx_record record;
    assert_int_equal(txlog_reader_open(m->os, DIR, 0, &m->error, &reader), 0);
    while (txlog_reader_next(reader, &record) > 0)
        m->tail = record.offset + 40; /* about: inside the padding, at the latest */
    txlog_reader_close(reader);
}

static void machine_init(struct machine *m, bool attested)
{
    memset(m, 0, sizeof *m);
    m->sim = os_sim_new(5);
    m->os = os_sim_os(m->sim);
    m->service = ledger_service(&m->ledger);
    m->options = (struct txlog_options){.policy = TXLOG_ALWAYS, .segment_bytes = 64 << 10};
    ledger_init(&m->ledger);
    m->after[0] = ledger_digest(&m->ledger);
    struct txlog *log;
    struct ledger_session session = {0};
    assert_int_equal(txlog_open(m->os, DIR, &m->options, &m->service, 1, &m->error, &log), 0);
    m->ends[0] = SEGMENT_HEADER_BYTES;
    for (unsigned batch = 1; batch <= BATCHES; batch++) {
        for (unsigned i = 0; i < RECORDS / BATCHES; i++) {
            ledger_deposit(&session, batch, 7);
            uint64_t tx = ledger_commit(&m->ledger, &session, txlog_admit(log, os_wall_us(m->os)), txlog_receiver(log));
            m->after[tx] = ledger_digest(&m->ledger);
        }
        assert_int_equal(txlog_turn_end(log, true), batch * (RECORDS / BATCHES));
        m->ends[batch] = m->ends[batch - 1] + SECTOR_BYTES;
    }
    if (!attested)
        os_sim_cut(m->sim, 1);
    txlog_close(log);
    os_sim_power_on(m->sim, OS_SIM_LOSE_ALL, 0);
    buffer_free(&session.staged);
    find_tail(m);
}

static void machine_free(struct machine *m)
{
    buffer_free(&m->error);
    os_sim_free(m->sim);
}

static void names_the_place(struct machine *m)
{
    buffer_append_char(&m->error, 0);
    assert_non_null(strstr(m->error.base, SEGMENT));
    assert_non_null(strstr(m->error.base, "offset"));
    m->error.size = 0;
}

/* Open for real. Returns the newest transaction, or -1 when the log was refused. */
static int64_t open_log(struct machine *m)
{
    struct txlog *log;
    ledger_init(&m->ledger);
    m->error.size = 0;
    int error = txlog_open(m->os, DIR, &m->options, &m->service, 1, &m->error, &log);
    if (error) {
        assert_int_equal(error, -EBADMSG);
        names_the_place(m);
        return -1;
    }
    int64_t newest = (int64_t)txlog_newest(log);
    assert_in_range(newest, 0, RECORDS);
    struct tx_digest digest = ledger_digest(&m->ledger);
    assert_memory_equal(&digest, &m->after[newest], sizeof digest);
    assert_int_equal(txlog_close(log), 0);
    return newest;
}

/* Read only. Returns how many records there are, or -1 when they were refused. */
static int64_t read_log(struct machine *m)
{
    struct txlog_reader *reader;
    struct tx_record record;
    int64_t records = 0;
    m->error.size = 0;
    int got = txlog_reader_open(m->os, DIR, 0, &m->error, &reader);
    if (got == 0) {
        txlog_reader_verify_hashes(reader);
        while ((got = txlog_reader_next(reader, &record)) > 0)
            assert_int_equal(record.tx, ++records);
        txlog_reader_close(reader);
    }
    if (got)
        names_the_place(m);
    return got ? -1 : records;
}

static void flip(struct machine *m, uint64_t bit)
{
    os_sim_file(m->sim, SEGMENT, NULL)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* Padding is all alike: one bit of each byte will do there. */
static uint64_t next_bit(const struct machine *m, uint64_t bit)
{
    uint64_t place = bit / 8 % SECTOR_BYTES;
    bool padding = place > m->tail % SECTOR_BYTES && place < SECTOR_BYTES - TRAILER_BYTES;
    return bit + (padding ? 9 * 5 : 1);
}

static void every_bit_of_the_last_batch_flipped_gives_a_prefix(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, false);
    assert_int_equal(read_log(&m), RECORDS);
    uint64_t end = m.ends[3] * 8;
    for (uint64_t bit = m.ends[2] * 8; bit < end; bit = next_bit(&m, bit)) {
        flip(&m, bit);
        int64_t records = read_log(&m);
        if (records < 4 || records > RECORDS)
            fail_msg("bit %llu: %lld records", (unsigned long long)bit, (long long)records);
        flip(&m, bit);
    }
    machine_free(&m);
}

static void every_bit_of_an_attested_batch_flipped_is_refused(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, true);
    assert_int_equal(read_log(&m), RECORDS);
    uint64_t end = m.ends[3] * 8;
    for (uint64_t bit = m.ends[0] * 8; bit < end; bit = next_bit(&m, bit)) {
        flip(&m, bit);
        if (read_log(&m) != -1)
            fail_msg("bit %llu was not noticed", (unsigned long long)bit);
        flip(&m, bit);
    }
    assert_int_equal(read_log(&m), RECORDS);
    machine_free(&m);
}

static void opening_a_damaged_log_gives_a_prefix_or_a_refusal(void **state)
{
    (void)state;
    for (int attested = 0; attested < 2; attested++) {
        uint64_t step = 0;
        for (uint64_t byte = SEGMENT_HEADER_BYTES; byte < SEGMENT_HEADER_BYTES + 3 * SECTOR_BYTES; byte += step) {
            struct machine m;
            machine_init(&m, attested);
            flip(&m, byte * 8 + byte % 8);
            int64_t newest = open_log(&m);
            bool last = byte >= m.ends[2];
            if (attested || !last)
                assert_int_equal(newest, -1);
            else
                assert_in_range(newest, 4, RECORDS);
            if (newest >= 0)
                assert_int_equal(open_log(&m), newest);
            uint64_t place = byte % SECTOR_BYTES;
            step = place > m.tail % SECTOR_BYTES && place < SECTOR_BYTES - TRAILER_BYTES - 600 ? 599 : 3;
            machine_free(&m);
        }
    }
}

static void a_log_cut_at_every_byte_of_its_last_batch_gives_a_prefix(void **state)
{
    (void)state;
    uint64_t step = 1;
    for (uint64_t size = SEGMENT_HEADER_BYTES + 2 * SECTOR_BYTES; size < SEGMENT_HEADER_BYTES + 3 * SECTOR_BYTES; size += step) {
        struct machine m;
        machine_init(&m, false);
        int fd = m.os->ops->open(m.os->self, SEGMENT, OS_READ | OS_WRITE);
        assert_int_equal(m.os->ops->truncate(m.os->self, fd, size), 0);
        m.os->ops->close(m.os->self, fd);
        int64_t newest = open_log(&m);
        assert_in_range(newest, 4, RECORDS);
        assert_int_equal(open_log(&m), newest);
        uint64_t place = size % SECTOR_BYTES;
        step = place > m.tail % SECTOR_BYTES && place < SECTOR_BYTES - TRAILER_BYTES - 100 ? 97 : 1;
        machine_free(&m);
    }
}

static void zeros_after_the_cut_give_a_prefix_too(void **state)
{
    (void)state;
    for (uint64_t from = SEGMENT_HEADER_BYTES + 2 * SECTOR_BYTES; from < SEGMENT_HEADER_BYTES + 3 * SECTOR_BYTES; from += 7) {
        struct machine m;
        machine_init(&m, false);
        memset(os_sim_file(m.sim, SEGMENT, NULL) + from, 0, m.ends[3] - from);
        int64_t newest = open_log(&m);
        assert_in_range(newest, 4, RECORDS);
        machine_free(&m);
    }
}

static void one_copy_of_a_header_is_enough(void **state)
{
    (void)state;
    for (unsigned copy = 0; copy < 3; copy++) {
        struct machine m;
        machine_init(&m, true);
        if (copy != 1)
            flip(&m, 20 * 8);
        if (copy != 0)
            flip(&m, (4096 + 20) * 8);
        assert_int_equal(open_log(&m), copy == 2 ? -1 : RECORDS);
        machine_free(&m);
    }
}

static void noise_behind_the_end_is_dropped(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, true);
    struct test_random random = {test_seed(4)};
    uint64_t size;
    uint8_t *bytes = os_sim_file(m.sim, SEGMENT, &size);
    for (uint64_t i = m.ends[3] + SECTOR_BYTES; i < size; i++)
        bytes[i] = (uint8_t)test_random_next(&random);
    assert_int_equal(open_log(&m), RECORDS);
    assert_int_equal(open_log(&m), RECORDS);
    machine_free(&m);
}

static void a_segment_that_is_missing_is_named(void **state)
{
    (void)state;
    struct machine m;
    machine_init(&m, true);
    struct txlog *log;
    struct ledger_session session = {0};
    static const char bytes[50000];
    assert_int_equal(txlog_open(m.os, DIR, &m.options, &m.service, 1, &m.error, &log), 0);
    for (int i = 0; i < 4; i++) {
        ledger_note(&session, slice_of(bytes, sizeof bytes));
        ledger_commit(&m.ledger, &session, txlog_admit(log, os_wall_us(m.os)), txlog_receiver(log));
        txlog_turn_end(log, true);
    }
    txlog_close(log);
    buffer_free(&session.staged);
    assert_int_equal(m.os->ops->unlink(m.os->self, DIR "/segment-000000000002.log"), 0);
    assert_int_equal(open_log(&m), -1);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_the_last_batch_flipped_gives_a_prefix),
        cmocka_unit_test(every_bit_of_an_attested_batch_flipped_is_refused),
        cmocka_unit_test(opening_a_damaged_log_gives_a_prefix_or_a_refusal),
        cmocka_unit_test(a_log_cut_at_every_byte_of_its_last_batch_gives_a_prefix),
        cmocka_unit_test(zeros_after_the_cut_give_a_prefix_too),
        cmocka_unit_test(one_copy_of_a_header_is_enough),
        cmocka_unit_test(noise_behind_the_end_is_dropped),
        cmocka_unit_test(a_segment_that_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
