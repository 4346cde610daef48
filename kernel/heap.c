/* SPDX-License-Identifier: MIT
 * heap: see heap.h.
 *
 *      chunk of address space:   | guard | heap 0 | guard | heap 1 | ... | guard | heap 63 | guard |
 *
 * The whole chunk is mapped inaccessible; a heap's bytes are opened when it is taken for the first time. Its descriptor lies apart
 * from it, so that a masked or overwritten heap leaves the kernel's own knowledge intact.
 *
 * Blocks of 16, 32, ... 4096 bytes; a freed block heads the list of its class through its first word. */
#include "kernel/heap.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK_HEAPS = 64, BLOCK_MIN = 16 };

struct heap_chunk {
    struct heap_chunk *next;
    char *address;              /* Ours: mapped */
    size_t size;                /* bytes mapped */
    uint32_t opened;            /* heaps handed out at least once: the first ones */
    struct heap heaps[CHUNK_HEAPS];
};

/* Linked both ways, so that one block can be given back early. */
struct heap_overflow {
    struct heap_overflow *next;
    struct heap_overflow *previous;
};

_Static_assert(sizeof(struct heap_overflow) % 16 == 0, "blocks behind it are aligned to 16");

void heap_pool_init(struct heap_pool *pool, size_t heap_bytes, uint32_t warm_max)
{
    *pool = (struct heap_pool){.heap_bytes = heap_bytes ? heap_bytes : HEAP_BYTES_DEFAULT, .warm_max = warm_max};
    assert(pool->heap_bytes % HEAP_GUARD_BYTES == 0);
    assert(pool->heap_bytes >= 2 * HEAP_GUARD_BYTES);
}

void heap_pool_deinit(struct heap_pool *pool)
{
    assert(pool->used_count == 0);
    struct heap_chunk *next;
    for (struct heap_chunk *chunk = pool->chunks; chunk; chunk = next) {
        next = chunk->next;
        munmap(chunk->address, chunk->size);
        free(chunk);
    }
    *pool = (struct heap_pool){0};
}

