/* SPDX-License-Identifier: MIT
 * merkle: an append-only Merkle tree as RFC 6962 defines it, kept as its frontier.
 *
 *   leaf  = SHA-256(0x00 | data)      node = SHA-256(0x01 | left | right)
 *
 * After n leaves the frontier holds the roots of the perfect subtrees that n's binary digits name, the largest first:
 *
 *   n = 6 = 110b:   [ root of leaves 0..3 ] [ root of leaves 4..5 ]
 *
 * Adding a leaf merges as many equal subtrees as n has trailing ones; the root folds the frontier from its right end. */
#ifndef LOCUS_TXLOG_MERKLE_H
#define LOCUS_TXLOG_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#define MERKLE_LEVELS 64 /* 2^64 leaves */

struct merkle_hash {
    uint8_t bytes[32];
};

struct merkle {
    uint64_t size;  /* leaves */
    uint32_t depth; /* nodes in the frontier: the ones among size's binary digits */
    struct merkle_hash frontier[MERKLE_LEVELS];
};

/* One piece of what is hashed as a whole. */
struct merkle_part {
    const void *bytes;
    size_t size;
};
void merkle_sha256(const struct merkle_part *parts, int count, struct merkle_hash *hash);

void merkle_init(struct merkle *tree);
void merkle_add(struct merkle *tree, const struct merkle_hash *leaf);
/* The tree's root; SHA-256 of nothing when it is empty. */
void merkle_root(const struct merkle *tree, struct merkle_hash *root);

#endif
