/* SPDX-License-Identifier: MIT
 * memory: MEMORY USAGE, STATS, DOCTOR, PURGE, MALLOC-STATS.
 *
 * Keys and small values lie in arenas of the keyspace, large ones and everything else in the C library's heap; STATS counts both. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/reactor.h"
#include "redisd/commands/memory.h"
#include "redisd/process.h"
#include "redisd/redisd.h"

enum { SAMPLES_DEFAULT = 5 };

static void memory_usage(struct call *c)
{
    int64_t samples = SAMPLES_DEFAULT;
    for (int i = 3; i < c->argc; i += 2) {
        if (i + 1 == c->argc || !slice_equal_nocase(c->argv[i], SLICE("samples"))) {
            reply_syntax(c);
            return;
        }
        if (!parse_i64(c, c->argv[i + 1], &samples, NULL))
            return;
        if (samples < 0) {
            reply_syntax(c);
            return;
        }
    }
    struct entry *e = key_peek(c, c->argv[2]);
    if (e)
        resp_integer(c->reply, (int64_t)entry_memory(e, c->db, (size_t)samples));
    else
        resp_null(c->reply);
}

/* ---- figures ---- */

struct memory_figures memory_figures(const struct redisd *server)
{
    const struct reactor *reactor = server->reactor;
    struct mallinfo2 heap = mallinfo2();
    struct process_figures process;
    process_figures(&process);
    struct memory_figures f = {
        .keyspace = keyspace_memory(server->keyspace),
        .heap = heap.uordblks + heap.hblkhd,
        .heap_free = heap.fordblks,
        .sessions = (uint64_t)(reactor->heaps.used_count + reactor->heaps.warm_count) * reactor->heaps.heap_bytes + (uint64_t)reactor->buffers.count * POOL_BUFFER_BYTES,
        .used = redisd_memory(server),
        .resident = process.resident_bytes,
    };
    f.peak = f.used > server->stats.memory_peak ? f.used : server->stats.memory_peak;
    for (int n = 0; n < keyspace_databases(server->keyspace); n++)
        f.keys += db_size(keyspace_db(server->keyspace, n));
    if (server->log) {
        struct txlog_stats stats;
        txlog_stats(server->log, &stats);
        f.log = stats.pending_bytes;
    }
    return f;
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

/* The fields of Redis that have something to count here, under Redis's names. */
static void memory_stats(struct call *c)
{
    const struct memory_figures f = memory_figures(c->server);
    const struct { const char *name; uint64_t value; } numbers[] = {
        {"peak.allocated", f.peak}, {"total.allocated", f.used}, {"startup.allocated", 0}, {"replication.backlog", 0}, {"clients.slaves", 0},
        {"clients.normal", f.sessions}, {"cluster.links", 0}, {"aof.buffer", f.log}, {"lua.caches", 0}, {"functions.caches", 0},
        {"overhead.total", f.sessions + f.log}, {"keys.count", f.keys}, {"keys.bytes-per-key", f.keys ? f.used / f.keys : 0}, {"dataset.bytes", f.used},
        {"keyspace.bytes", f.keyspace}, {"allocator.allocated", f.heap}, {"allocator.active", f.heap + f.heap_free}, {"allocator.resident", f.resident},
        {"fragmentation.bytes", f.resident > f.used ? f.resident - f.used : 0},
    };
    const struct { const char *name; double value; } ratios[] = {
        {"dataset.percentage", 100 * ratio(f.used, f.used + f.sessions + f.log)}, {"peak.percentage", 100 * ratio(f.used, f.peak)},
        {"allocator-fragmentation.ratio", ratio(f.heap + f.heap_free, f.heap)}, {"fragmentation", ratio(f.resident, f.used)},
    };
    size_t count = sizeof(numbers) / sizeof(numbers[0]), more = sizeof(ratios) / sizeof(ratios[0]);
    resp_map(c->reply, count + more);
    for (size_t i = 0; i < count; i++) {
        resp_bulk_string(c->reply, numbers[i].name);
        resp_integer(c->reply, (int64_t)numbers[i].value);
    }
    for (size_t i = 0; i < more; i++) {
        resp_bulk_string(c->reply, ratios[i].name);
        resp_double(c->reply, ratios[i].value);
    }
}

/* ---- advice ---- */

/* Below this much data, ratios say nothing: the process itself weighs more. */
#define DOCTOR_BYTES_MIN ((uint64_t)5 << 20)

static size_t diagnose(const struct redisd *server, const struct memory_figures *f, struct buffer *out)
{
    size_t found = 0;
    if (ratio(f->peak, f->used) > 1.5)
        buffer_format(out, "%zu. The peak was %.1f times what is used now. What was freed since is kept for reuse and still counts as resident.\n", ++found, ratio(f->peak, f->used));
    if (ratio(f->resident, f->used) > 1.4 && f->resident - f->used > (uint64_t)64 << 20)
        buffer_format(out, "%zu. The process has %.1f times as much resident memory as the data takes. MEMORY PURGE gives back what the C library holds without use.\n", ++found, ratio(f->resident, f->used));
    if (server->config.maxmemory && ratio(f->used, (uint64_t)server->config.maxmemory) > 0.9)
        buffer_format(out, "%zu. More than nine tenths of maxmemory are used; beyond it, commands that add data are refused.\n", ++found);
    if (f->log > (uint64_t)64 << 20)
        buffer_format(out, "%zu. Over 64 MiB of the log wait to be written: the disk does not keep up.\n", ++found);
    return found;
}

static void memory_doctor(struct call *c)
{
    const struct memory_figures f = memory_figures(c->server);
    struct buffer text = {0};
    if (f.used < DOCTOR_BYTES_MIN)
        buffer_format(&text, "There is too little data for figures to mean anything.\n");
    else if (!diagnose(c->server, &f, &text))
        buffer_format(&text, "Nothing is wrong with the use of memory.\n");
    resp_verbatim(c->reply, "txt", buffer_slice(&text));
    buffer_free(&text);
}

static void memory_purge(struct call *c)
{
    malloc_trim(0);
    resp_ok(c->reply);
}

/* The C library's own account, as XML. */
static void memory_malloc_stats(struct call *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file || malloc_info(0, file) != 0 || fclose(file) != 0) {
        reply_error(c, "ERR the C library gives no account of its memory");
        return;
    }
    resp_verbatim(c->reply, "txt", slice_of(text, size));
    free(text);
}

