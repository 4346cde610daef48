/* SPDX-License-Identifier: MIT
 * clients: the set of client numbers that the current segment has introduced. Open addressing; the last one asked for is
 * remembered, because clients come in runs. */
#ifndef LOCUS_TXLOG_CLIENTS_H
#define LOCUS_TXLOG_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clients {
    uint64_t last;   /* 0: none */
    uint64_t *slots; /* Ours: client numbers, 0 = free */
    size_t count;
    size_t capacity; /* a power of two, or 0 */
};

/* The slow path of clients_add. */
bool clients_insert(struct clients *clients, uint64_t client);

/* Add a number (not 0). True: it is new. */
static inline bool clients_add(struct clients *clients, uint64_t client)
{
    return client != clients->last && clients_insert(clients, client);
}

void clients_clear(struct clients *clients);
void clients_free(struct clients *clients);

#endif
