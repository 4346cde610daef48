/* SPDX-License-Identifier: MIT
 * config_table: every directive, with Redis 7.2's names and, where the meaning is the same, its defaults. */
#include <limits.h>
#include <stddef.h>

#include "redisd/config_table.h"

static const char *const fsync_names[] = {"always", "everysec", "no", NULL}; /* enum txlog_fsync */
static const char *const level_names[] = {"debug", "verbose", "notice", "warning", NULL};
static const char *const policy_names[] = {"noeviction", NULL};
static const char *const isolation_names[] = {"none", "guard", "mask", NULL};
static const char *const allow_names[] = {"no", "local", "yes", NULL};

#define AT(member) offsetof(struct config, member)
#define BOOL(name, alias, member, initial) {name, alias, CONFIG_BOOL, AT(member), initial, 0, 0, NULL, false, false, NULL}
#define START_BOOL(name, member, initial) {name, NULL, CONFIG_BOOL, AT(member), initial, 0, 0, NULL, true, false, NULL}
#define INTEGER(name, alias, member, initial, min, max) {name, alias, CONFIG_INTEGER, AT(member), initial, min, max, NULL, false, false, NULL}
#define START_INTEGER(name, member, initial, min, max) {name, NULL, CONFIG_INTEGER, AT(member), initial, min, max, NULL, true, false, NULL}
#define MEMORY(name, alias, member, initial, min, max) {name, alias, CONFIG_MEMORY, AT(member), initial, min, max, NULL, false, false, NULL}
#define START_MEMORY(name, member, initial, min, max) {name, NULL, CONFIG_MEMORY, AT(member), initial, min, max, NULL, true, false, NULL}
#define ENUM(name, alias, member, initial, names) {name, alias, CONFIG_ENUM, AT(member), initial, 0, 0, names, false, false, NULL}
#define START_ENUM(name, member, initial, names) {name, NULL, CONFIG_ENUM, AT(member), initial, 0, 0, names, true, false, NULL}
#define TEXT(name, member, initial) {name, NULL, CONFIG_TEXT, AT(member), initial, 0, 0, NULL, false, false, NULL}
#define START_TEXT(name, member, initial) {name, NULL, CONFIG_TEXT, AT(member), initial, 0, 0, NULL, true, false, NULL}
#define INERT(name, initial) {name, NULL, CONFIG_INERT, 0, initial, 0, 0, NULL, false, false, NULL}
#define FIXED(name, initial, why) {name, NULL, CONFIG_FIXED, 0, initial, 0, 0, NULL, false, false, why}

#define NOT_HERE "is not in this release of redisd"

