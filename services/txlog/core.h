/* SPDX-License-Identifier: MIT
 * core: what the files of the log share, and who may touch what. Private to services/txlog.
 *
 *   reactor thread                                   flush thread (or the reactor, when there is none, or nothing is in flight)
 *   ------------------------------------------       ----------------------------------------------------------------
 *   append.c   fill -> records                        flush.c    hash, seal, write, sync, in queue order
 *   turn.c     fill -> written, sealed -> queue  -->  segment.c  prepare the next segment, a piece at a time
 *   checkpoint.c  services -> files -->  (a thread of its own)   put a checkpoint in place; retention.c drops old files
 *
 * The queue hands batches over; `in_flight` counts those not finished. Whoever sees it at 0 owns everything marked "flush side".
 * Fields without a mark belong to the reactor. */
#ifndef LOCUS_TXLOG_CORE_H
#define LOCUS_TXLOG_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "services/txlog/clients.h"
#include "services/txlog/format.h"
#include "services/txlog/txlog.h"

#define BATCH_BYTES ((size_t)1 << 20)          /* a batch larger than this is sealed at the end of the turn */
#define IDENTITY_BYTES_MAX 1024u               /* an IDENTITY record: three texts of at most 255 bytes and the fields */
#define FILL_PIECE ((uint64_t)1 << 20)         /* zeros written at a time while preparing: about a millisecond of disk */
#define QUEUE_MAX 64u                          /* batches waiting; then the reactor waits too: 64 MiB of memory */
#define FLUSH_INTERVAL_NS 1000000000u          /* everysec; also how long the log is idle before it seals once more */
#define RETRY_INTERVAL_NS 100000000u           /* between two tries to find room on a full disk */
#define FAILURE_BYTES 256u

struct txlog_core;

struct segment {
    struct segment_header header;
    int fd;
    uint64_t size; /* bytes filled with zeros: a multiple of SECTOR_BYTES */
};

/* What one seal covers. Reactor's until queued, then flush side. */
struct batch {
    struct batch *next;
    struct segment *segment;  /* Borrowed from the core; Taken when closes_segment */
    uint64_t offset;          /* of the first record, in the segment */
    struct buffer bytes;      /* Ours: records, padding and trailer; nothing in a batch that only syncs or closes */
    size_t written;           /* bytes that the reactor has written already */
    uint64_t first_tx, count;
    int64_t base_time_us;     /* of the first record */
    struct tx_admission before; /* of the last record before it */
    bool sync;
    bool closes_segment;
};

enum next_state { NEXT_NONE, NEXT_WANTED, NEXT_READY, NEXT_REFUSED };

struct txlog_core {
    struct txlog front;
    struct os *os;
    char *dir; /* Ours */
    struct txlog_options options;
    char release[64];
    struct service *services; /* Ours: the copied array */
    int service_count;
    struct txlog_opened opened;
    uint8_t uuid[16];
    uint64_t epoch;
    int lock_fd;

    /* ---- the batch being filled ---- */
    struct batch *fill;
    struct tx_admission last; /* of the record before the next one in this batch; zero at its start */
    struct tx_admission logged; /* of the last record */
    struct segment *segment;  /* where `fill` goes */
    uint64_t room_end;        /* offset behind which no record of this segment may end */
    struct clients clients;   /* introduced in this segment */
    uint64_t flushed_ns;      /* when the last flush began */
    uint64_t active_ns;       /* when records were last seen by txlog_turn_end */
    uint64_t active_tx;       /* newest at that time */
    uint64_t retry_ns;        /* when the next segment was last tried for, after a refusal */
    bool unsynced;            /* sealed without a sync since the last one */
    bool attested;            /* the last seal was written after everything before it was durable */
    struct checkpoint *checkpoint; /* Ours: the one running, or NULL */
    uint64_t checkpoint_tx;   /* newest complete one; 0: none */

    /* ---- shared: under the mutex ---- */
    pthread_mutex_t mutex;
    pthread_cond_t work; /* to the flush thread: something to do */
    pthread_cond_t done; /* from it: something is done */
    pthread_t thread;
    bool threaded, stop;
    struct batch *head, *tail;
    struct batch *spare; /* finished ones, to use again */
    enum next_state next_state;
    struct segment *next; /* READY: the reactor's to take; WANTED: the flush thread's, half filled */
    uint64_t next_number;
    int next_error;

