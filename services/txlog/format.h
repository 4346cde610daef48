/* SPDX-License-Identifier: MIT
 * format: the bytes of a log directory, and their encoding and decoding. All numbers are little-endian.
 *
 *   DIR/lock                            locked by the daemon that owns the directory
 *   DIR/segment-000000000001.log        the stream, in files of (normally) 64 MiB, filled with zeros before use
 *   DIR/checkpoint-<tx>.<suffix>        the state of one service at <tx>, in that service's own format
 *   DIR/checkpoint-<tx>.manifest        names and hashes of those files; the checkpoint exists when this does (checkpoint.h)
 *
 * Segment: two copies of a header, then batches from end to end, each ending on a multiple of 4096; zeros to the end.
 *
 *   0          4096       8192
 *   | header   | header   | batch           | batch      | batch (being written)     000000 ... |
 *
 *   header   0  u64 magic "LOCUSLOG"     8  u32 format (1)      12  u32 0
 *           16  u8[16] log UUID         32  u64 segment number  40  u64 salt, random
 *           48  u64 key id (0: none)    56  u64 epoch           64  char[64] release that writes, NUL-filled
 *          128  u32 crc of the above: the *prepared part*, written when the file is made
 *          256  u64 first transaction  264  u8[32] Merkle root before it
 *          296  u32 frontier nodes     300  u32 0               304  u8[64][32] Merkle frontier before it
 *         2352  u64 last cmd_seq and  2360  i64 last time before it
 *         2368  u32 crc of 256..2367: the *opened part*, written when the segment's turn comes and the hashes are known
 *
 * Batch: records, zeros, and a trailer that ends the batch's last 4096-byte sector. Nothing else shares that sector, so what
 * is flushed is never written to again.
 *
 *   | record | record | ... | 00 00 ... 00 | trailer |
 *                                                     ^ multiple of 4096
 *
 *   trailer  0  u64 magic, first byte 0  8  u64 length of the batch, records to trailer
 *           16  u64 epoch               24  u64 first transaction   32  u64 transactions (0: an empty seal)
 *           40  i64 time of the first   48  u64 salt of the segment 56  u64 segment number
 *           64  u32 0                   68  u32 crc of the above: the *static part*, written in stream order
 *           72  u8[32] Merkle root after the batch                 104  u8[8] first bytes of the root before it
 *          112  u64 watermark: segment 120  u64 watermark: offset  128  u64 watermark: transaction
 *          136  u32 0                  140  u32 crc of 72..139: the *sealed part*, written when the hashes are known
 *
 * The watermark is the place up to which everything was on stable storage when the batch was sealed. A sealed part of zeros
 * means that the process ended between writing and sealing; the next one seals again. A batch whose trailer is missing is the
 * last one.
 *
 * Record: its length's first byte is never 0, so a 0 where a record may begin says that the trailer comes next.
 *
 *   | varint length | u32 crc | body: `length` bytes |
 *
 *   body  u8 kind (low 4 bits) and RECORD_* flags
 *         varint service, varint database
 *         varint zigzag(cmd_seq - that of the record before), varint zigzag(time_us - likewise); a batch starts from 0, 0
 *         [varint client]  [varint request id]                                        as the flags say
 *         sections: u8 type | varint size | bytes              INPUT, DELTA, EVENTS; a reader skips types it does not know
 *
 *   An absent DELTA equals the INPUT. An IDENTITY record's input is one command (argv.h) of user, address, name.
 *
 * crc: crc32c. Those of records start from the segment's salt, the transaction number and the length, so a record fits only
 * where it was written. Transaction numbers are not stored: the batch says where counting starts.
 *
 * Hashes: one RFC 6962 Merkle tree over all records (merkle.h). Leaf = SHA-256(0x00 | header fields | SHA-256(sections)), where
 * the header fields are: u64 tx, u8 kind and flags, u64 service, u64 database, u64 cmd_seq, i64 time, u64 client, u64 request
 * id. A redacted record keeps its leaf by keeping the inner hash. */
