/* SPDX-License-Identifier: MIT
 * set: distinct members in a positional order that every encoding keeps alike: a new member goes to the end, and the last one
 * fills the place of one removed. So position k means the same member after a restart, whatever the encoding; random choice is
 * choosing a position. Encodings: "intset" (dense integers), "listpack" (packed), "hashtable" (dense references + index). */
#ifndef LOCUS_KEYSPACE_SET_H
#define LOCUS_KEYSPACE_SET_H

#include "services/keyspace/keyspace.h"

struct arena;

struct set *set_new(struct arena *arena, const struct keyspace_limits *limits, uint64_t hash_key); /* all Borrowed for its life */
void set_free(struct set *set);
struct set *set_copy(const struct set *set);

size_t set_size(const struct set *set);
size_t set_memory(const struct set *set);
const char *set_encoding(const struct set *set);
void set_make_packed(struct set *set); /* from "intset" to "listpack", and from either to "hashtable": what a snapshot restores */
void set_make_large(struct set *set);

bool set_add(struct set *set, struct slice member);            /* false: it was there */
bool set_remove(struct set *set, struct slice member);         /* false: it was not */
bool set_contains(const struct set *set, struct slice member);
void set_at(const struct set *set, size_t position, struct item *item); /* position < size */
/* For pipelines, in two rounds: first what says where the member lies comes towards the cache, then - with what the first returned, unless it is
 * 0 - the member itself. Neither waits. */
uint64_t set_prefetch(const struct set *set, struct slice member);
void set_prefetch_member(const struct set *set, uint64_t token);

/* SSCAN: visits at least `count` members from `cursor` (0: the beginning), returns the next cursor, 0 when done. Small encodings are visited
 * whole. Positions are walked downwards, so a removal never hides a member that stays. */
typedef void (*set_visit_fn)(void *context, struct slice member);
uint64_t set_scan(const struct set *set, uint64_t cursor, size_t count, set_visit_fn visit, void *context);

#endif
