/* SPDX-License-Identifier: MIT
 * replay: bringing services to a point of the history, by deltas or by doing everything again; see reader.h.
 *
 *   apply     checkpoint <= goal, then delta by delta
 *   verify    input by input from the start; each result pushed must carry the delta that the log holds:
 *
 *             record ---> execute ---> push(result) ---> xxh3-128(delta) == xxh3-128(record's delta) ? */
#include <errno.h>
#include <stdlib.h>

#include "services/txlog/argv.h"
#include "services/txlog/checkpoint.h"
#include "services/txlog/reader.h"

struct replay {
    struct os *os;
    const char *dir;
    const struct service *services;
    int count;
    const struct replay_options *options;
    struct replay_report *report;
    struct buffer *error;
    struct txlog_reader *reader;

    uint64_t *checkpoints; /* Ours: newest first; those not passed yet are [0, checkpoints_left) */
    size_t checkpoints_left;

    const struct tx_record *record; /* being executed */
    int pushed;                     /* results that it pushed */
    bool differs;
    struct buffer scratch;          /* Ours: a delta pushed as words */
};

static const struct service *service_of(const struct replay *r, uint16_t id)
{
    for (int i = 0; i < r->count; i++)
        if (r->services[i].id == id)
            return &r->services[i];
    return NULL;
}

/* ---- executing ---- */

static struct slice body_bytes(struct replay *r, const struct tx_body *body)
{
    if (!body->argv)
        return body->bytes;
    r->scratch.size = 0;
    argv_append(&r->scratch, body->argv, body->argc);
    return buffer_slice(&r->scratch);
}

static uint64_t compare(void *context, const struct tx_result *result)
{
    struct replay *r = context;
    bool separate = result->delta.argv || result->delta.bytes.size;
    struct tx_digest again = tx_delta_digest(body_bytes(r, separate ? &result->delta : &result->input));
    struct tx_digest logged = tx_delta_digest(r->record->delta);
    r->pushed++;
    if (memcmp(again.bytes, logged.bytes, sizeof again.bytes) != 0)
        r->differs = true;
    return r->record->tx;
}

static int complain(struct replay *r, const struct tx_record *record, int error, const char *what)
{
    buffer_format(r->error, "%s: transaction %llu (segment %llu, offset %llu): %s", r->dir, (unsigned long long)record->tx,
                  (unsigned long long)record->segment, (unsigned long long)record->offset, what);
    return error;
}

static int execute(struct replay *r, const struct service *service, const struct tx_record *record)
{
    struct tx_receiver receiver = {compare, r};
    r->record = record;
    r->pushed = 0;
    r->differs = false;
    int error = service->execute(service->state, record, &receiver);
    r->report->executed++;
    if (error)
        return complain(r, record, error, "its input cannot be executed");
    if (r->pushed != 1)
        return complain(r, record, -EILSEQ, r->pushed ? "executed again, it pushes more than one result" :
                                                        "executed again, it changes nothing");
    return r->differs ? complain(r, record, -EILSEQ, "executed again, it gives another delta than the log holds") : 0;
}

static int replay_record(struct replay *r, const struct tx_record *record)
{
    if (record->kind == TX_IDENTITY)
        return 0;
    const struct service *service = service_of(r, record->service);
    if (!service)
        return complain(r, record, -ENOTSUP, "it belongs to a service that this program does not have");
    if (r->options->mode == REPLAY_VERIFY && !record->delta_only)
        return execute(r, service, record);
    int error = service->apply(service->state, record);
    r->report->applied++;
    r->report->delta_only += record->delta_only;
    return error ? complain(r, record, error, "its delta cannot be applied") : 0;
}

/* ---- comparing states at checkpoints ---- */

/* What was adopted here replaces what the records before it led to. */
static int begin_anew(struct replay *r, const struct manifest *manifest)
{
    for (int i = 0; i < r->count; i++)
        r->services[i].reset(r->services[i].state);
    return checkpoint_load(r->os, r->dir, r->services, r->count, manifest, r->error);
}

