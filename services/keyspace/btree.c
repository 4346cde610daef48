/* SPDX-License-Identifier: MIT
 * btree: see btree.h. Every change walks down once, remembering its path, changes one leaf, and walks the path back up to
 * settle counts, keys and what split or shrank. Nodes split, merge and share by one operation: leaf_level and inner_level, which
 * move entries between two neighbours until the left one has a given number. */
#include "services/keyspace/btree.h"

#include <assert.h>

/* What a search through the scores leads to, together in one cache line. */
struct link {
    arena_ref first; /* the member of the child's first entry: the key, with scores[i] */
    arena_ref child;
    uint32_t count;  /* entries below the child */
};

struct inner {
    uint32_t count;  /* children */
    uint32_t unused[3];
    double scores[BTREE_INNER_MAX];
    struct link links[BTREE_INNER_MAX];
};

enum { LEAF_MIN = BTREE_LEAF_MAX / 4, INNER_MIN = BTREE_INNER_MAX / 4 };

/* The way from the root to a leaf. */
struct step {
    struct inner *node;
    uint32_t child;
    bool edge; /* node is the last one of its level */
};

struct path {
    struct step steps[BTREE_HEIGHT_MAX];
    struct btree_leaf *leaf;
};

/* ---- searching one node ---- */

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

static struct slice text_of(const struct btree *tree, arena_ref ref)
{
    return btree_member_text(arena_at(tree->arena, ref));
}

/* The keys of a node of either kind. */
struct keys {
    const double *scores;
    const arena_ref *refs;
    uint32_t stride; /* references from one key's to the next one's */
    uint32_t count;
};

static struct keys leaf_keys(const struct btree_leaf *leaf)
{
    return (struct keys){leaf->scores, leaf->refs, 1, leaf->count};
}

static struct keys inner_keys(const struct inner *node)
{
    return (struct keys){node->scores, &node->links[0].first, sizeof(struct link) / sizeof(arena_ref), node->count};
}

/* Where `text` belongs among the keys from low to high, which ascend: behind those lower (with `after`, or equal). */
static uint32_t place_text(const struct btree *tree, const struct keys *keys, uint32_t low, uint32_t high, struct slice text,
                           bool after)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = slice_compare(text_of(tree, keys->refs[middle * keys->stride]), text);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What entries are compared with. */
struct bound {
    enum { BOUND_ENTRY, BOUND_SCORE, BOUND_TEXT } kind;
    double score;      /* not for texts */
    struct slice text; /* not for scores */
    bool after;        /* not for entries: equal ones count as before */
};

/* How many of a node's keys come before the bound. */
static uint32_t keys_before(const struct btree *tree, struct keys keys, const struct bound *bound)
{
    if (bound->kind == BOUND_TEXT)
        return place_text(tree, &keys, 0, keys.count, bound->text, bound->after);
    uint32_t low = scores_below(keys.scores, keys.count, bound->score);
    uint32_t high = scores_up_to(keys.scores, keys.count, low, bound->score);
    if (bound->kind == BOUND_SCORE)
        return bound->after ? high : low;
    return place_text(tree, &keys, low, high, bound->text, false);
}

static struct bound entry_bound(const struct btree *tree, double score, arena_ref member)
{
    return (struct bound){.kind = BOUND_ENTRY, .score = score, .text = text_of(tree, member)};
}

/* ---- the way down ---- */

/* A search touches several lines of a node, one after the other: have them come at once. */
static void prefetch_node(const void *node, size_t size)
{
    for (size_t line = 0; line < size; line += 64)
        __builtin_prefetch((const char *)node + line);
}

/* To the leaf where the bound belongs. `member` (0: none) may itself be a key of inner nodes: then it is below that key. */
static void descend(const struct btree *tree, const struct bound *bound, arena_ref member, struct path *path)
{
    arena_ref at = tree->root;
    bool edge = true;
    for (uint32_t level = 0; level < tree->height; level++) {
        struct inner *node = arena_at(tree->arena, at);
        prefetch_node(node, offsetof(struct inner, links));
        uint32_t child = keys_before(tree, inner_keys(node), bound);
        if (child > 0 && !(member && child < node->count && node->links[child].first == member))
            child--;
        path->steps[level] = (struct step){node, child, edge};
        edge = edge && child == node->count - 1;
        at = node->links[child].child;
    }
    path->leaf = arena_at(tree->arena, at);
    prefetch_node(path->leaf, sizeof *path->leaf);
}

