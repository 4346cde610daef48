/* SPDX-License-Identifier: MIT
 * append: from a finished result to bytes in the filling batch, and from there to a sealed batch.
 *
 * The room for a record was reserved, so appending is arithmetic: sizes first, then one pass that writes, then the crc.
 *
 *      segment:  ...batch | fill: record record record ->        | IDENTITY_BYTES_MAX + TRAILER_BYTES |
 *                         ^ fill->offset               ^ fill_end ^ room_end                            ^ size
 *
 * fill_limit is room_end while the next segment is ready, 0 when the log has failed, and so much before room_end while the next
 * segment is missing that changes larger than estimated still fit. */
#include <assert.h>
#include <errno.h>

#include "services/txlog/argv.h"
#include "services/txlog/core.h"
#include "services/txlog/crc32c.h"

/* Kept free for unestimated changes while no next segment is there: a quarter of the segment, at most 1 MiB. */
static uint64_t margin(const struct txlog_core *core)
{
    uint64_t quarter = core->segment->size / 4;
    return quarter < ((uint64_t)1 << 20) ? quarter : (uint64_t)1 << 20;
}

/* ---- sizes ---- */

static inline size_t body_size(const struct tx_body *body)
{
    return body->argv ? argv_size(body->argv, body->argc) : body->bytes.size;
}

static inline size_t section_size(size_t size)
{
    return size ? 1 + varint_size(size) + size : 0;
}

struct sizes {
    size_t input, delta, events; /* bytes of each section's content */
    size_t record;               /* the record's length: everything behind its crc */
    uint64_t seq, time;          /* as they will be encoded */
};

static inline struct sizes measure(const struct txlog_core *core, const struct tx_result *r)
{
    struct sizes s;
    s.input = body_size(&r->input);
    s.delta = body_size(&r->delta);
    s.events = body_size(&r->events);
    s.seq = zigzag((int64_t)(r->admission.cmd_seq - core->last.cmd_seq));
    s.time = zigzag((int64_t)((uint64_t)r->admission.time_us - (uint64_t)core->last.time_us));
    s.record = 1 + varint_size(r->service) + varint_size(r->database) + varint_size(s.seq) + varint_size(s.time);
    s.record += (r->client ? varint_size(r->client) : 0) + (r->request_id ? varint_size(r->request_id) : 0);
    s.record += section_size(s.input) + section_size(s.delta) + section_size(s.events);
    return s;
}

/* ---- writing one record ---- */

static inline char *put_section(char *at, enum section type, const struct tx_body *body, size_t size)
{
    if (size == 0)
        return at;
    *at++ = (char)type;
    at = varint_put(at, size);
    if (body->argv)
        return argv_put(at, body->argv, body->argc);
    memcpy(at, body->bytes.base, size);
    return at + size;
}

static inline char *put_fields(char *at, const struct tx_result *r, const struct sizes *s)
{
    assert(r->kind > 0 && r->kind <= TX_KIND_MAX);
    uint8_t flags = (uint8_t)r->kind;
    flags |= r->client ? RECORD_CLIENT : 0;
    flags |= r->request_id ? RECORD_REQUEST : 0;
    flags |= r->delta_only ? RECORD_DELTA_ONLY : 0;
    *at++ = (char)flags;
    at = varint_put(at, r->service);
    at = varint_put(at, r->database);
    at = varint_put(at, s->seq);
    at = varint_put(at, s->time);
    if (r->client)
        at = varint_put(at, r->client);
    if (r->request_id)
        at = varint_put(at, r->request_id);
    return at;
}

