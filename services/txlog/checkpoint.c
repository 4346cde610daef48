/* SPDX-License-Identifier: MIT
 * checkpoint: taking one while the services go on serving.
 *
 *   begin    every service fixes its state, in the same turn: one transaction for all
 *   writing  the services' steps, one service after the other, into checkpoint-<tx>.<suffix>.tmp
 *   settling the log itself is flushed, until it is durable up to <tx>
 *   placing  files synced, renamed; manifest written, synced, renamed; directory synced; retention applied. In a thread of its
 *            own where the log has one: syncing gigabytes in the flush thread would hold up every commit
 *
 * Until the manifest has its name, nobody sees the checkpoint. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "services/txlog/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/txlog/core.h"
#include "services/txlog/scan.h"

enum phase { WRITING, SETTLING, PLACING };

struct checkpoint_file {
    void *handle; /* the service's, until it is let go */
    int fd;
    struct buffer pending; /* Ours: not written yet */
    XXH3_state_t *hash;    /* Ours */
    uint64_t offset;       /* bytes written */
};

/* What a service's step writes into. */
struct checkpoint_sink {
    struct tx_sink sink;
    struct txlog_core *core;
    struct checkpoint_file *file;
};

struct checkpoint {
    enum phase phase;
    int current; /* the service being written */
    struct manifest manifest;
    struct checkpoint_file files[CHECKPOINT_SERVICES_MAX];
    struct txlog_core *core;
    pthread_t thread;    /* PLACING, when the log has threads */
    _Atomic bool placed; /* the end of PLACING */
    int result;          /* of placing; valid when placed */
};

static void path_of(struct txlog_core *core, uint64_t tx, const char *suffix, const char *more, struct buffer *path)
{
    char name[CHECKPOINT_NAME_BYTES];
    checkpoint_name(tx, suffix, name);
    path->size = 0;
    buffer_format(path, "%s/%s%s", core->dir, name, more);
}

/* ---- begin ---- */

static int begin_file(struct txlog_core *core, struct checkpoint *cp, int i)
{
    const struct service *service = &core->services[i];
    struct manifest_entry *entry = &cp->manifest.entries[i];
    struct checkpoint_file *file = &cp->files[i];
    struct buffer path = {0};
    entry->service = service->id;
    snprintf(entry->suffix, sizeof entry->suffix, "%s", service->suffix);
    path_of(core, cp->manifest.about.tx, entry->suffix, ".tmp", &path);
    file->fd = core->os->ops->open(core->os->self, path.base, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNCATE);
    buffer_free(&path);
    if (file->fd < 0)
        return file->fd;
    file->hash = XXH3_createState();
    if (!file->hash)
        abort();
    XXH3_128bits_reset(file->hash);
    file->handle = service->checkpoint_begin(service->state, &cp->manifest.about);
    return 0;
}

int txlog_checkpoint_begin(struct txlog *log)
{
    struct txlog_core *core = log->core;
    if (core->checkpoint)
        return -EBUSY;
    if (atomic_load(&core->failed))
        return -EIO;
    if (core->service_count > CHECKPOINT_SERVICES_MAX)
        return -E2BIG;
    struct checkpoint *cp = calloc(1, sizeof *cp);
    if (!cp)
        abort();
    core->checkpoint = cp;
    cp->core = core;
    cp->manifest.count = (uint32_t)core->service_count;
    cp->manifest.adopted = core->options.adopt && !core->checkpoint_tx;
    cp->manifest.about = (struct tx_checkpoint){.tx = log->newest, .admission = log->admitted};
    memcpy(cp->manifest.about.uuid, core->uuid, sizeof core->uuid);
    for (int i = 0; i < CHECKPOINT_SERVICES_MAX; i++)
        cp->files[i].fd = -1;
    for (int i = 0; i < core->service_count; i++) {
        int error = begin_file(core, cp, i);
        if (error) {
            txlog_checkpoint_abandon(log);
            return error;
        }
    }
    return 0;
}

/* ---- writing ---- */

