/* SPDX-License-Identifier: MIT
 * txlog: the stream of transactions through which every change of state passes, on its way to the disk and to the client.
 *
 * One log per daemon, owned by one reactor thread; all calls are made from there. The log may own one flush thread.
 *
 *   txlog_admit ---> execute ---> txlog_append ---> txlog_turn_end ---> released ---> replies leave
 *       |   txlog_reserve before                    written (everysec, no)
 *       |   the first change                        flushed (always)
 *
 *     filling --(turn end: nothing in flight)--> in flight --(datasync)--> durable
 *        ^                                           |
 *        +--- the next batch fills meanwhile --------+--(error)--> failed, for good
 *
 * A turn, in redisd:
 *
 *   1. For each command: txlog_admit; for one that may write, txlog_reserve first: an error is the reply, nothing was changed.
 *   2. Execute. A result with a delta: txlog_append. Mark what is sent with txlog_newest (reads too).
 *   3. End of turn: txlog_turn_end, then let out everything marked with a transaction <= what it returned.
 *   4. When options.notify was called (from the flush thread): on the reactor, call txlog_poll and let out likewise, or, at
 *      the latest with the next turn, txlog_turn_end, which starts the next flush.
 *   5. Call txlog_turn_end at least every 100 ms while idle: it seals, flushes once a second and prepares segments.
 *   6. When txlog_failed is not 0: tell the waiting clients, end the process. What was not released may be lost.
 *
 * Invariants. 1. Released transactions form a prefix and survive what the policy says. 2. Recovery gives a prefix of what was
 * appended that contains everything durable, or refuses and names the place. 3. The stream holds no gap: transaction numbers
 * count records from 1. 4. After an error of a write or a flush nothing more is written. */
#ifndef LOCUS_TXLOG_TXLOG_H
#define LOCUS_TXLOG_TXLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/os.h"
#include "services/txlog/service.h"

#define TXLOG_SEGMENT_BYTES ((uint64_t)64 << 20)    /* default */
#define TXLOG_SEGMENT_BYTES_MIN ((uint64_t)64 << 10) /* header, and room for batches: what tests use */
#define TXLOG_RECORD_MAX ((uint64_t)2 << 30)        /* bytes of one record: four of the largest Redis values */
#define TXLOG_RETAIN_ALL UINT64_MAX

enum txlog_fsync { TXLOG_ALWAYS, TXLOG_EVERYSEC, TXLOG_NO };

/* Who a client is; written into the log once per segment in which the client writes. */
struct tx_identity {
    struct slice user, address, name; /* Borrowed until the next call into the log's owner */
};

struct txlog_options {
    enum txlog_fsync policy;
    uint64_t segment_bytes; /* 0: TXLOG_SEGMENT_BYTES; rounded up to 4096 */
    uint64_t retain_bytes;  /* old segments kept below the newest checkpoint, in bytes; 0 means TXLOG_RETAIN_ALL; to
                               keep none, say 1 */
    const char *release;    /* Borrowed for the open call; written into every segment, at most 63 bytes */
    bool flush_thread;      /* false: everything happens in the caller's thread (tests, simulation) */
    bool adopt;             /* restore nothing: the services' present state is the truth, and the caller takes a checkpoint to
                               its end before it appends (how the log is switched on in a running daemon, and how a first
                               start takes over a dump). The log notes the adoption as a record of its own */

    const uint8_t *uuid;    /* Borrowed for the open call: the 16 bytes that identify a log created now; NULL: drawn at random.
                               With adopt: the identity by which the services' state is keyed already */

    void (*notify)(void *context); /* from the flush thread: something was flushed, or failed; may be NULL without a thread */
    void *notify_context;

    /* From txlog_append: fill in who `client` is. NULL: clients are not introduced. */
    void (*identity)(void *context, uint64_t client, struct tx_identity *identity);
    void *identity_context;
};

/* The part that inline functions touch; everything else is behind `core`. Owners read it through the functions below. */
struct txlog {
    struct tx_admission admitted; /* the last admission given */
    uint64_t newest;              /* the last transaction appended; 0: none ever */
    uint64_t released;            /* replies marked up to here may leave */
    uint64_t fill_end;            /* stream offset in the current segment, behind the last record */
    uint64_t fill_limit;          /* up to where records may go without asking; 0 once failed */
    struct txlog_core *core;      /* Ours */
};

/* ---- life ---- */

/* Open the log in `dir`, creating directory and log when they do not exist. The services are brought to the state of the newest
 * valid checkpoint plus all later deltas; what a crash left half written is dropped. The array of services is copied, what it
 * points to is borrowed until close. Returns 0; -EWOULDBLOCK when another process has the log; -EBADMSG on corruption;
 * another -errno. On error `error` holds one sentence for the operator that names file and offset, and *log is untouched. */
int txlog_open(struct os *os, const char *dir, const struct txlog_options *options, const struct service *services, int count,
               struct buffer *error, struct txlog **log);

/* Flush what is written, end the flush thread, close. Returns 0 or the error on which the log failed. The log is freed. */
int txlog_close(struct txlog *log);

/* What opening found; for the daemon's log line. */
struct txlog_opened {
    bool created;
    uint64_t checkpoint_tx;  /* 0: none was used */
    uint64_t records;        /* applied after it */
    uint64_t dropped_bytes;  /* of torn tail */
    uint64_t duration_us;
};
const struct txlog_opened *txlog_opened(const struct txlog *log);

