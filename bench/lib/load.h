/* SPDX-License-Identifier: MIT
 * load: one thread that keeps a number of connections busy, each with `depth` requests on their way, and times the answers.
 *
 * A connection sends `depth` requests in one write, waits for all their replies, and sends the next: redis-benchmark's way, so
 * the time of a batch counts for each request in it. */
#ifndef LOCUS_BENCH_LOAD_H
#define LOCUS_BENCH_LOAD_H

#include "bench/lib/workload.h"

/* Times in nanoseconds: 32 steps to each doubling, so a value is known to 3%. */
struct histogram {
    uint64_t counts[64 * 64];
    uint64_t total;
};
uint64_t histogram_at(const struct histogram *histogram, double fraction);

struct load {
    int port;
    int connections;
    int depth;
    const struct workload *workload;
    uint64_t requests;   /* how many in all, rounded up to whole batches */
    uint64_t seed;
    bool in_order;       /* the hole counts upwards from 0 instead of being random */
    unsigned reply_size; /* not 0: the server is bench/echo, told both sizes first, and replies are counted by their bytes */
};

struct load_result {
    double seconds;
    uint64_t replies;
    uint64_t reply_bytes;
    uint64_t errors; /* error replies */
    struct histogram latency;
};

/* The two halves: what connecting costs is not measured. Errors are printed; 0 or -errno. */
struct load_run;
int load_open(struct load_run **out, const struct load *load);
int load_run(struct load_run *run, struct load_result *result);
void load_close(struct load_run *run);

/* All of it, when the result does not matter: filling a server. */
int load_fill(int port, const struct workload *workload, uint64_t requests, bool in_order);

#endif