void btree_prefetch(const struct btree *tree, double score)
{
    struct path path;
    struct bound bound = {.kind = BOUND_SCORE, .score = score};
    if (tree->root)
        descend(tree, &bound, 0, &path);
}

/* The slot of a member that is in this leaf; no text is read. */
static uint32_t slot_of(const struct btree_leaf *leaf, double score, arena_ref member)
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

static void leaf_level(struct btree_leaf *a, struct btree_leaf *b, uint32_t target)
{
    level_array(a->scores, a->count, b->scores, b->count, target, sizeof *a->scores);
    level_array(a->refs, a->count, b->refs, b->count, target, sizeof *a->refs);
    b->count = a->count + b->count - target;
    a->count = target;
}

static void inner_level(struct inner *a, struct inner *b, uint32_t target)
{
    level_array(a->scores, a->count, b->scores, b->count, target, sizeof *a->scores);
    level_array(a->links, a->count, b->links, b->count, target, sizeof *a->links);
    b->count = a->count + b->count - target;
    a->count = target;
}

static void leaf_put(struct btree_leaf *leaf, uint32_t slot, double score, arena_ref member)
{
    open_slot(leaf->scores, leaf->count, slot, sizeof *leaf->scores);
    open_slot(leaf->refs, leaf->count, slot, sizeof *leaf->refs);
    leaf->scores[slot] = score;
    leaf->refs[slot] = member;
    leaf->count++;
}

static void leaf_take(struct btree_leaf *leaf, uint32_t slot)
{
    close_slot(leaf->scores, leaf->count, slot, sizeof *leaf->scores);
    close_slot(leaf->refs, leaf->count, slot, sizeof *leaf->refs);
    leaf->count--;
}

/* ---- nodes ---- */

static arena_ref leaf_new(struct btree *tree, struct btree_leaf **leaf)
{
    arena_ref ref = arena_alloc(tree->arena, sizeof **leaf);
    *leaf = arena_at(tree->arena, ref);
    (*leaf)->count = (*leaf)->previous = (*leaf)->next = (*leaf)->unused = 0;
    tree->leaves++;
    return ref;
}

static arena_ref inner_new(struct btree *tree, struct inner **node)
{
    arena_ref ref = arena_alloc(tree->arena, sizeof **node);
    *node = arena_at(tree->arena, ref);
    (*node)->count = 0;
    tree->inners++;
    return ref;
}

static void node_free(struct btree *tree, arena_ref ref, bool is_leaf)
{
    arena_release(tree->arena, ref, is_leaf ? sizeof(struct btree_leaf) : sizeof(struct inner));
    *(is_leaf ? &tree->leaves : &tree->inners) -= 1;
}

static void leaf_unlink(struct btree *tree, const struct btree_leaf *leaf)
{
    if (leaf->previous)
        ((struct btree_leaf *)arena_at(tree->arena, leaf->previous))->next = leaf->next;
    if (leaf->next)
        ((struct btree_leaf *)arena_at(tree->arena, leaf->next))->previous = leaf->previous;
}

/* Both kinds of node begin with their count. */
static uint32_t node_count(const struct btree *tree, arena_ref ref)
{
    return *(const uint32_t *)arena_at(tree->arena, ref);
}

/* Make key i of a node what its child says: after the child's first entry may have changed. */
static void settle_key(const struct btree *tree, struct inner *node, uint32_t i, bool leaf_below)
{
    const void *child = arena_at(tree->arena, node->links[i].child);
    struct keys keys = leaf_below ? leaf_keys(child) : inner_keys(child);
    node->scores[i] = keys.scores[0];
    node->links[i].first = keys.refs[0];
}

/* The same for its count too: after entries went in or out of the child in bulk. */
static void settle_child(const struct btree *tree, struct inner *node, uint32_t i, bool leaf_below)
{
    const struct inner *inner = arena_at(tree->arena, node->links[i].child);
    uint32_t count = 0;
    settle_key(tree, node, i, leaf_below);
    if (leaf_below)
        count = node_count(tree, node->links[i].child);
    else
        for (uint32_t k = 0; k < inner->count; k++)
            count += inner->links[k].count;
    node->links[i].count = count;
}

static void inner_put(const struct btree *tree, struct inner *node, uint32_t at, arena_ref child, bool leaf_below)
{
    open_slot(node->scores, node->count, at, sizeof *node->scores);
    open_slot(node->links, node->count, at, sizeof *node->links);
    node->links[at].child = child;
    node->count++;
    settle_child(tree, node, at, leaf_below);
}

