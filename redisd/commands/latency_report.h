/* SPDX-License-Identifier: MIT
 * latency_report: latency spikes as text for people: LATENCY GRAPH and LATENCY DOCTOR. */
#ifndef LOCUS_REDISD_COMMANDS_LATENCY_REPORT_H
#define LOCUS_REDISD_COMMANDS_LATENCY_REPORT_H

#include "redisd/slowlog.h"

/* The i-th oldest sample of an event, 0 <= i < event->count. */
struct latency_sample {
    int64_t time_s;
    uint32_t ms;
};
struct latency_sample latency_sample_at(const struct latency_event *event, int i);

/* The samples of an event as columns of characters, oldest first, 80 beside each other. */
void latency_graph(const struct latency_event *event, int64_t now_s, struct buffer *out);

/* What the events say, and what to look at next. threshold_ms: of latency-monitor-threshold, 0: nothing is watched. */
void latency_doctor(const struct latency *latency, int64_t now_s, int64_t threshold_ms, struct buffer *out);

#endif
