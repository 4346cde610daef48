/* SPDX-License-Identifier: MIT
 * zset: see zset.h.
 *
 *      packed:  pairs in order (zset_packed.h)
 *      large:   member objects {score, size, bytes} in the arena, an index by member (index.h), a tree by order (btree.h)
 *
 * In the large form a member object's score, and the score under which the tree holds it, are the same between any two calls. */
#include "services/keyspace/zset.h"

#include "kernel/prefetch.h"

#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/btree.h"
#include "services/keyspace/heap.h"
#include "services/keyspace/table.h"
#include "services/keyspace/zset_packed.h"

struct large {
    struct arena *arena; /* Borrowed */
    uint64_t hash_key;
    struct btree tree;
    struct index index;
    size_t arena_bytes;  /* of all members, as the arena rounds them */
    size_t heap_bytes;   /* of members' bytes outside the arena */
};

struct zset {
    struct arena *arena;                  /* Borrowed */
    const struct keyspace_limits *limits; /* Borrowed */
    uint64_t hash_key;
    struct large *large;                  /* Ours; NULL in the packed form */
    struct packed packed;                 /* pairs, in the packed form */
};

/* ---- members of the large form ---- */

static struct btree_member *member_at(const struct large *large, arena_ref ref)
{
    return arena_at(large->arena, ref);
}

static size_t member_object_size(uint32_t size)
{
    return offsetof(struct btree_member, bytes) + (size & BTREE_MEMBER_OUTSIDE ? sizeof(char *) : size);
}

static arena_ref member_new(struct large *large, struct slice text, double score)
{
    assert(text.size < BTREE_MEMBER_OUTSIDE);
    uint32_t size = (uint32_t)text.size | (text.size > TABLE_INLINE_MAX ? BTREE_MEMBER_OUTSIDE : 0);
    arena_ref ref = arena_alloc(large->arena, member_object_size(size));
    struct btree_member *member = member_at(large, ref);
    member->score = score;
    member->size = size;
    large->arena_bytes += arena_rounded(member_object_size(size));
    if (size & BTREE_MEMBER_OUTSIDE) {
        char *block = heap_alloc(text.size);
        memcpy(block, text.base, text.size);
        memcpy(member->bytes, &block, sizeof block);
        large->heap_bytes += heap_cost(text.size);
    } else if (text.size) {
        memcpy(member->bytes, text.base, text.size);
    }
    return ref;
}

static void member_free(struct large *large, arena_ref ref)
{
    struct btree_member *member = member_at(large, ref);
    size_t size = member_object_size(member->size);
    if (member->size & BTREE_MEMBER_OUTSIDE) {
        struct slice text = btree_member_text(member);
        large->heap_bytes -= heap_cost(text.size);
        free((char *)(uintptr_t)text.base);
    }
    large->arena_bytes -= arena_rounded(size);
    arena_release(large->arena, ref, size);
}

static uint64_t rehash(const void *context, arena_ref ref)
{
    const struct large *large = context;
    return member_hash(btree_member_text(member_at(large, ref)), large->hash_key);
}

static bool member_is(const void *context, const void *object)
{
    const struct slice *text = context;
    const struct btree_member *member = object;
    return (member->size & ~BTREE_MEMBER_OUTSIDE) == text->size && slice_equal(btree_member_text(member), *text);
}

static arena_ref large_find(const struct large *large, struct slice text, uint64_t hash)
{
    return index_find(&large->index, large->arena, hash, member_is, &text);
}

static void large_add(struct large *large, struct slice text, uint64_t hash, double score)
{
    arena_ref ref = member_new(large, text, score);
    btree_insert(&large->tree, score, ref);
    index_insert(&large->index, large->arena, hash, ref, rehash, large);
}

static void large_remove(struct large *large, arena_ref ref, uint64_t hash)
{
    btree_remove(&large->tree, member_at(large, ref)->score, ref);
    index_remove(&large->index, large->arena, hash, ref);
    member_free(large, ref);
}

static struct large *large_new(const struct zset *zset)
{
    struct large *large = heap_alloc(sizeof *large);
    *large = (struct large){.arena = zset->arena, .hash_key = zset->hash_key};
    btree_init(&large->tree, zset->arena);
    return large;
}

