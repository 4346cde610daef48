/* SPDX-License-Identifier: MIT
 * redisd: the server that commands see. It composes a reactor, a keyspace and a log, and owns the tables that join clients to keys:
 * subscriptions (pubsub.c), watched keys (watch.c), blocked clients (blocked.c). One instance in a process, passed explicitly. */
#ifndef LOCUS_REDISD_REDISD_H
#define LOCUS_REDISD_REDISD_H

#include "kernel/cycles.h"
#include "kernel/histogram.h"
#include "kernel/os.h"
#include "kernel/reactor.h"
#include "redisd/batch.h"
#include "redisd/client.h"
#include "redisd/command.h"
#include "redisd/config.h"
#include "redisd/effects.h"
#include "redisd/slowlog.h"
#include "redisd/table.h"
#include "services/txlog/argv.h"
#include "services/txlog/txlog.h"

struct watch_table;
struct pubsub;
struct blocked_table;
struct stats_table;

enum { REDISD_KEYSPACE_SERVICE = 1 }; /* in every record of this service */

#define REDISD_VERSION "0.1.0"
#define REDISD_REDIS_VERSION "7.2.4" /* what clients that look at redis_version may rely on */

struct redisd_stats {
    uint64_t connections_received, connections_rejected;
    uint64_t commands_processed;
    uint64_t errors_replied;
    uint64_t changes; /* transactions with an effect */
    uint64_t keyspace_hits, keyspace_misses;
    uint64_t expired_keys;
    uint64_t pubsub_messages;
    uint64_t memory_peak; /* bytes */
    uint64_t protocol_errors;
};

/* Operations a second over the last 16 samples of 100 ms: what INFO calls instantaneous. */
enum { RATE_SAMPLES = 16 };
struct redisd_rate {
    uint64_t last;                  /* counter at the last sample */
    uint64_t per_second[RATE_SAMPLES];
};

struct redisd {
    struct os *os;
    struct reactor *reactor;
    struct keyspace *keyspace;
    struct txlog *log;
    struct command_table *commands;
    struct stats_table *command_stats;
    struct config config;
    struct client *clients, *clients_last; /* oldest first */
    uint64_t clients_count, next_client_id;
    struct client *replayer;        /* Ours: the client of commands that the log drives */
    struct watch_table *watched;
    struct pubsub *pubsub;
    struct blocked_table *blocked;
    struct slowlog slowlog;
    struct latency latency;
    struct redisd_stats stats;
    struct redisd_rate rate_commands, rate_in, rate_out;
    int rate_next;
    int64_t started_us;
    bool active_expire;             /* DEBUG SET-ACTIVE-EXPIRE */
    bool loading;                   /* recovery is running */
    bool stopping;
    struct save_job *save;          /* NULL when none runs */
    uint64_t last_save_changes;     /* stats.changes at the last save by itself */
    uint64_t last_save_record_bytes; /* txlog_record_bytes when the last automatic checkpoint began */
    struct timer cron;
    uint64_t tick_due_ns;
    struct post flush_post;
    atomic_bool flush_posted;
    int exit_code;
    uint64_t memory;                /* bytes: redisd_memory */
    uint64_t memory_due_ns;         /* when it may be measured again by itself */
    int64_t last_save_s;            /* seconds since 1970 */
    uint64_t last_save_tx;
    bool last_save_good;
    struct buffer scratch;          /* replies nobody reads */
    struct client *running;         /* whose command is being executed; NULL between commands */
    struct buffer pushes;           /* what that command publishes to its own client: sent behind its reply, never inside it */
    struct batch batch;             /* of the session that is running */
    struct buffer exec_queue;       /* of the EXEC that is running: its record's input */
    struct argv_reader replay_reader;
    struct effects effects;         /* of the transaction that is running; one at a time */
    uint8_t uuid[16];               /* identity of the data: the log's, or drawn at start without one */
    struct tx_admission admitted;   /* without a log: the last admission given */
    struct cycles_scale cycles;
    uint64_t cycles_before;         /* when the command that runs began: the end of the one before it, or of parsing */
    char run_id[41];
};

/* ---- dispatch.c ---- */

/* Find the row and the first key of argv[0..argc), which took `bytes` on the wire. argc >= 1. */
void request_prepare(const struct redisd *server, struct request *request, const struct slice *argv, int argc, size_t bytes);

/* Execute one command for a client: every check, MULTI's queue, the handler, the log, clients that it woke. The reply is
 * appended to `reply`. */
void dispatch(struct redisd *server, struct client *client, const struct request *request, struct resp_writer *reply);

/* Run one command of a transaction that is under way: what EXEC does with each in its queue. The effects join the outer call's. */
void call_run_nested(struct call *outer, const struct slice *argv, int argc);

/* Number and time of the next command or decision. */
struct tx_admission redisd_admit(struct redisd *server, int64_t now_us);

/* Try a blocked client's command again, as a transaction of its own (TX_WAKE). True: it was answered into `reply`. */
bool dispatch_retry(struct redisd *server, struct client *client, const struct slice *argv, int argc, struct resp_writer *reply);

/* Log a decision of the server's own (expiry): the effects gathered in `effects`, at the admission given. */
void redisd_push_effects(struct redisd *server, int kind, const struct effects *effects, int database, uint64_t cmd_seq, int64_t time_us);

/* ---- state.c: the keyspace under the log ---- */

/* The service that the log drives: recovery, audit, checkpoint. Its state is the struct redisd. */
struct service redisd_service(struct redisd *server);

/* Make the keyspace, empty, for data of this identity. An earlier one is freed. */
void redisd_keyspace_make(struct redisd *server, const uint8_t uuid[16]);

/* Write the keyspace as an image to memory and take what is read back from it: the same state, so nothing is logged. Every pointer into the
 * old keyspace ends. 0, or -errno with the reason, and nothing has changed. Not while a save runs. */
int redisd_reload(struct redisd *server, struct buffer *error);

/* Remove keys whose deadline has passed, each as a logged decision of its own; stops after `max`. Returns how many. */
int redisd_expire_due(struct redisd *server, int max);

/* ---- server.c ---- */

/* Everything but listeners: tables, keyspace, log recovered. server->config is filled in, the rest is zero. 0, or -errno with
 * the reason in `error`. */
int redisd_open(struct redisd *server, struct os *os, struct reactor *reactor, struct buffer *error);
/* The tables and an empty keyspace, without reactor, log and clients: for replay. Ends with redisd_free. */
void redisd_open_offline(struct redisd *server, struct os *os);
/* Flush and close the log; then, when the reactor is gone with its sessions, free the rest. */
int redisd_close(struct redisd *server);
void redisd_free(struct redisd *server);

/* May a peer connect? Not from elsewhere while protected mode is on and no password is set. */
bool redisd_peer_allowed(const struct redisd *server, const char *peer);

/* Memory that counts against maxmemory, in bytes, as it was last measured: every 100 ms, and when a setting or INFO asks. */
void redisd_measure_memory(struct redisd *server);
uint64_t redisd_memory(const struct redisd *server);

#endif
