/* SPDX-License-Identifier: MIT
 * btree_node: see btree_node.h. */
#include "services/keyspace/btree_node.h"

#include <assert.h>

/* ---- searching ---- */

typedef double lanes __attribute__((vector_size(16)));
typedef int64_t mask __attribute__((vector_size(16)));

/* How many of the ascending scores are lower than `score`. Counting all of them two by two beats a binary search among so few:
 * nothing depends on the one before, so that cache lines come in parallel and no branch is guessed wrongly. */
static uint32_t scores_below(const double *scores, uint32_t count, double score)
{
    lanes wanted = {score, score};
    mask lower = {0};
    uint32_t i = 0;
    for (; i + 2 <= count; i += 2) {
        lanes pair;
        memcpy(&pair, scores + i, sizeof pair);
        lower -= pair < wanted;
    }
    return (uint32_t)(lower[0] + lower[1]) + (i < count && scores[i] < score);
}

/* How many are lower or equal, where the first `below` are known to be lower. */
static uint32_t scores_up_to(const double *scores, uint32_t count, uint32_t below, double score)
{
    uint32_t at = below;
    while (at < count && scores[at] == score)
        at++;
    return at;
}

/* Where `text` belongs among the keys from low to high, which ascend: behind those lower (with `after`, or equal). */
static uint32_t place_text(const struct btree *tree, const struct btree_keys *keys, uint32_t low, uint32_t high, struct slice text,
                           bool after)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = slice_compare(btree_text(tree, keys->refs[middle * keys->stride]), text);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t btree_keys_before(const struct btree *tree, struct btree_keys keys, const struct btree_bound *bound)
{
    if (bound->kind == BOUND_TEXT)
        return place_text(tree, &keys, 0, keys.count, bound->text, bound->after);
    uint32_t low = scores_below(keys.scores, keys.count, bound->score);
    uint32_t high = scores_up_to(keys.scores, keys.count, low, bound->score);
    if (bound->kind == BOUND_SCORE)
        return bound->after ? high : low;
    return place_text(tree, &keys, low, high, bound->text, false);
}

uint32_t btree_slot_of(const struct btree_leaf *leaf, double score, arena_ref member)
{
    uint32_t slot = scores_below(leaf->scores, leaf->count, score);
    while (slot < leaf->count && leaf->refs[slot] != member)
        slot++;
    assert(slot < leaf->count && leaf->scores[slot] == score);
    return slot;
}

/* ---- arrays ---- */

static void open_slot(void *array, uint32_t count, uint32_t at, size_t width)
{
    char *slot = (char *)array + at * width;
    memmove(slot + width, slot, (count - at) * width);
}

static void close_slot(void *array, uint32_t count, uint32_t at, size_t width)
{
    char *slot = (char *)array + at * width;
    memmove(slot, slot + width, (count - at - 1) * width);
}

/* Move elements between the end of `a` and the beginning of `b` until `a` has `target`. */
static void level_array(void *a, uint32_t a_count, void *b, uint32_t b_count, uint32_t target, size_t width)
{
    char *left = a, *right = b;
    if (target > a_count) {
        size_t moved = (target - a_count) * width;
        memcpy(left + a_count * width, right, moved);
        memmove(right, right + moved, b_count * width - moved);
    } else {
        size_t moved = (a_count - target) * width;
        memmove(right + moved, right, b_count * width);
        memcpy(right, left + target * width, moved);
    }
}

void btree_leaf_level(struct btree_leaf *a, struct btree_leaf *b, uint32_t target)
{
    level_array(a->scores, a->count, b->scores, b->count, target, sizeof *a->scores);
    level_array(a->refs, a->count, b->refs, b->count, target, sizeof *a->refs);
    b->count = a->count + b->count - target;
    a->count = target;
}

void btree_inner_level(struct btree_inner *a, struct btree_inner *b, uint32_t target)
{
    level_array(a->scores, a->count, b->scores, b->count, target, sizeof *a->scores);
    level_array(a->links, a->count, b->links, b->count, target, sizeof *a->links);
    b->count = a->count + b->count - target;
    a->count = target;
}

void btree_leaf_put(struct btree_leaf *leaf, uint32_t slot, double score, arena_ref member)
{
    open_slot(leaf->scores, leaf->count, slot, sizeof *leaf->scores);
    open_slot(leaf->refs, leaf->count, slot, sizeof *leaf->refs);
    leaf->scores[slot] = score;
    leaf->refs[slot] = member;
    leaf->count++;
}

void btree_leaf_take(struct btree_leaf *leaf, uint32_t slot)
{
    close_slot(leaf->scores, leaf->count, slot, sizeof *leaf->scores);
    close_slot(leaf->refs, leaf->count, slot, sizeof *leaf->refs);
    leaf->count--;
}

/* ---- nodes ---- */

arena_ref btree_leaf_new(struct btree *tree, struct btree_leaf **leaf)
{
    arena_ref ref = arena_alloc(tree->arena, sizeof **leaf);
    *leaf = arena_at(tree->arena, ref);
    (*leaf)->count = (*leaf)->previous = (*leaf)->next = (*leaf)->unused = 0;
    tree->leaves++;
    return ref;
}

arena_ref btree_inner_new(struct btree *tree, struct btree_inner **node)
{
    arena_ref ref = arena_alloc(tree->arena, sizeof **node);
    *node = arena_at(tree->arena, ref);
    (*node)->count = 0;
    tree->inners++;
    return ref;
}

void btree_node_free(struct btree *tree, arena_ref ref, bool is_leaf)
{
    arena_release(tree->arena, ref, is_leaf ? sizeof(struct btree_leaf) : sizeof(struct btree_inner));
    *(is_leaf ? &tree->leaves : &tree->inners) -= 1;
}

void btree_leaf_unlink(struct btree *tree, const struct btree_leaf *leaf)
{
    if (leaf->previous)
        ((struct btree_leaf *)arena_at(tree->arena, leaf->previous))->next = leaf->next;
    if (leaf->next)
        ((struct btree_leaf *)arena_at(tree->arena, leaf->next))->previous = leaf->previous;
}

void btree_settle_key(const struct btree *tree, struct btree_inner *node, uint32_t i, bool leaf_below)
{
    const void *child = arena_at(tree->arena, node->links[i].child);
    struct btree_keys keys = leaf_below ? btree_leaf_keys(child) : btree_inner_keys(child);
    node->scores[i] = keys.scores[0];
    node->links[i].first = keys.refs[0];
}

void btree_settle_child(const struct btree *tree, struct btree_inner *node, uint32_t i, bool leaf_below)
{
    const struct btree_inner *inner = arena_at(tree->arena, node->links[i].child);
    uint32_t count = 0;
    btree_settle_key(tree, node, i, leaf_below);
    if (leaf_below)
        count = btree_node_count(tree, node->links[i].child);
    else
        for (uint32_t k = 0; k < inner->count; k++)
            count += inner->links[k].count;
    node->links[i].count = count;
}

void btree_inner_put(const struct btree *tree, struct btree_inner *node, uint32_t at, arena_ref child, bool leaf_below)
{
    open_slot(node->scores, node->count, at, sizeof *node->scores);
    open_slot(node->links, node->count, at, sizeof *node->links);
    node->links[at].child = child;
    node->count++;
    btree_settle_child(tree, node, at, leaf_below);
}

void btree_inner_take(struct btree_inner *node, uint32_t at)
{
    close_slot(node->scores, node->count, at, sizeof *node->scores);
    close_slot(node->links, node->count, at, sizeof *node->links);
    node->count--;
}
