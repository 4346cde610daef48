/* SPDX-License-Identifier: MIT
 * clients: see clients.h. */
#include "services/txlog/clients.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 };

/* The slot that holds the number or would. */
static size_t find_slot(const uint64_t *slots, size_t capacity, uint64_t client)
{
    size_t slot = (size_t)((client * 0x9e3779b97f4a7c15u) >> 32) & (capacity - 1);
    while (slots[slot] && slots[slot] != client)
        slot = (slot + 1) & (capacity - 1);
    return slot;
}

/* Half full at most. */
static void grow(struct clients *clients)
{
    size_t capacity = clients->capacity ? clients->capacity * 2 : CAPACITY_MIN;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        abort();
    for (size_t i = 0; i < clients->capacity; i++)
        if (clients->slots[i])
            slots[find_slot(slots, capacity, clients->slots[i])] = clients->slots[i];
    free(clients->slots);
    clients->slots = slots;
    clients->capacity = capacity;
}

bool clients_insert(struct clients *clients, uint64_t client)
{
    if (clients->count * 2 >= clients->capacity)
        grow(clients);
    clients->last = client;
    size_t slot = find_slot(clients->slots, clients->capacity, client);
    if (clients->slots[slot])
        return false;
    clients->slots[slot] = client;
    clients->count++;
    return true;
}

void clients_clear(struct clients *clients)
{
    clients->last = 0;
    clients->count = 0;
    if (clients->capacity)
        memset(clients->slots, 0, clients->capacity * sizeof *clients->slots);
}

void clients_free(struct clients *clients)
{
    free(clients->slots);
    *clients = (struct clients){0};
}
