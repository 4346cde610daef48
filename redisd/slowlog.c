/* SPDX-License-Identifier: MIT
 * slowlog: see slowlog.h. */
#include "redisd/slowlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/reactor.h"
#include "redisd/redisd.h"

/* ---- slow commands ---- */

/* The hot path compares with one number: the lower of what the slow log and the latency monitor ask for. */
void slowlog_set_threshold(struct redisd *server)
{
    const struct config *config = &server->config;
    double us = -1;
    if (config->slowlog_log_slower_than >= 0)
        us = (double)config->slowlog_log_slower_than;
    if (config->latency_monitor_threshold > 0 && (us < 0 || (double)config->latency_monitor_threshold * 1000 < us))
        us = (double)config->latency_monitor_threshold * 1000;
    server->slowlog.threshold_cycles = us < 0 ? UINT64_MAX : (uint64_t)(us * 1000 / server->cycles.ns_per_cycle);
    /* "Slower than 0" logs every command, those that take no time at all included. */
    if (config->slowlog_log_slower_than == 0)
        server->slowlog.threshold_cycles = 0;
}

static char *copy_text(struct slice text)
{
    char *copy = malloc(text.size + 1);
    if (!copy)
        abort();
    if (text.size)
        memcpy(copy, text.base, text.size);
    copy[text.size] = 0;
    return copy;
}

/* A password that CONFIG SET was given: the slow log is read by more people than the configuration. */
static bool is_secret(const struct slice *argv, int argc, int i)
{
    return i > 2 && slice_equal_nocase(argv[0], SLICE("config")) && argc > 3 && slice_equal_nocase(argv[i - 1], SLICE("requirepass"));
}

/* Arguments as the slow log shows them: long ones cut with a note, and a note in the place of those that are too many. */
static void keep_arguments(struct slowlog_entry *entry, const struct slice *argv, int argc)
{
    entry->argc = argc < SLOWLOG_ARGS_MAX ? argc : SLOWLOG_ARGS_MAX;
    for (int i = 0; i < entry->argc; i++) {
        struct buffer text = {0};
        if (i == SLOWLOG_ARGS_MAX - 1 && argc > SLOWLOG_ARGS_MAX) {
            buffer_format(&text, "... (%d more arguments)", argc - SLOWLOG_ARGS_MAX + 1);
        } else if (is_secret(argv, argc, i)) {
            buffer_format(&text, "(redacted)");
        } else if (argv[i].size > SLOWLOG_ARG_BYTES) {
            buffer_append(&text, argv[i].base, SLOWLOG_ARG_BYTES);
            buffer_format(&text, "... (%zu more bytes)", argv[i].size - SLOWLOG_ARG_BYTES);
        } else {
            buffer_append_slice(&text, argv[i]);
        }
        entry->argv[i] = copy_text(buffer_slice(&text));
        entry->sizes[i] = text.size;
        buffer_free(&text);
    }
}

void slowlog_add(struct redisd *server, const struct client *client, const struct slice *argv, int argc, const struct command *command, uint64_t cycles)
{
    int64_t us = (int64_t)((double)cycles * server->cycles.ns_per_cycle / 1000);
    const struct config *config = &server->config;
    latency_add(server, command->flags & CMD_FAST ? "fast-command" : "command", us / 1000);
    if (config->slowlog_log_slower_than < 0 || us < config->slowlog_log_slower_than || (command->flags & CMD_SKIP_SLOWLOG) || config->slowlog_max_len == 0)
        return;
    struct slowlog_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        abort();
    keep_arguments(entry, argv, argc);
    entry->id = server->slowlog.next_id++;
    entry->time_s = reactor_wall_us(server->reactor) / 1000000;
    entry->duration_us = us;
    snprintf(entry->peer, sizeof(entry->peer), "%s", client->peer);
    entry->name = client->name ? copy_text(slice_from_string(client->name)) : NULL;
    entry->next = server->slowlog.newest;
    server->slowlog.newest = entry;
    server->slowlog.count++;
    slowlog_trim(&server->slowlog, (size_t)config->slowlog_max_len);
}

static void free_entry(struct slowlog_entry *entry)
{
    for (int i = 0; i < entry->argc; i++)
        free(entry->argv[i]);
    free(entry->name);
    free(entry);
}

void slowlog_trim(struct slowlog *slowlog, size_t max)
{
    if (slowlog->count <= max)
        return;
    struct slowlog_entry **at = &slowlog->newest;
    for (size_t i = 0; i < max; i++)
        at = &(*at)->next;
    struct slowlog_entry *old = *at, *next;
    *at = NULL;
    for (; old; old = next) {
        next = old->next;
        free_entry(old);
        slowlog->count--;
    }
}

void slowlog_reset(struct slowlog *slowlog)
{
    slowlog_trim(slowlog, 0);
}

/* ---- latency spikes ---- */

void latency_add(struct redisd *server, const char *event, int64_t ms)
{
    struct latency *latency = &server->latency;
    if (server->config.latency_monitor_threshold <= 0 || ms < server->config.latency_monitor_threshold)
        return;
    int i = 0;
    while (i < latency->count && strcmp(latency->events[i].name, event) != 0)
        i++;
    if (i == LATENCY_EVENTS)
        return;
    struct latency_event *e = &latency->events[i];
    if (i == latency->count) {
        *e = (struct latency_event){.name = event};
        latency->count++;
    }
    uint32_t value = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
    int64_t now_s = reactor_wall_us(server->reactor) / 1000000;
    if (value > e->max_ms)
        e->max_ms = value;
    int last = (e->next + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES;
    if (e->count && e->samples[last].time_s == now_s) {
        /* One sample a second: the worst. */
        if (value > e->samples[last].ms)
            e->samples[last].ms = value;
        return;
    }
    e->samples[e->next].time_s = now_s;
    e->samples[e->next].ms = value;
    e->next = (e->next + 1) % LATENCY_SAMPLES;
    if (e->count < LATENCY_SAMPLES)
        e->count++;
}

int latency_reset(struct latency *latency, struct slice event)
{
    int removed = 0;
    for (int i = 0; i < latency->count;) {
        if (event.base && !slice_equal_nocase(slice_from_string(latency->events[i].name), event)) {
            i++;
            continue;
        }
        latency->events[i] = latency->events[--latency->count];
        removed++;
    }
    return removed;
}
