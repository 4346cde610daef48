/* SPDX-License-Identifier: MIT
 * slab: see slab.h. */
#include "kernel/slab.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void slab_init(struct slab *slab, size_t object_size)
{
    assert(object_size >= sizeof(struct slab_slot));
    *slab = (struct slab){.object_size = (object_size + 15) & ~(size_t)15};
}

void slab_deinit(struct slab *slab)
{
    assert(slab->live == 0);
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        free(slab->chunks[i]);
    free(slab->chunks);
    *slab = (struct slab){0};
}

static void *checked(void *memory)
{
    if (!memory) {
        fprintf(stderr, "out of memory: a slab's chunk\n");
        abort();
    }
    return memory;
}

static void add_chunk(struct slab *slab)
{
    slab->chunks = checked(realloc(slab->chunks, (slab->chunk_count + 1) * sizeof *slab->chunks));
    slab->chunks[slab->chunk_count++] = checked(malloc(SLAB_CHUNK_OBJECTS * slab->object_size));
}

/* The position to give away next: the one freed last, whose memory is likely in the cache, or one never used. */
static uint32_t take_index(struct slab *slab)
{
    if (slab->free_head) {
        uint32_t index = slab->free_head - 1;
        struct slab_slot *slot = slab_at(slab, index);
        slab->free_head = slot->index;
        return index;
    }
    if (slab->used == slab->chunk_count * SLAB_CHUNK_OBJECTS)
        add_chunk(slab);
    struct slab_slot *fresh = slab_at(slab, slab->used);
    fresh->generation = 0;
    return slab->used++;
}

void *slab_new(struct slab *slab)
{
    uint32_t index = take_index(slab);
    struct slab_slot *slot = slab_at(slab, index);
    uint32_t generation = slot->generation + 1;
    assert(generation & 1);
    memset(slot, 0, slab->object_size);
    *slot = (struct slab_slot){generation, index};
    slab->live++;
    return slot;
}

void slab_free(struct slab *slab, void *object)
{
    struct slab_slot *slot = object;
    assert(slot->generation & 1);
    assert(slab_at(slab, slot->index) == object);
    uint32_t index = slot->index;
    slot->generation++;
    slot->index = slab->free_head;
    slab->free_head = index + 1;
    slab->live--;
}
