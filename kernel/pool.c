/* SPDX-License-Identifier: MIT
 * pool: see pool.h. */
#include "kernel/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void *checked(void *memory)
{
    if (!memory) {
        fprintf(stderr, "out of memory: an I/O buffer\n");
        abort();
    }
    return memory;
}

void pool_init(struct pool *pool, uint32_t warm_max)
{
    *pool = (struct pool){.warm_max = warm_max};
    pool->stack = checked(calloc(warm_max ? warm_max : 1, sizeof *pool->stack));
}

void pool_deinit(struct pool *pool)
{
    while (pool->count)
        free(pool->stack[--pool->count]);
    free(pool->stack);
    *pool = (struct pool){0};
}

void pool_refill(struct buffer *buffer)
{
    assert(buffer->capacity == 0);
    *buffer = (struct buffer){checked(malloc(POOL_BUFFER_BYTES)), 0, POOL_BUFFER_BYTES};
}

void pool_discard(struct pool *pool, struct buffer *buffer)
{
    if (buffer->capacity < 4 * POOL_BUFFER_BYTES)
        pool->freed += buffer->capacity; /* larger ones leave no holes among small allocations: malloc maps them apart */
    buffer_free(buffer);
}
