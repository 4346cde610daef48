/* SPDX-License-Identifier: MIT
 * scan: the one walk over the stream that reader, recovery and tool share. It knows where it is and what it may believe.
 *
 *   scan_next -> SCAN_RECORD   a valid record                            (record)
 *                SCAN_BATCH    a trailer: the batch is complete          (trailer, trailer_end; trailer.sealed or not)
 *                SCAN_SEGMENT  the stream goes on in another file        (header)
 *                SCAN_END      nothing valid follows, and nothing has to: the end, or a torn tail
 *                -EBADMSG      what does not follow was durable once: corruption; the error text names the place
 *                -errno        something could not be read: nothing is said about what is there
 *
 * A place that is not valid is read again before it is judged: a daemon may be writing there. */
#ifndef LOCUS_TXLOG_SCAN_H
#define LOCUS_TXLOG_SCAN_H

#include "kernel/buffer.h"
#include "kernel/os.h"
#include "services/txlog/format.h"

enum { SCAN_END = 0, SCAN_RECORD = 1, SCAN_BATCH = 2, SCAN_SEGMENT = 3 };

struct scan {
    struct os *os;
    struct buffer dir;    /* Ours; NUL behind it */
    struct buffer *error; /* Borrowed: gets the sentence */
    uint64_t *numbers;    /* Ours: segments in the directory, ascending */
    size_t count;
    bool damaged_start;   /* scan_open failed because no segment has a valid header */

    /* ---- the present segment ---- */
    int fd; /* -1: none */
    struct segment_header header;
    uint64_t size;        /* bytes, as of the last look */
    struct buffer window; /* Ours: bytes [window_offset, window_offset + window.size) of it */
    uint64_t window_offset;
    int read_error;       /* 0, or the -errno of a read that failed: never taken for the end of the log */

    /* ---- the place ---- */
    uint64_t offset;       /* of what comes next */
    uint64_t batch_offset; /* of the batch it belongs to */
    uint64_t batch_tx;     /* that batch's first transaction */
    struct tx_admission batch_before; /* of the last record before the batch */
    int64_t batch_time_us; /* of its first record */
    uint64_t next_tx;
    struct tx_record record;
    struct tx_admission logged; /* of the last record */
    struct trailer trailer;
    uint64_t trailer_end;

    /* ---- hashes ---- */
    uint64_t hash_from; /* segment number from which on records are hashed; UINT64_MAX: never */
    bool hashing;
    struct merkle tree;       /* of everything read */
    struct merkle batch_tree; /* of everything before the batch */
    uint64_t roots_checked;

    /* ---- what trailers said ---- */
    struct log_position attested; /* the farthest watermark */
    uint64_t attested_tx;
    struct log_position unsealed; /* where the first unsealed batch ends; segment 0: there is none */
    uint64_t epoch;               /* of the last trailer */
    uint64_t segments, batches, sealed_batches, records, bytes;
    struct merkle_hash root;
    uint64_t root_size;
};

/* Open at the segment that holds from_tx (0: the oldest). 0; -ENOENT: no segments; -ERANGE: dropped; -EBADMSG; -errno. */
int scan_open(struct scan *scan, struct os *os, const char *dir, uint64_t from_tx, struct buffer *error);
void scan_close(struct scan *scan);
int scan_next(struct scan *scan);

/* Hash from the last segment on whose frontier is known (what recovery needs), or from the present one (what an audit wants). */
void scan_hash_last(struct scan *scan);
void scan_hash_all(struct scan *scan);

/* Is any valid sealed trailer to be found from that place on whose watermark lies behind it? Fills `by` with where. */
bool scan_attested(struct scan *scan, struct log_position place, struct log_position *by);

/* Read `size` bytes of the present segment; NULL behind its end or when reading fails. Valid until the next call. */
const uint8_t *scan_view(struct scan *scan, uint64_t offset, size_t size);

/* Numbers of the segments in a directory, ascending; the list is the caller's to free. */
int scan_list(struct os *os, const char *dir, uint64_t **numbers, size_t *count);

/* A segment's header from either copy. 0, -ENOENT, or -EBADMSG when neither is valid. */
int segment_read_header(struct os *os, const char *dir, uint64_t number, struct segment_header *header);
/* Does no record begin where a segment's first one would? True also when the file is too short or not there. */
bool segment_is_blank(struct os *os, const char *dir, uint64_t number);

#endif
