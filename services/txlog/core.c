/* SPDX-License-Identifier: MIT
 * core: opening and closing a log, its failure, and what it says about itself. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "services/txlog/core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/txlog/checkpoint.h"
#include "services/txlog/scan.h"

const char *core_path(struct buffer *path, const char *dir, const char *name)
{
    path->size = 0;
    buffer_format(path, "%s/%s", dir, name);
    return path->base;
}

/* ---- failure ---- */

void core_fail(struct txlog_core *core, int error, const char *what, uint64_t segment, uint64_t offset)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(segment, name);
    pthread_mutex_lock(&core->mutex);
    if (!atomic_load(&core->failed)) {
        snprintf(core->failure, sizeof core->failure, "%s %s/%s at offset %llu failed: %s", what, core->dir, name,
                 (unsigned long long)offset, strerror(-error));
        atomic_store(&core->failed, error);
    }
    pthread_cond_broadcast(&core->done);
    pthread_mutex_unlock(&core->mutex);
}

int txlog_failed(const struct txlog *log)
{
    return atomic_load_explicit(&log->core->failed, memory_order_acquire);
}

const char *txlog_failure(const struct txlog *log)
{
    return txlog_failed(log) ? log->core->failure : "";
}

/* ---- life ---- */

static void set_options(struct txlog_core *core, const struct txlog_options *options)
{
    core->options = *options;
    uint64_t bytes = options->segment_bytes ? options->segment_bytes : TXLOG_SEGMENT_BYTES;
    bytes = bytes < TXLOG_SEGMENT_BYTES_MIN ? TXLOG_SEGMENT_BYTES_MIN : bytes;
    core->options.segment_bytes = (bytes + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    core->retain_bytes = options->retain_bytes ? options->retain_bytes : TXLOG_RETAIN_ALL;
    if (options->release)
        snprintf(core->release, sizeof core->release, "%s", options->release);
}

static struct txlog_core *core_new(struct os *os, const char *dir, const struct txlog_options *options,
                                   const struct service *services, int count)
{
    struct txlog_core *core = calloc(1, sizeof *core);
    if (!core)
        abort();
    core->os = os;
    core->dir = strdup(dir);
    core->services = calloc((size_t)count + 1, sizeof *core->services);
    if (!core->dir || !core->services)
        abort();
    if (count)
        memcpy(core->services, services, (size_t)count * sizeof *services);
    core->service_count = count;
    core->lock_fd = -1;
    core->front.core = core;
    pthread_mutex_init(&core->mutex, NULL);
    pthread_cond_init(&core->work, NULL);
    pthread_cond_init(&core->done, NULL);
    set_options(core, options);
    return core;
}

static void core_free(struct txlog_core *core)
{
    if (core->fill)
        batch_free(core->fill);
    while (core->spare) {
        struct batch *batch = core->spare;
        core->spare = batch->next;
        batch_free(batch);
    }
    if (core->segment)
        segment_close(core, core->segment);
    if (core->next)
        segment_close(core, core->next);
    if (core->lock_fd >= 0)
        core->os->ops->close(core->os->self, core->lock_fd);
    clients_free(&core->clients);
    pthread_mutex_destroy(&core->mutex);
    pthread_cond_destroy(&core->work);
    pthread_cond_destroy(&core->done);
    free(core->services);
    free(core->dir);
    free(core);
}

static int take_lock(struct txlog_core *core, struct buffer *error)
{
    const struct os_ops *ops = core->os->ops;
    int result = ops->make_dir(core->os->self, core->dir);
    struct buffer path = {0};
    core_path(&path, core->dir, "lock");
    if (!result) {
        core->lock_fd = ops->open(core->os->self, path.base, OS_READ | OS_WRITE | OS_CREATE);
        result = core->lock_fd < 0 ? core->lock_fd : ops->lock(core->os->self, core->lock_fd);
    }
    if (result == -EWOULDBLOCK)
        buffer_format(error, "%s is used by another process: %s is locked", core->dir, path.base);
    else if (result)
        buffer_format(error, "%s: %s", path.base, strerror(-result));
    buffer_free(&path);
    return result;
}

/* Half-written checkpoints of a process that is gone. */
static void remove_leftover(void *context, const char *name)
{
    struct txlog_core *core = context;
    size_t size = strlen(name);
    uint64_t tx;
    const char *suffix;
    if (size < 4 || strcmp(name + size - 4, ".tmp") != 0 || !checkpoint_parse(name, &tx, &suffix))
        return;
    struct buffer path = {0};
    core->os->ops->unlink(core->os->self, core_path(&path, core->dir, name));
    buffer_free(&path);
}

/* A record of the log itself (client 0) that no service sees: the adopted state gets a transaction number of its own. */
static void note_adoption(struct txlog_core *core)
{
    struct slice words[] = {SLICE(""), SLICE(""), SLICE("adopted")};
    struct tx_result result = {.kind = TX_IDENTITY, .admission = core->front.admitted, .input = tx_body_argv(words, 3)};
    txlog_append(&core->front, &result);
    txlog_flush_now(&core->front);
}

/* The walk is over and the log is at its end: the first turn may begin. */
static int start(struct txlog_core *core, const struct txlog_options *options, struct buffer *error)
{
    core->front.released = core->front.newest;
    core->active_tx = core->front.newest;
    core->active_ns = core->flushed_ns = os_monotonic_ns(core->os);
    int result = options->flush_thread ? flush_thread_start(core) : 0;
    if (result)
        buffer_format(error, "%s: no flush thread: %s", core->dir, strerror(-result));
    fill_limit_update(core);
    if (!result && options->adopt)
        note_adoption(core);
    return result;
}

int txlog_open(struct os *os, const char *dir, const struct txlog_options *options, const struct service *services, int count,
               struct buffer *error, struct txlog **log)
{
    uint64_t began = os_monotonic_ns(os);
    struct txlog_core *core = core_new(os, dir, options, services, count);
    int result = take_lock(core, error);
    if (!result) {
        os->ops->list_dir(os->self, dir, remove_leftover, core);
        result = recover(core, error);
    }
    if (!result)
        result = start(core, options, error);
    if (result) {
        core_free(core);
        return result;
    }
    core->opened.duration_us = (os_monotonic_ns(os) - began) / 1000;
    *log = &core->front;
    return 0;
}

int txlog_close(struct txlog *log)
{
    struct txlog_core *core = log->core;
    txlog_checkpoint_abandon(log);
    txlog_flush_now(log);
    if (!core->attested && log->newest && fill_fits_seal(core))
        fill_seal(core, SEAL_EMPTY, false); /* a clean end: what was last written can no longer pass for torn */
    flush_wait(core, 0);
    flush_thread_stop(core);
    int failed = atomic_load(&core->failed);
    core_free(core);
    return failed;
}

const struct txlog_opened *txlog_opened(const struct txlog *log)
{
    return &log->core->opened;
}

const uint8_t *txlog_uuid(const struct txlog *log)
{
    return log->core->uuid;
}

/* ---- seeds ---- */

uint64_t tx_seed(const uint8_t uuid[16], uint64_t cmd_seq)
{
    uint8_t bytes[24];
    memcpy(bytes, uuid, 16);
    memcpy(bytes + 16, &cmd_seq, 8);
    return XXH3_64bits(bytes, sizeof bytes);
}

uint64_t txlog_seed(const struct txlog *log, uint64_t cmd_seq)
{
    return tx_seed(log->core->uuid, cmd_seq);
}

/* ---- questions ---- */

uint64_t txlog_durable(const struct txlog *log)
{
    return atomic_load(&log->core->durable_tx);
}

enum txlog_fsync txlog_policy(const struct txlog *log)
{
    return log->core->options.policy;
}

void txlog_set_retain(struct txlog *log, uint64_t retain_bytes)
{
    log->core->retain_bytes = retain_bytes ? retain_bytes : TXLOG_RETAIN_ALL;
}

static void count_segments(const struct txlog_core *core, struct txlog_stats *stats)
{
    uint64_t *numbers;
    size_t count;
    if (scan_list(core->os, core->dir, &numbers, &count) == 0)
        stats->segments = count;
    for (size_t i = 0; i < stats->segments; i++) {
        char name[SEGMENT_NAME_BYTES];
        struct buffer path = {0};
        struct os_stat stat;
        segment_name(numbers[i], name);
        if (core->os->ops->stat(core->os->self, core_path(&path, core->dir, name), &stat) == 0)
            stats->segment_bytes += stat.size;
        buffer_free(&path);
    }
    free(numbers);
}

uint64_t txlog_record_bytes(const struct txlog *log)
{
    return log->core->record_bytes;
}

void txlog_stats(const struct txlog *log, struct txlog_stats *stats)
{
    struct txlog_core *core = log->core;
    *stats = (struct txlog_stats){
        .records = core->records,
        .record_bytes = core->record_bytes,
        .written_bytes = atomic_load(&core->written_bytes),
        .batches = atomic_load(&core->batches),
        .flushes = atomic_load(&core->flushes),
        .flush_last_us = atomic_load(&core->flush_last_us),
        .flush_max_us = atomic_load(&core->flush_max_us),
        .pending_bytes = core->fill->bytes.size - core->fill->written,
        .queued_batches = atomic_load(&core->in_flight),
    };
    count_segments(core, stats);
}
