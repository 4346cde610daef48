/* SPDX-License-Identifier: MIT
 * ordmap: the ordered map drawn in ordmap.h: insertion, removal, freeing. Seeking and walking are in ordmap_walk.c.
 *
 * A slot is one word:  reference << 1 | is_node.  Every change first descends by chunks alone, which finds the only place where
 * the key may be; what the nodes on the way skipped is then compared once, at any leaf below. */
#include "services/keyspace/ordmap_node.h"

#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/entry.h"

/* ---- JudyL with its memory counted ---- */

static Word_t *level_insert(struct ordmap *map, void **level, uint64_t chunk, Word_t slot)
{
    Word_t before = JudyLMemUsed(*level);
    PPvoid_t cell = JudyLIns(level, chunk, PJE0);
    if (cell == NULL || cell == PPJERR)
        abort();
    map->bytes += JudyLMemUsed(*level) - before;
    *cell = (void *)slot;
    return (Word_t *)cell;
}

static void level_delete(struct ordmap *map, void **level, uint64_t chunk)
{
    Word_t before = JudyLMemUsed(*level);
    int deleted = JudyLDel(level, chunk, PJE0);
    assert(deleted == 1);
    map->bytes += JudyLMemUsed(*level) - before;
}

static void level_free(struct ordmap *map, void **level)
{
    map->bytes -= JudyLMemUsed(*level);
    JudyLFreeArray(level, PJE0);
}

/* ---- nodes ---- */

static size_t node_size(unsigned ends)
{
    return sizeof(struct ordmap_node) + (size_t)__builtin_popcount(ends) * sizeof(arena_ref);
}

static Word_t node_new(struct arena *arena, uint32_t depth)
{
    arena_ref ref = arena_alloc(arena, node_size(0));
    *(struct ordmap_node *)arena_at(arena, ref) = (struct ordmap_node){.depth = depth};
    return node_slot(ref);
}

static void node_release(struct arena *arena, Word_t slot)
{
    arena_release(arena, slot_ref(slot), node_size(slot_node(arena, slot)->ends));
}

/* The node with another set of ends; the caller has `end` filled in. It moves. */
static void node_take_ends(struct arena *arena, Word_t *slot, unsigned ends, const arena_ref *end)
{
    arena_ref ref = arena_alloc(arena, node_size(ends));
    struct ordmap_node *moved = arena_at(arena, ref);
    *moved = *slot_node(arena, *slot);
    moved->ends = (uint16_t)ends;
    if (ends)
        memcpy(moved->end, end, (size_t)__builtin_popcount(ends) * sizeof *end);
    node_release(arena, *slot);
    *slot = node_slot(ref);
}

/* `length`: bytes of the key beyond the parent chunk's beginning, 0..8. */
static void node_add_end(struct arena *arena, Word_t *slot, unsigned length, arena_ref ref)
{
    const struct ordmap_node *node = slot_node(arena, *slot);
    assert(!(node->ends >> length & 1));
    unsigned rank = ends_below(node->ends, length), count = ends_count(node);
    arena_ref end[ORDMAP_ENDS_MAX];
    for (unsigned i = 0; i < rank; i++)
        end[i] = node->end[i];
    end[rank] = ref;
    for (unsigned i = rank; i < count; i++)
        end[i + 1] = node->end[i];
    node_take_ends(arena, slot, node->ends | 1u << length, end);
}

static void node_remove_end(struct arena *arena, Word_t *slot, unsigned length)
{
    const struct ordmap_node *node = slot_node(arena, *slot);
    assert(node->ends >> length & 1);
    unsigned rank = ends_below(node->ends, length), count = ends_count(node);
    arena_ref end[ORDMAP_ENDS_MAX];
    for (unsigned i = 0, k = 0; i < count; i++)
        if (i != rank)
            end[k++] = node->end[i];
    node_take_ends(arena, slot, node->ends & ~(1u << length), end);
}

