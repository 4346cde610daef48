/* SPDX-License-Identifier: MIT
 * arena: small objects named by 32 bits; see arena.h.
 *
 * 1. Chunk 0 is never used, so that reference 0 names nothing.
 * 2. A chunk is in exactly one of these places: *partial* (on its class's list: some object is free), *full* (on no list),
 *    *warm* (no objects, memory kept, on the list `warm`), *cold* (no objects, memory given back, on the list `cold`), or
 *    beyond `used` (never touched).
 *
 *      cold --claim--> partial --allocate--> full --release--> partial --last object released--> warm --too many--> cold
 *
 * 3. In a partial chunk, objects below `fresh` are live or on the chunk's own free list, threaded through their first two
 *    bytes; objects from `fresh` on were never given out since the chunk was claimed, and their pages may be untouched.
 * 4. Under AddressSanitizer, what is not a live object is poisoned. */
#include "services/keyspace/arena.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#define CHUNKS_MAX ((uint32_t)(ARENA_RESERVE / ARENA_CHUNK))
#define CHUNK_UNITS ((uint32_t)(ARENA_CHUNK / ARENA_UNIT))
#define PAGE_UNITS (4096u / ARENA_UNIT)
#define SMALL_MAX 512u     /* up to here a class per multiple of 8 */
#define SMALL_CLASSES 64u  /* SMALL_MAX / 8 */
#define CLASSES 88u        /* and 8 for each of the doublings 512..1024..2048..4096 */
#define WARM_MAX 16u       /* empty chunks that keep their memory: 1 MiB, so that a churning class makes no system calls */

struct chunk {
    uint32_t next;     /* chunk number on the same list, 0 = none */
    uint32_t previous; /* likewise; partial lists only */
    uint16_t free;     /* units into the chunk of the first free object; FREE_NONE = none */
    uint16_t fresh;    /* units into the chunk: where the never used part begins; at most CHUNK_UNITS */
    uint16_t live;     /* objects */
    uint8_t class;
    uint8_t pages;     /* touched at least once since the memory was last given back */
};
#define FREE_NONE 0xffffu

struct arena_chunks {
    uint32_t used;             /* chunks below it were claimed at some time */
    uint32_t warm, warm_count; /* list of empty chunks with memory, and its length */
    uint32_t cold;             /* list of empty chunks without */
    uint32_t partial[CLASSES]; /* lists of chunks with room; 0 = none */
    struct chunk table[CHUNKS_MAX]; /* touched only as far as `used` */
};

static unsigned class_of(size_t size)
{
    if (size <= SMALL_MAX)
        return (unsigned)((size + ARENA_UNIT - 1) / ARENA_UNIT - 1);
    unsigned doubling = 63u - (unsigned)__builtin_clzll(size - 1); /* 9, 10, 11 */
    return SMALL_CLASSES + (doubling - 9) * 8 + (unsigned)((size - 1) >> (doubling - 3) & 7);
}

static size_t class_size(unsigned class)
{
    if (class < SMALL_CLASSES)
        return (class + 1) * (size_t)ARENA_UNIT;
    unsigned doubling = 9 + (class - SMALL_CLASSES) / 8, step = (class - SMALL_CLASSES) % 8;
    return ((size_t)1 << doubling) + ((size_t)(step + 1) << (doubling - 3));
}

size_t arena_rounded(size_t size)
{
    assert(size > 0 && size <= ARENA_OBJECT_MAX);
    return class_size(class_of(size));
}

static void *reserve(size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

int arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
    arena->base = reserve(ARENA_RESERVE);
    if (!arena->base)
        return -ENOMEM;
    arena->chunks = reserve(sizeof *arena->chunks);
    if (!arena->chunks) {
        munmap(arena->base, ARENA_RESERVE);
        arena->base = NULL;
        return -ENOMEM;
    }
    arena->chunks->used = 1;
    /* Lookups go all over the reservation: with 4 KiB pages nearly each would miss the TLB as well as the cache (a fifth of a pipelined GET among a
     * million keys). A refusal only costs speed. */
    madvise(arena->base, ARENA_RESERVE, MADV_HUGEPAGE);
    return 0;
}

void arena_deinit(struct arena *arena)
{
    if (!arena->base)
        return;
    ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->chunks->used * ARENA_CHUNK);
    munmap(arena->base, ARENA_RESERVE);
    munmap(arena->chunks, sizeof *arena->chunks);
    *arena = (struct arena){0};
}

static void list_push(struct arena_chunks *chunks, uint32_t *head, uint32_t number)
{
    struct chunk *chunk = &chunks->table[number];
    chunk->previous = 0;
    chunk->next = *head;
    if (*head)
        chunks->table[*head].previous = number;
    *head = number;
}

static void list_remove(struct arena_chunks *chunks, uint32_t *head, uint32_t number)
{
    struct chunk *chunk = &chunks->table[number];
    if (chunk->previous)
        chunks->table[chunk->previous].next = chunk->next;
    else
        *head = chunk->next;
    if (chunk->next)
        chunks->table[chunk->next].previous = chunk->previous;
}