    _Atomic uint64_t retain_bytes;
    _Atomic unsigned in_flight;
    _Atomic uint64_t durable_tx;
    _Atomic int failed;
    char failure[FAILURE_BYTES]; /* written once, before `failed` */

    /* ---- flush side ---- */
    struct merkle tree;
    struct merkle_hash root;
    struct log_position durable;
    _Atomic uint64_t written_bytes, batches, flushes, flush_last_us, flush_max_us;
    uint64_t records, record_bytes; /* reactor's */
};

static inline struct txlog_core *core_of(struct txlog *log) { return log->core; }

/* ---- core.c ---- */

/* The log fails: remember the first error and what it hit. From any thread. */
void core_fail(struct txlog_core *core, int error, const char *what, uint64_t segment, uint64_t offset);

/* "DIR/NAME" in buffer, NUL-terminated (the NUL is not counted). */
const char *core_path(struct buffer *path, const char *dir, const char *name);

/* ---- segment.c ---- */

/* Create file and prepared header and fill the first `filled` bytes with zeros, all of it on stable storage. 0 or -errno, with
 * no file left behind. */
int segment_create(struct txlog_core *core, uint64_t number, uint64_t filled, struct segment **segment);
/* Fill with zeros up to `size`, and sync. */
int segment_extend(struct txlog_core *core, struct segment *segment, uint64_t size);
/* Write both copies of the header; not synced. */
int segment_write_header(struct txlog_core *core, const struct segment *segment);
void segment_close(struct txlog_core *core, struct segment *segment);

/* Do a piece of the work on the next segment; the mutex is not held. Flush side. */
void next_prepare(struct txlog_core *core);
/* The next segment, filled to at least `size` bytes, is there: 0, waiting for it; or -errno. Reactor. */
int next_ensure(struct txlog_core *core, uint64_t size);
/* Take it: it becomes core->segment, and another one is asked for. next_ensure has returned 0. */
void next_take(struct txlog_core *core);

/* ---- append.c ---- */

/* Seal the filling batch, if it holds records, and queue it; `here`: flush it in this thread (nothing is in flight). */
enum seal {
    SEAL_ONLY,  /* leave syncing to a later one */
    SEAL_SYNC,
    SEAL_EMPTY, /* and sync; a trailer alone, for its watermark (fill_fits_seal) */
};
void fill_seal(struct txlog_core *core, enum seal seal, bool here);
bool fill_fits_seal(const struct txlog_core *core);
/* Seal and sync what was appended; when all is sealed and something unsynced, sync with a batch of no bytes. */
void fill_sync(struct txlog_core *core);
/* Write what the batch holds and has not written. */
void fill_write(struct txlog_core *core);
/* Begin an empty batch at `offset` of the current segment. */
void fill_begin(struct txlog_core *core, uint64_t offset);
/* Go on in the next segment, which holds at least `bytes` of records. 0 or -errno: the log has failed. */
int fill_switch(struct txlog_core *core, uint64_t bytes);
/* Recompute front.fill_limit. */
void fill_limit_update(struct txlog_core *core);

/* ---- flush.c ---- */

/* Hand over, or do at once when there is no thread. The batch is Taken. */
void flush_submit(struct txlog_core *core, struct batch *batch);
/* Do it in this thread; nothing is in flight. */
void flush_inline(struct txlog_core *core, struct batch *batch);
/* Wait until at most `count` batches are in flight. */
void flush_wait(struct txlog_core *core, unsigned count);
struct batch *batch_new(struct txlog_core *core);
void batch_free(struct batch *batch);
int flush_thread_start(struct txlog_core *core);
void flush_thread_stop(struct txlog_core *core);

/* ---- recover.c ---- */

/* Find or make the log: services restored, core->segment, tree, durable and the admissions set. */
int recover(struct txlog_core *core, struct buffer *error);

/* ---- retention.c ---- */

/* Drop segments and checkpoints that retention does not keep. From the placing thread; touches files that nobody else uses. */
void retention_apply(struct txlog_core *core, uint64_t checkpoint_tx);

#endif