static int compare_states(struct replay *r, uint64_t tx)
{
    struct manifest manifest;
    if (checkpoint_check(r->os, r->dir, tx, false, &manifest))
        return 0;
    if (manifest.adopted)
        return begin_anew(r, &manifest);
    for (uint32_t i = 0; i < manifest.count; i++) {
        const struct service *service = service_of(r, manifest.entries[i].service);
        struct tx_digest digest;
        if (!service)
            continue;
        service->digest(service->state, &digest);
        r->report->states_compared++;
        if (memcmp(digest.bytes, manifest.entries[i].state.bytes, sizeof digest.bytes) == 0)
            continue;
        buffer_format(r->error, "%s: the state of %s after transaction %llu is not the one of the checkpoint taken there", r->dir,
                      service->name, (unsigned long long)tx);
        return -EILSEQ;
    }
    return 0;
}

/* Checkpoints taken at this transaction; those before it are behind us. */
static int pass_checkpoints(struct replay *r, uint64_t tx)
{
    while (r->checkpoints_left && r->checkpoints[r->checkpoints_left - 1] <= tx) {
        uint64_t at = r->checkpoints[--r->checkpoints_left];
        int error = at == tx ? compare_states(r, tx) : 0;
        if (error)
            return error;
    }
    return 0;
}

/* ---- the walk ---- */

static bool beyond(const struct replay_options *options, const struct tx_record *record)
{
    return (options->until_tx && record->tx > options->until_tx) ||
           (options->until_time_us && record->admission.time_us > options->until_time_us);
}

static int walk(struct replay *r)
{
    struct tx_record record;
    int got;
    while ((got = txlog_reader_next(r->reader, &record)) > 0) {
        if (beyond(r->options, &record))
            return 0;
        int error = replay_record(r, &record);
        if (error)
            return error;
        r->report->records++;
        r->report->last_tx = record.tx;
        r->report->last = record.admission;
        error = r->options->mode == REPLAY_VERIFY ? pass_checkpoints(r, record.tx) : 0;
        if (error)
            return error;
    }
    return got;
}

/* ---- where to begin ---- */

/* A checkpoint later than the time asked for is of no use. */
static uint64_t last_tx_allowed(struct replay *r)
{
    uint64_t allowed = r->options->until_tx;
    if (!r->options->until_time_us)
        return allowed;
    for (size_t i = 0; i < r->checkpoints_left; i++) {
        struct manifest manifest;
        if (checkpoint_check(r->os, r->dir, r->checkpoints[i], false, &manifest) == 0 &&
            manifest.about.admission.time_us <= r->options->until_time_us)
            return allowed && allowed < r->checkpoints[i] ? allowed : r->checkpoints[i];
    }
    return 1; /* none: begin from nothing */
}

/* From the beginning of the log when it is still there and everything is to be done again, else from a checkpoint. */
static int begin(struct replay *r)
{
    struct manifest manifest = {0};
    uint64_t start = 0;
    if (r->options->mode == REPLAY_VERIFY) {
        int error = txlog_reader_open(r->os, r->dir, 1, r->error, &r->reader);
        if (error == 0)
            services_identify(r->services, r->count, txlog_reader_uuid(r->reader));
        if (error != -ERANGE)
            return error ? error : pass_checkpoints(r, 0);
        r->error->size = 0;
    }
    uint64_t allowed = last_tx_allowed(r);
    if (r->options->mode == REPLAY_VERIFY && r->checkpoints_left)
        allowed = r->checkpoints[r->checkpoints_left - 1]; /* the oldest */
    int error = checkpoint_restore(r->os, r->dir, r->services, r->count, allowed, &manifest, &start, r->error);
    r->report->start_tx = r->report->last_tx = start;
    if (start)
        r->report->last = manifest.about.admission;
    if (!error)
        error = txlog_reader_open(r->os, r->dir, start + 1, r->error, &r->reader);
    if (!error && !start)
        services_identify(r->services, r->count, txlog_reader_uuid(r->reader));
    return error;
}

int txlog_replay(struct os *os, const char *dir, const struct service *services, int count, const struct replay_options *options,
                 struct replay_report *report, struct buffer *error)
{
    struct replay r = {.os = os, .dir = dir, .services = services, .count = count, .options = options, .report = report, .error = error};
    *report = (struct replay_report){0};
    int result = checkpoint_list(os, dir, &r.checkpoints, &r.checkpoints_left);
    if (result)
        buffer_format(error, "%s: %s", dir, strerror(-result));
    else
        result = begin(&r);
    if (r.reader) {
        memcpy(report->uuid, txlog_reader_uuid(r.reader), sizeof report->uuid);
        result = result ? result : walk(&r);
        txlog_reader_close(r.reader);
    }
    free(r.checkpoints);
    buffer_free(&r.scratch);
    return result;
}
