/* SPDX-License-Identifier: MIT
 * save: see save.h. */
#include "redisd/save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/actor.h"
#include "redisd/logging.h"
#include "services/keyspace/rdb.h"
#include "services/keyspace/snapshot.h"

enum {
    PIECE = 256 << 10,            /* bytes written per turn: about a fifth of a millisecond */
    PIECE_KEYS = PIECE / 64,
    RETRY_NS = 1000 * 1000,       /* while the flush thread finishes the file */
};

/* An RDB file that is being written without a log. */
struct rdb_file {
    struct os *os;
    int fd;
    uint64_t at; /* bytes written */
    struct buffer path, temporary; /* NUL-terminated; Ours */
};

struct save_job {
    struct co co;
    struct redisd *server;
    struct rdb_file file;
    struct snapshot *snapshot; /* without a log */
    int64_t began_us;
    int result;
};

/* ---- the file ---- */

static int file_write(void *context, const void *bytes, size_t size)
{
    struct rdb_file *file = context;
    int got = os_pwrite_all(file->os, file->fd, bytes, size, file->at);
    file->at += size;
    return got;
}

static int file_open(const struct redisd *server, struct rdb_file *file)
{
    *file = (struct rdb_file){.os = server->os};
    buffer_format(&file->path, "%.*s/%.*s", (int)server->config.dir.size, server->config.dir.base, (int)server->config.dbfilename.size, server->config.dbfilename.base);
    buffer_append_slice(&file->temporary, buffer_slice(&file->path));
    buffer_append(&file->temporary, ".tmp", 5);
    buffer_append_char(&file->path, 0);
    file->fd = server->os->ops->open(server->os->self, file->temporary.base, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNCATE);
    return file->fd < 0 ? file->fd : 0;
}

/* Make the file durable under its name, or remove it when `result` is an error. Returns the result. */
static int file_finish(const struct redisd *server, struct rdb_file *file, int result)
{
    struct os *os = file->os;
    if (file->fd >= 0) {
        if (result == 0)
            result = os->ops->datasync(os->self, file->fd);
        os->ops->close(os->self, file->fd);
        if (result == 0)
            result = os->ops->rename(os->self, file->temporary.base, file->path.base);
        if (result < 0)
            os->ops->unlink(os->self, file->temporary.base);
        struct buffer dir = {0};
        buffer_append_slice(&dir, buffer_slice(&server->config.dir));
        buffer_append_char(&dir, 0);
        if (result == 0)
            result = os->ops->sync_dir(os->self, dir.base);
        buffer_free(&dir);
    }
    buffer_free(&file->path);
    buffer_free(&file->temporary);
    return result;
}

/* ---- both ways ---- */

static void finished(struct redisd *server, int result, int64_t began_us)
{
    server->last_save_good = result == 0;
    if (result == 0) {
        server->last_save_s = os_wall_us(server->os) / 1000000;
        server->last_save_tx = server->log ? txlog_newest(server->log) : 0;
        server_log(server, LOG_NOTICE, "saved in %lld ms", (long long)(os_wall_us(server->os) - began_us) / 1000);
    } else {
        server_log(server, LOG_WARNING, "saving failed: %s", strerror(-result));
    }
}

bool save_running(const struct redisd *server)
{
    return server->save || (server->log && txlog_checkpoint_running(server->log));
}

int save_now(struct redisd *server)
{
    if (save_running(server))
        return -EINPROGRESS;
    int64_t began_us = os_wall_us(server->os);
    int got;
    if (server->log) {
        got = txlog_checkpoint_begin(server->log);
        while (got == 0 && (got = txlog_checkpoint_step(server->log, 16 * PIECE)) == 1)
            got = 0;
    } else {
        struct rdb_file file;
        struct rdb_header header = {.ctime_s = began_us / 1000000, .memory = keyspace_memory(server->keyspace)};
        got = file_open(server, &file);
        if (got == 0)
            got = rdb_save(server->keyspace, &header, file_write, &file);
        got = file_finish(server, &file, got);
    }
    finished(server, got, began_us);
    return got;
}

/* One piece. 1: there is more; 0: complete; -errno. */
static int save_step(struct save_job *job)
{
    if (job->server->log && !job->snapshot)
        return txlog_checkpoint_step(job->server->log, PIECE);
    int got = snapshot_step(job->snapshot, PIECE_KEYS);
    return got < 0 ? got : got == 0;
}

/* Awaitable: the rest of the pieces, one per turn. */
static int save_pieces(struct actor *actor, struct save_job *job)
{
    job->result = save_step(job);
    if (job->result != 1)
        return 0;
    actor_set_alarm(actor, reactor_now_ns(actor_reactor(actor)) + RETRY_NS);
    return CO_AGAIN;
}

