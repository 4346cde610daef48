/* SPDX-License-Identifier: MIT
 * btree: see btree.h. Every change walks down once, remembering its path, changes one leaf, and walks the path back up to
 * settle counts, keys and what split or shrank. Nodes split, merge and share by one operation: btree_leaf_level and
 * btree_inner_level, which move entries between two neighbours until the left one has a given number. */
#include "services/keyspace/btree.h"

#include "kernel/prefetch.h"

#include <assert.h>

#include "services/keyspace/btree_node.h"

enum { LEAF_MIN = BTREE_LEAF_MAX / 4, INNER_MIN = BTREE_INNER_MAX / 4 };

/* The way from the root to a leaf. */
struct step {
    struct btree_inner *node;
    uint32_t child;
    bool edge; /* node is the last one of its level */
};

struct path {
    struct step steps[BTREE_HEIGHT_MAX];
    struct btree_leaf *leaf;
};

/* ---- the way down ---- */

static struct btree_bound entry_bound(const struct btree *tree, double score, arena_ref member)
{
    return (struct btree_bound){.kind = BOUND_ENTRY, .score = score, .text = btree_text(tree, member)};
}

/* A change touches most lines of a leaf: have them come at once. */
static void prefetch_leaf(const struct btree_leaf *leaf)
{
    for (size_t line = 0; line < sizeof *leaf; line += 64)
        prefetch((const char *)leaf + line);
}

/* To the leaf where the bound belongs. `member` (0: none) may itself be a key of inner nodes: then it is below that key. */
static void descend(const struct btree *tree, const struct btree_bound *bound, arena_ref member, struct path *path)
{
    arena_ref at = tree->root;
    bool edge = true;
    for (uint32_t level = 0; level < tree->height; level++) {
        struct btree_inner *node = arena_at(tree->arena, at);
        uint32_t child = btree_keys_before(tree, btree_inner_keys(node), bound);
        if (child > 0 && !(member && child < node->count && node->links[child].first == member))
            child--;
        path->steps[level] = (struct step){node, child, edge};
        edge = edge && child == node->count - 1;
        at = node->links[child].child;
    }
    path->leaf = arena_at(tree->arena, at);
    prefetch_leaf(path->leaf);
}

void btree_prefetch(const struct btree *tree, double score)
{
    struct path path;
    struct btree_bound bound = {.kind = BOUND_SCORE, .score = score};
    if (tree->root)
        descend(tree, &bound, 0, &path);
}

/* ---- the whole ---- */

void btree_init(struct btree *tree, struct arena *arena)
{
    *tree = (struct btree){.arena = arena};
}

static void free_below(struct btree *tree, arena_ref ref, uint32_t height)
{
    const struct btree_inner *node = arena_at(tree->arena, ref);
    for (uint32_t i = 0; height > 0 && i < node->count; i++)
        free_below(tree, node->links[i].child, height - 1);
    btree_node_free(tree, ref, height == 0);
}

void btree_deinit(struct btree *tree)
{
    if (tree->root)
        free_below(tree, tree->root, tree->height);
    *tree = (struct btree){.arena = tree->arena};
}

size_t btree_memory(const struct btree *tree)
{
    return tree->leaves * arena_rounded(sizeof(struct btree_leaf)) + tree->inners * arena_rounded(sizeof(struct btree_inner));
}

/* ---- insertion ---- */

/* Put the new entry into a full leaf's half, or beside a full leaf at either edge. Returns the new right neighbour. */
static arena_ref leaf_split(struct btree *tree, struct btree_leaf *leaf, uint32_t slot, double score, arena_ref member)
{
    struct btree_leaf *right;
    arena_ref ref = btree_leaf_new(tree, &right);
    uint32_t keep = BTREE_LEAF_MAX / 2;
    if (!leaf->next && slot == leaf->count)
        keep = leaf->count;
    else if (!leaf->previous && slot == 0)
        keep = 0;
    right->next = leaf->next;
    right->previous = arena_ref_of(tree->arena, leaf);
    if (right->next)
        ((struct btree_leaf *)arena_at(tree->arena, right->next))->previous = ref;
    leaf->next = ref;
    btree_leaf_level(leaf, right, keep);
    if (slot > keep || keep == BTREE_LEAF_MAX)
        btree_leaf_put(right, slot - keep, score, member);
    else
        btree_leaf_put(leaf, slot, score, member);
    return ref;
}

