/* SPDX-License-Identifier: MIT
 * recover: from what a directory holds to a log that can be appended to.
 *
 *   1. restore the newest whole checkpoint, then walk the stream from there and apply every later delta   (scan.h judges)
 *   2. behind the last valid record, nothing counts: delete later segments, write zeros over what is left in this one
 *   3. write again, byte for byte, what no watermark attests: if the last process ended because a flush failed, the kernel may
 *      show bytes as clean that never reached the disk, and a sync alone would save nothing
 *   4. seal what was left unsealed: trailers in place, the open batch with a trailer of its own; sync
 *
 *        attested              tail batch   end of what is valid
 *          v                       v             v
 *   sealed | sealed | not sealed   | rec rec rec | torn ...                before
 *   sealed | sealed | sealed       | rec rec rec 00 trailer | 0000 ...     after: the trailer's watermark covers the rest
 *
 * A crash at any point of this leads to the same state again: only zeros and equal bytes are written before the seal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/txlog/checkpoint.h"
#include "services/txlog/core.h"
#include "services/txlog/scan.h"
#include "services/txlog/scan_segment.h"

/* What the flush side of the last process did not get to: a trailer to be sealed, or the header of a segment to be opened. */
struct patch {
    struct log_position place; /* behind the trailer; offset 0: the header */
    struct trailer trailer;
    struct segment_header *header; /* Ours, or NULL */
};

struct recovery {
    struct txlog_core *core;
    struct buffer *error;
    struct scan scan;
    uint64_t start_tx; /* of the checkpoint */
    uint64_t first_segment; /* where the walk began */
    struct patch *patches; /* Ours */
    size_t patches_count, patches_capacity;
    struct log_position attested;
};

static int say(struct recovery *r, int error, const char *what)
{
    buffer_format(r->error, "%s: %s: %s", r->core->dir, what, strerror(-error));
    return error;
}

/* ---- step 1 ---- */

static const struct service *service_of(const struct txlog_core *core, uint16_t id)
{
    for (int i = 0; i < core->service_count; i++)
        if (core->services[i].id == id)
            return &core->services[i];
    return NULL;
}

static int apply(struct recovery *r, const struct tx_record *record)
{
    if (record->tx <= r->start_tx || record->kind == TX_IDENTITY || r->core->options.adopt)
        return 0;
    const struct service *service = service_of(r->core, record->service);
    int error = service ? service->apply(service->state, record) : -ENOTSUP;
    r->core->opened.records++;
    if (error)
        buffer_format(r->error, "%s: transaction %llu (segment %llu, offset %llu) cannot be applied: %s", r->core->dir,
                      (unsigned long long)record->tx, (unsigned long long)record->segment,
                      (unsigned long long)record->offset,
                      service ? strerror(-error) : "it belongs to a service that this program does not have");
    return error;
}

static struct patch *add_patch(struct recovery *r, uint64_t offset)
{
    if (r->patches_count == r->patches_capacity) {
        r->patches_capacity = r->patches_capacity ? r->patches_capacity * 2 : 16;
        r->patches = realloc(r->patches, r->patches_capacity * sizeof *r->patches);
        if (!r->patches)
            abort();
    }
    struct patch *patch = &r->patches[r->patches_count++];
    *patch = (struct patch){.place = {r->scan.header.number, offset}};
    return patch;
}

/* What the batch's sealed part should have been. Its watermark stays where it was: at what is attested. */
static void note_unsealed(struct recovery *r, const struct merkle_hash *before)
{
    struct scan *s = &r->scan;
    struct patch *patch = add_patch(r, s->trailer_end);
    patch->trailer = s->trailer;
    merkle_root(&s->tree, &patch->trailer.root);
    memcpy(patch->trailer.previous_tag, before->bytes, sizeof patch->trailer.previous_tag);
    patch->trailer.watermark = s->attested;
    patch->trailer.watermark_tx = s->attested_tx;
}

/* The walk is at the beginning of a segment that was written to and never opened. */
static void note_unopened(struct recovery *r)
{
    struct scan *s = &r->scan;
    if (s->header.opened || !s->hashing)
        return;
    s->header.opened = true;
    s->header.first_tx = s->next_tx;
    s->header.tree = s->tree;
    s->header.admission = s->logged;
    struct patch *patch = add_patch(r, 0);
    patch->header = malloc(sizeof *patch->header);
    if (!patch->header)
        abort();
    *patch->header = s->header;
}

