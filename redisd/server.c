/* SPDX-License-Identifier: MIT
 * server: putting the parts together, the turn's end, and what happens every 100 ms. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/actor.h"
#include "kernel/reactor.h"
#include "kernel/stream.h"
#include "redisd/blocked.h"
#include "redisd/logging.h"
#include "redisd/pubsub.h"
#include "redisd/redisd.h"
#include "redisd/save.h"
#include "redisd/server.h"
#include "redisd/stats.h"
#include "redisd/transaction.h"

enum {
    CRON_NS = 100 * 1000 * 1000,
    EXPIRE_PER_TICK = 5000,          /* keys: a few milliseconds; what is left is taken a millisecond later */
    EXPIRE_AGAIN_NS = 1000 * 1000,
    MEMORY_REST = 200,               /* measuring memory takes at most one part in so many of the time: malloc walks its free chunks for it */
};

/* ---- the turn ---- */

static void log_failed(struct redisd *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    server->exit_code = 1;
    server_log(server, LOG_WARNING, "the transaction log has failed: %s; stopping, recovery decides what survived", txlog_failure(server->log));
    /* What was held back may have been lost: those who wait get the truth instead of their replies. */
    for (struct client *client = server->clients; client; client = client->next) {
        if (!client->stream || stream_pending(client->stream) == 0)
            continue;
        stream_discard_gated(client->stream);
        struct resp_writer reply = {stream_output(client->stream), 2};
        resp_error(&reply, "MISCONF the transaction log has failed; the outcome of this command is unknown until the server is back");
        stream_mark(client->stream, 0);
        stream_flush(client->stream);
    }
    reactor_stop(server->reactor);
}

void server_turn_end(void *context, struct reactor *reactor, bool idle)
{
    struct redisd *server = context;
    if (!server->log)
        return;
    reactor_release(reactor, txlog_turn_end(server->log, idle));
    if (__builtin_expect(txlog_failed(server->log) != 0, 0))
        log_failed(server);
}

/* A flush has ended, on the flush thread: have the reactor look. At most one post is under way. */
static void flushed(void *context)
{
    struct redisd *server = context;
    if (!atomic_exchange(&server->flush_posted, true))
        reactor_post_node(server->reactor, &server->flush_post);
}

static void flush_seen(struct reactor *reactor, struct post *post)
{
    struct redisd *server = (struct redisd *)(void *)((char *)post - offsetof(struct redisd, flush_post));
    atomic_store(&server->flush_posted, false);
    if (!server->log)
        return;
    reactor_release(reactor, txlog_poll(server->log));
    if (txlog_failed(server->log))
        log_failed(server);
}

/* ---- every 100 ms ---- */

static void close_idle_clients(struct redisd *server, int64_t now_ms)
{
    struct client *next;
    for (struct client *client = server->config.timeout ? server->clients : NULL; client; client = next) {
        next = client->next;
        if (!client->blocked && !client->subscriptions && now_ms - client->active_ms > server->config.timeout * 1000)
            client_kill(client, false);
    }
}

static void cron(void *context)
{
    struct redisd *server = context;
    struct reactor *reactor = server->reactor;
    uint64_t wait_ns = CRON_NS;
    uint64_t begin = cycles_now();
    if (server->active_expire && redisd_expire_due(server, EXPIRE_PER_TICK) == EXPIRE_PER_TICK)
        wait_ns = EXPIRE_AGAIN_NS;
    latency_add(server, "expire-cycle", (int64_t)((double)(cycles_now() - begin) * server->cycles.ns_per_cycle / 1e6));
    if (reactor_now_ns(reactor) >= server->tick_due_ns) {
        server->tick_due_ns = reactor_now_ns(reactor) + CRON_NS;
        stats_sample(server);
        cycles_calibrate(&server->cycles, cycles_now(), os_monotonic_ns(server->os));
        slowlog_set_threshold(server);
        close_idle_clients(server, reactor_wall_us(reactor) / 1000);
        if (reactor_now_ns(reactor) >= server->memory_due_ns)
            redisd_measure_memory(server);
        save_when_due(server);
    }
    timer_set(&reactor->timers, &server->cron, reactor_now_ns(reactor) + wait_ns);
}

