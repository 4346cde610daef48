/* SPDX-License-Identifier: MIT
 * config: settings by their redis.conf names: from a file, from --options, from CONFIG SET.
 *
 * One table of directives (config.c) says for each: name and alias, type and bounds, where its value lives in struct config, its
 * default, and whether it may change while running. Directives of Redis that have nothing to act on here (its rehashing, its AOF rewrite) are
 * accepted, kept and given back, and marked inert: docs/redisd.md lists them. */
#ifndef LOCUS_REDISD_CONFIG_H
#define LOCUS_REDISD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "services/keyspace/keyspace.h"

enum { CONFIG_INERT_MAX = 192 };

/* Of one class of clients: pending bytes beyond which a client is cut off at once (0: none), or after having been beyond `soft` for `seconds`. */
struct config_output_limit {
    int64_t hard, soft, seconds;
};
enum { CONFIG_OUTPUT_CLASSES = 3 }; /* normal, slave, pubsub */

struct config {
    /* listeners */
    int64_t port;                  /* 0: none */
    int64_t tcp_backlog;
    int64_t tcp_keepalive;         /* seconds, 0: off */
    int64_t timeout;               /* seconds of idleness after which a client is closed, 0: never */
    int64_t maxclients;
    int64_t unixsocketperm;
    struct buffer bind;            /* addresses, separated by spaces */
    struct buffer unixsocket;      /* path, empty: none */
    bool protected_mode;
    bool stdio;                    /* one session on standard input and output */
    struct buffer requirepass;     /* empty: no password */

    /* data */
    struct buffer dir;
    struct buffer dbfilename;
    struct buffer save;            /* "seconds changes ..." as redis.conf has it; without a log, when to save by itself and whether at exit */
    int64_t databases;
    int64_t maxmemory;             /* bytes, 0: no limit */
    int64_t maxmemory_policy;      /* 0: noeviction, the only one there is */
    struct keyspace_limits limits; /* *-max-listpack-* and set-max-intset-entries; copied to the keyspace when set */
    int64_t proto_max_bulk_len;    /* bytes */

    /* log */
    bool appendonly;               /* txlog: the same setting */
    int64_t appendfsync;           /* enum txlog_fsync */
    int64_t txlog_segment_bytes;
    int64_t txlog_retain_bytes;    /* 0: keep every segment */
    int64_t txlog_checkpoint_bytes; /* a checkpoint is taken when the log grew by that much since the last one; 0: never by itself */
    bool txlog_flush_thread;

    /* observation */
    int64_t notify_keyspace_events; /* enum notify_class */
    int64_t slowlog_log_slower_than; /* microseconds; negative: off */
    int64_t slowlog_max_len;
    int64_t latency_monitor_threshold; /* milliseconds, 0: off */
    bool latency_tracking;
    int64_t loglevel;              /* 0 debug, 1 verbose, 2 notice, 3 warning */
    struct buffer logfile;         /* empty: standard error */
    size_t pubsub_output_limit;    /* bytes pending beyond which a subscriber is cut off; from client-output-buffer-limit */
    struct buffer client_output_buffer_limit;
    struct config_output_limit output_limits[CONFIG_OUTPUT_CLASSES]; /* the same, parsed; only the hard limit of pubsub acts */

    /* process */
    int64_t isolation;             /* 0 none, 1 guard, 2 mask */
    int64_t threads;
    int64_t enable_debug_command;  /* 0 no, 1 local, 2 yes */
    int64_t enable_protected_configs;
    int64_t enable_module_command;

    bool save_given;               /* while parsing: a `save` came already, later ones add to it */
    struct buffer file;            /* path of the configuration file, empty: none */
    struct buffer inert[CONFIG_INERT_MAX]; /* values of inert directives, by their order in the table */
};

/* Defaults. */
void config_init(struct config *config);
void config_deinit(struct config *config);

/* Read options and a file: argv[1] may name a file ("-": standard input), then --name value ... as redis-server takes them. `--help` and `--version` are
 * the caller's. 0, or -EINVAL with a sentence in `error` (file and line included). */
int config_parse_arguments(struct config *config, int argc, char **argv, struct buffer *error);

/* Set one directive as CONFIG SET would; `value` is its whole value. `starting`: immutable ones may be set too. 0, or -EINVAL with the reason,
 * -ENOENT when there is no such directive, -EPERM when it cannot change while running, or is protected. */
int config_set(struct config *config, struct slice name, struct slice value, bool starting, struct buffer *error);

/* The directive's value as CONFIG GET prints it. -ENOENT when there is none. */
int config_get(const struct config *config, struct slice name, struct buffer *value);

/* Visit all directives, aliases included, in table order. */
struct config_directive_info {
    const char *name;
    const char *type;    /* "bool", "integer", "memory", "string", "enum" */
    bool immutable;      /* cannot change while running */
    bool inert;          /* accepted, without effect here */
    bool is_alias;
};
void config_each(void (*visit)(void *context, const struct config_directive_info *info), void *context);

/* Write the settings that differ from the defaults back into config->file, keeping its comments and order. CONFIG REWRITE. */
int config_rewrite(const struct config *config, struct buffer *error);

#endif
