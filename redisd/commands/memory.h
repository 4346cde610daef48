/* SPDX-License-Identifier: MIT
 * memory: where the process's memory is, for MEMORY STATS and INFO. */
#ifndef LOCUS_REDISD_COMMANDS_MEMORY_H
#define LOCUS_REDISD_COMMANDS_MEMORY_H

#include <stdint.h>

struct redisd;

/* All in bytes but `keys`. */
struct memory_figures {
    uint64_t keyspace;  /* arenas, index, ordered maps */
    uint64_t heap;      /* what the C library has given out */
    uint64_t heap_free; /* and what it holds without use */
    uint64_t sessions;  /* micro-heaps in use and pooled with their pages, pooled buffers */
    uint64_t log;       /* appended, not written yet */
    uint64_t used, peak, resident;
    uint64_t keys;
};

struct memory_figures memory_figures(const struct redisd *server);

#endif
