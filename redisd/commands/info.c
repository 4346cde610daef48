/* SPDX-License-Identifier: MIT
 * info: INFO. One function per section; the fields that clients and dashboards read have Redis's names, what is ours begins with locus_ or txlog_. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "redisd/blocked.h"
#include "redisd/commands/memory.h"
#include "redisd/process.h"
#include "redisd/pubsub.h"
#include "redisd/redisd.h"
#include "redisd/save.h"
#include "redisd/stats.h"

struct info {
    struct redisd *server;
    struct buffer *out;
    struct process_figures process;
    int64_t now_us;
};

#define FIELD(info, ...) buffer_format((info)->out, __VA_ARGS__)
typedef unsigned long long ull;

static void human(uint64_t bytes, char text[32])
{
    static const char units[] = "BKMGTP";
    double n = (double)bytes;
    int unit = 0;
    while (n >= 1024 && units[unit + 1]) {
        n /= 1024;
        unit++;
    }
    snprintf(text, 32, unit ? "%.2f%c" : "%.0f%c", n, units[unit]);
}

static void section_server(struct info *i)
{
    const struct redisd *server = i->server;
    int64_t up_s = (i->now_us - server->started_us) / 1000000;
    FIELD(i, "redis_version:%s\r\nredis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_build_id:0\r\nredis_mode:standalone\r\n", REDISD_REDIS_VERSION);
    FIELD(i, "locus_version:%s\r\nos:%s\r\narch_bits:64\r\nmonotonic_clock:POSIX clock_gettime\r\nmultiplexing_api:epoll\r\natomicvar_api:c11-builtin\r\ngcc_version:%d.%d.%d\r\n", REDISD_VERSION,
          i->process.os, __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
    FIELD(i, "process_id:%d\r\nprocess_supervised:no\r\nrun_id:%s\r\ntcp_port:%lld\r\nserver_time_usec:%lld\r\nuptime_in_seconds:%lld\r\nuptime_in_days:%lld\r\n", (int)getpid(), server->run_id,
          (long long)server->config.port, (long long)i->now_us, (long long)up_s, (long long)up_s / 86400);
    FIELD(i, "hz:10\r\nconfigured_hz:10\r\nlru_clock:%u\r\nexecutable:\r\nconfig_file:%s\r\nio_threads_active:0\r\n", (unsigned)(i->now_us / 1000000) & 0xffffff, server->config.file.size ? server->config.file.base : "");
}

static void section_clients(struct info *i)
{
    const struct redisd *server = i->server;
    const struct reactor *reactor = server->reactor;
    FIELD(i, "connected_clients:%llu\r\ncluster_connections:0\r\nmaxclients:%lld\r\nclient_recent_max_input_buffer:0\r\nclient_recent_max_output_buffer:0\r\nblocked_clients:%zu\r\n", (ull)server->clients_count,
          (long long)server->config.maxclients, server->blocked->clients);
    FIELD(i, "tracking_clients:0\r\nclients_in_timeout_table:0\r\ntotal_blocking_keys:%zu\r\ntotal_blocking_keys_on_nokey:0\r\n", server->blocked->keys.topics);
    FIELD(i, "locus_actors:%u\r\nlocus_actors_parked:%u\r\nlocus_heaps_in_use:%u\r\nlocus_heaps_peak:%u\r\nlocus_heaps_pooled:%u\r\n", reactor->counters.actors_live, reactor->counters.actors_parked,
          reactor->heaps.used_count, reactor->heaps.used_peak, reactor->heaps.warm_count + reactor->heaps.cold_count);
}

static void section_memory(struct info *i)
{
    struct redisd *server = i->server;
    char used[32], rss[32], peak[32], machine[32], max[32];
    redisd_measure_memory(server);
    uint64_t memory = redisd_memory(server), top = memory > server->stats.memory_peak ? memory : server->stats.memory_peak;
    human(memory, used);
    human(i->process.resident_bytes, rss);
    human(top, peak);
    human(i->process.machine_bytes, machine);
    human((uint64_t)server->config.maxmemory, max);
    FIELD(i, "used_memory:%llu\r\nused_memory_human:%s\r\nused_memory_rss:%llu\r\nused_memory_rss_human:%s\r\nused_memory_peak:%llu\r\nused_memory_peak_human:%s\r\n", (ull)memory, used,
          (ull)i->process.resident_bytes, rss, (ull)top, peak);
    FIELD(i, "used_memory_peak_perc:%.2f%%\r\nused_memory_dataset:%llu\r\nused_memory_dataset_perc:100.00%%\r\n", top ? 100.0 * (double)memory / (double)top : 100.0, (ull)memory);
    FIELD(i, "total_system_memory:%llu\r\ntotal_system_memory_human:%s\r\nused_memory_lua:0\r\nused_memory_scripts:0\r\nnumber_of_cached_scripts:0\r\n", (ull)i->process.machine_bytes, machine);
    FIELD(i, "maxmemory:%lld\r\nmaxmemory_human:%s\r\nmaxmemory_policy:noeviction\r\nmem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%lld\r\nmem_not_counted_for_evict:0\r\n", (long long)server->config.maxmemory, max,
          memory ? (double)i->process.resident_bytes / (double)memory : 0.0, (long long)i->process.resident_bytes - (long long)memory);
    const struct memory_figures f = memory_figures(server);
    uint64_t active = f.heap + f.heap_free;
    FIELD(i, "used_memory_overhead:%llu\r\nused_memory_startup:0\r\nmem_clients_normal:%llu\r\nmem_clients_slaves:0\r\nmem_cluster_links:0\r\nmem_aof_buffer:%llu\r\nmem_replication_backlog:0\r\nmem_total_replication_buffers:0\r\n", (ull)(f.sessions + f.log),
          (ull)f.sessions, (ull)f.log);
    FIELD(i, "allocator_allocated:%llu\r\nallocator_active:%llu\r\nallocator_resident:%llu\r\nallocator_frag_ratio:%.2f\r\nallocator_frag_bytes:%llu\r\n", (ull)f.heap, (ull)active, (ull)f.resident,
          f.heap ? (double)active / (double)f.heap : 0.0, (ull)f.heap_free);
    FIELD(i, "mem_allocator:locus-arena+libc\r\nactive_defrag_running:0\r\nlazyfree_pending_objects:0\r\nlazyfreed_objects:0\r\n");
}

static void section_persistence(struct info *i)
{
    struct redisd *server = i->server;
    bool saving = save_running(server);
    FIELD(i, "loading:%d\r\nasync_loading:0\r\nrdb_changes_since_last_save:%llu\r\nrdb_bgsave_in_progress:%d\r\nrdb_last_save_time:%lld\r\nrdb_last_bgsave_status:%s\r\n", server->loading,
          (ull)(server->stats.changes - server->last_save_changes), saving, (long long)server->last_save_s, server->last_save_good ? "ok" : "err");
    FIELD(i, "rdb_last_bgsave_time_sec:-1\r\nrdb_current_bgsave_time_sec:-1\r\nrdb_saves:0\r\nrdb_last_cow_size:0\r\naof_enabled:%d\r\naof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:0\r\n", server->log != NULL, saving && server->log);
    FIELD(i, "aof_last_rewrite_time_sec:-1\r\naof_current_rewrite_time_sec:-1\r\naof_last_bgrewrite_status:%s\r\naof_last_write_status:%s\r\n", server->last_save_good ? "ok" : "err",
          server->log && txlog_failed(server->log) ? "err" : "ok");
    if (!server->log)
        return;
    struct txlog_stats stats;
    txlog_stats(server->log, &stats);
    FIELD(i, "aof_current_size:%llu\r\naof_pending_bio_fsync:%llu\r\n", (ull)stats.segment_bytes, (ull)stats.queued_batches);
    FIELD(i, "txlog_newest_tx:%llu\r\ntxlog_released_tx:%llu\r\ntxlog_durable_tx:%llu\r\ntxlog_checkpoint_tx:%llu\r\ntxlog_records:%llu\r\ntxlog_record_bytes:%llu\r\ntxlog_written_bytes:%llu\r\n", (ull)txlog_newest(server->log),
          (ull)txlog_released(server->log), (ull)txlog_durable(server->log), (ull)txlog_checkpoint_tx(server->log), (ull)stats.records, (ull)stats.record_bytes, (ull)stats.written_bytes);
    FIELD(i, "txlog_batches:%llu\r\ntxlog_flushes:%llu\r\ntxlog_flush_last_us:%llu\r\ntxlog_flush_max_us:%llu\r\ntxlog_segments:%llu\r\ntxlog_segment_bytes:%llu\r\ntxlog_pending_bytes:%llu\r\n", (ull)stats.batches, (ull)stats.flushes,
          (ull)stats.flush_last_us, (ull)stats.flush_max_us, (ull)stats.segments, (ull)stats.segment_bytes, (ull)stats.pending_bytes);
}

static void section_stats(struct info *i)
{
    const struct redisd *server = i->server;
    const struct redisd_stats *stats = &server->stats;
    const struct reactor_counters *counters = &server->reactor->counters;
    FIELD(i, "total_connections_received:%llu\r\ntotal_commands_processed:%llu\r\ninstantaneous_ops_per_sec:%llu\r\ntotal_net_input_bytes:%llu\r\ntotal_net_output_bytes:%llu\r\n", (ull)stats->connections_received,
          (ull)stats->commands_processed, (ull)rate_per_second(&server->rate_commands), (ull)counters->bytes_in, (ull)counters->bytes_out);
    FIELD(i, "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\nrejected_connections:%llu\r\nsync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\n", (double)rate_per_second(&server->rate_in) / 1024,
          (double)rate_per_second(&server->rate_out) / 1024, (ull)stats->connections_rejected);
    FIELD(i, "expired_keys:%llu\r\nexpired_stale_perc:0.00\r\nexpired_time_cap_reached_count:0\r\nevicted_keys:0\r\nevicted_clients:0\r\nkeyspace_hits:%llu\r\nkeyspace_misses:%llu\r\n", (ull)stats->expired_keys,
          (ull)stats->keyspace_hits, (ull)stats->keyspace_misses);
    FIELD(i, "pubsub_channels:%zu\r\npubsub_patterns:%zu\r\npubsubshard_channels:%zu\r\nlatest_fork_usec:0\r\ntotal_forks:0\r\nmigrate_cached_sockets:0\r\nslave_expires_tracked_keys:0\r\nactive_defrag_hits:0\r\n",
          server->pubsub->topics[PUBSUB_CHANNEL].topics, server->pubsub->topics[PUBSUB_PATTERN].topics, server->pubsub->topics[PUBSUB_SHARD].topics);
    FIELD(i, "tracking_total_keys:0\r\ntracking_total_items:0\r\ntracking_total_prefixes:0\r\nunexpected_error_replies:0\r\ntotal_error_replies:%llu\r\ndump_payload_sanitizations:0\r\n", (ull)stats->errors_replied);
    FIELD(i, "total_reads_processed:%llu\r\ntotal_writes_processed:%llu\r\nio_threaded_reads_processed:0\r\nio_threaded_writes_processed:0\r\n", (ull)counters->reads, (ull)counters->writes);
    FIELD(i, "locus_turns:%llu\r\nlocus_late_events:%llu\r\nlocus_faults_contained:%llu\r\nlocus_parks:%llu\r\nlocus_unparks:%llu\r\nlocus_protocol_errors:%llu\r\n", (ull)counters->turns, (ull)counters->late_events,
          (ull)counters->faults_contained, (ull)counters->parks, (ull)counters->unparks, (ull)stats->protocol_errors);
}

static void section_replication(struct info *i)
{
    uint64_t tx = i->server->log ? txlog_newest(i->server->log) : 0;
    FIELD(i, "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:%s\r\nmaster_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:%llu\r\n", i->server->run_id, (ull)tx);
    FIELD(i, "second_repl_offset:-1\r\nrepl_backlog_active:0\r\nrepl_backlog_size:1048576\r\nrepl_backlog_first_byte_offset:0\r\nrepl_backlog_histlen:0\r\n");
}

static void section_cpu(struct info *i)
{
    FIELD(i, "used_cpu_sys:%.6f\r\nused_cpu_user:%.6f\r\nused_cpu_sys_children:0.000000\r\nused_cpu_user_children:0.000000\r\nused_cpu_sys_main_thread:%.6f\r\nused_cpu_user_main_thread:%.6f\r\n", i->process.system_s,
          i->process.user_s, i->process.main_system_s, i->process.main_user_s);
}

static void section_modules(struct info *i)
{
    (void)i;
}

/* Commands and their subcommands that were called, in name order. */
static void each_called(struct info *i, void (*line)(struct info *i, const struct command_stats *stats))
{
    const struct command_table *table = i->server->commands;
    for (int n = 0; n < command_table_count(table); n++) {
        const struct command *row = command_table_at(table, n);
        const struct command_stats *stats = stats_of(i->server, row);
        if (stats)
            line(i, stats);
        for (const struct command *sub = row->subcommands; sub && sub->name; sub++)
            if ((stats = stats_of(i->server, sub)))
                line(i, stats);
    }
}