/* The batch and segment just passed, where they need a patch; root: the one before the batch, then the one behind it. */
static void note_patches(struct recovery *r, int item, struct merkle_hash *root)
{
    struct scan *s = &r->scan;
    if (item == SCAN_RECORD || !s->hashing)
        return;
    if (item == SCAN_SEGMENT)
        note_unopened(r);
    else if (!s->trailer.sealed)
        note_unsealed(r, root);
    merkle_root(&s->tree, root);
}

static int walk(struct recovery *r)
{
    struct scan *s = &r->scan;
    struct merkle_hash root;
    note_unopened(r);
    merkle_root(&s->tree, &root);
    for (;;) {
        int item = scan_next(s);
        if (item <= 0)
            return item;
        int error = item == SCAN_RECORD ? apply(r, &s->record) : 0;
        if (error)
            return error;
        note_patches(r, item, &root);
    }
}

/* ---- step 2 ---- */

static int drop_later_segments(struct recovery *r)
{
    struct scan *s = &r->scan;
    const struct os_ops *ops = s->os->ops;
    bool any = false;
    for (size_t i = s->count; i-- > 0 && s->numbers[i] > s->header.number;) {
        char name[SEGMENT_NAME_BYTES];
        struct buffer path = {0};
        segment_name(s->numbers[i], name);
        int error = ops->unlink(s->os->self, core_path(&path, r->core->dir, name));
        buffer_free(&path);
        if (error)
            return say(r, error, "removing a segment behind the end of the log");
        any = true;
    }
    int error = any ? ops->sync_dir(s->os->self, r->core->dir) : 0;
    return error ? say(r, error, "syncing the directory") : 0;
}

/* Behind the last byte that is not zero, or the scan's place when there is none. */
static uint64_t find_stale_end(struct scan *s)
{
    uint64_t stale = s->offset;
    for (uint64_t at = s->offset; at < s->size;) {
        uint64_t sector = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
        size_t size = (sector < s->size ? sector : s->size) - at;
        const uint8_t *bytes = scan_view(s, at, size);
        for (size_t i = 0; bytes && i < size; i++)
            if (bytes[i])
                stale = at + i + 1;
        at += size;
    }
    return stale;
}