/* Empty sections are left out: no delta means that it equals the input, and a result with neither is never logged. */
static uint64_t put_record(struct txlog_core *core, const struct tx_result *r, const struct sizes *s)
{
    struct batch *fill = core->fill;
    size_t total = varint_size(s->record) + 4 + s->record;
    uint64_t tx = core->front.newest + 1;
    char *start = buffer_room(&fill->bytes, total);
    char *body = varint_put(start, s->record) + 4;
    char *at = put_fields(body, r, s);
    at = put_section(at, SECTION_INPUT, &r->input, s->input);
    at = put_section(at, SECTION_DELTA, &r->delta, s->delta);
    at = put_section(at, SECTION_EVENTS, &r->events, s->events);
    assert(at == start + total);
    uint32_t from = record_crc_start(core->segment->header.salt, tx, s->record);
    store_u32(body - 4, crc32c(from, body, s->record));

    if (fill->count++ == 0)
        fill->base_time_us = r->admission.time_us;
    fill->bytes.size += total;
    core->last = core->logged = r->admission;
    core->front.fill_end += total;
    core->front.newest = tx;
    core->records++;
    core->record_bytes += total;
    return tx;
}

/* ---- clients ---- */

static struct slice cut_text(struct slice text)
{
    return slice_of(text.base, text.size < 255 ? text.size : 255);
}

static void introduce(struct txlog_core *core, const struct tx_result *r)
{
    struct tx_identity identity = {0};
    core->options.identity(core->options.identity_context, r->client, &identity);
    struct slice words[] = {cut_text(identity.user), cut_text(identity.address), cut_text(identity.name)};
    struct tx_result record = {
        .kind = TX_IDENTITY, .admission = r->admission, .client = r->client, .input = tx_body_argv(words, 3)};
    struct sizes s = measure(core, &record);
    assert(s.record + RECORD_PREFIX_MAX <= IDENTITY_BYTES_MAX);
    put_record(core, &record, &s);
}

uint64_t txlog_append(struct txlog *log, const struct tx_result *r)
{
    struct txlog_core *core = log->core;
    struct sizes s = measure(core, r);
    /* Behind an IDENTITY, or in a new batch, the numbers may take their largest form: both are 10 bytes more at most. */
    size_t total = RECORD_PREFIX_MAX + s.record + 20;
    bool moved = log->fill_end + total > core->room_end;
    if (__builtin_expect(moved, 0))
        fill_switch(core, total);
    if (__builtin_expect(atomic_load_explicit(&core->failed, memory_order_relaxed) != 0, 0))
        return ++log->newest; /* never released: the batch goes nowhere */
    bool new_client = r->client && core->options.identity && clients_add(&core->clients, r->client);
    if (__builtin_expect(new_client, 0))
        introduce(core, r);
    if (__builtin_expect(moved || new_client, 0))
        s = measure(core, r);
    return put_record(core, r, &s);
}

static uint64_t push(void *context, const struct tx_result *result)
{
    return txlog_append(context, result);
}

struct tx_receiver txlog_receiver(struct txlog *log)
{
    return (struct tx_receiver){push, log};
}

/* ---- the batch ---- */

void fill_limit_update(struct txlog_core *core)
{
    if (atomic_load(&core->failed)) {
        core->front.fill_limit = 0;
        return;
    }
    pthread_mutex_lock(&core->mutex);
    bool ready = core->next_state == NEXT_READY;
    pthread_mutex_unlock(&core->mutex);
    uint64_t keep = ready ? 0 : margin(core);
    core->front.fill_limit = core->room_end > keep ? core->room_end - keep : 0;
}

void fill_begin(struct txlog_core *core, uint64_t offset)
{
    struct batch *fill = batch_new(core);
    fill->segment = core->segment;
    fill->offset = offset;
    fill->first_tx = core->front.newest + 1;
    fill->before = core->logged;
    core->fill = fill;
    core->last = (struct tx_admission){0};
    core->front.fill_end = offset;
}

void fill_write(struct txlog_core *core)
{
    struct batch *fill = core->fill;
    if (fill->written == fill->bytes.size || atomic_load(&core->failed))
        return;
    uint64_t offset = fill->offset + fill->written;
    size_t size = fill->bytes.size - fill->written;
    int error = os_pwrite_all(core->os, core->segment->fd, fill->bytes.base + fill->written, size, offset);
    if (error) {
        core_fail(core, error, "writing", core->segment->header.number, offset);
        return;
    }
    fill->written = fill->bytes.size;
    atomic_fetch_add_explicit(&core->written_bytes, size, memory_order_relaxed);
}

