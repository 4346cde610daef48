/* SPDX-License-Identifier: MIT
 * heap: micro-heaps: page-aligned memory of one actor, from a pool, freed whole.
 *
 *      |<-- guard -->|<------------------ heap_bytes - guard ------------------->|<-- the next heap's guard
 *      |  PROT_NONE  | root | blocks, bump-allocated, reused by size class -> free |
 *
 * Address space is mapped for 64 heaps at a time and the guard pages stay for ever: taking a heap from the pool or giving it
 * back costs no system call in the common case. A heap is resident only where it was touched. Beyond a small warm reserve,
 * heaps that come back are given back to the operating system (madvise), their addresses stay in the pool. Each heap costs
 * two maps: the usual limit of 65,530 maps a process allows 20,000 heaps and leaves room.
 *
 * What does not fit (blocks larger than HEAP_BLOCK_MAX, a heap that is full) comes from malloc, is chained to the heap and
 * freed with it: a heap is where an actor's memory belongs, not a limit on it. */
#ifndef LOCUS_KERNEL_HEAP_H
#define LOCUS_KERNEL_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAP_BYTES_DEFAULT = 64 * 1024, /* address space of one heap, its guard included */
    HEAP_GUARD_BYTES = 4096,
    HEAP_BLOCK_MAX = 4096,          /* largest block inside a heap: larger ones are rare and would waste it */
    HEAP_CLASSES = 9,               /* 16, 32, ... 4096 */
};

struct heap_overflow;

struct heap {
    struct heap *next;              /* in the pool's list while free */
    char *base;                     /* first usable byte, page-aligned */
    size_t size;                    /* usable bytes */
    size_t used;                    /* bump pointer: bytes from base */
    size_t bytes_now;               /* in blocks that are alive, overflow included */
    size_t bytes_peak;              /* the most of it since the heap was taken */
    size_t touched;                 /* highest `used` since the pages were last given back */
    void *free_blocks[HEAP_CLASSES];
    struct heap_overflow *overflow; /* Ours: malloc'd blocks */
};

struct heap_pool {
    size_t heap_bytes;     /* address space of one heap */
    uint32_t warm_max;     /* free heaps that keep their pages */
    uint32_t warm_count;
    uint32_t cold_count;   /* free heaps without pages */
    uint32_t used_count;   /* taken */
    uint32_t used_peak;
    struct heap *warm;     /* most recently used first */
    struct heap *cold;
    struct heap_chunk *chunks;
};

/* heap_bytes: a multiple of 4096, 0 for the default. */
void heap_pool_init(struct heap_pool *pool, size_t heap_bytes, uint32_t warm_max);
void heap_pool_deinit(struct heap_pool *pool);

/* An empty heap, or NULL when the operating system gives no more memory or maps. Its bytes are NOT zeroed. */
struct heap *heap_take(struct heap_pool *pool);
/* Free every block and give the heap back. */
void heap_give(struct heap_pool *pool, struct heap *heap);

/* The first block of a heap just taken: `size` zeroed bytes at its base. The caller's class says that they fit. */
void *heap_root(struct heap *heap, size_t size);

/* A block of at least `size` bytes, aligned to 16, not zeroed. Never NULL: running out of memory ends the process. */
void *heap_alloc(struct heap *heap, size_t size);
/* Give one block back early; `size` as it was asked for. */
void heap_free(struct heap *heap, void *block, size_t size);

/* Make the heap's bytes inaccessible, or accessible again: a system call each. Overflow blocks stay accessible. */
void heap_mask(struct heap *heap);
void heap_unmask(struct heap *heap);

#endif
