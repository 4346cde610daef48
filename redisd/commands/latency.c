/* SPDX-License-Identifier: MIT
 * latency: LATENCY LATEST, HISTORY, RESET, GRAPH, DOCTOR on the spikes that latency-monitor-threshold lets in; HISTOGRAM on the durations of every
 * command. What is kept is in redisd/slowlog.c and redisd/stats.c. */
#include "kernel/histogram.h"
#include "kernel/reactor.h"
#include "redisd/commands/command_facts.h"
#include "redisd/commands/introspection.h"
#include "redisd/commands/latency_report.h"
#include "redisd/redisd.h"
#include "redisd/stats.h"

/* ---- spikes ---- */

/* Event names are compared with their case, as in Redis. */
static const struct latency_event *find_event(const struct call *c, struct slice name)
{
    const struct latency *latency = &c->server->latency;
    for (int i = 0; i < latency->count; i++)
        if (slice_equal(slice_from_string(latency->events[i].name), name))
            return &latency->events[i];
    return NULL;
}

static int64_t now_s(const struct call *c)
{
    return reactor_wall_us(c->server->reactor) / 1000000;
}

static void latency_latest(struct call *c)
{
    const struct latency *latency = &c->server->latency;
    resp_array(c->reply, (size_t)latency->count);
    for (int i = 0; i < latency->count; i++) {
        const struct latency_event *event = &latency->events[i];
        struct latency_sample last = latency_sample_at(event, event->count - 1);
        resp_array(c->reply, 4);
        resp_bulk_string(c->reply, event->name);
        resp_integer(c->reply, last.time_s);
        resp_integer(c->reply, last.ms);
        resp_integer(c->reply, event->max_ms);
    }
}

static void latency_history(struct call *c)
{
    const struct latency_event *event = find_event(c, c->argv[2]);
    int count = event ? event->count : 0;
    resp_array(c->reply, (size_t)count);
    for (int i = 0; i < count; i++) {
        struct latency_sample sample = latency_sample_at(event, i);
        resp_array(c->reply, 2);
        resp_integer(c->reply, sample.time_s);
        resp_integer(c->reply, sample.ms);
    }
}

static void latency_reset_command(struct call *c)
{
    int removed = 0;
    if (c->argc == 2)
        removed = latency_reset(&c->server->latency, (struct slice){0});
    for (int i = 2; i < c->argc; i++)
        removed += find_event(c, c->argv[i]) ? latency_reset(&c->server->latency, c->argv[i]) : 0;
    resp_integer(c->reply, removed);
}

static void latency_graph_command(struct call *c)
{
    const struct latency_event *event = find_event(c, c->argv[2]);
    if (!event) {
        resp_errorf(c->reply, "ERR No samples available for event '%.*s'", (int)c->argv[2].size, c->argv[2].base);
        return;
    }
    struct buffer text = {0};
    latency_graph(event, now_s(c), &text);
    resp_verbatim(c->reply, "txt", buffer_slice(&text));
    buffer_free(&text);
}

static void latency_doctor_command(struct call *c)
{
    struct buffer text = {0};
    latency_doctor(&c->server->latency, now_s(c), c->server->config.latency_monitor_threshold, &text);
    resp_verbatim(c->reply, "txt", buffer_slice(&text));
    buffer_free(&text);
}

/* ---- histograms ---- */

/* Calls that took at most 1, 2, 4, 8... microseconds (of 1024 nanoseconds each, as Redis counts them), where the number grows. The histogram counts
 * cycles; a bucket goes where its largest value falls, so a call near a limit may appear one step later. */
