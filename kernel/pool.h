/* SPDX-License-Identifier: MIT
 * pool: the reactor's stack of empty I/O buffers.
 *
 * A session holds a buffer only while bytes are in it, so fifty sessions that take turns share a few buffers, and those stay in
 * the processor's cache: last in, first out. Buffers that grew beyond the pool's size are freed when they come back, as is
 * whatever exceeds the warm reserve. */
#ifndef LOCUS_KERNEL_POOL_H
#define LOCUS_KERNEL_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/buffer.h"

/* 16 KiB holds a pipeline of 64 commands with 200-byte values. The 192 bytes more keep the buffers' first lines, which every
 * request touches, from falling into the same cache sets. */
enum { POOL_BUFFER_BYTES = 16 * 1024 + 192 };

struct pool {
    char **stack;        /* Ours: warm_max places */
    uint32_t count;      /* buffers in the stack */
    uint32_t warm_max;
    uint64_t freed;      /* bytes in small buffers given back to malloc since somebody looked and zeroed it */
};

void pool_init(struct pool *pool, uint32_t warm_max);
void pool_deinit(struct pool *pool);

/* Give a buffer without memory (capacity 0) room of POOL_BUFFER_BYTES. The slow path of pool_fill. */
void pool_refill(struct buffer *buffer);
/* Take the memory of a buffer that is not of the pool's size, or does not fit. The slow path of pool_take_back. */
void pool_discard(struct pool *pool, struct buffer *buffer);

/* Give `buffer` memory from the pool unless it has some. */
static inline void pool_fill(struct pool *pool, struct buffer *buffer)
{
    if (buffer->capacity)
        return;
    if (pool->count)
        *buffer = (struct buffer){pool->stack[--pool->count], 0, POOL_BUFFER_BYTES};
    else
        pool_refill(buffer);
}

/* Take the buffer's memory back; it is a valid empty buffer afterwards. */
static inline void pool_take_back(struct pool *pool, struct buffer *buffer)
{
    if (!buffer->capacity)
        return;
    if (buffer->capacity == POOL_BUFFER_BYTES && pool->count < pool->warm_max) {
        pool->stack[pool->count++] = buffer->base;
        *buffer = (struct buffer){0};
    } else {
        pool_discard(pool, buffer);
    }
}

#endif
