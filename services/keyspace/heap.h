/* SPDX-License-Identifier: MIT
 * heap: malloc for what cannot fail half-way. A state machine that ran out of memory in the middle of a change could neither
 * finish nor undo it, so the process ends and the log recovers it. */
#ifndef LOCUS_KEYSPACE_HEAP_H
#define LOCUS_KEYSPACE_HEAP_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAP_OVERHEAD 16 /* bytes that malloc adds to a block, header and rounding together: for memory estimates */

static inline void *heap_check(void *block, size_t size)
{
    if (__builtin_expect(!block, 0)) {
        fprintf(stderr, "out of memory: %zu bytes for a collection\n", size);
        abort();
    }
    return block;
}

/* A block of `size` bytes (> 0), not zeroed; free() gives it back. */
static inline void *heap_alloc(size_t size)
{
    return heap_check(malloc(size), size);
}

/* The same block with another size, as realloc. */
static inline void *heap_resize(void *block, size_t size)
{
    return heap_check(realloc(block, size), size);
}

/* What a block of `size` bytes costs. */
static inline size_t heap_cost(size_t size)
{
    return size ? size + HEAP_OVERHEAD : 0;
}

#endif
