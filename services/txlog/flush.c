/* SPDX-License-Identifier: MIT
 * flush: what happens to a batch behind the reactor's back, or in its hands when nothing is in flight.
 *
 *   open the segment (its first batch only) -> hash each record -> seal the trailer -> write what is unwritten -> sync -> durable
 *
 * The steps of one batch are over before those of the next begin, so `tree`, `root` and `durable` need no lock. An error is
 * final: nothing is written or synced after it, because the kernel may have dropped what it could not write. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "services/txlog/core.h"
#include "services/txlog/varint.h"

#define SPARE_BYTES_MAX ((size_t)4 << 20) /* a larger buffer is given back instead of kept */
#define SPARES_MAX 4

/* ---- batches ---- */

struct batch *batch_new(struct txlog_core *core)
{
    pthread_mutex_lock(&core->mutex);
    struct batch *batch = core->spare;
    if (batch)
        core->spare = batch->next;
    pthread_mutex_unlock(&core->mutex);
    if (batch) {
        *batch = (struct batch){.bytes = batch->bytes};
        batch->bytes.size = 0;
        return batch;
    }
    batch = calloc(1, sizeof *batch);
    if (!batch)
        abort();
    return batch;
}

void batch_free(struct batch *batch)
{
    buffer_free(&batch->bytes);
    free(batch);
}

static void batch_recycle(struct txlog_core *core, struct batch *batch)
{
    if (batch->bytes.capacity > SPARE_BYTES_MAX)
        buffer_free(&batch->bytes);
    pthread_mutex_lock(&core->mutex);
    int spares = 0;
    for (const struct batch *spare = core->spare; spare; spare = spare->next)
        spares++;
    if (spares < SPARES_MAX) {
        batch->next = core->spare;
        core->spare = batch;
        batch = NULL;
    }
    pthread_mutex_unlock(&core->mutex);
    if (batch)
        batch_free(batch);
}

/* ---- the steps ---- */

static int open_segment(struct txlog_core *core, const struct batch *batch)
{
    struct segment_header *header = &batch->segment->header;
    if (header->opened)
        return 0;
    header->opened = true;
    header->first_tx = core->tree.size + 1;
    header->tree = core->tree;
    header->admission = batch->before;
    return segment_write_header(core, batch->segment);
}

static void hash_records(struct txlog_core *core, const struct batch *batch)
{
    const char *at = batch->bytes.base;
    const char *end = at + batch->bytes.size;
    struct tx_record record = {0};
    for (uint64_t i = 0; i < batch->count; i++) {
        uint64_t length;
        int bad = varint_get(&at, end, &length);
        assert(!bad);
        at += 4;
        uint8_t flags;
        struct slice sections;
        bad = record_decode(slice_of(at, length), &record, &flags, &sections);
        assert(!bad);
        record.tx = batch->first_tx + i;
        struct merkle_hash leaf;
        record_leaf(&record, flags, sections, &leaf);
        merkle_add(&core->tree, &leaf);
        at += length;
    }
}

static void seal_trailer(struct txlog_core *core, struct batch *batch)
{
    uint8_t *bytes = (uint8_t *)batch->bytes.base + batch->bytes.size - TRAILER_BYTES;
    struct trailer trailer = {.watermark = core->durable, .watermark_tx = atomic_load(&core->durable_tx)};
    memcpy(trailer.previous_tag, core->root.bytes, sizeof trailer.previous_tag);
    merkle_root(&core->tree, &core->root);
    trailer.root = core->root;
    trailer_encode_sealed(&trailer, bytes);
}

/* The sealed trailer has the batch's last bytes; whatever the reactor wrote before it need not be written again. */
static int write_batch(struct txlog_core *core, const struct batch *batch)
{
    size_t from = batch->written < batch->bytes.size ? batch->written : batch->bytes.size - TRAILER_BYTES;
    size_t size = batch->bytes.size - from;
    atomic_fetch_add_explicit(&core->written_bytes, size, memory_order_relaxed);
    return os_pwrite_all(core->os, batch->segment->fd, batch->bytes.base + from, size, batch->offset + from);
}

static int sync_batch(struct txlog_core *core, const struct batch *batch)
{
    uint64_t began = os_monotonic_ns(core->os);
    int error = core->os->ops->datasync(core->os->self, batch->segment->fd);
    uint64_t took_us = (os_monotonic_ns(core->os) - began) / 1000;
    atomic_store_explicit(&core->flush_last_us, took_us, memory_order_relaxed);
    if (took_us > atomic_load_explicit(&core->flush_max_us, memory_order_relaxed))
        atomic_store_explicit(&core->flush_max_us, took_us, memory_order_relaxed);
    if (error)
        return error;
    core->durable = (struct log_position){batch->segment->header.number, batch->offset + batch->bytes.size};
    atomic_store(&core->durable_tx, core->tree.size);
    atomic_fetch_add_explicit(&core->flushes, 1, memory_order_relaxed);
    return 0;
}