const struct directive config_directives[] = {
    /* listeners */
    START_INTEGER("port", port, "6379", 0, 65535),
    START_TEXT("bind", bind, "127.0.0.1"),
    START_TEXT("unixsocket", unixsocket, ""),
    {"unixsocketperm", NULL, CONFIG_OCTAL, AT(unixsocketperm), "700", 0, 0777, NULL, true, false, NULL},
    START_INTEGER("tcp-backlog", tcp_backlog, "511", 0, INT_MAX),
    INTEGER("tcp-keepalive", NULL, tcp_keepalive, "300", 0, INT_MAX),
    INTEGER("timeout", NULL, timeout, "0", 0, INT_MAX),
    INTEGER("maxclients", NULL, maxclients, "10000", 1, 1 << 20),
    BOOL("protected-mode", NULL, protected_mode, "yes"),
    START_BOOL("stdio", stdio, "no"),
    TEXT("requirepass", requirepass, ""),

    /* data */
    {"dir", NULL, CONFIG_TEXT, AT(dir), "data/redisd", 0, 0, NULL, true, true, NULL},
    {"dbfilename", NULL, CONFIG_TEXT, AT(dbfilename), "dump.rdb", 0, 0, NULL, false, true, NULL},
    TEXT("save", save, "3600 1 300 100 60 10000"),
    START_INTEGER("databases", databases, "16", 1, 16384),
    MEMORY("maxmemory", NULL, maxmemory, "0", 0, INT64_MAX),
    ENUM("maxmemory-policy", NULL, maxmemory_policy, "noeviction", policy_names),
    MEMORY("proto-max-bulk-len", NULL, proto_max_bulk_len, "512mb", 1 << 20, 512 << 20),
    INTEGER("hash-max-listpack-entries", "hash-max-ziplist-entries", limits.hash_max_listpack_entries, "128", 0, INT64_MAX),
    MEMORY("hash-max-listpack-value", "hash-max-ziplist-value", limits.hash_max_listpack_value, "64", 0, INT64_MAX),
    INTEGER("list-max-listpack-size", "list-max-ziplist-size", limits.list_max_listpack_size, "-2", INT_MIN, INT_MAX),
    INTEGER("set-max-intset-entries", NULL, limits.set_max_intset_entries, "512", 0, INT64_MAX),
    INTEGER("set-max-listpack-entries", NULL, limits.set_max_listpack_entries, "128", 0, INT64_MAX),
    MEMORY("set-max-listpack-value", NULL, limits.set_max_listpack_value, "64", 0, INT64_MAX),
    INTEGER("zset-max-listpack-entries", "zset-max-ziplist-entries", limits.zset_max_listpack_entries, "128", 0, INT64_MAX),
    MEMORY("zset-max-listpack-value", "zset-max-ziplist-value", limits.zset_max_listpack_value, "64", 0, INT64_MAX),

    /* log */
    BOOL("appendonly", "txlog", appendonly, "yes"),
    ENUM("appendfsync", "txlog-fsync", appendfsync, "everysec", fsync_names),
    START_MEMORY("txlog-segment-size", txlog_segment_bytes, "64mb", 64 << 10, (int64_t)1 << 40),
    MEMORY("txlog-retain", NULL, txlog_retain_bytes, "0", 0, INT64_MAX),
    MEMORY("txlog-checkpoint-size", NULL, txlog_checkpoint_bytes, "256mb", 0, INT64_MAX),
    START_BOOL("txlog-flush-thread", txlog_flush_thread, "yes"),

    /* observation */
    {"notify-keyspace-events", NULL, CONFIG_EVENTS, AT(notify_keyspace_events), "", 0, 0, NULL, false, false, NULL},
    INTEGER("slowlog-log-slower-than", NULL, slowlog_log_slower_than, "10000", -1, INT64_MAX),
    INTEGER("slowlog-max-len", NULL, slowlog_max_len, "128", 0, INT64_MAX),
    INTEGER("latency-monitor-threshold", NULL, latency_monitor_threshold, "0", 0, INT64_MAX),
    BOOL("latency-tracking", NULL, latency_tracking, "yes"),
    ENUM("loglevel", NULL, loglevel, "notice", level_names),
    START_TEXT("logfile", logfile, ""),
    TEXT("client-output-buffer-limit", client_output_buffer_limit, "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),

    /* process */
    START_ENUM("isolation", isolation, "guard", isolation_names),
    START_INTEGER("threads", threads, "1", 1, 1),
    START_ENUM("enable-debug-command", enable_debug_command, "local", allow_names),
    START_ENUM("enable-protected-configs", enable_protected_configs, "no", allow_names),
    START_ENUM("enable-module-command", enable_module_command, "no", allow_names),

    /* what would promise something that is not there */
    FIXED("daemonize", "no", "redisd stays in the foreground: run it under a service manager"),
    FIXED("appenddirname", "appendonlydir", "the log's directory is named txlog"),
    FIXED("tls-port", "0", "TLS " NOT_HERE),
    FIXED("tls-cert-file", "", "TLS " NOT_HERE),
    FIXED("tls-key-file", "", "TLS " NOT_HERE),
    FIXED("tls-ca-cert-file", "", "TLS " NOT_HERE),
    FIXED("replicaof", "", "replication " NOT_HERE),
    FIXED("slaveof", "", "replication " NOT_HERE),
    FIXED("masterauth", "", "replication " NOT_HERE),
    FIXED("masteruser", "", "replication " NOT_HERE),
    FIXED("min-replicas-to-write", "0", "replication " NOT_HERE),
    FIXED("min-slaves-to-write", "0", "replication " NOT_HERE),
    FIXED("cluster-enabled", "no", "cluster mode " NOT_HERE),
    FIXED("aclfile", "", "ACL " NOT_HERE),
    FIXED("user", "", "ACL " NOT_HERE),
    FIXED("rename-command", "", "renaming commands " NOT_HERE),
    FIXED("loadmodule", "", "modules are not in this release of redisd"),
    FIXED("io-threads", "1", "one reactor serves all clients in this release"),

    /* kept and given back; nothing here acts on them */
    INERT("always-show-logo", "no"),
    INERT("set-proc-title", "yes"),
    INERT("proc-title-template", "{title} {listen-addr} {server-mode}"),
    INERT("supervised", "no"),
    INERT("pidfile", ""),
    INERT("syslog-enabled", "no"),
    INERT("crash-log-enabled", "yes"),
    INERT("crash-memcheck-enabled", "yes"),
    INERT("stop-writes-on-bgsave-error", "yes"),
    INERT("rdbcompression", "yes"),
    INERT("rdbchecksum", "yes"),
    INERT("rdb-del-sync-files", "no"),
    INERT("rdb-save-incremental-fsync", "yes"),
    INERT("sanitize-dump-payload", "no"),
    INERT("appendfilename", "appendonly.aof"),
    INERT("no-appendfsync-on-rewrite", "no"),
    INERT("auto-aof-rewrite-percentage", "100"),
    INERT("auto-aof-rewrite-min-size", "67108864"),
    INERT("aof-load-truncated", "yes"),
    INERT("aof-use-rdb-preamble", "yes"),
    INERT("aof-timestamp-enabled", "no"),
    INERT("aof-rewrite-incremental-fsync", "yes"),
    INERT("hz", "10"),
    INERT("dynamic-hz", "yes"),
    INERT("activerehashing", "yes"),
    INERT("activedefrag", "no"),
    INERT("jemalloc-bg-thread", "yes"),
    INERT("lazyfree-lazy-eviction", "no"),
    INERT("lazyfree-lazy-expire", "no"),
    INERT("lazyfree-lazy-server-del", "no"),
    INERT("lazyfree-lazy-user-del", "no"),
    INERT("lazyfree-lazy-user-flush", "no"),
    INERT("replica-lazy-flush", "no"),
    INERT("maxmemory-samples", "5"),
    INERT("maxmemory-eviction-tenacity", "10"),
    INERT("maxmemory-clients", "0"),
    INERT("lfu-log-factor", "10"),
    INERT("lfu-decay-time", "1"),
    INERT("active-expire-effort", "1"),
    INERT("list-compress-depth", "0"),
    INERT("stream-node-max-bytes", "4096"),
    INERT("stream-node-max-entries", "100"),
    INERT("hll-sparse-max-bytes", "3000"),
    INERT("tracking-table-max-keys", "1000000"),
    INERT("acllog-max-len", "128"),
    INERT("acl-pubsub-default", "resetchannels"),
    INERT("lua-time-limit", "5000"),
    INERT("busy-reply-threshold", "5000"),
    INERT("client-query-buffer-limit", "1073741824"),
    INERT("latency-tracking-info-percentiles", "50 99 99.9"),
    INERT("socket-mark-id", "0"),
    INERT("disable-thp", "yes"),
    INERT("oom-score-adj", "no"),
    INERT("oom-score-adj-values", "0 200 800"),
    INERT("repl-backlog-size", "1048576"),
    INERT("repl-backlog-ttl", "3600"),
    INERT("repl-timeout", "60"),
    INERT("repl-ping-replica-period", "10"),
    INERT("repl-disable-tcp-nodelay", "no"),
    INERT("repl-diskless-sync", "yes"),
    INERT("repl-diskless-sync-delay", "5"),
    INERT("repl-diskless-load", "disabled"),
    INERT("replica-serve-stale-data", "yes"),
    INERT("replica-read-only", "yes"),
    INERT("replica-priority", "100"),
    INERT("replica-announced", "yes"),
    INERT("replica-ignore-maxmemory", "yes"),
    INERT("min-replicas-max-lag", "10"),
    INERT("cluster-node-timeout", "15000"),
    INERT("shutdown-timeout", "10"),
    INERT("shutdown-on-sigterm", "default"),
    INERT("shutdown-on-sigint", "default"),
    INERT("ignore-warnings", ""),
    INERT("locale-collate", ""),
    {0},
};