#ifndef LOCUS_TXLOG_FORMAT_H
#define LOCUS_TXLOG_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"
#include "services/txlog/merkle.h"
#include "services/txlog/service.h"

#define FORMAT_VERSION 1u
#define SECTOR_BYTES 4096u                 /* what a disk may tear or lose as one */
#define SEGMENT_HEADER_BYTES 8192u         /* both copies */
#define TRAILER_BYTES 144u
#define SEGMENT_NAME_BYTES 32u             /* "segment-%012llu.log" and NUL */
#define RECORD_PREFIX_MAX (10u + 4u)       /* length and crc */
#define RECORD_FIELDS_MAX (1u + 6u * 10u)  /* kind to request id */

enum { RECORD_KIND = 0x0f, RECORD_CLIENT = 0x10, RECORD_REQUEST = 0x20, RECORD_DELTA_ONLY = 0x40 };
enum section { SECTION_INPUT = 1, SECTION_DELTA = 2, SECTION_EVENTS = 3 };

/* A place in the stream. */
struct log_position {
    uint64_t segment; /* number, from 1 */
    uint64_t offset;  /* bytes into the file */
};

/* < 0, 0, > 0 as a is before, at or behind b. */
int log_position_compare(struct log_position a, struct log_position b);

struct segment_header {
    uint8_t uuid[16];
    uint64_t number;
    uint64_t salt;
    uint64_t key_id;
    uint64_t epoch;
    char release[64];
    bool opened; /* what follows is valid */
    uint64_t first_tx;
    struct merkle tree; /* of everything before first_tx */
    struct tx_admission admission;
};

/* One copy, SECTOR_BYTES long. decode: 0, or -EBADMSG when the prepared part is not valid; an opened part that is not valid
 * leaves opened false. */
void segment_header_encode(const struct segment_header *header, uint8_t bytes[SECTOR_BYTES]);
int segment_header_decode(const uint8_t bytes[SECTOR_BYTES], struct segment_header *header);

struct trailer {
    uint64_t length; /* bytes, from the batch's first record to the trailer's end */
    uint64_t epoch;
    uint64_t first_tx;
    uint64_t count;
    int64_t base_time_us;
    uint64_t salt;
    uint64_t segment;
    bool sealed; /* what follows is valid */
    struct merkle_hash root;
    uint8_t previous_tag[8];
    struct log_position watermark;
    uint64_t watermark_tx;
};

enum trailer_state {
    TRAILER_NONE = 0,    /* not a trailer */
    TRAILER_STATIC = 1,  /* written, never sealed: the sealed part is all zeros */
    TRAILER_SEALED = 2,
    TRAILER_DAMAGED = 3, /* the sealed part is neither */
};
void trailer_encode_static(const struct trailer *trailer, uint8_t bytes[TRAILER_BYTES]); /* zeros in the sealed part */
void trailer_encode_sealed(const struct trailer *trailer, uint8_t bytes[TRAILER_BYTES]); /* the sealed part alone */
enum trailer_state trailer_decode(const uint8_t bytes[TRAILER_BYTES], struct trailer *trailer);

/* The offset at which a batch ends when its records end at `offset`. */
static inline uint64_t batch_end(uint64_t offset)
{
    return (offset + TRAILER_BYTES + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
}

/* What a record's crc starts from. */
uint32_t record_crc_start(uint64_t salt, uint64_t tx, uint64_t length);

/* Decode a body. `record` holds the record before it (its admission; zero at a batch's start) and gets this one; tx, seed,
 * segment and offset are left alone. sections: the bytes behind the fields, for hashing. 0 or -EBADMSG. */
int record_decode(struct slice body, struct tx_record *record, uint8_t *kind_flags, struct slice *sections);

/* Leaf hash of a record. */
void record_leaf(const struct tx_record *record, uint8_t kind_flags, struct slice sections, struct merkle_hash *leaf);

void segment_name(uint64_t number, char name[SEGMENT_NAME_BYTES]);
/* The number in a segment's file name; 0 when it is not one. */
uint64_t segment_number(const char *name);

#endif
