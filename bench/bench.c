/* SPDX-License-Identifier: MIT
 * bench: redisd, redis-server, perhaps a third, and a bare echo, side by side in one run.
 *
 *      bench --ours build/redisd --theirs redis-server --echo build/bench/echo [--peer PATH] [--out DIR] [--rounds N]
 *            [--seconds X] [--only GET,SET,...] [--quick]
 *
 * Machines are noisy, ratios are not: all servers run at once, pinned to one processor, the load on another, and every test at
 * every depth is given to one after the other, in rounds, in alternating order; medians are reported. The echo server gets
 * requests and replies of the same sizes: what it costs is the machine's floor, and the rest, the excess, is the server's own. */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/lib/footprint.h"
#include "bench/lib/load.h"
#include "bench/lib/proc.h"
#include "bench/lib/report.h"
#include "compat/lib/client.h"
#include "compat/lib/server.h"

enum { CONNECTIONS = 50, VALUE_SIZE = 64, ROUNDS_MAX = 15, ROWS_MAX = 256, LOAD_CPU = 0, SERVER_CPU = 1, REST_US = 3000 };

static const int depths[] = {1, 16, 64};
/* Requests per second that these servers do about, at each depth: what turns seconds into a number of requests. */
static const double usual_rates[] = {100e3, 600e3, 900e3};

struct bench {
    const char *paths[CONTENDERS_MAX]; /* NULL: nobody */
    const char *names[CONTENDERS_MAX];
    struct server servers[CONTENDERS_MAX];
    const char *out;  /* directory of the report */
    const char *only; /* names of tests, or NULL */
    int rounds;
    double seconds;   /* of each run */
    bool quick;
    struct row rows[ROWS_MAX];
    int row_count;
    struct footprint footprints[CONTENDERS_MAX];
    int failed;
};

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fprintf(stderr, "bench: cannot pin to processor %d: expect noise\n", cpu);
}

/* ---- one run ---- */

static void command(int port, const char *words)
{
    struct client client;
    if (client_open(&client, port) == 0)
        client_command(&client, words);
    client_close(&client);
}

static void prepare(int port, const struct test *test, uint64_t requests)
{
    if (test->prepare)
        command(port, test->prepare);
    if (test->fill) {
        struct workload fill;
        workload_init(&fill, test->name, test->fill, VALUE_SIZE);
        load_fill(port, &fill, test->fill_count ? test->fill_count : requests + CONNECTIONS * 64, false);
        workload_free(&fill);
    }
}

/* One test at one depth on one server. */
static int measure(const struct server *server, const struct load *load, struct cell *cell)
{
    static struct load_result result; /* 32 KiB of histogram */
    struct load_run *run = NULL;
    int error = load_open(&run, load);
    usleep(REST_US);
    struct proc_cpu before = proc_cpu(server->pid);
    if (error == 0)
        error = load_run(run, &result);
    usleep(REST_US); /* schedstat is exact once the server sleeps */
    struct proc_cpu after = proc_cpu(server->pid);
    load_close(run);
    if (error < 0)
        return error;
    double replies = (double)result.replies;
    *cell = (struct cell){
        .main_us = (double)(after.main_ns - before.main_ns) / 1e3 / replies,
        .other_us = (double)(after.other_ns - before.other_ns) / 1e3 / replies,
        .throughput = replies / result.seconds,
        .p50_us = (double)histogram_at(&result.latency, 0.5) / 1e3,
        .p99_us = (double)histogram_at(&result.latency, 0.99) / 1e3,
        .reply_bytes = (double)result.reply_bytes / replies,
    };
    if (result.errors && !load->reply_size)
        fprintf(stderr, "bench: %s: %llu error replies on port %d\n", load->workload->name, (unsigned long long)result.errors, load->port);
    return result.errors && !load->reply_size ? -EPROTO : 0;
}

