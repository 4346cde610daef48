/* SPDX-License-Identifier: MIT
 * txlog_fuzz: whatever lies in a log directory is read, or refused with a sentence, and nothing worse.
 *
 * The first byte of an input says what the rest is:
 *   'S'  a segment file: read by the reader, then opened by recovery, twice with the same result
 *   'E'  edits of a log that is whole: {u16 offset, u8 mask} each; what can still be read is a prefix of it
 *   'R'  a record's body    'A'  a sequence of commands    'M'  a manifest    'H'  a header    'T'  a trailer */
#include <assert.h>
#include <stdlib.h>

#include "kernel/os_sim.h"
#include "services/txlog/argv.h"
#include "services/txlog/checkpoint.h"
#include "services/txlog/reader.h"
#include "services/txlog/txlog.h"
#include "services/txlog/varint.h"
#include "tests/fuzz/fuzz.h"

#define DIR "log"
#define SEGMENT DIR "/segment-000000000001.log"
enum { SEGMENT_BYTES = 64 << 10, WHOLE_RECORDS = 9, INPUT_MAX = 128 << 10 };

/* ---- a service that takes anything ---- */

static int take(void *state, const struct tx_record *record)
{
    struct argv_reader words = {0};
    uint64_t *sum = state;
    argv_reader_begin(&words, record->delta);
    while (argv_reader_next(&words) > 0)
        for (size_t i = 0; i < words.argc; i++)
            *sum += words.argv[i].size;
    argv_reader_free(&words);
    return 0;
}

static int64_t open_log(struct os *os)
{
    uint64_t sum = 0;
    struct service services[2] = {{.id = 1, .name = "any", .suffix = "any", .state = &sum, .apply = take}};
    struct txlog_options options = {.policy = TXLOG_ALWAYS, .segment_bytes = SEGMENT_BYTES};
    struct buffer error = {0};
    struct txlog *log;
    int result = txlog_open(os, DIR, &options, services, 1, &error, &log);
    int64_t newest = result ? -1 : (int64_t)txlog_newest(log);
    assert(!result || error.size);
    if (!result)
        txlog_close(log);
    buffer_free(&error);
    return newest;
}

static int64_t read_log(struct os *os)
{
    struct buffer error = {0};
    struct txlog_reader *reader;
    struct tx_record record;
    int64_t records = 0;
    int got = txlog_reader_open(os, DIR, 0, &error, &reader);
    if (got == 0) {
        txlog_reader_verify_hashes(reader);
        while ((got = txlog_reader_next(reader, &record)) > 0)
            records++;
        txlog_reader_close(reader);
    }
    assert(got == 0 || error.size);
    buffer_free(&error);
    return got ? -1 : records;
}

static void put_file(struct os *os, const uint8_t *bytes, size_t size)
{
    int fd = os->ops->open(os->self, SEGMENT, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNCATE);
    assert(fd >= 0);
    int error = size ? os_pwrite_all(os, fd, bytes, size, 0) : 0;
    assert(!error);
    os->ops->close(os->self, fd);
}

static void try_segment(const uint8_t *bytes, size_t size)
{
    struct os_sim *sim = os_sim_new(1);
    struct os *os = os_sim_os(sim);
    put_file(os, bytes, size);
    int64_t read = read_log(os);
    int64_t opened = open_log(os);
    assert(read < 0 || opened < 0 || opened <= read);
    int64_t again = open_log(os);
    assert(opened < 0 || again == opened);
    os_sim_free(sim);
}

/* ---- edits ---- */

static void write_records(struct txlog *log)
{
    for (int i = 0; i < WHOLE_RECORDS; i++) {
        struct slice words[] = {SLICE("SET"), SLICE("key"), SLICE("some value")};
        struct tx_result result = {.kind = TX_COMMAND, .service = 1, .admission = txlog_admit(log, i)};
        result.input = tx_body_argv(words, 3);
        txlog_append(log, &result);
        if (i % 3 == 2)
            txlog_turn_end(log, true);
    }
}

static void try_edits(const uint8_t *edits, size_t size)
{
    struct os_sim *sim = os_sim_new(2);
    struct os *os = os_sim_os(sim);
    struct txlog_options options = {.policy = TXLOG_ALWAYS, .segment_bytes = SEGMENT_BYTES};
    struct buffer error = {0};
    struct txlog *log;
    int result = txlog_open(os, DIR, &options, NULL, 0, &error, &log);
    assert(!result);
    write_records(log);
    txlog_close(log);
    uint8_t *bytes = os_sim_file(sim, SEGMENT, NULL);
    for (; size >= 3; size -= 3, edits += 3)
        bytes[load_u32((uint8_t[]){edits[0], edits[1], 0, 0})] ^= edits[2];
    int64_t records = read_log(os);
    assert(records <= WHOLE_RECORDS);
    int64_t opened = open_log(os);
    assert(opened <= WHOLE_RECORDS);
    os_sim_free(sim);
}

/* ---- the codecs ---- */

static void try_record(struct slice body)
{
    struct tx_record record = {0};
    uint8_t flags;
    struct slice sections;
    struct merkle_hash leaf;
    if (record_decode(body, &record, &flags, &sections) == 0)
        record_leaf(&record, flags, sections, &leaf);
}

static void try_words(struct slice sequence)
{
    struct argv_reader words = {0};
    struct buffer again = {0};
    int got;
    argv_reader_begin(&words, sequence);
    while ((got = argv_reader_next(&words)) > 0)
        argv_append(&again, words.argv, words.argc);
    assert(got < 0 || slice_equal(sequence, buffer_slice(&again)));
    argv_reader_free(&words);
    buffer_free(&again);
}

static void try_manifest(struct slice bytes)
{
    struct manifest manifest;
    if (bytes.size)
        manifest_decode(bytes, &manifest);
}

static void try_fixed(uint8_t kind, const uint8_t *data, size_t size)
{
    uint8_t bytes[SECTOR_BYTES] = {0};
    struct segment_header header;
    struct trailer trailer;
    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    if (kind == 'H')
        segment_header_decode(bytes, &header);
    else
        trailer_decode(bytes, &trailer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_MAX)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    switch (data[0]) {
    case 'S': try_segment(data + 1, size - 1); break;
    case 'E': try_edits(data + 1, size - 1); break;
    case 'R': try_record(rest); break;
    case 'A': try_words(rest); break;
    case 'M': try_manifest(rest); break;
    case 'H':
    case 'T': try_fixed(data[0], data + 1, size - 1); break;
    default: break;
    }
    return 0;
}
