/* SPDX-License-Identifier: MIT
 * config_table: every directive, with Redis 7.2's names and, where the meaning is the same, its defaults. */
#include <limits.h>
#include <stddef.h>

#include "redisd/config_table.h"

static const char *const fsync_names[] = {"always", "everysec", "no", NULL}; /* enum txlog_fsync */
static const char *const level_names[] = {"debug", "verbose", "notice", "warning", NULL};
static const char *const policy_names[] = {"noeviction", NULL};
static const char *const isolation_names[] = {"none", "guard", "mask", NULL};
static const char *const bool_names[] = {"yes", "no", NULL};
static const char *const adjust_names[] = {"no", "yes", "relative", "absolute", NULL};
static const char *const sanitize_names[] = {"no", "yes", "clients", NULL};
static const char *const supervised_names[] = {"upstart", "systemd", "auto", "no", NULL};
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
/* Inert, but checked as Redis checks them: a word of a list, a number (bytes with a unit included). */
#define INERT_ENUM(name, alias, initial, names) {name, alias, CONFIG_INERT, 0, initial, 0, 0, names, false, false, NULL}
#define INERT_BOOL(name, alias, initial) INERT_ENUM(name, alias, initial, bool_names)
#define INERT_NUMBER(name, alias, initial, min, max) {name, alias, CONFIG_INERT, 0, initial, min, max, NULL, false, false, NULL}
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
    INTEGER("hash-max-listpack-entries", "hash-max-ziplist-entries", limits.hash_max_listpack_entries, "512", 0, INT64_MAX),
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
    INERT_BOOL("always-show-logo", NULL, "no"),
    INERT_BOOL("set-proc-title", NULL, "yes"),
    INERT("proc-title-template", "{title} {listen-addr} {server-mode}"),
    INERT_ENUM("supervised", NULL, "no", supervised_names),
    INERT("pidfile", ""),
    INERT_BOOL("syslog-enabled", NULL, "no"),
    INERT_BOOL("crash-log-enabled", NULL, "yes"),
    INERT_BOOL("crash-memcheck-enabled", NULL, "yes"),
    INERT_BOOL("stop-writes-on-bgsave-error", NULL, "yes"),
    INERT_BOOL("rdbcompression", NULL, "yes"),
    INERT_BOOL("rdbchecksum", NULL, "yes"),
    INERT_BOOL("rdb-del-sync-files", NULL, "no"),
    INERT_BOOL("rdb-save-incremental-fsync", NULL, "yes"),
    INERT_ENUM("sanitize-dump-payload", NULL, "no", sanitize_names),
    INERT("appendfilename", "appendonly.aof"),
    INERT_BOOL("no-appendfsync-on-rewrite", NULL, "no"),
    INERT_NUMBER("auto-aof-rewrite-percentage", NULL, "100", 0, INT64_MAX),
    INERT_NUMBER("auto-aof-rewrite-min-size", NULL, "67108864", 0, INT64_MAX),
    INERT_BOOL("aof-load-truncated", NULL, "yes"),
    INERT_BOOL("aof-use-rdb-preamble", NULL, "yes"),
    INERT_BOOL("aof-timestamp-enabled", NULL, "no"),
    INERT_BOOL("aof-rewrite-incremental-fsync", NULL, "yes"),
    INERT_NUMBER("hz", NULL, "10", 1, INT_MAX),
    INERT_BOOL("dynamic-hz", NULL, "yes"),
    INERT_BOOL("activerehashing", NULL, "yes"),
    INERT_BOOL("activedefrag", NULL, "no"),
    INERT_BOOL("jemalloc-bg-thread", NULL, "yes"),
    INERT_BOOL("lazyfree-lazy-eviction", NULL, "no"),
    INERT_BOOL("lazyfree-lazy-expire", NULL, "no"),
    INERT_BOOL("lazyfree-lazy-server-del", NULL, "no"),
    INERT_BOOL("lazyfree-lazy-user-del", NULL, "no"),
    INERT_BOOL("lazyfree-lazy-user-flush", NULL, "no"),
    INERT_BOOL("replica-lazy-flush", "slave-lazy-flush", "no"),
    INERT_NUMBER("maxmemory-samples", NULL, "5", 0, INT64_MAX),
    INERT_NUMBER("maxmemory-eviction-tenacity", NULL, "10", 0, INT64_MAX),
    INERT_NUMBER("maxmemory-clients", NULL, "0", 0, INT64_MAX),
    INERT_NUMBER("lfu-log-factor", NULL, "10", 0, INT64_MAX),
    INERT_NUMBER("lfu-decay-time", NULL, "1", 0, INT64_MAX),
    INERT_NUMBER("active-expire-effort", NULL, "1", 0, INT64_MAX),
    INERT_NUMBER("list-compress-depth", NULL, "0", 0, INT64_MAX),
    INERT_NUMBER("stream-node-max-bytes", NULL, "4096", 0, INT64_MAX),
    INERT_NUMBER("stream-node-max-entries", NULL, "100", 0, INT64_MAX),
    INERT_NUMBER("hll-sparse-max-bytes", NULL, "3000", 0, INT64_MAX),
    INERT_NUMBER("tracking-table-max-keys", NULL, "1000000", 0, INT64_MAX),
    INERT_NUMBER("acllog-max-len", NULL, "128", 0, INT64_MAX),
    INERT("acl-pubsub-default", "resetchannels"),
    INERT_NUMBER("busy-reply-threshold", "lua-time-limit", "5000", 0, INT64_MAX),
    INERT_NUMBER("client-query-buffer-limit", NULL, "1073741824", 0, INT64_MAX),
    INERT("latency-tracking-info-percentiles", "50 99 99.9"),
    INERT_NUMBER("socket-mark-id", NULL, "0", 0, INT64_MAX),
    INERT_BOOL("disable-thp", NULL, "yes"),
    INERT_ENUM("oom-score-adj", NULL, "no", adjust_names),
    INERT("oom-score-adj-values", "0 200 800"),
    INERT_NUMBER("repl-backlog-size", NULL, "1048576", 0, INT64_MAX),
    INERT_NUMBER("repl-backlog-ttl", NULL, "3600", 0, INT64_MAX),
    INERT_NUMBER("repl-timeout", NULL, "60", 0, INT64_MAX),
    INERT_NUMBER("repl-ping-replica-period", "repl-ping-slave-period", "10", 0, INT64_MAX),
    INERT_BOOL("repl-disable-tcp-nodelay", NULL, "no"),
    INERT_BOOL("repl-diskless-sync", NULL, "yes"),
    INERT_NUMBER("repl-diskless-sync-delay", NULL, "5", 0, INT64_MAX),
    INERT("repl-diskless-load", "disabled"),
    INERT_BOOL("replica-serve-stale-data", "slave-serve-stale-data", "yes"),
    INERT_BOOL("replica-read-only", "slave-read-only", "yes"),
    INERT_NUMBER("replica-priority", "slave-priority", "100", 0, INT64_MAX),
    INERT_BOOL("replica-announced", NULL, "yes"),
    INERT_BOOL("replica-ignore-maxmemory", "slave-ignore-maxmemory", "yes"),
    INERT_NUMBER("min-replicas-max-lag", "min-slaves-max-lag", "10", 0, INT64_MAX),
    INERT_NUMBER("cluster-node-timeout", NULL, "15000", 0, INT64_MAX),
    INERT_NUMBER("shutdown-timeout", NULL, "10", 0, INT64_MAX),
    INERT("shutdown-on-sigterm", "default"),
    INERT("shutdown-on-sigint", "default"),
    INERT("ignore-warnings", ""),
    INERT_NUMBER("active-defrag-cycle-max", NULL, "25", 0, INT64_MAX),
    INERT_NUMBER("active-defrag-cycle-min", NULL, "1", 0, INT64_MAX),
    INERT_NUMBER("active-defrag-ignore-bytes", NULL, "104857600", 0, INT64_MAX),
    INERT_NUMBER("active-defrag-max-scan-fields", NULL, "1000", 0, INT64_MAX),
    INERT_NUMBER("active-defrag-threshold-lower", NULL, "10", 0, INT64_MAX),
    INERT_NUMBER("active-defrag-threshold-upper", NULL, "100", 0, INT64_MAX),
    INERT_BOOL("aof-disable-auto-gc", NULL, "no"),
    INERT("bind-source-addr", ""),
    INERT_BOOL("io-threads-do-reads", NULL, "no"),
    INERT("propagation-error-behavior", "ignore"),
    INERT("syslog-facility", "local0"),
    INERT("syslog-ident", "redis"),
    INERT("server_cpulist", ""),
    INERT("bio_cpulist", ""),
    INERT("aof_rewrite_cpulist", ""),
    INERT("bgsave_cpulist", ""),
    INERT_ENUM("replica-announce-ip", "slave-announce-ip", "", NULL),
    INERT_NUMBER("replica-announce-port", "slave-announce-port", "0", 0, 65535),
    INERT_BOOL("replica-ignore-disk-write-errors", NULL, "no"),
    INERT_NUMBER("repl-diskless-sync-max-replicas", NULL, "0", 0, INT64_MAX),
    INERT_BOOL("cluster-allow-pubsubshard-when-down", NULL, "yes"),
    INERT_BOOL("cluster-allow-reads-when-down", NULL, "no"),
    INERT_BOOL("cluster-allow-replica-migration", NULL, "yes"),
    INERT_NUMBER("cluster-announce-bus-port", NULL, "0", 0, 65535),
    INERT("cluster-announce-hostname", ""),
    INERT("cluster-announce-ip", ""),
    INERT_NUMBER("cluster-announce-port", NULL, "0", 0, 65535),
    INERT_NUMBER("cluster-announce-tls-port", NULL, "0", 0, 65535),
    INERT("cluster-config-file", "nodes.conf"),
    INERT_NUMBER("cluster-link-sendbuf-limit", NULL, "0", 0, INT64_MAX),
    INERT_NUMBER("cluster-migration-barrier", NULL, "1", 0, INT64_MAX),
    INERT_NUMBER("cluster-port", NULL, "0", 0, 65535),
    INERT("cluster-preferred-endpoint-type", "ip"),
    INERT_BOOL("cluster-replica-no-failover", "cluster-slave-no-failover", "no"),
    INERT_NUMBER("cluster-replica-validity-factor", "cluster-slave-validity-factor", "10", 0, INT64_MAX),
    INERT_BOOL("cluster-require-full-coverage", NULL, "yes"),
    INERT_BOOL("tls-auth-clients", NULL, "yes"),
    INERT("tls-ca-cert-dir", ""),
    INERT("tls-ciphers", ""),
    INERT("tls-ciphersuites", ""),
    INERT("tls-client-cert-file", ""),
    INERT("tls-client-key-file", ""),
    INERT("tls-client-key-file-pass", ""),
    INERT_BOOL("tls-cluster", NULL, "no"),
    INERT("tls-dh-params-file", ""),
    INERT("tls-key-file-pass", ""),
    INERT_BOOL("tls-prefer-server-ciphers", NULL, "no"),
    INERT("tls-protocols", ""),
    INERT_BOOL("tls-replication", NULL, "no"),
    INERT_NUMBER("tls-session-cache-size", NULL, "20480", 0, INT64_MAX),
    INERT_NUMBER("tls-session-cache-timeout", NULL, "300", 0, INT64_MAX),
    INERT_BOOL("tls-session-caching", NULL, "yes"),
    {0},
};
