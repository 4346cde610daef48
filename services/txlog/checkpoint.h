/* SPDX-License-Identifier: MIT
 * checkpoint: the files of a checkpoint: finding, checking and restoring them. Taking one is checkpoint.c's other half.
 *
 *   checkpoint-<tx, 20 digits>.<suffix>     one per service, in its own format
 *   checkpoint-<tx, 20 digits>.manifest     written last: the checkpoint is there when this is
 *
 *   manifest   0  u64 magic "LOCUSCKP"   8  u32 format (1)   12  u16 services, u16 flags
 *             16  u8[16] log UUID       32  u64 tx           40  u64 cmd_seq   48  i64 time
 *             56  services times 64 bytes:
 *                 0  u16 service, zeros to 8   8  char[16] suffix   24  u64 file size
 *                32  u8[16] xxh3-128 of the file                    48  u8[16] state digest
 *              then u32 crc32c of everything before
 *
 * Flag 1, adopted: the state was not reached by the log's records but taken over as it was; re-execution begins anew from here.
 *
 * A checkpoint is put in place only when the log is durable up to its transaction: it is never ahead of the log. */
#ifndef LOCUS_TXLOG_CHECKPOINT_H
#define LOCUS_TXLOG_CHECKPOINT_H

#include "kernel/buffer.h"
#include "kernel/os.h"
#include "services/txlog/service.h"

#define CHECKPOINT_SERVICES_MAX 8
#define CHECKPOINT_SUFFIX_MAX 15 /* bytes */
#define CHECKPOINT_NAME_BYTES 64u
#define CHECKPOINT_IO_BYTES ((size_t)256 << 10) /* read or written at a time */

struct manifest_entry {
    uint16_t service;
    char suffix[CHECKPOINT_SUFFIX_MAX + 1];
    uint64_t size; /* bytes */
    struct tx_digest content, state;
};

struct manifest {
    struct tx_checkpoint about;
    bool adopted;
    uint32_t count;
    struct manifest_entry entries[CHECKPOINT_SERVICES_MAX];
};

void manifest_encode(const struct manifest *manifest, struct buffer *bytes);
int manifest_decode(struct slice bytes, struct manifest *manifest); /* 0 or -EBADMSG */

/* "checkpoint-<tx>.<suffix>" */
void checkpoint_name(uint64_t tx, const char *suffix, char name[CHECKPOINT_NAME_BYTES]);
/* The transaction in such a name; false when it is not one. suffix: points into name. */
bool checkpoint_parse(const char *name, uint64_t *tx, const char **suffix);

/* Manifests in a directory whose names look right, newest first; the list is the caller's to free. */
int checkpoint_list(struct os *os, const char *dir, uint64_t **txs, size_t *count);

/* Read a manifest and check it; with `content`, read the files as well and compare size and hash. 0, -ENOENT, or -EBADMSG. */
int checkpoint_check(struct os *os, const char *dir, uint64_t tx, bool content, struct manifest *manifest);

/* Bring the services to this checkpoint, whose manifest was checked. 0 or -errno, and then error says why. */
int checkpoint_load(struct os *os, const char *dir, const struct service *services, int count, const struct manifest *manifest,
                    struct buffer *error);

/* Bring the services to the newest checkpoint that is whole and has tx <= until (0: any).
 * 0, and *tx and *manifest say which; *tx is 0 when there is none, and nothing was touched. -errno: a whole one was refused
 * by its service (error says why). */
int checkpoint_restore(struct os *os, const char *dir, const struct service *services, int count, uint64_t until,
                       struct manifest *manifest, uint64_t *tx, struct buffer *error);

#endif
