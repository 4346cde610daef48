/* SPDX-License-Identifier: MIT
 * index: point lookups, from a 64-bit hash to a 32-bit arena reference, at one or two cache misses and about 8 bytes a key.
 *
 * It serves as the front index of a database (the ordered map is the keyspace's truth, ordmap.h) and as the member index of
 * large sets, hashes and sorted sets. It grows a cache line at a time, never by doubling (but for the directory, 1/40 of it):
 *
 *      hash   | directory bits: top `depth` | ......... | tag: low 16 bits |
 *                        |                                     |
 *      directory[ ] -> segment of 1..INDEX_SEGMENT_BUCKETS buckets;  bucket = tag * buckets >> 16
 *
 *      directory word:  | segment: reference / 8, 29 bits | buckets - 1: 3 bits |     0 = no segment
 *      bucket (64 bytes):  | tags: 10 x u16 | meta u32 | refs: 10 x u32 |
 *
 * 1. A key whose bucket is full spills into the next one of its segment (cyclic), and each bucket passed over says so.
 * 2. A segment filled to nine tenths is rebuilt with one bucket more, from the tags alone; one of the largest size splits in
 *    two by one further bit of the hash, for which the caller's `rehash` is asked. Segments that lost half their keys are
 *    rebuilt smaller, and two halves that fit into half a segment merge: neither needs the keys.
 * 3. A segment serves all hashes that share its first `local depth` bits, so it fills 2^(depth - local depth) adjacent words.
 *    Walking the directory visits segments in the order of hashes, whatever the history: SCAN's cursor is a hash (keyspace.h).
 * 4. Tag 0 marks a free slot; a hash whose low bits are 0 has tag 1.
 *
 * Uniform hashes would let all segments grow, and split, at the same time: memory that the last size gave up would lie idle in
 * the arena. Hashes of large indexes pass through index_spread first, which makes keys up to twice as dense at one end of the
 * range: segments of every size are then in use at any time. */
#ifndef LOCUS_KEYSPACE_INDEX_H
#define LOCUS_KEYSPACE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kernel/prefetch.h"
#include "services/keyspace/arena.h"

/* The hash of the object that ref names: asked when a segment splits. */
typedef uint64_t (*index_hash_fn)(const void *context, arena_ref ref);
/* Whether the object is the one looked for: asked for each object whose tag agrees, normally one. */
typedef bool (*index_equal_fn)(const void *context, const void *object);

#define INDEX_BUCKET_SLOTS 10
#define INDEX_SEGMENT_BUCKETS 8
#define INDEX_SEGMENT_MAX (INDEX_BUCKET_SLOTS * INDEX_SEGMENT_BUCKETS) /* references in one segment */
#define INDEX_DEPTH_MAX 28 /* 2^28 words: more than the references that an arena can hold need */

struct index_bucket {
    uint16_t tags[INDEX_BUCKET_SLOTS];
    uint32_t meta;                      /* bit 0: some key of this bucket lives in a later one; bits 8..15 of a segment's
                                           first bucket: the local depth */
    arena_ref refs[INDEX_BUCKET_SLOTS]; /* 0 = free */
};
enum { INDEX_SPILLED = 1, INDEX_DEPTH_SHIFT = 8 };

/* A struct filled with zeros is a valid empty index. */
struct index {
    uint32_t *directory; /* Ours: 2^depth words; NULL while depth is 0 */
    uint32_t root;       /* the only word while depth is 0 */
    uint32_t depth;      /* bits of the hash that choose the word */
    uint32_t deepest;    /* segments whose local depth is `depth` (meaningless while that is 0): none left = halve */
    uint64_t count;      /* keys */
    uint64_t buckets;    /* in all segments */
};

/* Spread a uniform hash: x -> (2x + x^2) / 3 on the unit interval. The low 16 bits, the tag, stay uniform. */
static inline uint64_t index_spread(uint64_t hash)
{
    uint64_t high = hash >> 32;
    uint64_t mixed = hash / 3 * 2 + high * high / 3;
    return (mixed & ~(uint64_t)0xffff) | (hash & 0xffff);
}

/* Take in a reference under its hash; that it is not there yet is the caller's promise. */
void index_insert(struct index *index, struct arena *arena, uint64_t hash, arena_ref ref, index_hash_fn rehash,
                  const void *context);

/* Remove a reference that is there. */
void index_remove(struct index *index, struct arena *arena, uint64_t hash, arena_ref ref);