/* Take in a new child behind the one that the path goes through. Returns the node's new right neighbour, 0 when it has none. */
static arena_ref inner_add(struct btree *tree, const struct step *step, arena_ref child, bool leaf_below)
{
    struct btree_inner *node = step->node, *right;
    uint32_t at = step->child + 1;
    if (node->count < BTREE_INNER_MAX) {
        btree_inner_put(tree, node, at, child, leaf_below);
        return 0;
    }
    arena_ref ref = btree_inner_new(tree, &right);
    uint32_t keep = step->edge && at == node->count ? node->count : BTREE_INNER_MAX / 2;
    btree_inner_level(node, right, keep);
    if (at > keep || keep == BTREE_INNER_MAX)
        btree_inner_put(tree, right, at - keep, child, leaf_below);
    else
        btree_inner_put(tree, node, at, child, leaf_below);
    return ref;
}

static void add_root(struct btree *tree, arena_ref right)
{
    struct btree_inner *root;
    arena_ref ref = btree_inner_new(tree, &root);
    assert(tree->height < BTREE_HEIGHT_MAX);
    btree_inner_put(tree, root, 0, tree->root, tree->height == 0);
    btree_inner_put(tree, root, 1, right, tree->height == 0);
    tree->root = ref;
    tree->height++;
}

static void insert_at(struct btree *tree, struct path *path, uint32_t slot, double score, arena_ref member)
{
    arena_ref added = 0;
    bool first = slot == 0; /* the first key below changed */
    if (path->leaf->count < BTREE_LEAF_MAX)
        btree_leaf_put(path->leaf, slot, score, member);
    else
        added = leaf_split(tree, path->leaf, slot, score, member);
    for (uint32_t level = tree->height; level-- > 0;) {
        struct step *step = &path->steps[level];
        bool leaf_below = level == tree->height - 1;
        if (added) {
            btree_settle_child(tree, step->node, step->child, leaf_below);
            added = inner_add(tree, step, added, leaf_below);
        } else {
            if (first)
                btree_settle_key(tree, step->node, step->child, leaf_below);
            step->node->links[step->child].count++;
        }
        first = first && step->child == 0;
    }
    if (added)
        add_root(tree, added);
    tree->count++;
}

void btree_insert(struct btree *tree, double score, arena_ref member)
{
    struct path path;
    struct btree_leaf *leaf;
    if (!tree->root)
        tree->root = btree_leaf_new(tree, &leaf);
    struct btree_bound bound = entry_bound(tree, score, member);
    descend(tree, &bound, 0, &path);
    leaf = path.leaf;
    insert_at(tree, &path, btree_keys_before(tree, btree_leaf_keys(leaf), &bound), score, member);
}

/* ---- removal ---- */

/* Child i has become small: merge it with a neighbour, or share with one that is too full for that. */
static void balance(struct btree *tree, struct btree_inner *node, uint32_t i, bool leaf_below)
{
    uint32_t left = i + 1 < node->count ? i : i - 1;
    arena_ref a = node->links[left].child, b = node->links[left + 1].child;
    uint32_t total = btree_node_count(tree, a) + btree_node_count(tree, b);
    uint32_t max = leaf_below ? BTREE_LEAF_MAX : BTREE_INNER_MAX;
    bool merge = total <= max / 4 * 3;
    uint32_t target = merge ? total : total / 2;
    if (leaf_below)
        btree_leaf_level(arena_at(tree->arena, a), arena_at(tree->arena, b), target);
    else
        btree_inner_level(arena_at(tree->arena, a), arena_at(tree->arena, b), target);
    btree_settle_child(tree, node, left, leaf_below);
    if (!merge) {
        btree_settle_child(tree, node, left + 1, leaf_below);
        return;
    }
    if (leaf_below)
        btree_leaf_unlink(tree, arena_at(tree->arena, b));
    btree_inner_take(node, left + 1);
    btree_node_free(tree, b, leaf_below);
}

/* An entry is gone from below child i; the child's first one, too, when `first`. */
static void settle_removal(struct btree *tree, struct btree_inner *node, uint32_t i, bool first, bool leaf_below)
{
    arena_ref child = node->links[i].child;
    uint32_t count = btree_node_count(tree, child);
    node->links[i].count--;
    if (count == 0) {
        if (leaf_below)
            btree_leaf_unlink(tree, arena_at(tree->arena, child));
        btree_inner_take(node, i);
        btree_node_free(tree, child, leaf_below);
        return;
    }
    if (first)
        btree_settle_key(tree, node, i, leaf_below);
    if (count < (leaf_below ? (uint32_t)LEAF_MIN : (uint32_t)INNER_MIN) && node->count > 1)
        balance(tree, node, i, leaf_below);
}