/* Restore rule 4 of ordmap.h for the node in this slot, which has lost an item, or whose only item has changed. */
static void collapse(struct ordmap *map, struct arena *arena, Word_t *slot)
{
    if (!slot || !slot_is_node(*slot))
        return;
    struct ordmap_node *node = slot_node(arena, *slot);
    Word_t only;
    if (!node->rest && ends_count(node) == 1) {
        only = leaf_slot(node->end[0]);
    } else if (!node->ends && JudyLCount(node->rest, 0, (Word_t)-1, PJE0) == 1) {
        only = level_first(node->rest);
        if (slot_is_node(only) && slot_node(arena, only)->ends)
            return;
        level_free(map, &node->rest);
    } else {
        return;
    }
    node_release(arena, *slot);
    *slot = only;
}

/* ---- inserting ---- */

static size_t common_prefix(struct slice a, struct slice b)
{
    size_t limit = a.size < b.size ? a.size : b.size, i = 0;
    for (; i + 8 <= limit; i += 8) {
        uint64_t x, y;
        memcpy(&x, a.base + i, 8);
        memcpy(&y, b.base + i, 8);
        if (x != y)
            return i + (size_t)__builtin_ctzll(x ^ y) / 8;
    }
    while (i < limit && a.base[i] == b.base[i])
        i++;
    return i;
}

/* The chunk in which two keys part, or the last one of the shorter key when it is the other's prefix. */
static size_t parting_chunk(struct slice a, struct slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size, common = common_prefix(a, b);
    return (common < shorter ? common : shorter - 1) / 8;
}

/* Where `key` leaves what some node on its way skips (all keys below agree with `other`), put a node in between that begins at
 * the chunk of the difference. True when that was needed. */
static bool divide(struct ordmap *map, struct arena *arena, struct slice key, struct slice other)
{
    size_t parting = parting_chunk(key, other);
    void **level = &map->root;
    for (size_t depth = 0;;) {
        Word_t *slot = level_get(*level, chunk_of(key, depth));
        if (!slot || !slot_is_node(*slot) || ends_within(key, depth))
            return false;
        struct ordmap_node *node = slot_node(arena, *slot);
        if (node->depth > depth + 1 && parting < node->depth) {
            assert(parting > depth);
            Word_t upper = node_new(arena, (uint32_t)parting);
            if (node->ends) {
                node_take_ends(arena, &upper, node->ends, node->end);
                node_take_ends(arena, slot, 0, NULL);
            }
            collapse(map, arena, level_insert(map, &slot_node(arena, upper)->rest, chunk_of(other, parting), *slot));
            *slot = upper;
            return true;
        }
        depth = node->depth;
        level = &node->rest;
    }
}

/* A slot that holds one key is to hold a second: make it a node with the first. */
static void branch(struct ordmap *map, struct arena *arena, Word_t *slot, size_t depth, struct slice key)
{
    arena_ref first = slot_ref(*slot);
    struct slice other = entry_text(arena_at(arena, first));
    size_t below = depth + 1;
    if (!ends_within(key, depth) && !ends_within(other, depth))
        below = parting_chunk(key, other);
    Word_t node = node_new(arena, (uint32_t)below);
    if (ends_within(other, depth))
        node_add_end(arena, &node, (unsigned)(other.size - depth * 8), first);
    else
        level_insert(map, &slot_node(arena, node)->rest, chunk_of(other, below), leaf_slot(first));
    *slot = node;
}