static int save_run(struct actor *actor, void *root)
{
    struct save_job *self = *(struct save_job **)root;
    CO_BEGIN(self);
    AWAIT(save_pieces(actor, self));
    CO_FINALLY;
    CO_END;
}

static void save_cleanup(struct actor *actor, void *root, bool faulted)
{
    (void)actor, (void)faulted;
    struct save_job *job = *(struct save_job **)root;
    struct redisd *server = job->server;
    if (job->snapshot) {
        snapshot_end(job->snapshot);
        job->result = file_finish(server, &job->file, job->result);
    }
    if (!server->stopping)
        finished(server, job->result, job->began_us);
    server->save = NULL;
    free(job);
}

static const struct actor_class save_class = {
    .name = "checkpoint",
    .root_size = sizeof(struct save_job *),
    .run = save_run,
    .cleanup = save_cleanup,
};

static int job_begin(struct redisd *server, struct save_job *job)
{
    if (server->log)
        return txlog_checkpoint_begin(server->log);
    int got = file_open(server, &job->file);
    if (got < 0)
        return file_finish(server, &job->file, got);
    struct rdb_header header = {.ctime_s = job->began_us / 1000000, .memory = keyspace_memory(server->keyspace)};
    job->snapshot = snapshot_begin(server->keyspace, &header, file_write, &job->file);
    return 0;
}

int save_start(struct redisd *server)
{
    if (save_running(server))
        return -EINPROGRESS;
    struct save_job *job = calloc(1, sizeof(*job));
    if (!job)
        abort();
    job->server = server;
    job->began_us = os_wall_us(server->os);
    job->result = -EINTR;
    int got = job_begin(server, job);
    struct actor *actor = got < 0 ? NULL : actor_spawn(server->reactor, &save_class);
    if (!actor) {
        if (got == 0 && server->log)
            txlog_checkpoint_abandon(server->log);
        free(job);
        return got < 0 ? got : -ENOMEM;
    }
    *(struct save_job **)actor_root(actor) = job;
    server->save = job;
    return 0;
}

/* Without a log: does one of the "seconds changes" pairs of `save` ask for it? */
static bool save_point_reached(const struct redisd *server)
{
    char text[512];
    snprintf(text, sizeof(text), "%.*s", (int)server->config.save.size, server->config.save.base);
    uint64_t changes = server->stats.changes - server->last_save_changes;
    int64_t age_s = os_wall_us(server->os) / 1000000 - server->last_save_s;
    char *at = text;
    for (;;) {
        char *end;
        long long seconds = strtoll(at, &end, 10), least = end == at ? 0 : strtoll(end, &at, 10);
        if (end == at || least < 0)
            return false;
        if (age_s >= seconds && changes >= (uint64_t)least)
            return true;
    }
}

void save_when_due(struct redisd *server)
{
    if (!server->log && !save_running(server) && server->config.save.size && save_point_reached(server)) {
        server->last_save_changes = server->stats.changes;
        save_start(server);
        return;
    }
    if (!server->log || server->config.txlog_checkpoint_bytes <= 0 || save_running(server))
        return;
    uint64_t bytes = txlog_record_bytes(server->log);
    if (bytes - server->last_save_record_bytes < (uint64_t)server->config.txlog_checkpoint_bytes)
        return;
    server->last_save_record_bytes = bytes;
    save_start(server);
}

/* ---- loading ---- */

static ssize_t file_read(void *context, void *bytes, size_t size)
{
    struct rdb_file *file = context;
    ssize_t got = file->os->ops->pread(file->os->self, file->fd, bytes, size, file->at);
    if (got > 0)
        file->at += (uint64_t)got;
    return got;
}

int save_load(struct redisd *server, struct buffer *error)
{
    struct rdb_file file = {.os = server->os};
    buffer_format(&file.path, "%.*s/%.*s", (int)server->config.dir.size, server->config.dir.base, (int)server->config.dbfilename.size, server->config.dbfilename.base);
    buffer_append_char(&file.path, 0);
    file.fd = server->os->ops->open(server->os->self, file.path.base, OS_READ);
    int got = file.fd == -ENOENT ? 0 : file.fd;
    if (file.fd >= 0) {
        struct rdb_result result;
        got = rdb_load(server->keyspace, file_read, &file, &(struct rdb_options){.now_ms = os_wall_us(server->os) / 1000}, &result);
        if (got < 0)
            buffer_format(error, "%s: %s", file.path.base, result.error);
        server->os->ops->close(server->os->self, file.fd);
    } else if (got < 0) {
        buffer_format(error, "%s: %s", file.path.base, strerror(-got));
    }
    buffer_free(&file.path);
    return got;
}
