/* SPDX-License-Identifier: MIT
 * segment: segment files, and the one that is kept ready.
 *
 *   NEXT_NONE --> NEXT_WANTED --(filled, a piece at a time)--> NEXT_READY --next_take--> core->segment, and again
 *                      |  ^
 *             (no room)|  | (asked again)
 *                      v  |
 *                 NEXT_REFUSED
 *
 * A segment is READY when its header and all its zeros are on stable storage: a later write then allocates nothing and cannot
 * fail for want of room. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "services/txlog/core.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int segment_write_header(struct txlog_core *core, const struct segment *segment)
{
    uint8_t bytes[SECTOR_BYTES];
    segment_header_encode(&segment->header, bytes);
    int error = os_pwrite_all(core->os, segment->fd, bytes, sizeof bytes, SECTOR_BYTES);
    if (!error)
        error = os_pwrite_all(core->os, segment->fd, bytes, sizeof bytes, 0);
    return error;
}

int segment_extend(struct txlog_core *core, struct segment *segment, uint64_t size)
{
    const struct os_ops *ops = core->os->ops;
    int error = ops->zero_fill(core->os->self, segment->fd, segment->size, size - segment->size);
    if (!error)
        error = ops->datasync(core->os->self, segment->fd);
    if (error) {
        ops->truncate(core->os->self, segment->fd, segment->size); /* give back what was filled; failing that, it stays */
        return error;
    }
    segment->size = size;
    return 0;
}

static void segment_path(struct txlog_core *core, uint64_t number, struct buffer *path)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    core_path(path, core->dir, name);
}

static void header_init(struct txlog_core *core, uint64_t number, struct segment_header *header)
{
    memset(header, 0, sizeof *header);
    memcpy(header->uuid, core->uuid, sizeof header->uuid);
    header->number = number;
    os_random(core->os, &header->salt, sizeof header->salt);
    header->epoch = core->epoch;
    memcpy(header->release, core->release, sizeof header->release);
}

/* Header and zeros into a new file, on stable storage together with its name. */
static int fill_new_file(struct txlog_core *core, struct segment *segment, uint64_t filled)
{
    int error = segment_write_header(core, segment);
    if (error)
        return error;
    segment->size = SEGMENT_HEADER_BYTES;
    error = segment_extend(core, segment, filled);
    return error ? error : core->os->ops->sync_dir(core->os->self, core->dir);
}

int segment_create(struct txlog_core *core, uint64_t number, uint64_t filled, struct segment **created)
{
    const struct os_ops *ops = core->os->ops;
    struct buffer path = {0};
    segment_path(core, number, &path);
    struct segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        abort();
    header_init(core, number, &segment->header);
    segment->fd = ops->open(core->os->self, path.base, OS_READ | OS_WRITE | OS_CREATE | OS_TRUNCATE);
    int error = segment->fd < 0 ? segment->fd : fill_new_file(core, segment, filled);
    if (error) {
        if (segment->fd >= 0) {
            ops->close(core->os->self, segment->fd);
            ops->unlink(core->os->self, path.base);
        }
        free(segment);
    } else {
        *created = segment;
    }
    buffer_free(&path);
    return error;
}

void segment_close(struct txlog_core *core, struct segment *segment)
{
    core->os->ops->close(core->os->self, segment->fd);
    free(segment);
}

/* ---- the next one ---- */

/* One piece: 0 when it was filled, or -errno, and then the half-made file is gone. */
static int prepare_piece(struct txlog_core *core)
{
    uint64_t goal = core->options.segment_bytes;
    if (!core->next)
        return segment_create(core, core->next_number, min_u64(goal, SEGMENT_HEADER_BYTES + FILL_PIECE), &core->next);
    int error = segment_extend(core, core->next, min_u64(goal, core->next->size + FILL_PIECE));
    if (error) {
        struct buffer path = {0};
        segment_path(core, core->next_number, &path);
        core->os->ops->unlink(core->os->self, path.base);
        buffer_free(&path);
        segment_close(core, core->next);
        core->next = NULL;
    }
    return error;
}

void next_prepare(struct txlog_core *core)
{
    int error = prepare_piece(core);
    pthread_mutex_lock(&core->mutex);
    assert(core->next_state == NEXT_WANTED);
    core->next_error = error;
    if (error)
        core->next_state = NEXT_REFUSED;
    else if (core->next->size >= core->options.segment_bytes)
        core->next_state = NEXT_READY;
    pthread_cond_broadcast(&core->done);
    pthread_mutex_unlock(&core->mutex);
}

/* Ask for the next segment unless a refusal is too fresh. The mutex is held. */
static void next_ask(struct txlog_core *core)
{
    if (core->next_state == NEXT_READY || core->next_state == NEXT_WANTED)
        return;
    uint64_t now = os_monotonic_ns(core->os);
    if (core->threaded && core->next_state == NEXT_REFUSED && now - core->retry_ns < RETRY_INTERVAL_NS)
        return;
    core->retry_ns = now;
    core->next_state = NEXT_WANTED;
    pthread_cond_signal(&core->work);
}

/* With a thread, a disk that was full a moment ago is answered for at once; the thread tries again meanwhile. */
static int next_wait(struct txlog_core *core)
{
    pthread_mutex_lock(&core->mutex);
    bool full = core->threaded && core->next_state == NEXT_REFUSED;
    next_ask(core);
    while (core->next_state == NEXT_WANTED && !full) {
        if (core->threaded) {
            pthread_cond_wait(&core->done, &core->mutex);
        } else {
            pthread_mutex_unlock(&core->mutex);
            next_prepare(core);
            pthread_mutex_lock(&core->mutex);
        }
    }
    int error = core->next_state == NEXT_READY ? 0 : core->next_error;
    pthread_mutex_unlock(&core->mutex);
    return error;
}

int next_ensure(struct txlog_core *core, uint64_t size)
{
    int error = next_wait(core);
    if (!error && core->next->size < size)
        error = segment_extend(core, core->next, size);
    return error;
}

void next_take(struct txlog_core *core)
{
    pthread_mutex_lock(&core->mutex);
    assert(core->next_state == NEXT_READY);
    core->segment = core->next;
    core->next = NULL;
    core->next_number++;
    core->next_state = NEXT_NONE;
    if (core->threaded)
        next_ask(core);
    pthread_mutex_unlock(&core->mutex);
}