/* Padding and the static part of the trailer behind the records. */
static void put_trailer(struct txlog_core *core, struct batch *fill)
{
    uint64_t end = batch_end(core->front.fill_end);
    assert(end <= core->segment->size);
    size_t more = end - core->front.fill_end;
    char *at = buffer_room(&fill->bytes, more);
    memset(at, 0, more - TRAILER_BYTES);
    struct trailer trailer = {
        .length = end - fill->offset,
        .epoch = core->epoch,
        .first_tx = fill->first_tx,
        .count = fill->count,
        .base_time_us = fill->base_time_us,
        .salt = core->segment->header.salt,
        .segment = core->segment->header.number,
    };
    trailer_encode_static(&trailer, (uint8_t *)at + more - TRAILER_BYTES);
    fill->bytes.size += more;
}

void fill_seal(struct txlog_core *core, enum seal seal, bool here)
{
    bool sync = seal != SEAL_ONLY;
    struct batch *fill = core->fill;
    if (atomic_load(&core->failed) || (fill->count == 0 && seal != SEAL_EMPTY))
        return;
    put_trailer(core, fill);
    if (fill->written || core->options.policy != TXLOG_ALWAYS)
        fill_write(core); /* in stream order, so that what follows may be written before the batch is sealed */
    fill->sync = sync;
    core->unsynced = !sync;
    core->attested = false;
    uint64_t end = fill->offset + fill->bytes.size;
    fill_begin(core, end);
    if (here)
        flush_inline(core, fill);
    else
        flush_submit(core, fill);
}

bool fill_fits_seal(const struct txlog_core *core)
{
    return batch_end(core->front.fill_end) <= core->segment->size;
}

/* The batch that ends a segment is synced whatever the policy: the next one's watermark may then cover it. */
int fill_switch(struct txlog_core *core, uint64_t bytes)
{
    uint64_t overhead = SEGMENT_HEADER_BYTES + IDENTITY_BYTES_MAX + SECTOR_BYTES;
    int error = next_ensure(core, (bytes + overhead + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES);
    if (error) {
        core_fail(core, error, "making room in", core->segment->header.number + 1, 0);
        core->front.fill_limit = 0;
        return error;
    }
    struct batch *fill = core->fill;
    if (fill->count) {
        put_trailer(core, fill);
        if (core->options.policy != TXLOG_ALWAYS)
            fill_write(core);
    }
    fill->sync = true;
    fill->closes_segment = true;
    core->unsynced = false;
    core->attested = false;
    next_take(core);
    clients_clear(&core->clients);
    core->room_end = core->segment->size - TRAILER_BYTES - IDENTITY_BYTES_MAX;
    fill_begin(core, SEGMENT_HEADER_BYTES);
    flush_submit(core, fill);
    fill_limit_update(core);
    return 0;
}

/* ---- room ---- */

static int room_for(struct txlog_core *core, uint64_t need)
{
    fill_limit_update(core);
    if (core->front.fill_end + need <= core->front.fill_limit)
        return 0;
    uint64_t overhead = SEGMENT_HEADER_BYTES + IDENTITY_BYTES_MAX + SECTOR_BYTES;
    uint64_t here = core->front.fill_end + need <= core->room_end ? 0 : need + overhead;
    int error = next_ensure(core, (here + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES);
    fill_limit_update(core);
    return error;
}

int txlog_reserve_slow(struct txlog *log, uint64_t bytes)
{
    struct txlog_core *core = log->core;
    if (atomic_load(&core->failed))
        return -EIO;
    if (bytes > TXLOG_RECORD_MAX)
        return -EMSGSIZE;
    int error = room_for(core, bytes + TXLOG_RECORD_OVERHEAD);
    if (error && error != -ENOSPC && error != -EDQUOT)
        return -EIO;
    return error ? -ENOSPC : 0;
}