static void inner_take(struct inner *node, uint32_t at)
{
    close_slot(node->scores, node->count, at, sizeof *node->scores);
    close_slot(node->links, node->count, at, sizeof *node->links);
    node->count--;
}

/* ---- the whole ---- */

void btree_init(struct btree *tree, struct arena *arena)
{
    *tree = (struct btree){.arena = arena};
}

static void free_below(struct btree *tree, arena_ref ref, uint32_t height)
{
    const struct inner *node = arena_at(tree->arena, ref);
    for (uint32_t i = 0; height > 0 && i < node->count; i++)
        free_below(tree, node->links[i].child, height - 1);
    node_free(tree, ref, height == 0);
}

void btree_deinit(struct btree *tree)
{
    if (tree->root)
        free_below(tree, tree->root, tree->height);
    *tree = (struct btree){.arena = tree->arena};
}

size_t btree_memory(const struct btree *tree)
{
    return tree->leaves * arena_rounded(sizeof(struct btree_leaf)) + tree->inners * arena_rounded(sizeof(struct inner));
}

/* ---- insertion ---- */

/* Put the new entry into a full leaf's half, or beside a full leaf at either edge. Returns the new right neighbour. */
static arena_ref leaf_split(struct btree *tree, struct btree_leaf *leaf, uint32_t slot, double score, arena_ref member)
{
    struct btree_leaf *right;
    arena_ref ref = leaf_new(tree, &right);
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
    leaf_level(leaf, right, keep);
    if (slot > keep || keep == BTREE_LEAF_MAX)
        leaf_put(right, slot - keep, score, member);
    else
        leaf_put(leaf, slot, score, member);
    return ref;
}

/* Take in a new child behind the one that the path goes through. Returns the node's new right neighbour, 0 when it has none. */
static arena_ref inner_add(struct btree *tree, const struct step *step, arena_ref child, bool leaf_below)
{
    struct inner *node = step->node, *right;
    uint32_t at = step->child + 1;
    if (node->count < BTREE_INNER_MAX) {
        inner_put(tree, node, at, child, leaf_below);
        return 0;
    }
    arena_ref ref = inner_new(tree, &right);
    uint32_t keep = step->edge && at == node->count ? node->count : BTREE_INNER_MAX / 2;
    inner_level(node, right, keep);
    if (at > keep || keep == BTREE_INNER_MAX)
        inner_put(tree, right, at - keep, child, leaf_below);
    else
        inner_put(tree, node, at, child, leaf_below);
    return ref;
}

static void add_root(struct btree *tree, arena_ref right)
{
    struct inner *root;
    arena_ref ref = inner_new(tree, &root);
    assert(tree->height < BTREE_HEIGHT_MAX);
    inner_put(tree, root, 0, tree->root, tree->height == 0);
    inner_put(tree, root, 1, right, tree->height == 0);
    tree->root = ref;
    tree->height++;
}