static void commandstats_line(struct info *i, const struct command_stats *stats)
{
    double us = (double)stats->cycles * i->server->cycles.ns_per_cycle / 1000;
    FIELD(i, "cmdstat_%s:calls=%llu,usec=%.0f,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu\r\n", stats->command->name, (ull)stats->calls, us, stats->calls ? us / (double)stats->calls : 0.0,
          (ull)stats->rejected, (ull)stats->failed);
}

static void section_commandstats(struct info *i)
{
    each_called(i, commandstats_line);
}

static void latencystats_line(struct info *i, const struct command_stats *stats)
{
    double us = i->server->cycles.ns_per_cycle / 1000;
    if (stats->latency && stats->latency->count)
        FIELD(i, "latency_percentiles_usec_%s:p50=%.3f,p99=%.3f,p99.9=%.3f\r\n", stats->command->name, (double)histogram_percentile(stats->latency, 50) * us,
              (double)histogram_percentile(stats->latency, 99) * us, (double)histogram_percentile(stats->latency, 99.9) * us);
}

static void section_latencystats(struct info *i)
{
    each_called(i, latencystats_line);
}

static void section_errorstats(struct info *i)
{
    const struct stats_table *table = i->server->command_stats;
    for (int n = 0; n < table->error_kinds; n++)
        FIELD(i, "errorstat_%s:count=%llu\r\n", table->errors[n].kind, (ull)table->errors[n].count);
}

