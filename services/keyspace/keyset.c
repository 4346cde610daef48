/* SPDX-License-Identifier: MIT
 * keyset: see keyset.h. A slot's upper 16 bits repeat 16 bits of the hash, so that a key's text is read when it is the one. */
#include "services/keyspace/keyset.h"

#include <assert.h>

#include "services/keyspace/heap.h"

enum { BLOCK_SIZE = 64 << 10, SHARD_CAPACITY_MIN = 8, POINTER_BITS = 48 };
#define POINTER_MASK (((uint64_t)1 << POINTER_BITS) - 1)

struct keyset_block {
    struct keyset_block *next;
    char bytes[];
};

void keyset_deinit(struct keyset *set)
{
    for (struct keyset_block *block = set->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    for (int i = 0; i < KEYSET_SHARDS; i++)
        free(set->shards[i].slots);
    *set = (struct keyset){0};
}

/* A shard is chosen by the lowest bits, the slot by those above, the tag is the uppermost. */
static uint32_t first_slot(const struct keyset_shard *shard, uint64_t hash)
{
    return (uint32_t)(hash / KEYSET_SHARDS) & (shard->capacity - 1);
}

static struct slice record_text(uint64_t slot)
{
    const char *record = (const char *)(uintptr_t)(slot & POINTER_MASK);
    uint32_t size;
    memcpy(&size, record, sizeof(size));
    return slice_of(record + sizeof(size), size);
}

/* The slot where the key is, or the free one where it belongs. */
static uint64_t *find(const struct keyset_shard *shard, struct slice key, uint64_t hash)
{
    for (uint32_t i = first_slot(shard, hash);; i = (i + 1) & (shard->capacity - 1)) {
        uint64_t slot = shard->slots[i];
        if (!slot || (slot >> POINTER_BITS == hash >> POINTER_BITS && slice_equal(record_text(slot), key)))
            return &shard->slots[i];
    }
}

bool keyset_contains(const struct keyset *set, struct slice key, uint64_t hash)
{
    const struct keyset_shard *shard = &set->shards[hash % KEYSET_SHARDS];
    return shard->capacity && *find(shard, key, hash);
}

static char *record_alloc(struct keyset *set, size_t size)
{
    if (set->free_bytes < size) {
        size_t block_size = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
        struct keyset_block *block = heap_alloc(sizeof(*block) + block_size);
        set->memory += heap_cost(sizeof(*block) + block_size);
        block->next = set->blocks;
        set->blocks = block;
        if (block_size == size)
            return block->bytes; /* a large key has a block to itself; small ones go on in the one they had */
        set->free = block->bytes;
        set->free_bytes = block_size;
    }
    char *record = set->free;
    set->free += size;
    set->free_bytes -= size;
    return record;
}

/* The whole hash lies before the record that a slot points to; it is asked for when the shard doubles. */
static uint64_t record_hash(uint64_t slot)
{
    uint64_t hash;
    memcpy(&hash, (const char *)(uintptr_t)(slot & POINTER_MASK) - sizeof(hash), sizeof(hash));
    return hash;
}

static void grow(struct keyset *set, struct keyset_shard *shard)
{
    uint32_t capacity = shard->capacity ? shard->capacity * 2 : SHARD_CAPACITY_MIN;
    struct keyset_shard larger = {heap_alloc(capacity * sizeof(uint64_t)), capacity, shard->count};
    memset(larger.slots, 0, capacity * sizeof(uint64_t));
    for (uint32_t i = 0; i < shard->capacity; i++) {
        if (!shard->slots[i])
            continue;
        uint32_t j = first_slot(&larger, record_hash(shard->slots[i]));
        while (larger.slots[j])
            j = (j + 1) & (capacity - 1);
        larger.slots[j] = shard->slots[i];
    }
    set->memory += heap_cost(capacity * sizeof(uint64_t)) - heap_cost(shard->capacity * sizeof(uint64_t));
    free(shard->slots);
    *shard = larger;
}

bool keyset_add(struct keyset *set, struct slice key, uint64_t hash)
{
    struct keyset_shard *shard = &set->shards[hash % KEYSET_SHARDS];
    if (shard->count >= shard->capacity / 4 * 3)
        grow(set, shard);
    uint64_t *slot = find(shard, key, hash);
    if (*slot)
        return false;
    uint32_t size = (uint32_t)key.size;
    assert(size == key.size);
    char *record = record_alloc(set, sizeof(hash) + sizeof(size) + size);
    memcpy(record, &hash, sizeof(hash));
    record += sizeof(hash);
    memcpy(record, &size, sizeof(size));
    if (size)
        memcpy(record + sizeof(size), key.base, size);
    assert(((uintptr_t)record & ~POINTER_MASK) == 0);
    *slot = (hash & ~POINTER_MASK) | (uintptr_t)record;
    shard->count++;
    set->count++;
    return true;
}