static void flush_batch(struct txlog_core *core, struct batch *batch)
{
    uint64_t number = batch->segment->header.number;
    int error = open_segment(core, batch);
    if (!error && batch->bytes.size) {
        hash_records(core, batch);
        seal_trailer(core, batch);
        error = write_batch(core, batch);
        atomic_fetch_add_explicit(&core->batches, 1, memory_order_relaxed);
    }
    if (error) {
        core_fail(core, error, "writing", number, batch->offset);
        return;
    }
    error = batch->sync ? sync_batch(core, batch) : 0;
    if (error)
        core_fail(core, error, "flushing", number, batch->offset);
}

static void run(struct txlog_core *core, struct batch *batch)
{
    if (!atomic_load(&core->failed))
        flush_batch(core, batch);
    if (batch->closes_segment)
        segment_close(core, batch->segment);
    batch_recycle(core, batch);
}

void flush_inline(struct txlog_core *core, struct batch *batch)
{
    assert(atomic_load(&core->in_flight) == 0);
    run(core, batch);
}

void flush_submit(struct txlog_core *core, struct batch *batch)
{
    if (!core->threaded) {
        run(core, batch);
        return;
    }
    pthread_mutex_lock(&core->mutex);
    batch->next = NULL;
    if (core->tail)
        core->tail->next = batch;
    else
        core->head = batch;
    core->tail = batch;
    atomic_fetch_add(&core->in_flight, 1);
    pthread_cond_signal(&core->work);
    pthread_mutex_unlock(&core->mutex);
}

void flush_wait(struct txlog_core *core, unsigned count)
{
    if (atomic_load(&core->in_flight) <= count)
        return;
    pthread_mutex_lock(&core->mutex);
    while (atomic_load(&core->in_flight) > count)
        pthread_cond_wait(&core->done, &core->mutex);
    pthread_mutex_unlock(&core->mutex);
}

/* ---- the thread ---- */

static struct batch *take_head(struct txlog_core *core)
{
    struct batch *batch = core->head;
    core->head = batch->next;
    if (!core->head)
        core->tail = NULL;
    return batch;
}

/* One batch; the mutex is held at entry and exit. */
static void serve_batch(struct txlog_core *core)
{
    struct batch *batch = take_head(core);
    bool tell = batch->sync;
    pthread_mutex_unlock(&core->mutex);
    run(core, batch);
    atomic_fetch_sub(&core->in_flight, 1);
    if ((tell || atomic_load(&core->failed)) && core->options.notify)
        core->options.notify(core->options.notify_context);
    pthread_mutex_lock(&core->mutex);
    pthread_cond_broadcast(&core->done);
}

/* A piece of the next segment is due: nothing else to do, or so many bytes flushed that it would come too late otherwise. */
static bool prepare_due(const struct txlog_core *core, uint64_t bytes)
{
    return core->next_state == NEXT_WANTED && (!core->head || bytes >= FILL_PIECE / 4);
}

/* Batches go first; the next segment is prepared in between, four times as fast as the present one fills at least. */
static void *flush_main(void *context)
{
    struct txlog_core *core = context;
    uint64_t bytes = 0; /* flushed since the last piece */
    pthread_mutex_lock(&core->mutex);
    for (;;) {
        if (prepare_due(core, bytes) && !core->stop) {
            pthread_mutex_unlock(&core->mutex);
            next_prepare(core);
            pthread_mutex_lock(&core->mutex);
            bytes = 0;
        } else if (core->head) {
            bytes += core->head->bytes.size;
            serve_batch(core);
        } else if (core->stop) {
            break;
        } else {
            pthread_cond_wait(&core->work, &core->mutex);
        }
    }
    pthread_mutex_unlock(&core->mutex);
    return NULL;
}

int flush_thread_start(struct txlog_core *core)
{
    core->next_state = NEXT_WANTED;
    int error = pthread_create(&core->thread, NULL, flush_main, core);
    core->threaded = error == 0;
    return -error;
}

void flush_thread_stop(struct txlog_core *core)
{
    if (!core->threaded)
        return;
    pthread_mutex_lock(&core->mutex);
    core->stop = true;
    pthread_cond_signal(&core->work);
    pthread_mutex_unlock(&core->mutex);
    pthread_join(core->thread, NULL);
    core->threaded = false;
}
