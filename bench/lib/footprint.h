/* SPDX-License-Identifier: MIT
 * footprint: what a server takes up: memory for a key, memory for an idle connection, bytes in its log for a SET. */
#ifndef LOCUS_BENCH_FOOTPRINT_H
#define LOCUS_BENCH_FOOTPRINT_H

#include <stdint.h>

struct footprint {
    double bytes_per_key;         /* a million key:%012d with 32-byte values */
    double bytes_per_connection;  /* that has been active, then idle for `idle_s` */
    double log_bytes_per_set;     /* 16-byte key, 32-byte value, pipelined */
};

struct footprint_plan {
    const char *path;   /* the server binary */
    int cpu;            /* that it is pinned to */
    unsigned keys;      /* for memory */
    unsigned sets;      /* for the log */
    int connections;
    unsigned idle_s;
};

/* Start servers of their own for each and measure. What fails is left 0, after a message. */
struct footprint footprint_measure(const struct footprint_plan *plan);

/* Options that both kinds of server understand: no snapshots, and the log "off", "everysec" or "always". NULL-terminated. */
const char *const *server_options(const char *mode);

#endif