/* The object moved: name it by `new_ref`. */
void index_replace(struct index *index, const struct arena *arena, uint64_t hash, arena_ref old_ref, arena_ref new_ref);

/* The references (unordered; at most INDEX_SEGMENT_MAX) of the segment that serves `hash`. Returns how many, and in *next the
 * first hash that it does not serve; 0 when it is the last. Gathering from 0 on visits every key once, in ascending ranges. */
unsigned index_gather(const struct index *index, const struct arena *arena, uint64_t hash, arena_ref refs[INDEX_SEGMENT_MAX],
                      uint64_t *next);

/* Bytes taken, in the arena and for the directory. */
size_t index_memory(const struct index *index);

/* Give back all memory (the objects are the caller's); the index is a valid empty one afterwards. */
void index_free(struct index *index, struct arena *arena);

/* ---- lookup, inline so that the compiler folds the comparison in ---- */

static inline uint16_t index_tag(uint64_t hash)
{
    uint16_t tag = (uint16_t)hash;
    return tag ? tag : 1;
}

static inline uint32_t index_word(const struct index *index, uint64_t hash)
{
    return index->depth ? index->directory[hash >> (64 - index->depth)] : index->root;
}

static inline uint32_t index_word_buckets(uint32_t word)
{
    return (word & (INDEX_SEGMENT_BUCKETS - 1)) + 1;
}

static inline struct index_bucket *index_word_segment(const struct arena *arena, uint32_t word)
{
    return arena_at(arena, word & ~(uint32_t)(INDEX_SEGMENT_BUCKETS - 1));
}

/* Bit k is set when slot k holds this tag. */
static inline unsigned index_match(const struct index_bucket *bucket, uint16_t tag)
{
#ifdef __SSE2__
    __m128i wanted = _mm_set1_epi16((short)tag);
    __m128i low = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)(const void *)bucket), wanted);
    __m128i high = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)(const void *)bucket + 1), wanted);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high)) & ((1u << INDEX_BUCKET_SLOTS) - 1);
#else
    unsigned mask = 0;
    for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++)
        mask |= (unsigned)(bucket->tags[i] == tag) << i;
    return mask;
#endif
}

/* The reference under this hash whose object `equal` accepts, or 0. */
static inline __attribute__((always_inline)) arena_ref index_find(const struct index *index, const struct arena *arena,
                                                                  uint64_t hash, index_equal_fn equal, const void *context)
{
    uint32_t word = index_word(index, hash);
    if (!word)
        return 0;
    uint32_t buckets = index_word_buckets(word);
    const struct index_bucket *segment = index_word_segment(arena, word);
    uint16_t tag = index_tag(hash);
    uint32_t at = (uint32_t)tag * buckets >> 16;
    for (uint32_t tried = 0; tried < buckets; tried++) {
        const struct index_bucket *bucket = &segment[at];
        for (unsigned mask = index_match(bucket, tag); mask; mask &= mask - 1) {
            arena_ref ref = bucket->refs[__builtin_ctz(mask)];
            if (equal(context, arena_at(arena, ref)))
                return ref;
        }
        if (!(bucket->meta & INDEX_SPILLED))
            return 0;
        at = at + 1 < buckets ? at + 1 : 0;
    }
    return 0;
}

/* Bring the bucket of this hash towards the cache, without waiting. */
static inline void index_prefetch_bucket(const struct index *index, const struct arena *arena, uint64_t hash)
{
    uint32_t word = index_word(index, hash);
    if (word)
        prefetch(index_word_segment(arena, word) + ((uint32_t)index_tag(hash) * index_word_buckets(word) >> 16));
}

/* Bring the first 64 bytes of what the (cached) bucket says may be the object towards the cache. */
static inline void index_prefetch_candidates(const struct index *index, const struct arena *arena, uint64_t hash)
{
    uint32_t word = index_word(index, hash);
    if (!word)
        return;
    uint16_t tag = index_tag(hash);
    const struct index_bucket *bucket = index_word_segment(arena, word) + ((uint32_t)tag * index_word_buckets(word) >> 16);
    for (unsigned mask = index_match(bucket, tag); mask; mask &= mask - 1) {
        const char *object = arena_at(arena, bucket->refs[__builtin_ctz(mask)]);
        prefetch(object);
        prefetch(object + 56);
    }
}

#endif
