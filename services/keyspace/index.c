/* SPDX-License-Identifier: MIT
 * index: growth, shrinking and walking of the hash index drawn in index.h; its lookup is inline there.
 *
 * A segment changes its size only by being rebuilt: its (tag, reference) pairs are gathered, a new segment is filled from them,
 * and the directory words that led to the old one lead to the new one. So a segment is always as if its keys had just been put
 * in, apart from keys that came and went since. */
#include "services/keyspace/index.h"

#include "kernel/prefetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The (tag, reference) pairs of a segment or two on their way into a new one. */
struct pairs {
    unsigned count;
    uint16_t tags[INDEX_SEGMENT_MAX];
    arena_ref refs[INDEX_SEGMENT_MAX];
};

static uint32_t *words_of(struct index *index)
{
    return index->depth ? index->directory : &index->root;
}

static uint32_t local_depth(const struct arena *arena, uint32_t word)
{
    return index_word_segment(arena, word)->meta >> INDEX_DEPTH_SHIFT & 0xff;
}

/* ---- segments ---- */

/* Buckets that `count` keys fill to at most nine tenths, with room for one more. */
static uint32_t buckets_for(unsigned count)
{
    uint32_t buckets = count / (INDEX_BUCKET_SLOTS - 1) + 1;
    return buckets < INDEX_SEGMENT_BUCKETS ? buckets : INDEX_SEGMENT_BUCKETS;
}

/* Put a pair into the first free slot from its bucket on. False when the segment has none. */
static bool segment_put(struct index_bucket *segment, uint32_t buckets, uint16_t tag, arena_ref ref)
{
    uint32_t at = (uint32_t)tag * buckets >> 16;
    for (uint32_t tried = 0; tried < buckets; tried++) {
        unsigned room = index_match(&segment[at], 0);
        if (room) {
            segment[at].tags[__builtin_ctz(room)] = tag;
            segment[at].refs[__builtin_ctz(room)] = ref;
            return true;
        }
        segment[at].meta |= INDEX_SPILLED;
        at = at + 1 < buckets ? at + 1 : 0;
    }
    return false;
}

/* A new segment with these pairs; its directory word. */
static uint32_t segment_build(struct index *index, struct arena *arena, const struct pairs *pairs, uint32_t depth)
{
    uint32_t buckets = buckets_for(pairs->count);
    arena_ref ref = arena_alloc(arena, buckets * sizeof(struct index_bucket));
    struct index_bucket *segment = arena_at(arena, ref);
    memset(segment, 0, buckets * sizeof *segment);
    segment->meta = depth << INDEX_DEPTH_SHIFT;
    for (unsigned i = 0; i < pairs->count; i++) {
        bool done = segment_put(segment, buckets, pairs->tags[i], pairs->refs[i]);
        assert(done);
    }
    index->buckets += buckets;
    return ref | (buckets - 1); /* 64-byte alignment leaves three bits of the reference */
}

static void segment_release(struct index *index, struct arena *arena, uint32_t word)
{
    uint32_t buckets = index_word_buckets(word);
    index->buckets -= buckets;
    arena_release(arena, word & ~(uint32_t)(INDEX_SEGMENT_BUCKETS - 1), buckets * sizeof(struct index_bucket));
}

static void segment_gather(const struct arena *arena, uint32_t word, struct pairs *pairs)
{
    const struct index_bucket *segment = index_word_segment(arena, word);
    for (uint32_t b = 0; b < index_word_buckets(word); b++) {
        for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++) {
            if (!segment[b].tags[i])
                continue;
            pairs->tags[pairs->count] = segment[b].tags[i];
            pairs->refs[pairs->count++] = segment[b].refs[i];
        }
    }
}

static unsigned segment_count(const struct arena *arena, uint32_t word)
{
    const struct index_bucket *segment = index_word_segment(arena, word);
    unsigned count = 0;
    for (uint32_t b = 0; b < index_word_buckets(word); b++)
        count += INDEX_BUCKET_SLOTS - (unsigned)__builtin_popcount(index_match(&segment[b], 0));
    return count;
}

/* ---- the directory ---- */

/* The first of the words that lead to the segment of this hash, and how many do. */
static uint32_t *span_of(struct index *index, uint64_t hash, uint32_t depth, size_t *span)
{
    *span = (size_t)1 << (index->depth - depth);
    size_t at = index->depth ? (size_t)(hash >> (64 - index->depth)) : 0;
    return words_of(index) + (at & ~(*span - 1));
}

static void fill(uint32_t *words, size_t span, uint32_t word)
{
    for (size_t i = 0; i < span; i++)
        words[i] = word;
}

