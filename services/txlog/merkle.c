/* SPDX-License-Identifier: MIT
 * merkle: see merkle.h. The low-level SHA-256 calls of OpenSSL are used on purpose: for messages of one or two blocks the
 * EVP interface spends more on finding the implementation than on hashing, and this runs once or twice per record. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "services/txlog/merkle.h"

#include <assert.h>
#include <openssl/sha.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define WRITTEN_BY_LIBRARY(hash) __msan_unpoison(hash, sizeof *(hash)) /* OpenSSL is not instrumented */
#endif
#endif
#ifndef WRITTEN_BY_LIBRARY
#define WRITTEN_BY_LIBRARY(hash) (void)(hash)
#endif

void merkle_sha256(const struct merkle_part *parts, int count, struct merkle_hash *hash)
{
    SHA256_CTX sha;
    SHA256_Init(&sha);
    for (int i = 0; i < count; i++)
        SHA256_Update(&sha, parts[i].bytes, parts[i].size);
    SHA256_Final(hash->bytes, &sha);
    WRITTEN_BY_LIBRARY(hash);
}

static void hash_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *node)
{
    uint8_t bytes[1 + 2 * sizeof left->bytes] = {1};
    __builtin_memcpy(bytes + 1, left->bytes, sizeof left->bytes);
    __builtin_memcpy(bytes + 1 + sizeof left->bytes, right->bytes, sizeof right->bytes);
    struct merkle_part part = {bytes, sizeof bytes};
    merkle_sha256(&part, 1, node);
}

void merkle_init(struct merkle *tree)
{
    tree->size = 0;
    tree->depth = 0;
}

void merkle_add(struct merkle *tree, const struct merkle_hash *leaf)
{
    struct merkle_hash node = *leaf;
    for (uint64_t n = tree->size; n & 1; n >>= 1) {
        assert(tree->depth > 0);
        hash_node(&tree->frontier[--tree->depth], &node, &node);
    }
    assert(tree->depth < MERKLE_LEVELS);
    tree->frontier[tree->depth++] = node;
    tree->size++;
    assert(tree->depth == (uint32_t)__builtin_popcountll(tree->size));
}

void merkle_root(const struct merkle *tree, struct merkle_hash *root)
{
    if (tree->size == 0) {
        merkle_sha256(NULL, 0, root);
        return;
    }
    *root = tree->frontier[tree->depth - 1];
    for (uint32_t i = tree->depth - 1; i > 0; i--)
        hash_node(&tree->frontier[i - 1], root, root);
}