static struct heap_chunk *add_chunk(struct heap_pool *pool)
{
    struct heap_chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->size = CHUNK_HEAPS * pool->heap_bytes + HEAP_GUARD_BYTES;
    chunk->address = mmap(NULL, chunk->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (chunk->address == MAP_FAILED) {
        free(chunk);
        return NULL;
    }
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    return chunk;
}

/* A heap that was never used: open its bytes. */
static struct heap *open_fresh(struct heap_pool *pool)
{
    struct heap_chunk *chunk = pool->chunks;
    if (!chunk || chunk->opened == CHUNK_HEAPS)
        chunk = add_chunk(pool);
    if (!chunk)
        return NULL;
    struct heap *heap = &chunk->heaps[chunk->opened];
    heap->base = chunk->address + chunk->opened * pool->heap_bytes + HEAP_GUARD_BYTES;
    heap->size = pool->heap_bytes - HEAP_GUARD_BYTES;
    if (mprotect(heap->base, heap->size, PROT_READ | PROT_WRITE) < 0)
        return NULL; /* the limit of maps is reached; the heap stays unopened and is tried again another time */
    chunk->opened++;
    return heap;
}

static struct heap *pop(struct heap **list, uint32_t *count)
{
    struct heap *heap = *list;
    if (heap) {
        *list = heap->next;
        --*count;
    }
    return heap;
}

struct heap *heap_take(struct heap_pool *pool)
{
    struct heap *heap = pop(&pool->warm, &pool->warm_count);
    if (!heap)
        heap = pop(&pool->cold, &pool->cold_count);
    if (!heap)
        heap = open_fresh(pool);
    if (!heap)
        return NULL;
    heap->next = NULL;
    heap->used = 0;
    heap->bytes_now = heap->bytes_peak = 0;
    assert(!heap->overflow);
    memset(heap->free_blocks, 0, sizeof heap->free_blocks);
    pool->used_count++;
    if (pool->used_count > pool->used_peak)
        pool->used_peak = pool->used_count;
    return heap;
}

void heap_give(struct heap_pool *pool, struct heap *heap)
{
    struct heap_overflow *next;
    for (struct heap_overflow *block = heap->overflow; block; block = next) {
        next = block->next;
        free(block);
    }
    heap->overflow = NULL;
    assert(pool->used_count > 0);
    pool->used_count--;
    if (heap->used > heap->touched)
        heap->touched = heap->used;
    if (pool->warm_count < pool->warm_max) {
        heap->next = pool->warm;
        pool->warm = heap;
        pool->warm_count++;
        return;
    }
    /* Whole pages: a block may have been written to its last byte. */
    madvise(heap->base, (heap->touched + HEAP_GUARD_BYTES - 1) & ~(size_t)(HEAP_GUARD_BYTES - 1), MADV_DONTNEED);
    heap->touched = 0;
    heap->next = pool->cold;
    pool->cold = heap;
    pool->cold_count++;
}

/* 16 -> 0, 17..32 -> 1, ... 4096 -> 8 */
static unsigned class_of(size_t size)
{
    return size <= BLOCK_MIN ? 0 : (unsigned)(64 - __builtin_clzl((size - 1) >> 4));
}

static void count_alloc(struct heap *heap, size_t bytes)
{
    heap->bytes_now += bytes;
    if (heap->bytes_now > heap->bytes_peak)
        heap->bytes_peak = heap->bytes_now;
}

static void *alloc_overflow(struct heap *heap, size_t size)
{
    struct heap_overflow *block = malloc(sizeof *block + size);
    if (!block) {
        fprintf(stderr, "out of memory: a block of %zu bytes\n", size);
        abort();
    }
    *block = (struct heap_overflow){.next = heap->overflow};
    if (heap->overflow)
        heap->overflow->previous = block;
    heap->overflow = block;
    count_alloc(heap, size);
    return block + 1;
}

void *heap_root(struct heap *heap, size_t size)
{
    assert(heap->used == 0);
    assert(size <= heap->size);
    heap->used = (size + 15) & ~(size_t)15;
    count_alloc(heap, heap->used);
    return memset(heap->base, 0, size);
}

void *heap_alloc(struct heap *heap, size_t size)
{
    if (size > HEAP_BLOCK_MAX)
        return alloc_overflow(heap, size);
    unsigned class = class_of(size);
    size_t bytes = (size_t)BLOCK_MIN << class;
    void *block = heap->free_blocks[class];
    if (block) {
        memcpy(&heap->free_blocks[class], block, sizeof(void *));
    } else if (heap->size - heap->used >= bytes) {
        block = heap->base + heap->used;
        heap->used += bytes;
    } else {
        return alloc_overflow(heap, size);
    }
    count_alloc(heap, bytes);
    return block;
}

static void free_overflow(struct heap *heap, struct heap_overflow *block, size_t size)
{
    if (block->next)
        block->next->previous = block->previous;
    if (block->previous)
        block->previous->next = block->next;
    else
        heap->overflow = block->next;
    heap->bytes_now -= size;
    free(block);
}

void heap_free(struct heap *heap, void *block, size_t size)
{
    if (!block)
        return;
    if ((char *)block < heap->base || (char *)block >= heap->base + heap->size) {
        free_overflow(heap, (struct heap_overflow *)block - 1, size);
        return;
    }
    unsigned class = class_of(size);
    memcpy(block, &heap->free_blocks[class], sizeof(void *));
    heap->free_blocks[class] = block;
    heap->bytes_now -= (size_t)BLOCK_MIN << class;
}

void heap_mask(struct heap *heap)
{
    int error = mprotect(heap->base, heap->size, PROT_NONE);
    assert(error == 0);
    (void)error;
}

void heap_unmask(struct heap *heap)
{
    int error = mprotect(heap->base, heap->size, PROT_READ | PROT_WRITE);
    assert(error == 0);
    (void)error;
}
