/* SPDX-License-Identifier: MIT
 * report: see report.h. */
#include "bench/lib/report.h"

#include <string.h>

enum { BAR_WIDTH = 9, BAR_GAP = 2, GROUP_GAP = 14, PLOT_HEIGHT = 160, PLOT_TOP = 46, PLOT_LEFT = 60, PANEL_HEIGHT = 250 };

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

void report_table(FILE *out, const char *mode, const struct row *rows, int count, const char *const *names)
{
    fprintf(out, "\nlog: %s. CPU is microseconds of processor time per request; in brackets, of them in threads beside the main one.\n", mode);
    fprintf(out, "%-11s %3s %7s", "test", "-P", "floor");
    for (int s = OURS; s < CONTENDERS_MAX; s++)
        if (names[s])
            fprintf(out, " | %-14.14s %7s %6s %7s", names[s], "kreq/s", "p50us", "p99us");
    fprintf(out, " | cpu ratio | excess: ours theirs ratio (main)\n");
    for (int i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        if (strcmp(r->mode, mode) != 0)
            continue;
        fprintf(out, "%-11s %3d %7.3f", r->test, r->depth, cell_cpu(&r->cells[FLOOR]));
        for (int s = OURS; s < CONTENDERS_MAX; s++) {
            const struct cell *c = &r->cells[s];
            if (names[s])
                fprintf(out, " | %6.3f (%5.3f) %7.1f %6.0f %7.0f", cell_cpu(c), c->other_us, c->throughput / 1e3, c->p50_us, c->p99_us);
        }
        double ours = row_excess(r, OURS), theirs = row_excess(r, THEIRS);
        fprintf(out, " | %9.2f | %12.3f %6.3f %5.2f (%4.2f)\n", ratio(cell_cpu(&r->cells[OURS]), cell_cpu(&r->cells[THEIRS])), ours,
                theirs, ratio(ours, theirs), ratio(ours - r->cells[OURS].other_us, theirs - r->cells[THEIRS].other_us));
    }
}

/* ---- the chart: one panel for each mode and depth ---- */

static const char *const colours[CONTENDERS_MAX] = {"#999", "#2a6fdb", "#c23b22", "#d9a400"};

static void panel(FILE *out, const char *mode, int depth, int top, const struct row *rows, int count, const char *const *names)
{
    double most = 0.01;
    int x = PLOT_LEFT;
    for (int i = 0; i < count; i++)
        for (int s = OURS; s < CONTENDERS_MAX; s++)
            if (names[s] && strcmp(rows[i].mode, mode) == 0 && rows[i].depth == depth && row_excess(&rows[i], s) > most &&
                strcmp(rows[i].test, "MSET_10") != 0 && strcmp(rows[i].test, "LRANGE_100") != 0)
                most = row_excess(&rows[i], s);
    fprintf(out, "<text x='%d' y='%d' font-weight='bold'>log %s, -P %d: microseconds above the floor</text>\n", PLOT_LEFT, top + 20, mode, depth);
    for (int line = 0; line <= 4; line++) {
        double y = top + PLOT_TOP + PLOT_HEIGHT * (1 - line / 4.0);
        fprintf(out, "<line x1='%d' x2='900' y1='%.0f' y2='%.0f' stroke='#ddd'/><text x='%d' y='%.0f' text-anchor='end'>%.2f</text>\n",
                PLOT_LEFT, y, y, PLOT_LEFT - 6, y + 4, most * line / 4);
    }
    for (int i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        if (strcmp(r->mode, mode) != 0 || r->depth != depth)
            continue;
        int start = x;
        for (int s = OURS; s < CONTENDERS_MAX; s++) {
            if (!names[s])
                continue;
            double excess = row_excess(r, s), shown = excess < 0 ? 0 : excess > most ? most : excess;
            double height = PLOT_HEIGHT * shown / most;
            fprintf(out, "<rect x='%d' y='%.1f' width='%d' height='%.1f' fill='%s'><title>%s %s %.3f us</title></rect>\n", x,
                    top + PLOT_TOP + PLOT_HEIGHT - height, BAR_WIDTH, height, colours[s], names[s], r->test, excess);
            if (excess > most) /* cut off: say how high it is */
                fprintf(out, "<text x='%d' y='%d' font-size='8'>%.1f</text>\n", x - 2, top + PLOT_TOP - 3, excess);
            x += BAR_WIDTH + BAR_GAP;
        }
        x = x < start + 48 ? start + 48 : x;
        fprintf(out, "<text x='%d' y='%d' font-size='9'>%s</text>\n", start, top + PLOT_TOP + PLOT_HEIGHT + 13, r->test);
        x += GROUP_GAP;
    }
}

void report_chart(FILE *out, const struct row *rows, int count, const char *const *names)
{
    static const char *const modes[] = {"off", "everysec"};
    static const int depths[] = {1, 16, 64};
    int top = 30, x = PLOT_LEFT;
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='920' height='%d' font-family='sans-serif' font-size='11'>\n"
                 "<rect width='100%%' height='100%%' fill='white'/>\n", 40 + 6 * PANEL_HEIGHT);
    for (int s = OURS; s < CONTENDERS_MAX; s++) {
        if (!names[s])
            continue;
        fprintf(out, "<rect x='%d' y='10' width='12' height='12' fill='%s'/><text x='%d' y='20'>%s</text>\n", x, colours[s], x + 16, names[s]);
        x += 160;
    }
    for (int m = 0; m < 2; m++)
        for (int d = 0; d < 3; d++, top += PANEL_HEIGHT)
            panel(out, modes[m], depths[d], top, rows, count, names);
    fprintf(out, "</svg>\n");
}
