/* SPDX-License-Identifier: MIT
 * slowlog: the slowest commands of late, and latency spikes by event.
 *
 * Durations are measured in processor cycles on the hot path and compared with a threshold in cycles; only what is slow is turned into
 * microseconds and kept. */
#ifndef LOCUS_REDISD_SLOWLOG_H
#define LOCUS_REDISD_SLOWLOG_H

#include <stdint.h>

#include "redisd/command.h"

enum {
    SLOWLOG_ARGS_MAX = 32,     /* arguments kept of a command */
    SLOWLOG_ARG_BYTES = 128,   /* bytes kept of an argument */
    LATENCY_SAMPLES = 160,     /* samples kept of an event, one per second with a spike */
    LATENCY_EVENTS = 16,
};

struct slowlog_entry {
    struct slowlog_entry *next; /* older */
    uint64_t id;
    int64_t time_s;             /* seconds since 1970 */
    int64_t duration_us;
    int argc;
    char *argv[SLOWLOG_ARGS_MAX];    /* Ours */
    size_t sizes[SLOWLOG_ARGS_MAX];
    char peer[46];
    char *name;                 /* Ours; the client's, may be NULL */
};

struct slowlog {
    struct slowlog_entry *newest;
    size_t count;
    uint64_t next_id;
    uint64_t threshold_cycles;  /* commands that take more are looked at; UINT64_MAX: off */
};

struct latency_event {
    const char *name;           /* "command", "fast-command", "expire-cycle" */
    uint32_t max_ms;            /* ever */
    struct { int64_t time_s; uint32_t ms; } samples[LATENCY_SAMPLES];
    int count, next;
};

struct latency {
    struct latency_event events[LATENCY_EVENTS];
    int count;
};

/* Recompute the threshold: after CONFIG SET and when the scale of cycles was refreshed. */
void slowlog_set_threshold(struct redisd *server);
/* Keep a slow command, and report it to the latency monitor. */
void slowlog_add(struct redisd *server, const struct client *client, const struct slice *argv, int argc, const struct command *command, uint64_t cycles);
void slowlog_reset(struct slowlog *slowlog);
void slowlog_trim(struct slowlog *slowlog, size_t max);

/* A spike of an event, in milliseconds; kept when latency-monitor-threshold asks for it. */
void latency_add(struct redisd *server, const char *event, int64_t ms);
/* Forget an event (base NULL: all); returns how many were there. */
int latency_reset(struct latency *latency, struct slice event);

#endif