static void shrink_root(struct btree *tree)
{
    while (tree->height > 0 && btree_node_count(tree, tree->root) == 1) {
        arena_ref old = tree->root;
        tree->root = ((struct btree_inner *)arena_at(tree->arena, old))->links[0].child;
        btree_node_free(tree, old, false);
        tree->height--;
    }
    if (btree_node_count(tree, tree->root) == 0) {
        btree_node_free(tree, tree->root, tree->height == 0);
        tree->root = 0;
        tree->height = 0;
    }
}

static void remove_at(struct btree *tree, struct path *path, uint32_t slot)
{
    bool first = slot == 0;
    btree_leaf_take(path->leaf, slot);
    for (uint32_t level = tree->height; level-- > 0;) {
        const struct step *step = &path->steps[level];
        settle_removal(tree, step->node, step->child, first, level == tree->height - 1);
        first = first && step->child == 0;
    }
    tree->count--;
    shrink_root(tree);
}

void btree_remove(struct btree *tree, double score, arena_ref member)
{
    struct path path;
    struct btree_bound bound = entry_bound(tree, score, member);
    descend(tree, &bound, member, &path);
    remove_at(tree, &path, btree_slot_of(path.leaf, score, member));
}

/* ---- a new score ---- */

/* Does every entry with this score belong into this leaf? Equal scores at its edges leave it open, then no. */
static bool leaf_spans(const struct btree_leaf *leaf, double score)
{
    return (!leaf->previous || score > leaf->scores[0]) && (!leaf->next || score < leaf->scores[leaf->count - 1]);
}

void btree_update(struct btree *tree, double score, arena_ref member, double new_score)
{
    struct path path;
    struct btree_bound bound = entry_bound(tree, score, member);
    descend(tree, &bound, member, &path);
    struct btree_leaf *leaf = path.leaf;
    uint32_t slot = btree_slot_of(leaf, score, member);
    if (!leaf_spans(leaf, new_score)) {
        remove_at(tree, &path, slot);
        btree_insert(tree, new_score, member);
        return;
    }
    btree_leaf_take(leaf, slot);
    bound.score = new_score;
    btree_leaf_put(leaf, btree_keys_before(tree, btree_leaf_keys(leaf), &bound), new_score, member);
    for (uint32_t level = tree->height; level-- > 0;)
        btree_settle_key(tree, path.steps[level].node, path.steps[level].child, level == tree->height - 1);
}

/* ---- ranks ---- */

static uint64_t rank_of(const struct btree *tree, const struct btree_bound *bound, arena_ref member)
{
    struct path path;
    uint64_t rank = 0;
    if (!tree->root)
        return 0;
    descend(tree, bound, member, &path);
    for (uint32_t level = 0; level < tree->height; level++)
        for (uint32_t i = 0; i < path.steps[level].child; i++)
            rank += path.steps[level].node->links[i].count;
    if (member)
        return rank + btree_slot_of(path.leaf, bound->score, member);
    return rank + btree_keys_before(tree, btree_leaf_keys(path.leaf), bound);
}

uint64_t btree_rank(const struct btree *tree, double score, arena_ref member)
{
    struct btree_bound bound = entry_bound(tree, score, member);
    return rank_of(tree, &bound, member);
}

uint64_t btree_rank_of_score(const struct btree *tree, double score, bool after)
{
    struct btree_bound bound = {.kind = BOUND_SCORE, .score = score, .after = after};
    return rank_of(tree, &bound, 0);
}

uint64_t btree_rank_of_text(const struct btree *tree, struct slice text, bool after)
{
    struct btree_bound bound = {.kind = BOUND_TEXT, .text = text, .after = after};
    return rank_of(tree, &bound, 0);
}

const struct btree_leaf *btree_seek(const struct btree *tree, uint64_t rank, uint32_t *slot)
{
    assert(rank < tree->count);
    arena_ref at = tree->root;
    for (uint32_t level = 0; level < tree->height; level++) {
        const struct btree_inner *node = arena_at(tree->arena, at);
        uint32_t child = 0;
        while (rank >= node->links[child].count)
            rank -= node->links[child++].count;
        at = node->links[child].child;
    }
    *slot = (uint32_t)rank;
    return arena_at(tree->arena, at);
}