/* An empty chunk becomes the first of the class's partial list. */
static uint32_t claim(struct arena *arena, unsigned class)
{
    struct arena_chunks *chunks = arena->chunks;
    uint32_t number;
    if (chunks->warm) {
        number = chunks->warm;
        list_remove(chunks, &chunks->warm, number);
        chunks->warm_count--;
    } else if (chunks->cold) {
        number = chunks->cold;
        list_remove(chunks, &chunks->cold, number);
    } else {
        if (chunks->used == CHUNKS_MAX) {
            fprintf(stderr, "keyspace: all %zu bytes of the arena are in use\n", ARENA_RESERVE);
            abort();
        }
        number = chunks->used++;
        ASAN_POISON_MEMORY_REGION(arena->base + number * ARENA_CHUNK, ARENA_CHUNK);
    }
    struct chunk *chunk = &chunks->table[number];
    chunk->free = FREE_NONE;
    chunk->fresh = 0;
    chunk->live = 0;
    chunk->class = (uint8_t)class;
    list_push(chunks, &chunks->partial[class], number);
    return number;
}

/* A chunk without objects goes back to where every class may claim it. */
static void retire(struct arena *arena, uint32_t number)
{
    struct arena_chunks *chunks = arena->chunks;
    struct chunk *chunk = &chunks->table[number];
    list_remove(chunks, &chunks->partial[chunk->class], number);
    if (chunks->warm_count < WARM_MAX) {
        list_push(chunks, &chunks->warm, number);
        chunks->warm_count++;
        return;
    }
    madvise(arena->base + number * ARENA_CHUNK, ARENA_CHUNK, MADV_DONTNEED);
    arena->bytes_held -= chunk->pages * 4096u;
    chunk->pages = 0;
    list_push(chunks, &chunks->cold, number);
}

/* Count the pages that an object ending `units` into the chunk touches for the first time. */
static void touch(struct arena *arena, struct chunk *chunk, uint32_t units)
{
    uint32_t pages = (units + PAGE_UNITS - 1) / PAGE_UNITS;
    if (pages > chunk->pages) {
        arena->bytes_held += (pages - chunk->pages) * 4096u;
        chunk->pages = (uint8_t)pages;
    }
}

arena_ref arena_alloc(struct arena *arena, size_t size)
{
    assert(size > 0 && size <= ARENA_OBJECT_MAX);
    struct arena_chunks *chunks = arena->chunks;
    unsigned class = class_of(size);
    size_t rounded = class_size(class);
    uint32_t number = chunks->partial[class];
    if (__builtin_expect(!number, 0))
        number = claim(arena, class);
    struct chunk *chunk = &chunks->table[number];
    uint32_t units = (uint32_t)(rounded / ARENA_UNIT), offset;
    if (chunk->free != FREE_NONE) {
        offset = chunk->free;
        void *object = arena->base + number * ARENA_CHUNK + offset * ARENA_UNIT;
        ASAN_UNPOISON_MEMORY_REGION(object, rounded);
        memcpy(&chunk->free, object, sizeof chunk->free);
    } else {
        offset = chunk->fresh;
        chunk->fresh = (uint16_t)(offset + units);
        touch(arena, chunk, chunk->fresh);
        ASAN_UNPOISON_MEMORY_REGION(arena->base + number * ARENA_CHUNK + offset * ARENA_UNIT, rounded);
    }
    chunk->live++;
    if (chunk->free == FREE_NONE && chunk->fresh + units > CHUNK_UNITS)
        list_remove(chunks, &chunks->partial[class], number);
    arena->bytes_used += rounded;
    return number * CHUNK_UNITS + offset;
}

void arena_release(struct arena *arena, arena_ref ref, size_t size)
{
    struct arena_chunks *chunks = arena->chunks;
    uint32_t number = ref / CHUNK_UNITS;
    struct chunk *chunk = &chunks->table[number];
    size_t rounded = class_size(chunk->class);
    uint32_t units = (uint32_t)(rounded / ARENA_UNIT);
    assert(number > 0 && number < chunks->used && chunk->live > 0);
    assert(class_of(size) == chunk->class);
    bool was_full = chunk->free == FREE_NONE && chunk->fresh + units > CHUNK_UNITS;
    void *object = arena_at(arena, ref);
    memcpy(object, &chunk->free, sizeof chunk->free);
    ASAN_POISON_MEMORY_REGION(object, rounded);
    chunk->free = (uint16_t)(ref % CHUNK_UNITS);
    chunk->live--;
    arena->bytes_used -= rounded;
    if (was_full)
        list_push(chunks, &chunks->partial[chunk->class], number);
    if (chunk->live == 0)
        retire(arena, number);
}

size_t arena_object_size(const struct arena *arena, arena_ref ref)
{
    return class_size(arena->chunks->table[ref / CHUNK_UNITS].class);
}
