/* SPDX-License-Identifier: MIT
 * turn: when to write, seal and flush.
 *
 *   always    a turn's end starts a flush of everything appended, unless one is in flight; then it goes with the next one
 *   everysec  a turn's end writes; once a second what was written is sealed and flushed
 *   no        likewise, sealed but not flushed (the end of a segment is)
 *
 * A second after the last record, and with everything durable, one more, empty batch is sealed: its watermark covers all that
 * went before, so that from then on damage to the last records cannot pass for a torn tail. */
#include <errno.h>

#include "services/txlog/core.h"

void fill_sync(struct txlog_core *core)
{
    if (core->fill->count) {
        fill_seal(core, SEAL_SYNC, false);
        return;
    }
    if (!core->unsynced)
        return;
    struct batch *batch = batch_new(core);
    batch->segment = core->segment;
    batch->offset = core->fill->offset;
    batch->before = core->fill->before;
    batch->sync = true;
    core->unsynced = false;
    flush_submit(core, batch);
}

static uint64_t update_released(struct txlog_core *core)
{
    if (atomic_load(&core->failed)) {
        core->front.fill_limit = 0;
        return core->front.released;
    }
    uint64_t tx = atomic_load(&core->durable_tx);
    if (core->options.policy != TXLOG_ALWAYS && core->fill->written == core->fill->bytes.size)
        tx = core->front.newest;
    if (tx > core->front.released)
        core->front.released = tx;
    return core->front.released;
}

static void turn_always(struct txlog_core *core, bool idle)
{
    if (core->fill->count && atomic_load(&core->in_flight) == 0)
        fill_seal(core, SEAL_SYNC, idle);
}

static void turn_written(struct txlog_core *core, uint64_t now)
{
    enum seal seal = core->options.policy == TXLOG_EVERYSEC ? SEAL_SYNC : SEAL_ONLY;
    bool due = now - core->flushed_ns >= FLUSH_INTERVAL_NS;
    if (due && core->fill->count) {
        core->flushed_ns = now;
        fill_seal(core, seal, false);
    } else if (due && core->unsynced && seal == SEAL_SYNC) {
        core->flushed_ns = now;
        fill_sync(core);
    } else if (core->fill->bytes.size >= BATCH_BYTES) {
        fill_seal(core, SEAL_ONLY, false);
    } else {
        fill_write(core);
    }
    flush_wait(core, QUEUE_MAX);
}

/* Everything is durable, nothing happens any more, and no trailer says so yet. */
static bool may_attest(const struct txlog_core *core)
{
    return !core->attested && !core->unsynced && core->fill->count == 0 && atomic_load(&core->in_flight) == 0 &&
           atomic_load(&core->durable_tx) == core->front.newest && core->front.newest && fill_fits_seal(core) &&
           core->options.policy != TXLOG_NO && !atomic_load(&core->failed);
}

static void attest(struct txlog_core *core)
{
    fill_seal(core, SEAL_EMPTY, false);
    core->attested = true;
}

/* Without a thread, the next segment is made when the present one is half full. */
static void prepare_inline(struct txlog_core *core)
{
    if (core->threaded || core->next_state != NEXT_NONE || core->front.fill_end < core->segment->size / 2)
        return;
    next_ensure(core, 0); /* a refusal is remembered, and answered for by txlog_reserve */
    fill_limit_update(core);
}

uint64_t txlog_turn_end(struct txlog *log, bool idle)
{
    struct txlog_core *core = log->core;
    if (atomic_load(&core->failed))
        return update_released(core);
    uint64_t now = os_monotonic_ns(core->os);
    if (core->active_tx != log->newest) {
        core->active_tx = log->newest;
        core->active_ns = now;
    }
    if (core->options.policy == TXLOG_ALWAYS)
        turn_always(core, idle);
    else
        turn_written(core, now);
    if (now - core->active_ns >= FLUSH_INTERVAL_NS && may_attest(core))
        attest(core);
    prepare_inline(core);
    return update_released(core);
}

uint64_t txlog_poll(struct txlog *log)
{
    return update_released(log->core);
}

int txlog_flush_now(struct txlog *log)
{
    struct txlog_core *core = log->core;
    if (!atomic_load(&core->failed)) {
        fill_sync(core);
        core->flushed_ns = os_monotonic_ns(core->os);
    }
    flush_wait(core, 0);
    update_released(core);
    return atomic_load(&core->failed);
}

int txlog_set_policy(struct txlog *log, enum txlog_fsync policy)
{
    int error = policy == TXLOG_ALWAYS ? txlog_flush_now(log) : atomic_load(&log->core->failed);
    log->core->options.policy = policy;
    return error;
}
