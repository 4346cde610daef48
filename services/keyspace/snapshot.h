/* SPDX-License-Identifier: MIT
 * snapshot: an RDB image of a keyspace as it was at one moment, taken in pieces while commands go on. No fork, no copy.
 *
 *      database 0   | a b c d e f g h i j |         written by the walk, in key order: <= position
 *                           ^ position   ^          a change ahead of it writes the key's old value first,
 *                                        |          and the walk passes over that key later
 *                                      changed
 *
 * 1. A key is *written* when the walk has passed it (its key is at or before the position of its database), or when it is in
 *    the skip set. Every key that was there at the beginning is written exactly once, with the value and deadline of that
 *    moment; a key that was not there is put into the skip set when it is added ahead of the walk, and never written.
 * 2. Order in an RDB file is free, so an old value goes to the writer at the moment of the change, held in memory until the
 *    next step: nothing waits for a disk inside a command. No bit in an entry and no list of images is needed.
 * 3. "Database" above means the contents that it had at the beginning. SWAPDB moves contents between databases and the snapshot
 *    goes with them. A flush hands the unwritten contents over to the snapshot, which writes and frees them in its own steps.
 * 4. The digest of the image is added up as entries are written and ends the file, so that a restore can verify itself.
 *
 *      snapshot_begin -> snapshot_step ... (0: go on) -> 1: the image is complete, or < 0: the sink failed -> snapshot_end
 *
 * What it costs a command: the first change of a small key ahead of the walk 0.3 us more (its encoding, its digest, its place in
 * the skip set: about 50 bytes); later changes and changes behind the walk one lookup, or one comparison with the position.
 *
 * The stall: a collection is encoded whole, inside the first command that changes it or inside one step. Measured, hashes and
 * sorted sets in their large encoding take 50 to 80 ns an element (100,000 fields: 5 to 8 ms; a million: 60 ms), and until the
 * next step the image's bytes are held in memory; packed ones and lists are copied node by node, at memory's speed, and what
 * remains is the digest. tests/keyspace/snapshot_test prints these figures (costs_are_told). */
#ifndef LOCUS_KEYSPACE_SNAPSHOT_H
#define LOCUS_KEYSPACE_SNAPSHOT_H

#include "services/keyspace/rdb.h"

struct snapshot;

/* ---- whoever takes the image ---- */

/* Begin: the image is the state at this call. One at a time per keyspace, which knows of it until snapshot_end. The header is
 * copied out of at once; sink and context are used by snapshot_step only. NULL when one is running already. */
struct snapshot *snapshot_begin(struct keyspace *ks, const struct rdb_header *header, rdb_sink_fn sink, void *context);

/* Write about `keys` more keys (a collection counts as one for each RDB_PIECE of bytes, at least one) and give the sink what has
 * gathered. 0: there is more; 1: the image is complete and given to the sink; negative: the sink's error, no use to go on. */
int snapshot_step(struct snapshot *snapshot, size_t keys);

/* End, complete or not: what the snapshot holds is freed, and the keyspace forgets it. An image without its last step is cut off
 * and no reader accepts it. */
void snapshot_end(struct snapshot *snapshot);

struct snapshot_progress {
    uint64_t keys_total;     /* at the beginning */
    uint64_t keys_written;
    uint64_t keys_early;     /* of those: written because a command was about to change them */
    uint64_t bytes;          /* given to the sink */
    size_t memory;           /* bytes held: skip set and what waits for the sink */
};
void snapshot_progress(const struct snapshot *snapshot, struct snapshot_progress *progress);

/* Digest of the image: final once snapshot_step has returned 1. */
struct keyspace_digest snapshot_digest(const struct snapshot *snapshot);

/* ---- the keyspace calls these, while ks->snapshot is not NULL ---- */

/* The value or deadline of an entry that exists is about to change, or it is about to be removed, moved or replaced. */
void snapshot_before_change(struct snapshot *snapshot, const struct db *db, const struct entry *e);

/* A key that is not in the database is about to be added, or was just added: the text is Borrowed for the call. */
void snapshot_key_added(struct snapshot *snapshot, const struct db *db, struct slice key);

/* The database is about to be emptied. True: the snapshot took the contents over, and the database is empty now. False: it
 * has no use for them; empty it as usual. */
bool snapshot_flush(struct snapshot *snapshot, struct db *db);

/* The contents of two databases are about to change places, or just did. */
void snapshot_swap(struct snapshot *snapshot, const struct db *a, const struct db *b);

#endif
