/* SPDX-License-Identifier: MIT
 * stats: see stats.h. */
#include "redisd/stats.h"

#include <stdlib.h>

#include "kernel/reactor.h"
#include "redisd/redisd.h"

/* The slot of a row; made when `make`. Rows lie in constant tables, so their addresses are as good as numbers; nothing that is answered depends on them. */
static struct command_stats *slot_of(struct stats_table *table, const struct command *command, bool make)
{
    uint64_t h = ((uint64_t)(uintptr_t)command >> 3) * 0x9e3779b97f4a7c15u;
    for (unsigned at = (unsigned)(h >> 54);; at = (at + 1) % STATS_SLOTS) {
        struct command_stats *slot = &table->commands[at];
        if (slot->command == command)
            return slot;
        if (!slot->command) {
            if (!make)
                return NULL;
            slot->command = command;
            return slot;
        }
    }
}

static struct command_stats *stats_for(struct redisd *server, struct command_slot *slot, const struct command *command)
{
    if (!slot || slot->row != command)
        return slot_of(server->command_stats, command, true);
    if (__builtin_expect(!slot->stats, 0))
        slot->stats = slot_of(server->command_stats, command, true);
    return slot->stats;
}

void stats_called(struct redisd *server, struct command_slot *slot, const struct command *command, uint64_t cycles, bool failed)
{
    struct command_stats *stats = stats_for(server, slot, command);
    stats->calls++;
    stats->cycles += cycles;
    stats->failed += failed;
    if (!server->config.latency_tracking)
        return;
    if (__builtin_expect(!stats->latency, 0) && !(stats->latency = calloc(1, sizeof(*stats->latency))))
        abort();
    histogram_record(stats->latency, cycles);
}

void stats_error(struct redisd *server, struct slice reply)
{
    server->stats.errors_replied++;
    size_t size = 1;
    while (size < reply.size && size < ERROR_KIND_SIZE && reply.base[size] != ' ' && reply.base[size] != '\r')
        size++;
    struct slice kind = slice_of(reply.base + 1, size - 1);
    struct stats_table *table = server->command_stats;
    for (int i = 0; i < table->error_kinds; i++) {
        if (slice_equal(slice_from_string(table->errors[i].kind), kind)) {
            table->errors[i].count++;
            return;
        }
    }
    if (table->error_kinds == ERROR_KINDS_MAX)
        return;
    struct error_stats *error = &table->errors[table->error_kinds++];
    memcpy(error->kind, kind.base, kind.size);
    error->kind[kind.size] = 0;
    error->count = 1;
}

void stats_rejected(struct redisd *server, const struct command *command, struct slice reply)
{
    if (command)
        slot_of(server->command_stats, command, true)->rejected++;
    stats_error(server, reply);
}

const struct command_stats *stats_of(const struct redisd *server, const struct command *command)
{
    const struct command_stats *stats = slot_of(server->command_stats, command, false);
    return stats && (stats->calls || stats->rejected) ? stats : NULL;
}

void stats_reset(struct redisd *server)
{
    /* Rows keep their slots: the command table points to them. */
    for (int i = 0; i < STATS_SLOTS; i++) {
        struct command_stats *stats = &server->command_stats->commands[i];
        free(stats->latency);
        *stats = (struct command_stats){.command = stats->command};
    }
    server->command_stats->error_kinds = 0;
    server->stats = (struct redisd_stats){0};
}

static void sample(struct redisd_rate *rate, uint64_t counter, int next)
{
    rate->per_second[next] = counter < rate->last ? 0 : (counter - rate->last) * 10;
    rate->last = counter;
}

void stats_sample(struct redisd *server)
{
    int next = server->rate_next;
    server->rate_next = (next + 1) % RATE_SAMPLES;
    sample(&server->rate_commands, server->stats.commands_processed, next);
    sample(&server->rate_in, server->reactor->counters.bytes_in, next);
    sample(&server->rate_out, server->reactor->counters.bytes_out, next);
}

uint64_t rate_per_second(const struct redisd_rate *rate)
{
    uint64_t sum = 0;
    for (int i = 0; i < RATE_SAMPLES; i++)
        sum += rate->per_second[i];
    return sum / RATE_SAMPLES;
}