static void directory_double(struct index *index)
{
    assert(index->depth < INDEX_DEPTH_MAX);
    size_t old = (size_t)1 << index->depth;
    uint32_t *words = realloc(index->directory, 2 * old * sizeof *words);
    if (!words)
        abort();
    if (index->depth == 0)
        words[0] = index->root;
    for (size_t i = old; i-- > 0;)
        words[2 * i] = words[2 * i + 1] = words[i];
    index->directory = words;
    index->root = 0;
    index->depth++;
    index->deepest = 0;
}

/* No segment needs the last bit. Segments of the new depth are those whose word has no equal neighbour. */
static void directory_halve(struct index *index)
{
    size_t size = (size_t)1 << --index->depth;
    for (size_t i = 0; i < size; i++)
        index->directory[i] = index->directory[2 * i];
    if (index->depth == 0) {
        index->root = index->directory[0];
        free(index->directory);
        index->directory = NULL;
        return;
    }
    assert(size > 1);
    uint32_t *words = realloc(index->directory, size * sizeof *words);
    if (words)
        index->directory = words;
    index->deepest = 0;
    for (size_t i = 0; i < size; i += 2)
        index->deepest += index->directory[i] != index->directory[i + 1] ? 2 : 0;
}

/* ---- growing ---- */

/* Divide the largest segment by the next bit of its keys' hashes. */
static void split(struct index *index, struct arena *arena, uint64_t hash, uint32_t word, const struct pairs *pairs,
                  index_hash_fn rehash, const void *context)
{
    for (unsigned i = 0; i < pairs->count; i++)
        prefetch(arena_at(arena, pairs->refs[i]));
    uint32_t depth = local_depth(arena, word);
    struct pairs half[2];
    half[0].count = half[1].count = 0;
    for (unsigned i = 0; i < pairs->count; i++) {
        struct pairs *side = &half[rehash(context, pairs->refs[i]) >> (63 - depth) & 1];
        side->tags[side->count] = pairs->tags[i];
        side->refs[side->count++] = pairs->refs[i];
    }
    if (depth == index->depth)
        directory_double(index);
    size_t span;
    uint32_t *words = span_of(index, hash, depth, &span);
    segment_release(index, arena, word);
    fill(words, span / 2, segment_build(index, arena, &half[0], depth + 1));
    fill(words + span / 2, span / 2, segment_build(index, arena, &half[1], depth + 1));
    if (depth + 1 == index->depth)
        index->deepest += 2;
}

/* The segment of this hash has reached its limit: one bucket more, or two segments. */
static void grow(struct index *index, struct arena *arena, uint64_t hash, uint32_t word, index_hash_fn rehash, const void *context)
{
    struct pairs pairs = {.count = 0};
    segment_gather(arena, word, &pairs);
    if (index_word_buckets(word) == INDEX_SEGMENT_BUCKETS) {
        split(index, arena, hash, word, &pairs, rehash, context);
        return;
    }
    uint32_t depth = local_depth(arena, word);
    size_t span;
    uint32_t *words = span_of(index, hash, depth, &span);
    segment_release(index, arena, word);
    fill(words, span, segment_build(index, arena, &pairs, depth));
}

/* Whether the full bucket at hand means that the segment has reached nine tenths. */
static bool is_filled(const struct arena *arena, uint32_t word)
{
    return segment_count(arena, word) >= index_word_buckets(word) * (INDEX_BUCKET_SLOTS - 1);
}

void index_insert(struct index *index, struct arena *arena, uint64_t hash, arena_ref ref, index_hash_fn rehash,
                  const void *context)
{
    index->count++;
    uint16_t tag = index_tag(hash);
    for (;;) {
        uint32_t word = index_word(index, hash);
        if (!word) {
            assert(index->depth == 0);
            struct pairs pairs = {.count = 1, .tags = {tag}, .refs = {ref}};
            index->root = segment_build(index, arena, &pairs, 0);
            return;
        }
        uint32_t buckets = index_word_buckets(word);
        struct index_bucket *segment = index_word_segment(arena, word);
        bool has_room = index_match(&segment[(uint32_t)tag * buckets >> 16], 0) || !is_filled(arena, word);
        if (has_room && segment_put(segment, buckets, tag, ref))
            return;
        grow(index, arena, hash, word, rehash, context);
    }
}

/* ---- removing ---- */