static void insert_at(struct btree *tree, struct path *path, uint32_t slot, double score, arena_ref member)
{
    arena_ref added = 0;
    bool first = slot == 0; /* the first key below changed */
    if (path->leaf->count < BTREE_LEAF_MAX)
        leaf_put(path->leaf, slot, score, member);
    else
        added = leaf_split(tree, path->leaf, slot, score, member);
    for (uint32_t level = tree->height; level-- > 0;) {
        struct step *step = &path->steps[level];
        bool leaf_below = level == tree->height - 1;
        if (added) {
            settle_child(tree, step->node, step->child, leaf_below);
            added = inner_add(tree, step, added, leaf_below);
        } else {
            if (first)
                settle_key(tree, step->node, step->child, leaf_below);
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
        tree->root = leaf_new(tree, &leaf);
    struct bound bound = entry_bound(tree, score, member);
    descend(tree, &bound, 0, &path);
    leaf = path.leaf;
    insert_at(tree, &path, keys_before(tree, leaf_keys(leaf), &bound), score, member);
}

/* ---- removal ---- */

/* Child i has become small: merge it with a neighbour, or share with one that is too full for that. */
static void balance(struct btree *tree, struct inner *node, uint32_t i, bool leaf_below)
{
    uint32_t left = i + 1 < node->count ? i : i - 1;
    arena_ref a = node->links[left].child, b = node->links[left + 1].child;
    uint32_t total = node_count(tree, a) + node_count(tree, b);
    uint32_t max = leaf_below ? BTREE_LEAF_MAX : BTREE_INNER_MAX;
    bool merge = total <= max / 4 * 3;
    uint32_t target = merge ? total : total / 2;
    if (leaf_below)
        leaf_level(arena_at(tree->arena, a), arena_at(tree->arena, b), target);
    else
        inner_level(arena_at(tree->arena, a), arena_at(tree->arena, b), target);
    settle_child(tree, node, left, leaf_below);
    if (!merge) {
        settle_child(tree, node, left + 1, leaf_below);
        return;
    }
    if (leaf_below)
        leaf_unlink(tree, arena_at(tree->arena, b));
    inner_take(node, left + 1);
    node_free(tree, b, leaf_below);
}

/* An entry is gone from below child i; the child's first one, too, when `first`. */
static void settle_removal(struct btree *tree, struct inner *node, uint32_t i, bool first, bool leaf_below)
{
    arena_ref child = node->links[i].child;
    uint32_t count = node_count(tree, child);
    node->links[i].count--;
    if (count == 0) {
        if (leaf_below)
            leaf_unlink(tree, arena_at(tree->arena, child));
        inner_take(node, i);
        node_free(tree, child, leaf_below);
        return;
    }
    if (first)
        settle_key(tree, node, i, leaf_below);
    if (count < (leaf_below ? (uint32_t)LEAF_MIN : (uint32_t)INNER_MIN) && node->count > 1)
        balance(tree, node, i, leaf_below);
}

static void shrink_root(struct btree *tree)
{
    while (tree->height > 0 && node_count(tree, tree->root) == 1) {
        arena_ref old = tree->root;
        tree->root = ((struct inner *)arena_at(tree->arena, old))->links[0].child;
        node_free(tree, old, false);
        tree->height--;
    }
    if (node_count(tree, tree->root) == 0) {
        node_free(tree, tree->root, tree->height == 0);
        tree->root = 0;
        tree->height = 0;
    }
}

static void remove_at(struct btree *tree, struct path *path, uint32_t slot)
{
    bool first = slot == 0;
    leaf_take(path->leaf, slot);
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
    struct bound bound = entry_bound(tree, score, member);
    descend(tree, &bound, member, &path);
    remove_at(tree, &path, slot_of(path.leaf, score, member));
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
    struct bound bound = entry_bound(tree, score, member);
    descend(tree, &bound, member, &path);
    struct btree_leaf *leaf = path.leaf;
    uint32_t slot = slot_of(leaf, score, member);
    if (!leaf_spans(leaf, new_score)) {
        remove_at(tree, &path, slot);
        btree_insert(tree, new_score, member);
        return;
    }
    leaf_take(leaf, slot);
    bound.score = new_score;
    leaf_put(leaf, keys_before(tree, leaf_keys(leaf), &bound), new_score, member);
    for (uint32_t level = tree->height; level-- > 0;)
        settle_key(tree, path.steps[level].node, path.steps[level].child, level == tree->height - 1);
}

/* ---- ranks ---- */

static uint64_t rank_of(const struct btree *tree, const struct bound *bound, arena_ref member)
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
        return rank + slot_of(path.leaf, bound->score, member);
    return rank + keys_before(tree, leaf_keys(path.leaf), bound);
}

uint64_t btree_rank(const struct btree *tree, double score, arena_ref member)
{
    struct bound bound = entry_bound(tree, score, member);
    return rank_of(tree, &bound, member);
}

uint64_t btree_rank_of_score(const struct btree *tree, double score, bool after)
{
    struct bound bound = {.kind = BOUND_SCORE, .score = score, .after = after};
    return rank_of(tree, &bound, 0);
}

uint64_t btree_rank_of_text(const struct btree *tree, struct slice text, bool after)
{
    struct bound bound = {.kind = BOUND_TEXT, .text = text, .after = after};
    return rank_of(tree, &bound, 0);
}

const struct btree_leaf *btree_seek(const struct btree *tree, uint64_t rank, uint32_t *slot)
{
    assert(rank < tree->count);
    arena_ref at = tree->root;
    for (uint32_t level = 0; level < tree->height; level++) {
        const struct inner *node = arena_at(tree->arena, at);
        uint32_t child = 0;
        while (rank >= node->links[child].count)
            rank -= node->links[child++].count;
        at = node->links[child].child;
    }
    *slot = (uint32_t)rank;
    return arena_at(tree->arena, at);
}