/* 16 bytes, drawn at creation: the identity of this history. Keys every seed and the keyspace's hashes. */
const uint8_t *txlog_uuid(const struct txlog *log);

/* ---- the hot path ---- */

/* Fix number and time of the next command. wall_us: what the clock says now. */
static inline struct tx_admission txlog_admit(struct txlog *log, int64_t wall_us)
{
    log->admitted.cmd_seq++;
    if (wall_us > log->admitted.time_us)
        log->admitted.time_us = wall_us;
    return log->admitted;
}

/* The seed of a command: a hash of its number, keyed by the log's UUID. tx_seed is the same for who has only the UUID. */
uint64_t txlog_seed(const struct txlog *log, uint64_t cmd_seq);
uint64_t tx_seed(const uint8_t uuid[16], uint64_t cmd_seq);

/* Make sure that records of `bytes` bytes in all (input, delta and events, as the caller estimates them) can be appended next.
 * 0; -ENOSPC: the disk is full (ask again for the next command: it recovers by itself); -EMSGSIZE: larger than
 * TXLOG_RECORD_MAX; -EIO: the log has failed. Reservations do not add up: each speaks of the next append. */
#define TXLOG_RECORD_OVERHEAD 128u /* more than a record's own header and an IDENTITY's fixed part take */
int txlog_reserve_slow(struct txlog *log, uint64_t bytes);
static inline int txlog_reserve(struct txlog *log, uint64_t bytes)
{
    if (__builtin_expect(log->fill_end + bytes + TXLOG_RECORD_OVERHEAD <= log->fill_limit, 1))
        return 0;
    return txlog_reserve_slow(log, bytes);
}

/* Append a finished result: copies it into the filling batch. Returns its transaction number. It cannot be refused: where no
 * room was reserved and none can be had, the log fails (txlog_failed) and the number is never released. */
uint64_t txlog_append(struct txlog *log, const struct tx_result *result);

/* A receiver that appends to this log, for services that push. */
struct tx_receiver txlog_receiver(struct txlog *log);

/* End of a turn: write or flush what it appended, as the policy asks. idle: nothing else is runnable, so a flush may block this
 * thread (that is twice as fast as handing it over). Returns the newest released transaction. */
uint64_t txlog_turn_end(struct txlog *log, bool idle);

/* After a notify: take note of finished flushes. Returns the newest released transaction. */
uint64_t txlog_poll(struct txlog *log);

/* Write and flush everything, in this thread or waiting for the other. 0 or the error on which the log failed. */
int txlog_flush_now(struct txlog *log);

static inline uint64_t txlog_newest(const struct txlog *log) { return log->newest; }
static inline uint64_t txlog_released(const struct txlog *log) { return log->released; }

/* The newest transaction known to be on stable storage, whatever the policy. WAITAOF. */
uint64_t txlog_durable(const struct txlog *log);

/* 0, or the -errno on which the log failed; from then on nothing is written and nothing is released. txlog_failure says it in
 * a sentence ("" while all is well); Borrowed until close. */
int txlog_failed(const struct txlog *log);
const char *txlog_failure(const struct txlog *log);

/* ---- settings while running ---- */

enum txlog_fsync txlog_policy(const struct txlog *log);
/* Change the policy; going to TXLOG_ALWAYS flushes first. 0 or the error on which the log failed. */
int txlog_set_policy(struct txlog *log, enum txlog_fsync policy);
void txlog_set_retain(struct txlog *log, uint64_t retain_bytes); /* takes effect at the next checkpoint */

/* ---- checkpoints ---- */

/* Begin a checkpoint of all services at the newest transaction. 0; -EBUSY: one is running; -EIO: the log has failed;
 * another -errno when the file cannot be created. */
int txlog_checkpoint_begin(struct txlog *log);

/* Go on with it, writing about `budget` bytes. 1: not done yet (call again in a later turn), 0: the checkpoint is durable and
 * in place, and old segments were dropped as the retention says; -errno: it was abandoned, the log is as it was. While
 * files are being synced in the background, this returns 1 at once. */
int txlog_checkpoint_step(struct txlog *log, size_t budget);

void txlog_checkpoint_abandon(struct txlog *log);
bool txlog_checkpoint_running(const struct txlog *log);

/* The newest complete checkpoint: its transaction, 0 when there is none; the file of one service in it (buffer gets the path). */
uint64_t txlog_checkpoint_tx(const struct txlog *log);
void txlog_checkpoint_path(const struct txlog *log, uint16_t service, struct buffer *path);

/* ---- figures ---- */

struct txlog_stats {
    uint64_t records, record_bytes; /* appended since open, padding and trailers not counted */
    uint64_t written_bytes;         /* given to pwrite since open */
    uint64_t batches, flushes;      /* sealed; synced */
    uint64_t flush_last_us, flush_max_us;
    uint64_t segments, segment_bytes; /* files now there */
    uint64_t pending_bytes;         /* appended, not written yet */
    uint64_t queued_batches;        /* waiting for the flush thread */
};
/* Lists the directory: for people who ask, not for every turn. */
void txlog_stats(const struct txlog *log, struct txlog_stats *stats);

/* stats.record_bytes alone: a load. */
uint64_t txlog_record_bytes(const struct txlog *log);

#endif