/* ---- the whole ---- */

struct zset *zset_new(struct arena *arena, const struct keyspace_limits *limits, uint64_t hash_key)
{
    struct zset *zset = heap_alloc(sizeof *zset);
    *zset = (struct zset){.arena = arena, .limits = limits, .hash_key = hash_key};
    return zset;
}

static void large_free(struct large *large)
{
    uint32_t slot;
    const struct btree_leaf *leaf = large->tree.count ? btree_seek(&large->tree, 0, &slot) : NULL;
    for (; leaf; leaf = btree_leaf_at(&large->tree, leaf->next))
        for (uint32_t i = 0; i < leaf->count; i++)
            member_free(large, leaf->refs[i]);
    btree_deinit(&large->tree);
    index_free(&large->index, large->arena);
    free(large);
}

void zset_free(struct zset *zset)
{
    packed_free(&zset->packed);
    if (zset->large)
        large_free(zset->large);
    free(zset);
}

static struct large *large_copy(const struct zset *zset)
{
    struct large *copy = large_new(zset);
    struct zset_walk walk;
    struct item item;
    double score;
    zset_walk_begin(zset, &walk, 0, false);
    while (zset_walk_next(&walk, &item, &score))
        large_add(copy, item_slice(&item), member_hash(item_slice(&item), zset->hash_key), score);
    return copy;
}

struct zset *zset_copy(const struct zset *zset)
{
    struct zset *copy = zset_new(zset->arena, zset->limits, zset->hash_key);
    packed_copy(&copy->packed, &zset->packed);
    if (zset->large)
        copy->large = large_copy(zset);
    return copy;
}

size_t zset_size(const struct zset *zset)
{
    return zset->large ? zset->large->tree.count : zset->packed.count / 2;
}

size_t zset_memory(const struct zset *zset)
{
    const struct large *large = zset->large;
    size_t memory = heap_cost(sizeof *zset);
    if (!large)
        return memory + packed_memory(&zset->packed);
    return memory + heap_cost(sizeof *large) + btree_memory(&large->tree) + index_memory(&large->index) + large->arena_bytes +
           large->heap_bytes;
}

const char *zset_encoding(const struct zset *zset)
{
    return zset->large ? "skiplist" : "listpack";
}

const struct packed *zset_packed(const struct zset *zset)
{
    return zset->large ? NULL : &zset->packed;
}

void zset_make_large(struct zset *zset)
{
    if (zset->large)
        return;
    zset->large = large_copy(&(struct zset){.arena = zset->arena, .hash_key = zset->hash_key, .packed = zset->packed});
    packed_free(&zset->packed);
}

/* ---- members ---- */

static enum zset_change set_large(struct large *large, struct slice text, double score)
{
    /* The three places that this touches are far apart in memory: have them come at the same time. */
    uint64_t hash = member_hash(text, large->hash_key);
    index_prefetch_bucket(&large->index, large->arena, hash);
    btree_prefetch(&large->tree, score);
    arena_ref ref = large_find(large, text, hash);
    if (!ref) {
        large_add(large, text, hash, score);
        return ZSET_ADDED;
    }
    struct btree_member *member = member_at(large, ref);
    if (member->score == score)
        return ZSET_UNCHANGED;
    btree_update(&large->tree, member->score, ref, score);
    member->score = score;
    return ZSET_UPDATED;
}

/* May a member that is new go into the packed form? */
static bool packed_accepts(const struct zset *zset, struct slice member)
{
    return (int64_t)zset_size(zset) < zset->limits->zset_max_listpack_entries &&
           (int64_t)member.size <= zset->limits->zset_max_listpack_value &&
           packed_size(&zset->packed) + member.size < PACKED_BYTES_MAX;
}

enum zset_change zset_set(struct zset *zset, struct slice member, double score)
{
    assert(score == score);
    if (zset->large)
        return set_large(zset->large, member, score);
    uint32_t offset;
    if (zset_packed_find(&zset->packed, member, &offset, NULL)) {
        if (zset_packed_score(&zset->packed, offset) == score)
            return ZSET_UNCHANGED;
        packed_erase(&zset->packed, offset, 2);
        zset_packed_insert(&zset->packed, member, score);
        return ZSET_UPDATED;
    }
    if (!packed_accepts(zset, member)) {
        zset_make_large(zset);
        return set_large(zset->large, member, score);
    }
    zset_packed_insert(&zset->packed, member, score);
    return ZSET_ADDED;
}

