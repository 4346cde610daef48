/* SPDX-License-Identifier: MIT
 * btree_node: one node of the tree drawn in btree.h: searching it, putting in, taking out, and levelling two neighbours. Only
 * btree.c uses it; paths, splits and balance are its business.
 *
 * A node with a parent has its first key there too. Functions that change a node do not know the parent: btree_settle_key and
 * btree_settle_child bring it up to date, from the lowest level up. */
#ifndef LOCUS_KEYSPACE_BTREE_NODE_H
#define LOCUS_KEYSPACE_BTREE_NODE_H

#include "services/keyspace/btree.h"

/* What a search through the scores leads to, together in one cache line. */
struct btree_link {
    arena_ref first; /* the member of the child's first entry: the key, with scores[i] */
    arena_ref child;
    uint32_t count;  /* entries below the child */
};

struct btree_inner {
    uint32_t count;  /* children */
    uint32_t unused[3];
    double scores[BTREE_INNER_MAX];
    struct btree_link links[BTREE_INNER_MAX];
};

/* The keys of a node of either kind. */
struct btree_keys {
    const double *scores;
    const arena_ref *refs;
    uint32_t stride; /* references from one key's to the next one's */
    uint32_t count;
};

static inline struct btree_keys btree_leaf_keys(const struct btree_leaf *leaf)
{
    return (struct btree_keys){leaf->scores, leaf->refs, 1, leaf->count};
}

static inline struct btree_keys btree_inner_keys(const struct btree_inner *node)
{
    return (struct btree_keys){node->scores, &node->links[0].first, sizeof(struct btree_link) / sizeof(arena_ref), node->count};
}

/* What entries are compared with. */
struct btree_bound {
    enum { BOUND_ENTRY, BOUND_SCORE, BOUND_TEXT } kind;
    double score;      /* not for texts */
    struct slice text; /* not for scores */
    bool after;        /* not for entries: equal ones count as before */
};

static inline struct slice btree_text(const struct btree *tree, arena_ref ref)
{
    return btree_member_text(arena_at(tree->arena, ref));
}

/* How many of a node's keys come before the bound. */
uint32_t btree_keys_before(const struct btree *tree, struct btree_keys keys, const struct btree_bound *bound);

/* The slot of a member that is in this leaf under that score; no text is read. */
uint32_t btree_slot_of(const struct btree_leaf *leaf, double score, arena_ref member);

/* New empty nodes; a reference and where it is. */
arena_ref btree_leaf_new(struct btree *tree, struct btree_leaf **leaf);
arena_ref btree_inner_new(struct btree *tree, struct btree_inner **node);
void btree_node_free(struct btree *tree, arena_ref ref, bool is_leaf);

/* Take a leaf out of the chain of neighbours. */
void btree_leaf_unlink(struct btree *tree, const struct btree_leaf *leaf);

/* Entries of a leaf, or children of an inner node: both begin with their count. */
static inline uint32_t btree_node_count(const struct btree *tree, arena_ref ref)
{
    return *(const uint32_t *)arena_at(tree->arena, ref);
}

/* Open and fill, or close, one slot; the caller has seen that there is room. */
void btree_leaf_put(struct btree_leaf *leaf, uint32_t slot, double score, arena_ref member);
void btree_leaf_take(struct btree_leaf *leaf, uint32_t slot);
void btree_inner_put(const struct btree *tree, struct btree_inner *node, uint32_t at, arena_ref child, bool leaf_below); /* settled */
void btree_inner_take(struct btree_inner *node, uint32_t at);

/* Move entries between the end of `a` and the beginning of `b`, its right neighbour, until `a` has `target`. */
void btree_leaf_level(struct btree_leaf *a, struct btree_leaf *b, uint32_t target);
void btree_inner_level(struct btree_inner *a, struct btree_inner *b, uint32_t target);

/* Make key i of a node what its child says: after the child's first entry may have changed. */
void btree_settle_key(const struct btree *tree, struct btree_inner *node, uint32_t i, bool leaf_below);

/* The same for its count too: after entries went in or out of the child in bulk. */
void btree_settle_child(const struct btree *tree, struct btree_inner *node, uint32_t i, bool leaf_below);

#endif