static int drain(struct txlog_core *core, struct checkpoint_file *file)
{
    int error = os_pwrite_all(core->os, file->fd, file->pending.base, file->pending.size, file->offset);
    file->offset += file->pending.size;
    file->pending.size = 0;
    return error;
}

static int sink_write(struct tx_sink *base, const void *bytes, size_t size)
{
    struct checkpoint_sink *sink = (struct checkpoint_sink *)base;
    buffer_append(&sink->file->pending, bytes, size);
    XXH3_128bits_update(sink->file->hash, bytes, size);
    return sink->file->pending.size >= CHECKPOINT_IO_BYTES ? drain(sink->core, sink->file) : 0;
}

/* The present service is complete: what the manifest says of it. */
static int finish_file(struct txlog_core *core, struct checkpoint *cp)
{
    const struct service *service = &core->services[cp->current];
    struct checkpoint_file *file = &cp->files[cp->current];
    struct manifest_entry *entry = &cp->manifest.entries[cp->current];
    int error = drain(core, file);
    XXH128_hash_t hash = XXH3_128bits_digest(file->hash);
    memcpy(entry->content.bytes, &hash, sizeof entry->content.bytes);
    entry->size = file->offset;
    service->checkpoint_digest(service->state, file->handle, &entry->state);
    service->checkpoint_end(service->state, file->handle);
    file->handle = NULL;
    cp->current++;
    return error;
}

static int write_step(struct txlog_core *core, struct checkpoint *cp, size_t budget)
{
    const struct service *service = &core->services[cp->current];
    struct checkpoint_file *file = &cp->files[cp->current];
    struct checkpoint_sink sink = {{sink_write}, core, file};
    int more = service->checkpoint_step(service->state, file->handle, &sink.sink, budget);
    return more == 0 ? finish_file(core, cp) : more < 0 ? more : 0;
}

/* ---- placing ---- */

static int place_file(struct txlog_core *core, uint64_t tx, struct checkpoint_file *file, const char *suffix)
{
    struct buffer from = {0}, to = {0};
    path_of(core, tx, suffix, ".tmp", &from);
    path_of(core, tx, suffix, "", &to);
    int error = core->os->ops->datasync(core->os->self, file->fd);
    core->os->ops->close(core->os->self, file->fd);
    file->fd = -1;
    if (!error)
        error = core->os->ops->rename(core->os->self, from.base, to.base);
    buffer_free(&from);
    buffer_free(&to);
    return error;
}

static int place_manifest(struct txlog_core *core, const struct manifest *manifest)
{
    struct checkpoint_file file = {0};
    struct buffer path = {0}, bytes = {0};
    path_of(core, manifest->about.tx, "manifest", ".tmp", &path);
    manifest_encode(manifest, &bytes);
    file.fd = core->os->ops->open(core->os->self, path.base, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNCATE);
    int error = file.fd < 0 ? file.fd : os_pwrite_all(core->os, file.fd, bytes.base, bytes.size, 0);
    if (!error)
        error = place_file(core, manifest->about.tx, &file, "manifest");
    else if (file.fd >= 0)
        core->os->ops->close(core->os->self, file.fd);
    buffer_free(&path);
    buffer_free(&bytes);
    return error;
}

static int place(struct txlog_core *core, struct checkpoint *cp)
{
    uint64_t tx = cp->manifest.about.tx;
    if (atomic_load(&core->failed) || atomic_load(&core->durable_tx) < tx)
        return -EIO;
    for (uint32_t i = 0; i < cp->manifest.count; i++) {
        int error = place_file(core, tx, &cp->files[i], cp->manifest.entries[i].suffix);
        if (error)
            return error;
    }
    int error = core->os->ops->sync_dir(core->os->self, core->dir);
    if (!error)
        error = place_manifest(core, &cp->manifest);
    if (!error)
        error = core->os->ops->sync_dir(core->os->self, core->dir);
    if (!error)
        retention_apply(core, tx);
    return error;
}