bool zset_remove(struct zset *zset, struct slice member)
{
    uint32_t offset;
    if (zset->large) {
        uint64_t hash = member_hash(member, zset->hash_key);
        arena_ref ref = large_find(zset->large, member, hash);
        if (ref)
            large_remove(zset->large, ref, hash);
        return ref != 0;
    }
    if (!zset_packed_find(&zset->packed, member, &offset, NULL))
        return false;
    packed_erase(&zset->packed, offset, 2);
    return true;
}

bool zset_score(const struct zset *zset, struct slice member, double *score)
{
    uint32_t offset;
    if (zset->large) {
        arena_ref ref = large_find(zset->large, member, member_hash(member, zset->hash_key));
        if (ref)
            *score = member_at(zset->large, ref)->score;
        return ref != 0;
    }
    if (!zset_packed_find(&zset->packed, member, &offset, NULL))
        return false;
    *score = zset_packed_score(&zset->packed, offset);
    return true;
}

uint64_t zset_prefetch(const struct zset *zset, struct slice member)
{
    if (!zset->large) {
        prefetch(zset->packed.bytes);
        return 0;
    }
    uint64_t hash = member_hash(member, zset->hash_key);
    index_prefetch_bucket(&zset->large->index, zset->arena, hash);
    return hash;
}

void zset_prefetch_member(const struct zset *zset, uint64_t token)
{
    index_prefetch_candidates(&zset->large->index, zset->arena, token);
}

/* ---- ranks ---- */

bool zset_rank(const struct zset *zset, struct slice member, size_t *rank)
{
    if (zset->large) {
        arena_ref ref = large_find(zset->large, member, member_hash(member, zset->hash_key));
        if (ref)
            *rank = btree_rank(&zset->large->tree, member_at(zset->large, ref)->score, ref);
        return ref != 0;
    }
    uint32_t offset, position;
    if (!zset_packed_find(&zset->packed, member, &offset, &position))
        return false;
    *rank = position;
    return true;
}

size_t zset_rank_of_score(const struct zset *zset, double score, bool after)
{
    return zset->large ? btree_rank_of_score(&zset->large->tree, score, after)
                       : zset_packed_rank_of_score(&zset->packed, score, after);
}

size_t zset_rank_of_member(const struct zset *zset, struct slice member, bool after)
{
    return zset->large ? btree_rank_of_text(&zset->large->tree, member, after)
                       : zset_packed_rank_of_member(&zset->packed, member, after);
}

void zset_erase(struct zset *zset, size_t rank, size_t count)
{
    assert(rank <= zset_size(zset) && count <= zset_size(zset) - rank);
    struct large *large = zset->large;
    if (!large) {
        packed_erase(&zset->packed, packed_offset(&zset->packed, (uint32_t)rank * 2), (uint32_t)count * 2);
        return;
    }
    for (; count > 0; count--) {
        uint32_t slot;
        arena_ref ref = btree_seek(&large->tree, rank, &slot)->refs[slot];
        large_remove(large, ref, rehash(large, ref));
    }
}

/* ---- walks ---- */

void zset_walk_begin(const struct zset *zset, struct zset_walk *walk, size_t rank, bool down)
{
    size_t size = zset_size(zset);
    *walk = (struct zset_walk){.zset = zset, .down = down};
    if (rank >= size)
        return;
    walk->left = down ? rank + 1 : size - rank;
    if (zset->large) {
        uint32_t slot;
        walk->node = btree_seek(&zset->large->tree, rank, &slot);
        walk->offset = slot;
    } else {
        walk->offset = packed_offset(&zset->packed, (uint32_t)rank * 2);
    }
}

