/* SPDX-License-Identifier: MIT
 * slab: objects of one size with handles that know when they are stale.
 *
 *      handle:   63          32 31           0
 *               | generation   | index       |        object = chunks[index / 256] + (index % 256) * object_size
 *
 * Each slot counts how often it was given away: the count is odd while the object lives and part of its handle. A handle to an object that is gone (an event
 * that the poller reported a moment too late) finds another generation in the slot, and slab_get answers NULL.
 * 0 is never a handle. Objects never move. Chunks are kept until slab_deinit: a slot's memory stays valid to read. */
#ifndef LOCUS_KERNEL_SLAB_H
#define LOCUS_KERNEL_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum { SLAB_CHUNK_OBJECTS = 256 };

/* Every object begins with this. Ours: nobody else writes it. */
struct slab_slot {
    uint32_t generation; /* odd: alive */
    uint32_t index;      /* its own position; while free: the next free position + 1, 0 at the end */
};

struct slab {
    char **chunks;         /* Ours; each SLAB_CHUNK_OBJECTS objects */
    size_t object_size;    /* bytes, a multiple of 16 */
    uint32_t chunk_count;
    uint32_t used;         /* slots ever given away; those beyond are untouched memory */
    uint32_t free_head;    /* most recently freed position + 1, 0: none */
    uint32_t live;         /* objects alive */
};

void slab_init(struct slab *slab, size_t object_size);
/* Free every chunk; the objects must be gone. */
void slab_deinit(struct slab *slab);

/* A zeroed object but for its slot. Never NULL: running out of memory ends the process. */
void *slab_new(struct slab *slab);
void slab_free(struct slab *slab, void *object);

static inline uint64_t slab_handle(const void *object)
{
    const struct slab_slot *slot = object;
    return (uint64_t)slot->generation << 32 | slot->index;
}

/* The slot at a position below slab->used, alive or not. */
static inline void *slab_at(const struct slab *slab, uint32_t index)
{
    return slab->chunks[index / SLAB_CHUNK_OBJECTS] + (size_t)(index % SLAB_CHUNK_OBJECTS) * slab->object_size;
}

/* The object of a handle, or NULL when it is gone. */
static inline void *slab_get(const struct slab *slab, uint64_t handle)
{
    uint32_t index = (uint32_t)handle;
    if (index >= slab->used)
        return NULL;
    struct slab_slot *slot = slab_at(slab, index);
    return slot->generation == handle >> 32 && (slot->generation & 1) ? slot : NULL;
}

#endif
