/* SPDX-License-Identifier: MIT
 * index: point lookups, from a 64-bit hash to a 32-bit arena reference, at one or two cache misses and under 8 bytes a key.
 *
 * It serves as the front index of a database (the ordered map is the keyspace's truth, ordmap.h) and as the member index of
 * large sets, hashes and sorted sets. It grows a cache line at a time, never by doubling:
 *
 *      hash   | directory bits | local tag: 16 bits | ...
 *                  |                  |
 *      directory[ ] -> segment of 1..INDEX_SEGMENT_BUCKETS buckets;  bucket = tag * buckets >> 16
 *
 *      bucket (64 bytes):  | tags: 10 x u16 | meta u32 | refs: 10 x u32 |
 *
 * A full bucket spills into the next one of its segment (cyclic) and says so in its meta. A segment filled to nine tenths is
 * rebuilt with one bucket more, from the tags alone; the largest one splits in two by one further bit of the hash, for which
 * the caller's `rehash` is asked. Because tags are the high bits of the hash, walking segments in directory order walks the
 * keys in the order of their hashes, whatever the history of growth: SCAN's cursor is a hash (keyspace.h). */
#ifndef LOCUS_KEYSPACE_INDEX_H
#define LOCUS_KEYSPACE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "services/keyspace/arena.h"

/* The hash of the object that ref names: asked when a segment splits. */
typedef uint64_t (*index_hash_fn)(const void *context, arena_ref ref);

#define INDEX_BUCKET_SLOTS 10
#define INDEX_SEGMENT_BUCKETS 8

struct index_bucket {
    uint16_t tags[INDEX_BUCKET_SLOTS];
    uint32_t meta;                      /* bit 0: some key of this bucket lives in a later one */
    arena_ref refs[INDEX_BUCKET_SLOTS]; /* 0 = free */
};

#endif