static void section_cluster(struct info *i)
{
    FIELD(i, "cluster_enabled:0\r\n");
}

static void section_keyspace(struct info *i)
{
    for (int n = 0; n < keyspace_databases(i->server->keyspace); n++) {
        const struct db *db = keyspace_db(i->server->keyspace, n);
        if (db_size(db))
            FIELD(i, "db%d:keys=%zu,expires=%zu,avg_ttl=%lld\r\n", n, db_size(db), db_deadlines(db), (long long)db_average_ttl_ms(db, i->now_us / 1000));
    }
}

static const struct {
    const char *name, *title;
    void (*write)(struct info *i);
    bool by_default; /* part of "default"; all are part of "all" */
} sections[] = {
    {"server", "Server", section_server, true},
    {"clients", "Clients", section_clients, true},
    {"memory", "Memory", section_memory, true},
    {"persistence", "Persistence", section_persistence, true},
    {"stats", "Stats", section_stats, true},
    {"replication", "Replication", section_replication, true},
    {"cpu", "CPU", section_cpu, true},
    {"modules", "Modules", section_modules, true},
    {"commandstats", "Commandstats", section_commandstats, false},
    {"errorstats", "Errorstats", section_errorstats, true},
    {"latencystats", "Latencystats", section_latencystats, false},
    {"cluster", "Cluster", section_cluster, true},
    {"keyspace", "Keyspace", section_keyspace, true},
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static void choose(struct slice word, bool chosen[SECTIONS])
{
    bool all = slice_equal_nocase(word, SLICE("all")) || slice_equal_nocase(word, SLICE("everything")), usual = slice_equal_nocase(word, SLICE("default"));
    for (int n = 0; n < SECTIONS; n++)
        chosen[n] |= all || (usual && sections[n].by_default) || slice_equal_nocase(word, slice_from_string(sections[n].name));
}

void info_command(struct call *c)
{
    struct buffer out = {0};
    struct info info = {.server = c->server, .out = &out, .now_us = os_wall_us(c->server->os)};
    bool chosen[SECTIONS] = {false};
    process_figures(&info.process);
    if (c->argc == 1)
        choose(SLICE("default"), chosen);
    for (int a = 1; a < c->argc; a++)
        choose(c->argv[a], chosen);
    for (int n = 0; n < SECTIONS; n++) {
        if (!chosen[n])
            continue;
        FIELD(&info, "%s# %s\r\n", out.size ? "\r\n" : "", sections[n].title);
        sections[n].write(&info);
    }
    resp_verbatim(c->reply, "txt", buffer_slice(&out));
    buffer_free(&out);
}
