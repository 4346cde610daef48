/* SPDX-License-Identifier: MIT
 * clients: see clients.h. */
#include "services/txlog/clients.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 };

/* The slot that holds the number or would. */
static size_t find_slot(const struct clients *clients, uint64_t client)
{
    size_t mask = clients->capacity - 1;
    size_t slot = (size_t)((client * 0x9e3779b97f4a7c15u) >> 32) & mask;
    while (clients->slots[slot] && clients->slots[slot] != client)
        slot = (slot + 1) & mask;
    return slot;
}

/* Half full at most. */
static void grow(struct clients *clients)
{
    struct clients larger = {.capacity = clients->capacity ? clients->capacity * 2 : CAPACITY_MIN};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        abort();
    for (size_t i = 0; i < clients->capacity; i++)
        if (clients->slots[i])
            larger.slots[find_slot(&larger, clients->slots[i])] = clients->slots[i];
    larger.count = clients->count;
    free(clients->slots);
    *clients = larger;
}

bool clients_insert(struct clients *clients, uint64_t client)
{
    if (clients->count * 2 >= clients->capacity)
        grow(clients);
    clients->last = client;
    size_t slot = find_slot(clients, client);
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