void server_start(struct redisd *server)
{
    server->cron.fire = cron;
    server->cron.context = server;
    timer_set(&server->reactor->timers, &server->cron, 0);
}

/* ---- memory ---- */

/* What malloc has given out, and the arena, which it does not know of. Walking malloc's books takes microseconds, so the sum is taken now and then. */
void redisd_measure_memory(struct redisd *server)
{
    uint64_t begin = os_monotonic_ns(server->os);
    struct mallinfo2 books = mallinfo2();
    uint64_t end = os_monotonic_ns(server->os);
    server->memory_due_ns = end + (end - begin) * MEMORY_REST;
    server->memory = books.uordblks + books.hblkhd + keyspace_arena_memory(server->keyspace);
    if (server->memory > server->stats.memory_peak)
        server->stats.memory_peak = server->memory;
}

uint64_t redisd_memory(const struct redisd *server)
{
    return server->memory;
}

bool redisd_peer_allowed(const struct redisd *server, const char *peer)
{
    if (!server->config.protected_mode || server->config.requirepass.size)
        return true;
    return strncmp(peer, "127.", 4) == 0 || strncmp(peer, "[::1]", 5) == 0 || strncmp(peer, "::1", 3) == 0 || !strchr(peer, ':');
}

/* ---- opening and closing ---- */

static void identity_of(void *context, uint64_t id, struct tx_identity *identity)
{
    struct redisd *server = context;
    identity->user = SLICE("default");
    /* Nearly always it is the client whose command runs; only one that is woken has to be looked for. */
    const struct client *client = server->running;
    if (!client || client->id != id)
        client = server->clients;
    while (client && client->id != id)
        client = client->next;
    if (!client)
        return;
    identity->address = slice_from_string(client->peer);
    identity->name = slice_from_string(client->name ? client->name : "");
}

int server_open_log(struct redisd *server, bool adopt, struct buffer *error)
{
    const struct service service = redisd_service(server);
    const struct txlog_options options = {
        .policy = (enum txlog_fsync)server->config.appendfsync,
        .segment_bytes = (uint64_t)server->config.txlog_segment_bytes,
        .retain_bytes = (uint64_t)server->config.txlog_retain_bytes,
        .release = REDISD_VERSION,
        .flush_thread = server->config.txlog_flush_thread,
        .adopt = adopt,
        .uuid = adopt ? server->uuid : NULL,
        .notify = flushed,
        .notify_context = server,
        .identity = identity_of,
        .identity_context = server,
    };
    struct buffer dir = {0};
    server_log_dir(server, &dir);
    server->last_save_record_bytes = 0;
    server->loading = true;
    int got = txlog_open(server->os, dir.base, &options, &service, 1, error, &server->log);
    server->loading = false;
    buffer_free(&dir);
    return got;
}

int server_switch_log(struct redisd *server, struct buffer *error)
{
    if (server->config.appendonly == (server->log != NULL))
        return 0;
    if (save_running(server)) {
        buffer_format(error, "a save is running, try again when it is complete");
        return -EBUSY;
    }
    if (!server->config.appendonly) {
        uint64_t newest = txlog_newest(server->log);
        int got = txlog_close(server->log);
        server->log = NULL;
        if (got == 0)
            reactor_release(server->reactor, newest);
        return got;
    }
    int got = server_open_log(server, true, error);
    return got < 0 ? got : save_now(server);
}

void server_drain(struct redisd *server)
{
    reactor_release(server->reactor, UINT64_MAX);
    for (struct client *client = server->clients; client; client = client->next)
        if (client->stream)
            stream_flush(client->stream);
}