/* One attempt: either the key is in afterwards (true), or the map was made ready for the next attempt. */
static bool try_insert(struct ordmap *map, struct arena *arena, struct slice key, arena_ref ref)
{
    void **level = &map->root;
    Word_t *within = NULL; /* the slot of the node whose rest the level is */
    bool skipped = false;
    for (size_t depth = 0;;) {
        Word_t *slot = level_get(*level, chunk_of(key, depth));
        bool goes_on = slot && slot_is_node(*slot) && !ends_within(key, depth);
        if (goes_on) {
            struct ordmap_node *node = slot_node(arena, *slot);
            skipped |= node->depth > depth + 1;
            depth = node->depth;
            level = &node->rest;
            within = slot;
            continue;
        }
        if (skipped) {
            Word_t near = slot ? *slot : *level ? level_first(*level) : *within;
            if (divide(map, arena, key, entry_text(arena_at(arena, any_leaf(arena, near)))))
                return false;
        }
        if (!slot) {
            level_insert(map, level, chunk_of(key, depth), leaf_slot(ref));
            return true;
        }
        if (slot_is_node(*slot)) {
            node_add_end(arena, slot, (unsigned)(key.size - depth * 8), ref);
            return true;
        }
        branch(map, arena, slot, depth, key);
        return false;
    }
}

void ordmap_insert(struct ordmap *map, struct arena *arena, arena_ref ref)
{
    struct slice key = entry_text(arena_at(arena, ref));
    map->count++;
    while (!try_insert(map, arena, key, ref)) {
        /* Each attempt that fails has made a node on the way of the key: three at most follow each other. */
    }
}

/* ---- removing ---- */

void ordmap_remove(struct ordmap *map, struct arena *arena, struct slice key)
{
    void **level = &map->root;
    Word_t *above = NULL, *above_that = NULL; /* slots of the node whose `rest` the level is, and of that one's parent */
    size_t parent_depth = 0;
    for (size_t depth = 0;;) {
        Word_t *slot = level_get(*level, chunk_of(key, depth));
        assert(slot);
        if (!slot_is_node(*slot)) {
            level_delete(map, level, chunk_of(key, depth));
            if (above && !*level)
                slot_node(arena, *above)->depth = (uint32_t)(parent_depth + 1);
            break;
        }
        above_that = above;
        above = slot;
        if (ends_within(key, depth)) {
            node_remove_end(arena, slot, (unsigned)(key.size - depth * 8));
            break;
        }
        struct ordmap_node *node = slot_node(arena, *slot);
        parent_depth = depth;
        depth = node->depth;
        level = &node->rest;
    }
    collapse(map, arena, above);
    collapse(map, arena, above_that);
    map->count--;
}

void ordmap_replace(struct ordmap *map, struct arena *arena, struct slice key, arena_ref ref)
{
    void *const *level = &map->root;
    for (size_t depth = 0;;) {
        Word_t *slot = level_get(*level, chunk_of(key, depth));
        assert(slot);
        if (!slot_is_node(*slot)) {
            *slot = leaf_slot(ref);
            return;
        }
        struct ordmap_node *node = slot_node(arena, *slot);
        if (ends_within(key, depth)) {
            node->end[ends_below(node->ends, (unsigned)(key.size - depth * 8))] = ref;
            return;
        }
        depth = node->depth;
        level = &node->rest;
    }
}

/* ---- freeing ---- */

/* Append the child nodes of a level to the list of those still to be freed, and free the level. */
static void level_unfold(struct ordmap *map, void **level, struct buffer *nodes)
{
    Word_t chunk = 0;
    for (PPvoid_t cell = JudyLFirst(*level, &chunk, PJE0); cell; cell = JudyLNext(*level, &chunk, PJE0)) {
        Word_t slot = (Word_t)*cell;
        if (slot_is_node(slot))
            buffer_append(nodes, &slot, sizeof slot);
    }
    level_free(map, level);
}

void ordmap_free(struct ordmap *map, struct arena *arena)
{
    struct buffer nodes = {0};
    level_unfold(map, &map->root, &nodes);
    while (nodes.size) {
        Word_t slot;
        nodes.size -= sizeof slot;
        memcpy(&slot, nodes.base + nodes.size, sizeof slot);
        level_unfold(map, &slot_node(arena, slot)->rest, &nodes);
        node_release(arena, slot);
    }
    buffer_free(&nodes);
    *map = (struct ordmap){0};
}
