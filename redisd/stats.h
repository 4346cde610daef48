/* SPDX-License-Identifier: MIT
 * stats: how often each command was called, refused, failed, how long it took; how often each error was answered; rates. */
#ifndef LOCUS_REDISD_STATS_H
#define LOCUS_REDISD_STATS_H

#include "redisd/command.h"

struct command_slot;
struct histogram;
struct redisd_rate;

struct command_stats {
    const struct command *command; /* NULL: free */
    uint64_t calls, cycles, rejected, failed;
    struct histogram *latency;     /* cycles: cycles_scale makes them nanoseconds; NULL until the first call, and while latency-tracking is off */
};

enum { ERROR_KINDS_MAX = 64, ERROR_KIND_SIZE = 24 };
struct error_stats {
    char kind[ERROR_KIND_SIZE]; /* first word of the reply: "ERR", "WRONGTYPE" */
    uint64_t count;
};

enum { STATS_SLOTS = 1024 };
struct stats_table {
    struct command_stats commands[STATS_SLOTS]; /* open addressing by the row's address */
    struct error_stats errors[ERROR_KINDS_MAX];
    int error_kinds;
};

/* A command ran. slot: of its top-level command when known, which spares a lookup; may be NULL. */
void stats_called(struct redisd *server, struct command_slot *slot, const struct command *command, uint64_t cycles, bool failed);
/* A command was refused before it ran (command NULL: unknown); `reply` is the error. */
void stats_rejected(struct redisd *server, const struct command *command, struct slice reply);
/* An error was answered; `reply` begins with '-'. */
void stats_error(struct redisd *server, struct slice reply);
/* The figures of a row, NULL when it was never called or refused. */
const struct command_stats *stats_of(const struct redisd *server, const struct command *command);
void stats_reset(struct redisd *server);

/* Take a sample of the rates; every 100 ms. */
void stats_sample(struct redisd *server);
uint64_t rate_per_second(const struct redisd_rate *rate);

#endif
