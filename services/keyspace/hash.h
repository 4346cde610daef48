/* SPDX-License-Identifier: MIT
 * hash: fields with values, in positional order: a new field goes to the end. In the packed encoding ("listpack") a removal
 * closes the gap; in the large one ("hashtable") the last field fills it. The encoding never goes back and is part of what a snapshot
 * keeps, so order survives a restart. */
#ifndef LOCUS_KEYSPACE_HASH_H
#define LOCUS_KEYSPACE_HASH_H

#include "services/keyspace/keyspace.h"

struct arena;
struct packed;

struct hash *hash_new(struct arena *arena, const struct keyspace_limits *limits, uint64_t hash_key);
void hash_free(struct hash *hash);
struct hash *hash_copy(const struct hash *hash);

size_t hash_size(const struct hash *hash); /* fields */
size_t hash_memory(const struct hash *hash);
const char *hash_encoding(const struct hash *hash);
void hash_make_large(struct hash *hash);   /* to the "hashtable" encoding: what a snapshot restores */
const struct packed *hash_packed(const struct hash *hash); /* the pairs of the small form, NULL in the large one: what a snapshot writes */

/* Neither slice may lie in the hash itself. */
bool hash_set(struct hash *hash, struct slice field, struct slice value); /* true: the field is new */
bool hash_get(const struct hash *hash, struct slice field, struct item *value);
bool hash_remove(struct hash *hash, struct slice field);
void hash_at(const struct hash *hash, size_t position, struct item *field, struct item *value); /* either may be NULL */
/* For pipelines, in two rounds: first what says where the field lies comes towards the cache, then - with what the first returned, unless it is
 * 0 - the field itself. Neither waits. */
uint64_t hash_prefetch(const struct hash *hash, struct slice field);
void hash_prefetch_field(const struct hash *hash, uint64_t token);

/* Walk in positional order; the hash must not change meanwhile. */
struct hash_walk {
    const struct hash *hash;
    size_t position; /* of what comes next */
    size_t offset;   /* bytes, in the packed encoding */
};
void hash_walk_begin(const struct hash *hash, struct hash_walk *walk);
bool hash_walk_next(struct hash_walk *walk, struct item *field, struct item *value); /* either may be NULL */

/* HSCAN: as set_scan. */
typedef void (*hash_visit_fn)(void *context, struct slice field, struct slice value);
uint64_t hash_scan(const struct hash *hash, uint64_t cursor, size_t count, hash_visit_fn visit, void *context);

#endif