static size_t reply_steps(struct resp_writer *w, const struct histogram *histogram, double ns_per_cycle)
{
    uint64_t sum = 0, said = 0;
    unsigned bucket = 0;
    size_t steps = 0;
    for (unsigned power = 10; power < 64 && said < histogram->count; power++) {
        for (; bucket < HISTOGRAM_BUCKETS && (double)histogram_bucket_max(bucket) * ns_per_cycle < (double)((uint64_t)1 << power); bucket++)
            sum += histogram->buckets[bucket];
        if (sum == said)
            continue;
        said = sum;
        resp_integer(w, (int64_t)(((uint64_t)1 << power) / 1000));
        resp_integer(w, (int64_t)sum);
        steps++;
    }
    return steps;
}

/* One command; returns how many map entries that makes: none while it was never called. */
static size_t reply_histogram(struct call *c, const struct command *row)
{
    const struct command_stats *stats = stats_of(c->server, row);
    if (!stats || !stats->latency || !stats->latency->count)
        return 0;
    resp_bulk_string(c->reply, row->name);
    resp_map(c->reply, 2);
    resp_bulk_string(c->reply, "calls");
    resp_integer(c->reply, (int64_t)stats->latency->count);
    resp_bulk_string(c->reply, "histogram_usec");
    size_t mark = resp_map_begin(c->reply);
    resp_map_end(c->reply, mark, reply_steps(c->reply, stats->latency, c->server->cycles.ns_per_cycle));
    return 1;
}

static size_t reply_histograms(struct call *c, const struct command *row)
{
    size_t count = reply_histogram(c, row);
    for (size_t i = 0; i < command_subcommand_count(row); i++)
        count += reply_histogram(c, &row->subcommands[i]);
    return count;
}

static void latency_histogram(struct call *c)
{
    const struct command_table *table = c->server->commands;
    size_t mark = resp_map_begin(c->reply), count = 0;
    for (int i = 0; c->argc == 2 && i < command_table_count(table); i++)
        count += reply_histograms(c, command_table_at(table, i));
    for (int i = 2; i < c->argc; i++) {
        const struct command *row = command_by_full_name(table, c->argv[i]);
        count += row ? reply_histograms(c, row) : 0;
    }
    resp_map_end(c->reply, mark, count);
}

static void latency_help(struct call *c)
{
    static const char *const lines[] = {
        "DOCTOR", "    What the spikes have in common, and what to look at.",
        "GRAPH <event>", "    The spikes of an event, drawn with characters.",
        "HISTOGRAM [<command> ...]", "    How many calls of commands took how long. Default: all that were called.",
        "HISTORY <event>", "    Time and milliseconds of the spikes of an event.",
        "LATEST", "    The newest spike of each event.",
        "RESET [<event> ...]", "    Forget the spikes of events. Default: of all.",
        NULL,
    };
    reply_help(c, lines);
}

#define ADMIN (CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define ROW(name, run, arity, flags, since, cost, summary) {"latency|" name, run, arity, flags, 0, 0, 0, GROUP_SERVER, since, cost, summary, NULL, NULL, 0}
const struct command latency_subcommands[] = {
    ROW("doctor", latency_doctor_command, 2, ADMIN | CMD_RANDOM_OUTPUT, "2.8.13", "O(1)", "Reports on latency spikes."),
    ROW("graph", latency_graph_command, 3, ADMIN | CMD_RANDOM_OUTPUT, "2.8.13", "O(1)", "Draws the latency spikes of an event."),
    ROW("help", latency_help, 2, CMD_LOADING | CMD_STALE, "2.8.13", "O(1)", "Tells about the subcommands."),
    ROW("histogram", latency_histogram, -2, ADMIN | CMD_RANDOM_OUTPUT, "7.0.0", "O(N), N the commands answered", "Answers how long calls of commands took."),
    ROW("history", latency_history, 3, ADMIN | CMD_RANDOM_OUTPUT, "2.8.13", "O(1)", "Answers the latency spikes of an event."),
    ROW("latest", latency_latest, 2, ADMIN | CMD_RANDOM_OUTPUT, "2.8.13", "O(1)", "Answers the newest latency spike of each event."),
    ROW("reset", latency_reset_command, -2, ADMIN, "2.8.13", "O(1)", "Forgets latency spikes."),
    {0},
};