void server_log_dir(const struct redisd *server, struct buffer *dir)
{
    buffer_append_slice(dir, buffer_slice(&server->config.dir));
    buffer_append(dir, "/txlog", sizeof("/txlog"));
}

static void run_id_make(struct redisd *server)
{
    uint8_t bytes[20];
    os_random(server->os, bytes, sizeof(bytes));
    for (int i = 0; i < 20; i++)
        snprintf(server->run_id + 2 * i, 3, "%02x", bytes[i]);
}

static void *zeroed(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        abort();
    return memory;
}

/* Create the directory of the data, parents included. */
static int make_dirs(struct os *os, const struct buffer *dir)
{
    char path[4096];
    if (dir->size >= sizeof(path))
        return -ENAMETOOLONG;
    for (size_t i = 0; i <= dir->size; i++) {
        if (i == dir->size || (dir->base[i] == '/' && i > 0)) {
            path[i] = 0;
            int got = os->ops->make_dir(os->self, path);
            if (got < 0 && i == dir->size)
                return got;
        }
        if (i < dir->size)
            path[i] = dir->base[i];
    }
    return 0;
}

void redisd_open_offline(struct redisd *server, struct os *os)
{
    server->os = os;
    server->commands = command_table_new();
    server->command_stats = zeroed(sizeof(*server->command_stats));
    server->watched = zeroed(sizeof(*server->watched));
    server->pubsub = zeroed(sizeof(*server->pubsub));
    server->blocked = zeroed(sizeof(*server->blocked));
    server->flush_post.run = flush_seen;
    server->active_expire = true;
    server->last_save_good = true;
    server->started_us = os_wall_us(os);
    server->last_save_s = server->started_us / 1000000;
    cycles_calibrate(&server->cycles, cycles_now(), os_monotonic_ns(os));
    slowlog_set_threshold(server);
    run_id_make(server);
    server->replayer = zeroed(sizeof(*server->replayer));
    server->replayer->server = server;
    server->replayer->protocol = 2;
    server->replayer->flags = CLIENT_INTERNAL | CLIENT_AUTHENTICATED | CLIENT_NO_TOUCH;
    uint8_t uuid[16];
    os_random(os, uuid, sizeof(uuid));
    redisd_keyspace_make(server, uuid);
}

int redisd_open(struct redisd *server, struct os *os, struct reactor *reactor, struct buffer *error)
{
    redisd_open_offline(server, os);
    server->reactor = reactor;
    int got = make_dirs(os, &server->config.dir);
    if (got < 0) {
        buffer_format(error, "cannot create directory %.*s: %s", (int)server->config.dir.size, server->config.dir.base, strerror(-got));
        return got;
    }
    if (server->config.appendonly)
        return server_open_log(server, false, error);
    return save_load(server, error);
}

int redisd_close(struct redisd *server)
{
    int got = 0;
    timer_cancel(&server->reactor->timers, &server->cron);
    if (server->log) {
        if (txlog_checkpoint_running(server->log))
            txlog_checkpoint_abandon(server->log);
        got = txlog_close(server->log);
        server->log = NULL;
    }
    return got;
}

void redisd_free(struct redisd *server)
{
    keyspace_free(server->keyspace);
    stats_reset(server);
    slowlog_reset(&server->slowlog);
    free(server->command_stats);
    command_table_free(server->commands);
    buffer_free(&server->watched->name);
    free(server->watched);
    free(server->pubsub);
    buffer_free(&server->blocked->ready);
    buffer_free(&server->blocked->name);
    free(server->blocked);
    free(server->replayer);
    resp_args_free(&server->batch.args);
    argv_reader_free(&server->replay_reader);
    buffer_free(&server->effects.delta);
    buffer_free(&server->exec_queue);
    buffer_free(&server->scratch);
    buffer_free(&server->pushes);
    config_deinit(&server->config);
}