/* Where a reference lies: its bucket, and in *slot its place there. */
static struct index_bucket *locate(const struct index *index, const struct arena *arena, uint64_t hash, arena_ref ref,
                                   unsigned *slot)
{
    uint32_t word = index_word(index, hash);
    assert(word);
    uint32_t buckets = index_word_buckets(word);
    struct index_bucket *segment = index_word_segment(arena, word);
    uint16_t tag = index_tag(hash);
    uint32_t at = (uint32_t)tag * buckets >> 16;
    for (uint32_t tried = 0; tried < buckets; tried++) {
        struct index_bucket *bucket = &segment[at];
        for (unsigned mask = index_match(bucket, tag); mask; mask &= mask - 1) {
            *slot = (unsigned)__builtin_ctz(mask);
            if (bucket->refs[*slot] == ref)
                return bucket;
        }
        at = at + 1 < buckets ? at + 1 : 0;
    }
    assert(!"the reference is in the index");
    return NULL;
}

/* Make one of this segment and the one that it was split from, where both fit into half of one. True when done. */
static bool merge(struct index *index, struct arena *arena, uint64_t hash, uint32_t word)
{
    uint32_t depth = local_depth(arena, word);
    if (depth == 0)
        return false;
    uint64_t other_hash = hash ^ (uint64_t)1 << (64 - depth);
    uint32_t other = index_word(index, other_hash);
    if (local_depth(arena, other) != depth || segment_count(arena, word) + segment_count(arena, other) > INDEX_SEGMENT_MAX / 2)
        return false;
    struct pairs pairs = {.count = 0};
    segment_gather(arena, word, &pairs);
    segment_gather(arena, other, &pairs);
    segment_release(index, arena, word);
    segment_release(index, arena, other);
    size_t span;
    uint32_t *words = span_of(index, hash, depth - 1, &span);
    fill(words, span, segment_build(index, arena, &pairs, depth - 1));
    if (depth == index->depth) {
        index->deepest -= 2;
        while (index->depth > 0 && index->deepest == 0)
            directory_halve(index);
    }
    return true;
}

/* A bucket has run nearly empty: give back what the whole segment no longer needs. */
static void shrink(struct index *index, struct arena *arena, uint64_t hash)
{
    uint32_t word = index_word(index, hash);
    if (index->count == 0 && index->depth == 0) {
        segment_release(index, arena, word);
        index->root = 0;
        return;
    }
    if (merge(index, arena, hash, word))
        return;
    if (segment_count(arena, word) * 2 > index_word_buckets(word) * INDEX_BUCKET_SLOTS)
        return;
    struct pairs pairs = {.count = 0};
    segment_gather(arena, word, &pairs);
    if (buckets_for(pairs.count) >= index_word_buckets(word))
        return;
    uint32_t depth = local_depth(arena, word);
    size_t span;
    uint32_t *words = span_of(index, hash, depth, &span);
    segment_release(index, arena, word);
    fill(words, span, segment_build(index, arena, &pairs, depth));
}

void index_remove(struct index *index, struct arena *arena, uint64_t hash, arena_ref ref)
{
    unsigned slot;
    struct index_bucket *bucket = locate(index, arena, hash, ref, &slot);
    bucket->tags[slot] = 0;
    bucket->refs[slot] = 0;
    index->count--;
    if (__builtin_popcount(index_match(bucket, 0)) >= INDEX_BUCKET_SLOTS - 2)
        shrink(index, arena, hash);
}

void index_replace(struct index *index, const struct arena *arena, uint64_t hash, arena_ref old_ref, arena_ref new_ref)
{
    unsigned slot;
    locate(index, arena, hash, old_ref, &slot)->refs[slot] = new_ref;
}

/* ---- the whole ---- */

unsigned index_gather(const struct index *index, const struct arena *arena, uint64_t hash, arena_ref refs[INDEX_SEGMENT_MAX],
                      uint64_t *next)
{
    uint32_t word = index_word(index, hash);
    *next = 0;
    if (!word)
        return 0;
    uint32_t depth = local_depth(arena, word);
    if (depth > 0)
        *next = ((hash >> (64 - depth)) + 1) << (64 - depth); /* wraps to 0 behind the last */
    const struct index_bucket *segment = index_word_segment(arena, word);
    unsigned count = 0;
    for (uint32_t b = 0; b < index_word_buckets(word); b++)
        for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++)
            if (segment[b].tags[i])
                refs[count++] = segment[b].refs[i];
    return count;
}

size_t index_memory(const struct index *index)
{
    size_t directory = index->depth ? ((size_t)1 << index->depth) * sizeof *index->directory : 0;
    return index->buckets * sizeof(struct index_bucket) + directory;
}

void index_free(struct index *index, struct arena *arena)
{
    const uint32_t *words = words_of(index);
    for (size_t i = 0; i < (size_t)1 << index->depth;) {
        uint32_t word = words[i];
        if (!word)
            break;
        i += (size_t)1 << (index->depth - local_depth(arena, word));
        segment_release(index, arena, word);
    }
    free(index->directory);
    *index = (struct index){0};
}
