/* SPDX-License-Identifier: MIT
 * ordmap_walk: seeking and walking in the ordered map.
 *
 * The path is a stack of steps, one for each level from the root down to where the walk stands: a node and which of its items.
 * An empty path is past the end. */
#include "services/keyspace/ordmap_node.h"

#include "services/keyspace/entry.h"

#include <assert.h>

struct step {
    Word_t chunk;   /* of the slot in `rest` that the walk is in, or was looking for */
    arena_ref node; /* 0 = the root */
    uint32_t end;   /* which of the ends; IN_REST when it is none */
};
#define IN_REST UINT32_MAX

static void push(struct buffer *path, arena_ref node, uint32_t end, Word_t chunk)
{
    struct step step = {chunk, node, end};
    buffer_append(path, &step, sizeof step);
}

static struct step *top_of(const struct buffer *path)
{
    return path->size ? (struct step *)(void *)(path->base + path->size - sizeof(struct step)) : NULL;
}

static const struct ordmap_node *step_node(const struct arena *arena, const struct step *step)
{
    return step->node ? arena_at(arena, step->node) : NULL;
}

/* The first entry below a slot. */
static arena_ref descend_first(const struct arena *arena, Word_t slot, struct buffer *path)
{
    while (slot_is_node(slot)) {
        const struct ordmap_node *node = slot_node(arena, slot);
        if (node->ends) {
            push(path, slot_ref(slot), 0, 0);
            return node->end[0];
        }
        Word_t chunk = 0;
        PPvoid_t cell = JudyLFirst(node->rest, &chunk, PJE0);
        push(path, slot_ref(slot), IN_REST, chunk);
        slot = (Word_t)*cell;
    }
    return slot_ref(slot);
}

static arena_ref descend_last(const struct arena *arena, Word_t slot, struct buffer *path)
{
    while (slot_is_node(slot)) {
        const struct ordmap_node *node = slot_node(arena, slot);
        if (!node->rest) {
            push(path, slot_ref(slot), ends_count(node) - 1, 0);
            return node->end[ends_count(node) - 1];
        }
        Word_t chunk = (Word_t)-1;
        PPvoid_t cell = JudyLLast(node->rest, &chunk, PJE0);
        push(path, slot_ref(slot), IN_REST, chunk);
        slot = (Word_t)*cell;
    }
    return slot_ref(slot);
}

arena_ref ordmap_next(const struct ordmap *map, const struct arena *arena, struct buffer *path)
{
    for (struct step *top; (top = top_of(path)) != NULL; path->size -= sizeof *top) {
        const struct ordmap_node *node = step_node(arena, top);
        const void *rest = node ? node->rest : map->root;
        PPvoid_t cell;
        assert(node || top->end == IN_REST); /* above the first node no key ends */
        if (top->end == IN_REST) {
            cell = JudyLNext(rest, &top->chunk, PJE0);
        } else if (++top->end < ends_count(node)) {
            return node->end[top->end];
        } else {
            top->end = IN_REST;
            top->chunk = 0;
            cell = JudyLFirst(rest, &top->chunk, PJE0);
        }
        if (cell)
            return descend_first(arena, (Word_t)*cell, path);
    }
    return 0;
}

arena_ref ordmap_previous(const struct ordmap *map, const struct arena *arena, struct buffer *path)
{
    for (struct step *top; (top = top_of(path)) != NULL; path->size -= sizeof *top) {
        const struct ordmap_node *node = step_node(arena, top);
        if (top->end == IN_REST) {
            PPvoid_t cell = JudyLPrev(node ? node->rest : map->root, &top->chunk, PJE0);
            if (cell)
                return descend_last(arena, (Word_t)*cell, path);
            top->end = node ? ends_count(node) : 0;
        }
        if (top->end > 0)
            return node->end[--top->end];
    }
    return 0;
}

/* How the key compares with what the keys in a node's rest have in common from chunk `from` on to the node's depth. */
static int compare_skipped(const struct arena *arena, const struct ordmap_node *node, size_t from, struct slice key)
{
    if (node->depth == from)
        return 0;
    struct slice other = entry_text(arena_at(arena, any_leaf(arena, level_first(node->rest))));
    size_t begin = from * 8, end = node->depth * (size_t)8;
    size_t size = (key.size < end ? key.size : end) - begin;
    return slice_compare(slice_of(key.base + begin, size), slice_of(other.base + begin, end - begin));
}

/* The first entry at or behind the key among those of a node, whose parent's chunk at `depth` the key has; the key ends there. */
static arena_ref seek_ends(const struct ordmap *map, const struct arena *arena, Word_t slot, unsigned length, struct buffer *path)
{
    const struct ordmap_node *node = slot_node(arena, slot);
    unsigned rank = ends_below(node->ends, length);
    push(path, slot_ref(slot), rank, 0);
    if (rank < ends_count(node))
        return node->end[rank];
    return ordmap_next(map, arena, path);
}

arena_ref ordmap_seek(const struct ordmap *map, const struct arena *arena, struct slice key, struct buffer *path)
{
    path->size = 0;
    const void *rest = map->root;
    arena_ref at = 0;
    for (size_t depth = 0;;) {
        uint64_t chunk = chunk_of(key, depth);
        const Word_t *slot = level_get(rest, chunk);
        push(path, at, IN_REST, chunk);
        if (!slot)
            return ordmap_next(map, arena, path);
        if (!slot_is_node(*slot)) {
            arena_ref ref = slot_ref(*slot);
            return slice_compare(entry_text(arena_at(arena, ref)), key) >= 0 ? ref : ordmap_next(map, arena, path);
        }
        if (ends_within(key, depth))
            return seek_ends(map, arena, *slot, (unsigned)(key.size - depth * 8), path);
        const struct ordmap_node *node = slot_node(arena, *slot);
        int order = node->rest ? compare_skipped(arena, node, depth + 1, key) : 1;
        if (order > 0)
            return ordmap_next(map, arena, path);
        at = slot_ref(*slot);
        if (order < 0) {
            push(path, at, ends_count(node), 0);
            return ordmap_next(map, arena, path);
        }
        rest = node->rest;
        depth = node->depth;
    }
}

arena_ref ordmap_seek_last(const struct ordmap *map, const struct arena *arena, struct slice key, struct buffer *path)
{
    arena_ref ref = ordmap_seek(map, arena, key, path);
    if (ref && slice_equal(entry_text(arena_at(arena, ref)), key))
        return ref;
    if (ref)
        return ordmap_previous(map, arena, path);
    Word_t chunk = (Word_t)-1;
    PPvoid_t cell = JudyLLast(map->root, &chunk, PJE0);
    if (!cell)
        return 0;
    push(path, 0, IN_REST, chunk);
    return descend_last(arena, (Word_t)*cell, path);
}