/* ---- rounds and medians ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of one field (at `offset` in struct cell) over the rounds. */
static double median(const struct cell *rounds, int count, size_t offset)
{
    double values[ROUNDS_MAX];
    for (int i = 0; i < count; i++)
        memcpy(&values[i], (const char *)&rounds[i] + offset, sizeof values[i]);
    qsort(values, (size_t)count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static struct cell medians(const struct cell *rounds, int count)
{
    struct cell cell = {0};
    for (size_t offset = 0; offset < sizeof cell; offset += sizeof(double)) {
        double value = median(rounds, count, offset);
        memcpy((char *)&cell + offset, &value, sizeof value);
    }
    return cell;
}

static void run_row(struct bench *b, const char *mode, const struct test *test, int d)
{
    static struct cell rounds[CONTENDERS_MAX][ROUNDS_MAX];
    struct row *row = &b->rows[b->row_count];
    struct workload work;
    double weight = strcmp(test->name, "LRANGE_100") == 0 ? 8 : strcmp(test->name, "MSET_10") == 0 ? 6 : 1;
    bool broken[CONTENDERS_MAX] = {0};
    struct load load = {.connections = CONNECTIONS, .depth = depths[d], .workload = &work};
    load.requests = (uint64_t)(usual_rates[d] * b->seconds / weight);
    workload_init(&work, test->name, test->words, VALUE_SIZE);
    for (int round = 0; round < b->rounds; round++) {
        for (int i = 0; i < CONTENDERS_MAX; i++) {
            int s = OURS + (round % 2 ? CONTENDERS_MAX - 2 - i : i); /* 1 2 3, then 3 2 1; the floor last: it needs a reply's size */
            s = i == CONTENDERS_MAX - 1 ? FLOOR : s;
            if (!b->paths[s] || broken[s])
                continue;
            double reply = rounds[THEIRS][round].reply_bytes;
            load.port = b->servers[s].port;
            load.seed = 1000 + (uint64_t)round;
            load.reply_size = s == FLOOR ? (unsigned)(reply + 0.5) : 0;
            if (s != FLOOR)
                prepare(load.port, test, load.requests);
            broken[s] = measure(&b->servers[s], &load, &rounds[s][round]) < 0;
        }
    }
    *row = (struct row){.mode = mode, .test = test->name, .depth = depths[d]};
    for (int s = 0; s < CONTENDERS_MAX; s++) {
        if (b->paths[s] && !broken[s])
            row->cells[s] = medians(rounds[s], b->rounds);
        b->failed += broken[s];
    }
    b->row_count++;
    workload_free(&work);
}

/* ---- modes ---- */

static bool wanted(const struct bench *b, const char *name)
{
    size_t size = strlen(name);
    for (const char *p = b->only; p && *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (n == size && strncasecmp(p, name, n) == 0)
            return true;
        p += n;
    }
    return !b->only;
}

static int start_all(struct bench *b, const char *mode)
{
    struct workload set;
    int error = 0;
    workload_init(&set, "SET", "SET %k %v", VALUE_SIZE);
    for (int s = 0; s < CONTENDERS_MAX && error == 0; s++) {
        if (!b->paths[s])
            continue;
        error = server_start(&b->servers[s], b->paths[s], server_options(mode), SERVER_CPU);
        /* Under "always" a million keys take long to write, and the disk decides, not the cache. */
        if (error == 0 && s != FLOOR && strcmp(mode, "always") != 0)
            error = load_fill(b->servers[s].port, &set, WORKLOAD_KEYS, true);
    }
    workload_free(&set);
    return error;
}

static void stop_all(struct bench *b)
{
    for (int s = 0; s < CONTENDERS_MAX; s++)
        if (b->servers[s].pid > 0)
            server_stop(&b->servers[s]);
}

/* Does the mode have this test? `tests` names those that write and are to be run; NULL: all. */
static bool in_mode(const struct bench *b, const struct test *test, const char *tests)
{
    return wanted(b, test->name) && (!tests || (test->writes && strstr(tests, test->name)));
}

static void run_mode(struct bench *b, const char *mode, const char *tests)
{
    int chosen = 0;
    for (int t = 0; t < bench_test_count; t++)
        chosen += in_mode(b, &bench_tests[t], tests);
    if (!chosen)
        return;
    fprintf(stderr, "bench: log %s\n", mode);
    if (start_all(b, mode) < 0)
        b->failed++;
    else
        for (int t = 0; t < bench_test_count; t++)
            for (int d = 0; d < 3 && in_mode(b, &bench_tests[t], tests) && b->row_count < ROWS_MAX; d++)
                run_row(b, mode, &bench_tests[t], d);
    stop_all(b);
}

static void run_footprints(struct bench *b)
{
    for (int s = OURS; s < CONTENDERS_MAX; s++) {
        if (!b->paths[s])
            continue;
        fprintf(stderr, "bench: what %s takes up\n", b->names[s]);
        struct footprint_plan plan = {.path = b->paths[s], .cpu = SERVER_CPU, .keys = WORKLOAD_KEYS, .sets = b->quick ? 100000 : 400000,
                                      .connections = b->quick ? 500 : 4000, .idle_s = b->quick ? 4 : 15};
        b->footprints[s] = footprint_measure(&plan);
    }
}

/* ---- the report ---- */

static const struct row *find_row(const struct bench *b, const char *mode, const char *test, int depth)
{
    for (int i = 0; i < b->row_count; i++)
        if (strcmp(b->rows[i].mode, mode) == 0 && strcmp(b->rows[i].test, test) == 0 && b->rows[i].depth == depth)
            return &b->rows[i];
    return NULL;
}

/* How many of the rows that have an aim, excess at most half of theirs, reach it. */
static void report_aim(FILE *out, const struct bench *b, const char *mode)
{
    int reached = 0, count = 0;
    for (int i = 0; i < b->row_count; i++) {
        const struct row *r = &b->rows[i];
        if (strcmp(r->mode, mode) != 0 || !strstr("GET SET INCR LPUSH HSET SADD ZADD", r->test))
            continue;
        count++;
        reached += row_excess(r, OURS) <= row_excess(r, THEIRS) / 2;
    }
    if (count)
        fprintf(out, "log %-8s excess at most half of theirs: %d of %d (GET SET INCR LPUSH HSET SADD ZADD, each depth)\n", mode, reached, count);
}

static void report_always(FILE *out, const struct bench *b)
{
    const struct row *deep = find_row(b, "always", "SET", 64), *single = find_row(b, "always", "SET", 1), *off = find_row(b, "off", "SET", 1);
    if (deep && deep->cells[THEIRS].throughput > 0)
        fprintf(out, "log always   SET -P 64: %.2f times their throughput (aim: 2)\n", deep->cells[OURS].throughput / deep->cells[THEIRS].throughput);
    if (single && off && off->cells[OURS].throughput > 0)
        fprintf(out, "log always   SET -P 1: %.2f of our own throughput with the log off (aim: 0.9)\n",
                single->cells[OURS].throughput / off->cells[OURS].throughput);
}

static void write_report(FILE *out, const struct bench *b)
{
    fprintf(out, "redisd beside others: %d connections, %d-byte values, %d keys, %d rounds, medians.\n", CONNECTIONS, VALUE_SIZE, WORKLOAD_KEYS, b->rounds);
    for (int s = OURS; s < CONTENDERS_MAX; s++)
        if (b->paths[s])
            fprintf(out, "  %-14s %s\n", b->names[s], b->paths[s]);
    report_table(out, "off", b->rows, b->row_count, b->names);
    report_table(out, "everysec", b->rows, b->row_count, b->names);
    report_table(out, "always", b->rows, b->row_count, b->names);
    fprintf(out, "\n%-14s %14s %22s %18s\n", "takes up", "bytes per key", "bytes per idle client", "log bytes per SET");
    for (int s = OURS; s < CONTENDERS_MAX; s++)
        if (b->paths[s])
            fprintf(out, "%-14s %14.1f %22.0f %18.1f\n", b->names[s], b->footprints[s].bytes_per_key, b->footprints[s].bytes_per_connection,
                    b->footprints[s].log_bytes_per_set);
    fprintf(out, "\naims\n");
    report_aim(out, b, "off");
    report_aim(out, b, "everysec");
    report_always(out, b);
}

static void write_files(const struct bench *b)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/report.txt", b->out);
    FILE *text = fopen(path, "w");
    snprintf(path, sizeof path, "%s/report.svg", b->out);
    FILE *chart = fopen(path, "w");
    if (text)
        write_report(text, b);
    if (chart)
        report_chart(chart, b->rows, b->row_count, b->names);
    if (!text || !chart)
        perror(path);
    if (text)
        fclose(text);
    if (chart)
        fclose(chart);
}

/* ---- the whole ---- */

static int read_options(int argc, char **argv, struct bench *b)
{
    static const struct option names[] = {
        {"ours", 1, 0, 'o'},    {"theirs", 1, 0, 't'}, {"peer", 1, 0, 'p'},  {"echo", 1, 0, 'e'},  {"out", 1, 0, 'd'},
        {"rounds", 1, 0, 'r'},  {"seconds", 1, 0, 's'}, {"only", 1, 0, 'y'}, {"quick", 0, 0, 'q'}, {0, 0, 0, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'o': b->paths[OURS] = optarg; break;
        case 't': b->paths[THEIRS] = optarg; break;
        case 'p': b->paths[PEER] = optarg; break;
        case 'e': b->paths[FLOOR] = optarg; break;
        case 'd': b->out = optarg; break;
        case 'r': b->rounds = atoi(optarg); break;
        case 's': b->seconds = atof(optarg); break;
        case 'y': b->only = optarg; break;
        case 'q': b->quick = true; break;
        default: return -EINVAL;
        }
    }
    if (!b->rounds)
        b->rounds = b->quick ? 2 : 5;
    if (b->seconds <= 0)
        b->seconds = b->quick ? 0.06 : 0.4;
    return optind == argc && b->rounds > 0 && b->rounds <= ROUNDS_MAX ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    static struct bench b = {.paths = {"build/bench/echo", "build/redisd", "/usr/bin/redis-server", NULL}, .out = "build/bench"};
    if (read_options(argc, argv, &b) < 0) {
        fprintf(stderr, "usage: see the head of bench/bench.c\n");
        return 2;
    }
    for (int s = 0; s < CONTENDERS_MAX; s++)
        if (b.paths[s])
            b.names[s] = strrchr(b.paths[s], '/') ? strrchr(b.paths[s], '/') + 1 : b.paths[s];
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    pin(LOAD_CPU);
    run_mode(&b, "off", NULL);
    run_mode(&b, "everysec", "SET INCR LPUSH HSET SADD ZADD");
    run_mode(&b, "always", "SET");
    run_footprints(&b);
    write_report(stdout, &b);
    write_files(&b);
    if (b.failed)
        fprintf(stderr, "bench: %d runs failed\n", b.failed);
    return b.failed != 0;
}