static void walk_large(struct zset_walk *walk, struct item *item, double *score)
{
    const struct large *large = walk->zset->large;
    const struct btree_leaf *leaf = walk->node;
    struct slice text = btree_member_text(member_at(large, leaf->refs[walk->offset]));
    item->base = text.base;
    item->size = text.size;
    if (score)
        *score = leaf->scores[walk->offset];
    /* Beyond the leaf the prefetch is of no use, but it does no harm either. */
    size_t ahead = walk->down ? walk->offset - 6 : walk->offset + 6;
    if (ahead < leaf->count)
        prefetch(member_at(large, leaf->refs[ahead]));
    if (walk->left == 0)
        return;
    if (!walk->down && ++walk->offset == leaf->count) {
        walk->node = btree_leaf_at(&large->tree, leaf->next);
        walk->offset = 0;
    } else if (walk->down && walk->offset-- == 0) {
        leaf = btree_leaf_at(&large->tree, leaf->previous);
        walk->node = leaf;
        walk->offset = leaf->count - 1;
    }
}

static void walk_packed(struct zset_walk *walk, struct item *item, double *score)
{
    const struct packed *p = &walk->zset->packed;
    uint32_t offset = (uint32_t)walk->offset;
    uint32_t behind = zset_packed_read(p, offset, item, score);
    if (walk->down && offset > 0)
        behind = packed_previous(p, packed_previous(p, offset));
    walk->offset = behind;
}

bool zset_walk_next(struct zset_walk *walk, struct item *member, double *score)
{
    if (walk->left == 0)
        return false;
    walk->left--;
    if (walk->zset->large)
        walk_large(walk, member, score);
    else
        walk_packed(walk, member, score);
    return true;
}

/* ---- scans ---- */

/* One segment of the index in the order of hashes. */
struct scanned {
    uint64_t place; /* the hash's high 53 bits: a cursor */
    arena_ref ref;
};
enum { SCAN_PLACE_SHIFT = 11 };

struct scan {
    const struct large *large;
    struct scanned found[INDEX_SEGMENT_MAX];
    unsigned count;
};

static bool scanned_before(const struct scan *scan, const struct scanned *a, const struct scanned *b)
{
    if (a->place != b->place)
        return a->place < b->place;
    return slice_compare(btree_member_text(member_at(scan->large, a->ref)), btree_member_text(member_at(scan->large, b->ref))) < 0;
}

/* Take the members from place `from` on, of the segment that serves `hash`, sorted. Returns the next segment's first hash. */
static uint64_t scan_segment(struct scan *scan, uint64_t hash, uint64_t from)
{
    arena_ref refs[INDEX_SEGMENT_MAX];
    uint64_t next;
    unsigned count = index_gather(&scan->large->index, scan->large->arena, hash, refs, &next);
    for (unsigned i = 0; i < count; i++)
        prefetch(member_at(scan->large, refs[i]));
    scan->count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct scanned found = {rehash(scan->large, refs[i]) >> SCAN_PLACE_SHIFT, refs[i]};
        if (found.place < from)
            continue;
        unsigned at = scan->count++;
        for (; at > 0 && scanned_before(scan, &found, &scan->found[at - 1]); at--)
            scan->found[at] = scan->found[at - 1];
        scan->found[at] = found;
    }
    return next;
}

static uint64_t scan_large(const struct large *large, uint64_t from, size_t count, zset_visit_fn visit, void *context)
{
    struct scan scan = {.large = large};
    uint64_t hash = from << SCAN_PLACE_SHIFT;
    uint64_t last = 0;
    size_t visited = 0;
    do {
        hash = scan_segment(&scan, hash, from);
        for (unsigned i = 0; i < scan.count; i++) {
            const struct scanned *found = &scan.found[i];
            /* Members at one place are visited by one call: the cursor cannot tell them apart. */
            if (visited > 0 && visited >= count && found->place != last)
                return found->place;
            const struct btree_member *member = member_at(large, found->ref);
            visit(context, btree_member_text(member), member->score);
            last = found->place;
            visited++;
        }
    } while (hash);
    return 0;
}

uint64_t zset_scan(const struct zset *zset, uint64_t cursor, size_t count, zset_visit_fn visit, void *context)
{
    if (zset->large)
        return scan_large(zset->large, cursor, count, visit, context);
    struct zset_walk walk;
    struct item item;
    double score;
    zset_walk_begin(zset, &walk, 0, false);
    while (zset_walk_next(&walk, &item, &score))
        visit(context, item_slice(&item), score);
    return 0;
}