static void memory_help(struct call *c)
{
    static const char *const lines[] = {
        "DOCTOR", "    What is unusual about the use of memory.",
        "MALLOC-STATS", "    The memory allocator's own account.",
        "PURGE", "    Give memory that is held without use back to the system.",
        "STATS", "    Figures about the use of memory.",
        "USAGE <key> [SAMPLES <count>]", "    Bytes that a key takes with its value. Of a collection <count> elements are",
        "    measured (default: 5, 0: all).",
        NULL,
    };
    reply_help(c, lines);
}

#define ROW(name, run, arity, flags, summary) {"memory|" name, run, arity, flags, 0, 0, 0, GROUP_SERVER, "4.0.0", "O(1)", summary, NULL, NULL, 0}
const struct command memory_subcommands[] = {
    ROW("doctor", memory_doctor, 2, CMD_RANDOM_OUTPUT, "Reports on the use of memory."),
    ROW("help", memory_help, 2, CMD_LOADING | CMD_STALE, "Tells about the subcommands."),
    ROW("malloc-stats", memory_malloc_stats, 2, CMD_RANDOM_OUTPUT, "Answers the memory allocator's own account."),
    ROW("purge", memory_purge, 2, 0, "Gives memory that is held without use back to the system."),
    ROW("stats", memory_stats, 2, CMD_RANDOM_OUTPUT, "Answers figures about the use of memory."),
    {"memory|usage", memory_usage, -3, CMD_READONLY, 2, 2, 1, GROUP_SERVER, "4.0.0", "O(N), N the samples", "Measures what a key takes in memory.", NULL, NULL, 0},
    {0},
};
