/* SPDX-License-Identifier: MIT
 * report: what was measured, as a table of text and as a chart. */
#ifndef LOCUS_BENCH_REPORT_H
#define LOCUS_BENCH_REPORT_H

#include <stdio.h>

enum { CONTENDERS_MAX = 4, FLOOR = 0, OURS = 1, THEIRS = 2, PEER = 3 };

/* One server in one test at one depth: medians over the rounds. All zeros: not measured. */
struct cell {
    double main_us, other_us;  /* processor time per request: the thread that serves, and those that hash and flush */
    double throughput;         /* requests per second */
    double p50_us, p99_us;     /* latency of a batch */
    double reply_bytes;        /* per request */
};

struct row {
    const char *mode; /* "off", "everysec", "always" */
    const char *test;
    int depth;
    struct cell cells[CONTENDERS_MAX];
};

static inline double cell_cpu(const struct cell *cell)
{
    return cell->main_us + cell->other_us;
}

/* Processor time above the floor: what is the server's own. */
static inline double row_excess(const struct row *row, int contender)
{
    return cell_cpu(&row->cells[contender]) - cell_cpu(&row->cells[FLOOR]);
}

/* The table of one mode, from its rows. `names` has CONTENDERS_MAX, NULL where nobody is. */
void report_table(FILE *out, const char *mode, const struct row *rows, int count, const char *const *names);

/* Bars of the excess for every test and depth of the modes "off" and "everysec". */
void report_chart(FILE *out, const struct row *rows, int count, const char *const *names);

#endif