/* The last segment, open for writing, with nothing but zeros behind what counts. */
static int clean_segment(struct recovery *r, struct segment *segment)
{
    struct scan *s = &r->scan;
    const struct os_ops *ops = s->os->ops;
    scan_refresh(s);
    uint64_t stale = find_stale_end(s);
    r->core->opened.dropped_bytes = stale - s->offset;
    int error = 0;
    if (stale > s->offset)
        error = ops->zero_fill(s->os->self, segment->fd, s->offset, stale - s->offset);
    segment->size = s->size;
    uint64_t whole = batch_end(s->offset); /* room for one trailer at least, and whole sectors */
    if (s->size > whole)
        whole = (s->size + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    if (!error && whole != s->size)
        error = segment_extend(r->core, segment, whole);
    if (!error && stale > s->offset)
        error = ops->datasync(s->os->self, segment->fd);
    return error ? say(r, error, "clearing what is left behind the end of the log") : 0;
}

/* ---- step 3 and 4 ---- */

static int rewrite(struct recovery *r, int fd, uint64_t from, uint64_t end)
{
    struct os *os = r->core->os;
    int error = 0;
    struct buffer piece = {0};
    for (uint64_t at = from; at < end && !error;) {
        size_t size = end - at < FILL_PIECE ? end - at : FILL_PIECE;
        char *room = buffer_room(&piece, size);
        error = os_pread_all(os, fd, room, size, at);
        if (!error)
            error = os_pwrite_all(os, fd, room, size, at);
        at += size;
    }
    buffer_free(&piece);
    return error;
}

static int write_trailer(struct recovery *r, int fd, const struct patch *patch)
{
    uint8_t bytes[TRAILER_BYTES];
    trailer_encode_static(&patch->trailer, bytes);
    trailer_encode_sealed(&patch->trailer, bytes);
    return os_pwrite_all(r->core->os, fd, bytes, sizeof bytes, patch->place.offset - TRAILER_BYTES);
}

static int write_header(struct recovery *r, int fd, const struct patch *patch)
{
    struct segment segment = {.header = *patch->header, .fd = fd};
    return segment_write_header(r->core, &segment);
}

static int write_patches(struct recovery *r, int fd, uint64_t number)
{
    int error = 0;
    for (size_t i = 0; i < r->patches_count && !error; i++) {
        const struct patch *patch = &r->patches[i];
        if (patch->place.segment != number)
            continue;
        error = patch->header ? write_header(r, fd, patch) : write_trailer(r, fd, patch);
    }
    return error;
}

/* One segment of those that are not attested as a whole: again, patched, synced. */
static int settle_segment(struct recovery *r, uint64_t number)
{
    struct os *os = r->core->os;
    char name[SEGMENT_NAME_BYTES];
    struct buffer path = {0};
    struct os_stat stat;
    segment_name(number, name);
    core_path(&path, r->core->dir, name);
    int fd = os->ops->open(os->self, path.base, OS_READ | OS_WRITE);
    int error = fd < 0 ? fd : os->ops->stat(os->self, path.base, &stat);
    if (!error) {
        bool last = number == r->scan.header.number;
        uint64_t from = number == r->attested.segment ? r->attested.offset : 0;
        error = rewrite(r, fd, from, last ? r->scan.batch_offset : stat.size);
    }
    if (!error)
        error = write_patches(r, fd, number);
    if (!error)
        error = os->ops->datasync(os->self, fd);
    if (fd >= 0)
        os->ops->close(os->self, fd);
    buffer_free(&path);
    return error ? say(r, error, "writing the end of the log again") : 0;
}

/* The records behind the last trailer become the filling batch, and are sealed and flushed. */
static int seal_tail(struct recovery *r)
{
    struct txlog_core *core = r->core;
    struct scan *s = &r->scan;
    core->logged = s->batch_before;
    core->front.newest = s->batch_tx - 1;
    fill_begin(core, s->batch_offset);
    size_t size = s->offset - s->batch_offset;
    int error = size ? os_pread_all(core->os, core->segment->fd, buffer_room(&core->fill->bytes, size), size, s->batch_offset) : 0;
    if (error)
        return say(r, error, "reading the end of the log");
    core->fill->bytes.size = size;
    core->fill->count = s->next_tx - s->batch_tx;
    core->fill->base_time_us = s->batch_time_us;
    core->front.newest = s->next_tx - 1;
    core->front.fill_end = s->offset;
    core->logged = s->logged;
    if (core->fill->count)
        fill_seal(core, SEAL_SYNC, true);
    if (fill_fits_seal(core))
        fill_seal(core, SEAL_EMPTY, true);
    core->attested = true;
    error = atomic_load(&core->failed);
    return error ? say(r, error, "sealing the end of the log") : 0;
}

static int settle(struct recovery *r)
{
    struct txlog_core *core = r->core;
    struct scan *s = &r->scan;
    r->attested = s->attested;
    if (r->attested.segment < r->first_segment)
        r->attested = (struct log_position){r->first_segment, 0};
    for (uint64_t number = r->attested.segment; number <= s->header.number; number++) {
        int error = settle_segment(r, number);
        if (error)
            return error;
    }
    core->tree = s->batch_tree;
    merkle_root(&core->tree, &core->root);
    core->durable = (struct log_position){s->header.number, s->batch_offset};
    atomic_store(&core->durable_tx, s->batch_tx - 1);
    return seal_tail(r);
}

static int open_last_segment(struct recovery *r)
{
    struct txlog_core *core = r->core;
    char name[SEGMENT_NAME_BYTES];
    struct buffer path = {0};
    segment_name(r->scan.header.number, name);
    struct segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        abort();
    segment->header = r->scan.header;
    segment->fd = core->os->ops->open(core->os->self, core_path(&path, core->dir, name), OS_READ | OS_WRITE);
    buffer_free(&path);
    int error = segment->fd < 0 ? say(r, segment->fd, "opening the last segment") : clean_segment(r, segment);
    if (error) {
        if (segment->fd >= 0)
            core->os->ops->close(core->os->self, segment->fd);
        free(segment);
        return error;
    }
    core->segment = segment;
    core->next_number = segment->header.number + 1;
    core->room_end = segment->size > TRAILER_BYTES + IDENTITY_BYTES_MAX ? segment->size - TRAILER_BYTES - IDENTITY_BYTES_MAX : 0;
    return 0;
}

/* ---- a log that is not there yet ---- */

/* The directory may hold a first segment of a process that ended while making it: no record was ever acknowledged from it. */
static int create(struct recovery *r)
{
    struct txlog_core *core = r->core;
    uint64_t *checkpoints;
    size_t count;
    int error = checkpoint_list(core->os, core->dir, &checkpoints, &count);
    free(checkpoints);
    if (!error && count) {
        buffer_format(r->error, "%s holds checkpoints but no log segments", core->dir);
        return -EBADMSG;
    }
    if (core->options.uuid)
        memcpy(core->uuid, core->options.uuid, sizeof core->uuid);
    else
        os_random(core->os, core->uuid, sizeof core->uuid);
    core->epoch = 1;
    if (!core->options.adopt)
        services_identify(core->services, core->service_count, core->uuid);
    if (!error)
        error = segment_create(core, 1, core->options.segment_bytes, &core->segment);
    if (error)
        return say(r, error, "creating the first segment");
    core->opened.created = true;
    core->next_number = 2;
    merkle_init(&core->tree);
    merkle_root(&core->tree, &core->root);
    core->durable = (struct log_position){1, SEGMENT_HEADER_BYTES};
    core->room_end = core->segment->size - TRAILER_BYTES - IDENTITY_BYTES_MAX;
    fill_begin(core, SEGMENT_HEADER_BYTES);
    return 0;
}

/* Only segment 1 is there, its header was never whole, and no record is in it: it was being made. */
static bool never_finished(struct scan *s)
{
    struct log_position start = {1, 0}, by;
    return s->damaged_start && s->count == 1 && s->numbers[0] == 1 && !scan_attested(s, start, &by) &&
           segment_is_blank(s->os, s->dir.base, 1);
}

/* ---- the whole ---- */

static int recover_existing(struct recovery *r, const struct manifest *manifest)
{
    struct txlog_core *core = r->core;
    struct scan *s = &r->scan;
    memcpy(core->uuid, s->header.uuid, sizeof core->uuid);
    if (r->start_tx && memcmp(core->uuid, manifest->about.uuid, sizeof core->uuid) != 0) {
        buffer_format(r->error, "%s: the checkpoint belongs to another log", core->dir);
        return -EBADMSG;
    }
    r->first_segment = s->header.number;
    if (!r->start_tx && !core->options.adopt)
        services_identify(core->services, core->service_count, core->uuid);
    scan_hash_last(s);
    int error = walk(r);
    if (error)
        return error;
    if (s->next_tx - 1 < r->start_tx) {
        buffer_format(r->error, "%s: the log ends with transaction %llu, before its checkpoint at %llu", core->dir,
                      (unsigned long long)s->next_tx - 1, (unsigned long long)r->start_tx);
        return -EBADMSG;
    }
    core->epoch = s->epoch + 1;
    core->front.admitted = s->logged;
    if (r->start_tx && manifest->about.admission.cmd_seq > core->front.admitted.cmd_seq)
        core->front.admitted.cmd_seq = manifest->about.admission.cmd_seq;
    if (r->start_tx && manifest->about.admission.time_us > core->front.admitted.time_us)
        core->front.admitted.time_us = manifest->about.admission.time_us;
    error = drop_later_segments(r);
    if (!error)
        error = open_last_segment(r);
    return error ? error : settle(r);
}

static int restore(struct recovery *r, struct manifest *manifest)
{
    struct txlog_core *core = r->core;
    int count = core->options.adopt ? 0 : core->service_count;
    if (core->options.adopt)
        return 0;
    return checkpoint_restore(core->os, core->dir, core->services, count, 0, manifest, &r->start_tx, r->error);
}

int recover(struct txlog_core *core, struct buffer *error)
{
    struct recovery r = {.core = core, .error = error, .scan = {.fd = -1}};
    struct manifest manifest = {0};
    struct buffer complaint = {0};
    uint64_t *numbers;
    size_t count;
    int result = scan_list(core->os, core->dir, &numbers, &count);
    free(numbers);
    if (result)
        return say(&r, result, "reading the directory");
    if (count == 0)
        return create(&r);
    result = restore(&r, &manifest);
    core->opened.checkpoint_tx = core->checkpoint_tx = r.start_tx;
    if (!result) {
        result = scan_open(&r.scan, core->os, core->dir, r.start_tx ? r.start_tx + 1 : core->options.adopt ? UINT64_MAX : 1, &complaint);
        r.scan.error = error;
        if (!result)
            result = recover_existing(&r, &manifest);
        else if (never_finished(&r.scan))
            result = create(&r);
        else
            buffer_append_slice(error, buffer_slice(&complaint));
    }
    scan_close(&r.scan);
    for (size_t i = 0; i < r.patches_count; i++)
        free(r.patches[i].header);
    free(r.patches);
    buffer_free(&complaint);
    return result;
}
