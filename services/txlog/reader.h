/* SPDX-License-Identifier: MIT
 * reader: the records of a log directory in order, while a daemon writes to it or not.
 *
 * Nothing is locked and nothing is written. Every record returned has a valid crc and follows the one before without a gap. At
 * the first place that is not valid the reader looks for a later batch whose watermark covers it:
 *
 *   found      the place was durable once: corruption, -EBADMSG, and the message names it
 *   not found  the end of the log; what lies behind is a torn tail */
#ifndef LOCUS_TXLOG_READER_H
#define LOCUS_TXLOG_READER_H

#include "kernel/buffer.h"
#include "kernel/os.h"
#include "services/txlog/format.h"
#include "services/txlog/service.h"

struct txlog_reader;

/* Open at the first record with tx >= from_tx (0: the oldest there is). 0; -ENOENT: no log is there; -ERANGE: records from
 * from_tx on were dropped by retention; -EBADMSG. `error` gets a sentence; the reader keeps the pointer for next's. */
int txlog_reader_open(struct os *os, const char *dir, uint64_t from_tx, struct buffer *error, struct txlog_reader **reader);
void txlog_reader_close(struct txlog_reader *reader);

/* 1: a record, its slices valid until the next call; 0: the end for now (a daemon may write more: ask again); -EBADMSG:
 * corruption; another -errno: reading failed. IDENTITY records are returned as well. */
int txlog_reader_next(struct txlog_reader *reader, struct tx_record *record);

const uint8_t *txlog_reader_uuid(const struct txlog_reader *reader);

/* Hash every record from the next segment start on and compare roots with the trailers': `verify --deep`. Call before the first
 * next. A root that differs makes next return -EBADMSG. */
void txlog_reader_verify_hashes(struct txlog_reader *reader);

/* What the reader saw so far. */
struct txlog_reader_stats {
    uint64_t segments, batches, sealed_batches, records, bytes;
    uint64_t first_tx, last_tx;
    struct log_position end;       /* behind the last valid batch or record */
    struct log_position watermark; /* the farthest any trailer attests */
    uint64_t watermark_tx;
    uint64_t epoch;                /* of the last trailer */
    uint64_t roots_checked;
    struct merkle_hash root;       /* the last one recorded in a sealed trailer */
    uint64_t root_size;            /* leaves under it */
};
void txlog_reader_stats(const struct txlog_reader *reader, struct txlog_reader_stats *stats);

/* The digest by which deltas are compared: xxh3-128 of its bytes. */
struct tx_digest tx_delta_digest(struct slice delta);

/* ---- replay: bring services to a point of the history, without opening the log for writing ---- */

enum replay_mode {
    REPLAY_APPLY,  /* newest checkpoint at or before the goal, then deltas */
    REPLAY_VERIFY, /* from the oldest possible start: execute every input, compare every delta; where a checkpoint was taken,
                      compare the state digest with the one in its manifest */
};

struct replay_options {
    enum replay_mode mode;
    uint64_t until_tx;     /* stop behind this transaction; 0: no such limit */
    int64_t until_time_us; /* stop before the first record later than this; 0: no such limit */
};

struct replay_report {
    uint64_t start_tx;            /* the checkpoint used; 0: the empty state */
    uint64_t last_tx;
    struct tx_admission last;     /* of the last record */
    uint64_t records, applied, executed, delta_only, states_compared;
    uint8_t uuid[16];
};

/* 0; -EILSEQ: re-execution differs from the log (error names the first such transaction, or the checkpoint whose digest
 * differs); other errors as for the reader and the services. */
int txlog_replay(struct os *os, const char *dir, const struct service *services, int count, const struct replay_options *options,
                 struct replay_report *report, struct buffer *error);

#endif
