/* SPDX-License-Identifier: MIT
 * latency_report: see latency_report.h.
 *
 *      command - high 30 ms, low 5 ms (all time high 30 ms)
 *      ----------------------------------------------------
 *        #         rows of columns; '_', 'o', '#' are a third, two thirds and all of a row
 *      _ | o
 *      1 4 9       age of the sample, read downwards: 12s
 *      s s s */
#include "redisd/commands/latency_report.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    GRAPH_COLUMNS = 80,
    GRAPH_ROWS = 4,
    GRAPH_STEPS = 3, /* heights that a row can show */
    LABEL_SIZE = 16,
};

struct latency_sample latency_sample_at(const struct latency_event *event, int i)
{
    int at = (event->next - event->count + i + LATENCY_SAMPLES) % LATENCY_SAMPLES;
    return (struct latency_sample){event->samples[at].time_s, event->samples[at].ms};
}

/* ---- graph ---- */

struct scale {
    uint32_t low, high;
};

static struct scale scale_of(const struct latency_event *event)
{
    struct scale scale = {UINT32_MAX, 0};
    for (int i = 0; i < event->count; i++) {
        uint32_t ms = latency_sample_at(event, i).ms;
        scale.low = ms < scale.low ? ms : scale.low;
        scale.high = ms > scale.high ? ms : scale.high;
    }
    return scale;
}

/* Height of a column in steps, 1 to GRAPH_ROWS * GRAPH_STEPS. */
static unsigned height(const struct scale *scale, uint32_t ms)
{
    unsigned top = GRAPH_ROWS * GRAPH_STEPS - 1;
    if (scale->high == scale->low)
        return top + 1;
    return 1 + (unsigned)((uint64_t)(ms - scale->low) * top / (scale->high - scale->low));
}

/* What a column shows in a row counted from the bottom. */
static char cell(unsigned steps, unsigned row)
{
    unsigned below = row * GRAPH_STEPS;
    if (steps <= below)
        return ' ';
    if (steps >= below + GRAPH_STEPS)
        return steps > below + GRAPH_STEPS ? '|' : '#';
    return steps == below + 1 ? '_' : 'o';
}

static void age_label(int64_t age_s, char label[LABEL_SIZE])
{
    if (age_s < 60)
        snprintf(label, LABEL_SIZE, "%" PRId64 "s", age_s < 0 ? 0 : age_s);
    else if (age_s < 3600)
        snprintf(label, LABEL_SIZE, "%" PRId64 "m", age_s / 60);
    else if (age_s < 86400)
        snprintf(label, LABEL_SIZE, "%" PRId64 "h", age_s / 3600);
    else
        snprintf(label, LABEL_SIZE, "%" PRId64 "d", age_s / 86400 % 100000);
}

static void graph_labels(const struct latency_event *event, int first, int count, int64_t now_s, struct buffer *out)
{
    bool more = true;
    for (size_t line = 0; more; line++) {
        more = false;
        for (int i = first; i < first + count; i++) {
            char label[LABEL_SIZE];
            age_label(now_s - latency_sample_at(event, i).time_s, label);
            size_t size = strlen(label);
            buffer_append_char(out, line < size ? label[line] : ' ');
            more |= line + 1 < size;
        }
        buffer_append_char(out, '\n');
    }
}

void latency_graph(const struct latency_event *event, int64_t now_s, struct buffer *out)
{
    struct scale scale = scale_of(event);
    buffer_format(out, "%s - high %" PRIu32 " ms, low %" PRIu32 " ms (all time high %" PRIu32 " ms)\n", event->name, scale.high, scale.low, event->max_ms);
    for (int i = 0; i < GRAPH_COLUMNS; i++)
        buffer_append_char(out, '-');
    buffer_append_char(out, '\n');
    for (int first = 0; first < event->count; first += GRAPH_COLUMNS) {
        int count = event->count - first < GRAPH_COLUMNS ? event->count - first : GRAPH_COLUMNS;
        for (unsigned row = GRAPH_ROWS; row-- > 0;) {
            for (int i = first; i < first + count; i++)
                buffer_append_char(out, cell(height(&scale, latency_sample_at(event, i).ms), row));
            buffer_append_char(out, '\n');
        }
        buffer_append_char(out, '\n');
        graph_labels(event, first, count, now_s, out);
    }
}

/* ---- doctor ---- */

static const struct { const char *event, *advice; } advices[] = {
    {"command", "SLOWLOG GET shows which commands were slow. Those whose cost grows with the size of a value or with the number of keys "
                "(KEYS, SMEMBERS, SORT, large ranges) are better asked in parts, with SCAN and its kin."},
    {"fast-command", "Commands of constant cost were slow, so what delayed them lies outside: a machine that is short of processors or swaps, "
                     "or a stopped process."},
    {"expire-cycle", "Very many keys expired at one moment. Deadlines that are spread a little avoid that."},
};

static const char *advice_for(const char *event)
{
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
        if (strcmp(advices[i].event, event) == 0)
            return advices[i].advice;
    return NULL;
}

static void describe_event(const struct latency_event *event, int64_t now_s, int number, struct buffer *out)
{
    uint64_t sum = 0, deviation = 0;
    for (int i = 0; i < event->count; i++)
        sum += latency_sample_at(event, i).ms;
    uint64_t average = sum / (uint64_t)event->count;
    for (int i = 0; i < event->count; i++) {
        uint64_t ms = latency_sample_at(event, i).ms;
        deviation += ms > average ? ms - average : average - ms;
    }
    int64_t span_s = now_s - latency_sample_at(event, 0).time_s;
    buffer_format(out, "%d. %s: %d spikes, average %" PRIu64 " ms, mean deviation %" PRIu64 " ms, one every %.2f s. The worst ever took %" PRIu32 " ms.\n", number,
                  event->name, event->count, average, deviation / (uint64_t)event->count, (double)(span_s > 0 ? span_s : 1) / event->count, event->max_ms);
}

void latency_doctor(const struct latency *latency, int64_t now_s, int64_t threshold_ms, struct buffer *out)
{
    if (threshold_ms <= 0 && latency->count == 0) {
        buffer_format(out, "Latency is not watched. CONFIG SET latency-monitor-threshold <milliseconds> turns that on.\n");
        return;
    }
    if (latency->count == 0) {
        buffer_format(out, "Nothing took %" PRId64 " ms or longer since latency is watched.\n", threshold_ms);
        return;
    }
    buffer_format(out, "Latency spikes by event:\n\n");
    for (int i = 0; i < latency->count; i++)
        describe_event(&latency->events[i], now_s, i + 1, out);
    buffer_format(out, "\nWhat to look at:\n\n");
    for (int i = 0; i < latency->count; i++) {
        const char *advice = advice_for(latency->events[i].name);
        if (advice)
            buffer_format(out, "- %s: %s\n", latency->events[i].name, advice);
    }
}