static void *place_main(void *context)
{
    struct checkpoint *cp = context;
    struct txlog_core *core = cp->core;
    cp->result = place(core, cp);
    atomic_store(&cp->placed, true);
    if (core->threaded && core->options.notify)
        core->options.notify(core->options.notify_context);
    return NULL;
}

/* 0 when placing was begun, or is over; -errno when there is no thread to be had. */
static int begin_placing(struct txlog_core *core, struct checkpoint *cp)
{
    int error = core->threaded ? pthread_create(&cp->thread, NULL, place_main, cp) : 0;
    if (error)
        return -error;
    cp->phase = PLACING;
    if (!core->threaded)
        place_main(cp);
    return 0;
}

/* ---- the steps from outside ---- */

static void checkpoint_free(struct txlog_core *core, struct checkpoint *cp)
{
    for (int i = 0; i < core->service_count; i++) {
        struct checkpoint_file *file = &cp->files[i];
        if (file->handle)
            core->services[i].checkpoint_end(core->services[i].state, file->handle);
        if (file->fd >= 0)
            core->os->ops->close(core->os->self, file->fd);
        XXH3_freeState(file->hash);
        buffer_free(&file->pending);
    }
    free(cp);
}

void txlog_checkpoint_abandon(struct txlog *log)
{
    struct txlog_core *core = log->core;
    struct checkpoint *cp = core->checkpoint;
    if (!cp)
        return;
    if (cp->phase == PLACING && core->threaded)
        pthread_join(cp->thread, NULL);
    core->checkpoint = NULL;
    if (cp->phase == PLACING && cp->result == 0)
        core->checkpoint_tx = cp->manifest.about.tx;
    for (uint32_t i = 0; i < cp->manifest.count; i++) {
        struct buffer path = {0};
        path_of(core, cp->manifest.about.tx, cp->manifest.entries[i].suffix, ".tmp", &path);
        core->os->ops->unlink(core->os->self, path.base); /* what is not there need not be removed */
        buffer_free(&path);
    }
    checkpoint_free(core, cp);
}

static int step_placing(struct txlog *log, struct checkpoint *cp)
{
    if (!atomic_load(&cp->placed))
        return 1;
    int result = cp->result;
    txlog_checkpoint_abandon(log); /* takes note of the result, and frees */
    return result;
}

/* The flush of what the checkpoint contains was asked for; is it over? */
static int step_settling(struct txlog *log, struct checkpoint *cp)
{
    struct txlog_core *core = log->core;
    int error = atomic_load(&core->failed) ? -EIO : 0;
    if (!error && atomic_load(&core->durable_tx) < cp->manifest.about.tx)
        return 1;
    if (!error)
        error = begin_placing(core, cp);
    if (!error)
        return step_placing(log, cp);
    txlog_checkpoint_abandon(log);
    return error;
}

int txlog_checkpoint_step(struct txlog *log, size_t budget)
{
    struct txlog_core *core = log->core;
    struct checkpoint *cp = core->checkpoint;
    if (!cp)
        return -EINVAL;
    if (cp->phase == PLACING)
        return step_placing(log, cp);
    if (cp->phase == SETTLING)
        return step_settling(log, cp);
    int error = cp->current < core->service_count ? write_step(core, cp, budget) : 0;
    if (error) {
        txlog_checkpoint_abandon(log);
        return error;
    }
    if (cp->current < core->service_count)
        return 1;
    cp->phase = SETTLING;
    fill_sync(core);
    return step_settling(log, cp);
}

bool txlog_checkpoint_running(const struct txlog *log)
{
    return log->core->checkpoint != NULL;
}

uint64_t txlog_checkpoint_tx(const struct txlog *log)
{
    return log->core->checkpoint_tx;
}

void txlog_checkpoint_path(const struct txlog *log, uint16_t service, struct buffer *path)
{
    struct txlog_core *core = log->core;
    path->size = 0;
    for (int i = 0; i < core->service_count; i++)
        if (core->services[i].id == service)
            path_of(core, core->checkpoint_tx, core->services[i].suffix, "", path);
}
