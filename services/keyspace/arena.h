/* SPDX-License-Identifier: MIT
 * arena: small objects named by 32 bits.
 *
 * One reservation of address space (ARENA_RESERVE bytes, committed chunk by chunk as it is needed) holds every entry, member
 * and index segment of a keyspace. An object is named by its offset in units of 8 bytes, so a reference takes 4 bytes
 * instead of 8 and malloc's header and rounding are saved. Larger objects live in malloc and are pointed to from a small one.
 *
 *      | chunk 0 | chunk 1 | chunk 2 | ...              each chunk ARENA_CHUNK bytes, objects of one size class
 *
 * Size classes: every multiple of 8 up to 512, then 8 steps per doubling up to ARENA_OBJECT_MAX. A class that is a multiple of
 * 64 is aligned to 64, so that index buckets are cache lines. A chunk whose objects are all free is given back and may serve
 * another class.
 *
 * Nothing here is deterministic in its addresses, and nothing outside may depend on them. */
#ifndef LOCUS_KEYSPACE_ARENA_H
#define LOCUS_KEYSPACE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_UNIT 8u                      /* bytes that a reference counts in */
#define ARENA_RESERVE ((size_t)32 << 30)   /* 2^32 references * 8 bytes */
#define ARENA_CHUNK ((size_t)64 << 10)     /* bytes */
#define ARENA_OBJECT_MAX ((size_t)4096)    /* bytes; larger ones belong in malloc */

/* 0 names nothing. */
typedef uint32_t arena_ref;

struct arena {
    char *base;        /* the reservation */
    size_t bytes_used; /* in live objects, by size class */
    size_t bytes_held; /* in pages touched and not given back: what the arena costs */
    struct arena_chunks *chunks; /* Ours: chunk table and class lists (arena.c) */
};

/* 0, or -ENOMEM when the address space cannot be reserved. */
int arena_init(struct arena *arena);
void arena_deinit(struct arena *arena);

/* An object of `size` bytes (1..ARENA_OBJECT_MAX), not zeroed, aligned to 8 (64 when the size is a multiple of 64).
 * Running out of the reservation ends the process. */
arena_ref arena_alloc(struct arena *arena, size_t size);

/* Give back an object of that size. */
void arena_release(struct arena *arena, arena_ref ref, size_t size);

/* The bytes that an object of `size` really takes: sizes with the same figure can change in place. */
size_t arena_rounded(size_t size);

/* The same for a live object: what it may grow to where it is. */
size_t arena_object_size(const struct arena *arena, arena_ref ref);

static inline void *arena_at(const struct arena *arena, arena_ref ref)
{
    return arena->base + (size_t)ref * ARENA_UNIT;
}

static inline arena_ref arena_ref_of(const struct arena *arena, const void *object)
{
    return (arena_ref)((size_t)((const char *)object - arena->base) / ARENA_UNIT);
}

#endif
