/* SPDX-License-Identifier: MIT
 * btree: a counted B+ tree of (score, member) in the order of scores, then of the members' bytes; the order of large sorted
 * sets. Nodes live in the arena and are named by 32 bits.
 *
 *      inner:  | count | scores[63] | {first member, child, entries below}[63] |     key i = the first key below child i
 *                                                       |
 *      leaf:   | count | previous next | scores[52] | refs[52] |               <-> neighbours, in order
 *
 * 1. Keys of inner nodes are exact: each is the first key of its child, at any time; so each names a living member.
 * 2. Leaves are at one depth. A node below a quarter full is balanced with a neighbour under the same parent when it loses an
 *    entry, an empty one goes; a root with one child gives way to it. Only nodes at the right edge, where rising keys are
 *    appended without splitting full nodes in half, may be small without having lost anything.
 * 3. Scores are compared where they lie; a member's bytes are only touched among equal scores.
 *
 * A member is an arena object that begins as struct btree_member; who allocates it puts it in and takes it out, and keeps it
 * alive meanwhile. The tree is not told of its score: callers pass scores. */
#ifndef LOCUS_KEYSPACE_BTREE_H
#define LOCUS_KEYSPACE_BTREE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/slice.h"
#include "services/keyspace/arena.h"

#define BTREE_LEAF_MAX 52  /* 16 + 52 * 12 = 640 bytes: ten cache lines */
#define BTREE_INNER_MAX 63 /* 16 + 63 * 20 = 1276 bytes: twenty lines */
#define BTREE_HEIGHT_MAX 12 /* 13 * 15^8 > 2^32: eight levels hold what the arena can name; the right edge may add a few */

#define BTREE_MEMBER_OUTSIDE (UINT32_C(1) << 31)

struct btree_member {
    double score;
    uint32_t size; /* of the bytes; with BTREE_MEMBER_OUTSIDE they are a pointer to a block of that many */
    char bytes[];
};

struct btree_leaf {
    uint32_t count;
    arena_ref previous; /* 0 at the ends */
    arena_ref next;
    uint32_t unused;
    double scores[BTREE_LEAF_MAX];
    arena_ref refs[BTREE_LEAF_MAX];
};

struct btree {
    struct arena *arena; /* Borrowed */
    arena_ref root;      /* 0 when empty */
    uint32_t height;     /* inner levels above the leaves */
    uint64_t count;      /* entries */
    uint64_t leaves;     /* nodes of each kind */
    uint64_t inners;
};

static inline struct slice btree_member_text(const struct btree_member *member)
{
    if (!(member->size & BTREE_MEMBER_OUTSIDE))
        return slice_of(member->bytes, member->size);
    char *block;
    memcpy(&block, member->bytes, sizeof block);
    return slice_of(block, member->size & ~BTREE_MEMBER_OUTSIDE);
}

void btree_init(struct btree *tree, struct arena *arena);
void btree_deinit(struct btree *tree); /* the nodes; members are the caller's */
size_t btree_memory(const struct btree *tree);

void btree_insert(struct btree *tree, double score, arena_ref member);  /* a member that is not in it */
void btree_remove(struct btree *tree, double score, arena_ref member);  /* one that is, under that score */
void btree_update(struct btree *tree, double score, arena_ref member, double new_score);

/* Bring the leaf where an entry with that score belongs towards the cache: while the caller still looks for the member. */
void btree_prefetch(const struct btree *tree, double score);

/* Entries before a member that is in the tree, before (or, with `after`, up to) a score, before a text when all scores are
 * equal (else: some number up to the count). */
uint64_t btree_rank(const struct btree *tree, double score, arena_ref member);
uint64_t btree_rank_of_score(const struct btree *tree, double score, bool after);
uint64_t btree_rank_of_text(const struct btree *tree, struct slice text, bool after);

/* The leaf and slot of a rank below count. */
const struct btree_leaf *btree_seek(const struct btree *tree, uint64_t rank, uint32_t *slot);

static inline const struct btree_leaf *btree_leaf_at(const struct btree *tree, arena_ref ref)
{
    return ref ? arena_at(tree->arena, ref) : NULL;
}

#endif
