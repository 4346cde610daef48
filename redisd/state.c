/* SPDX-License-Identifier: MIT
 * state: the keyspace as the service that the log drives.
 *
 *      recovery    restore   an RDB image                         apply    a delta's commands, one after the other
 *      audit       execute   an input's commands, with the time and seed of their admission; the effects are pushed as the live server pushed them
 *      checkpoint  snapshot steps (services/keyspace/snapshot.h), an RDB file with the log's identity in AUX fields
 *
 * Both run the same handlers as clients do, for a client of the server's own whose replies nobody reads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "redisd/call.h"
#include "redisd/redisd.h"
#include "services/keyspace/rdb.h"
#include "services/keyspace/snapshot.h"

enum { SNAPSHOT_KEY_BYTES = 64 }; /* bytes that one key of a checkpoint is taken for, to turn a byte budget into keys */

void redisd_keyspace_make(struct redisd *server, const uint8_t uuid[16])
{
    keyspace_free(server->keyspace);
    memmove(server->uuid, uuid, sizeof(server->uuid));
    struct keyspace_config config = {
        .databases = (int)server->config.databases,
        .hash_key = tx_seed(uuid, 0),
        .limits = server->config.limits,
    };
    server->keyspace = keyspace_new(&config);
    if (!server->keyspace) {
        fprintf(stderr, "redisd: no memory or address space for the keyspace\n");
        abort();
    }
}

static int reload_write(void *context, const void *bytes, size_t size)
{
    struct buffer *image = context;
    buffer_append(image, bytes, size);
    return 0;
}

int redisd_reload(struct redisd *server, struct buffer *error)
{
    struct keyspace *old = server->keyspace;
    struct buffer image = {0};
    struct rdb_header header = {.ctime_s = os_wall_us(server->os) / 1000000, .memory = keyspace_memory(old)};
    struct rdb_result result = {0};
    int got = rdb_save(old, &header, reload_write, &image);
    server->keyspace = NULL;
    redisd_keyspace_make(server, server->uuid);
    if (got == 0)
        got = rdb_load_memory(server->keyspace, buffer_slice(&image), &(struct rdb_options){.now_ms = os_wall_us(server->os) / 1000}, &result);
    buffer_free(&image);
    if (got < 0) {
        buffer_format(error, "%s", result.error);
        keyspace_free(server->keyspace);
        server->keyspace = old;
        return got;
    }
    keyspace_free(old);
    return 0;
}

/* ---- running what the log says ---- */

/* Run a sequence of commands as one transaction. replaying: they are a delta, to be taken as it stands. */
static int run_sequence(struct redisd *server, const struct tx_record *record, struct slice sequence, bool replaying)
{
    struct client *client = server->replayer;
    if (record->database >= (uint32_t)keyspace_databases(server->keyspace))
        return -EBADMSG;
    client->database = (int16_t)record->database;
    server->scratch.size = 0;
    struct resp_writer reply = {&server->scratch, 2};
    struct call c = {
        .server = server,
        .client = client,
        .db = keyspace_db(server->keyspace, client->database),
        .now_us = record->admission.time_us,
        .cmd_seq = record->admission.cmd_seq,
        .seed = record->seed,
        .seeded = true,
        .reply = &reply,
        .effects = &server->effects,
        .replaying = replaying,
    };
    effects_reset(c.effects, client->database);
    struct argv_reader *reader = &server->replay_reader;
    argv_reader_begin(reader, sequence);
    int got;
    while ((got = argv_reader_next(reader)) == 1) {
        if (reader->argc == 0)
            return -EBADMSG;
        server->scratch.size = 0;
        call_run_nested(&c, reader->argv, (int)reader->argc);
        /* A command of a delta cannot fail: it is what another run of the same state did. */
        if (replaying && server->scratch.size && server->scratch.base[0] == '-') {
            fprintf(stderr, "redisd: transaction %llu: %.*s: %.*s\n", (unsigned long long)record->tx, (int)reader->argv[0].size, reader->argv[0].base,
                    (int)(server->scratch.size - 2), server->scratch.base);
            return -EBADMSG;
        }
    }
    return got;
}

static void state_identify(void *state, const uint8_t uuid[16])
{
    redisd_keyspace_make(state, uuid);
}

static int state_apply(void *state, const struct tx_record *record)
{
    return run_sequence(state, record, record->delta, true);
}

static int state_execute(void *state, const struct tx_record *record, struct tx_receiver *receiver)
{
    struct redisd *server = state;
    if (record->delta_only || record->input.size == 0)
        return run_sequence(state, record, record->delta, true);
    int got = run_sequence(server, record, record->input, false);
    if (got < 0)
        return got;
    const struct tx_result result = {
        .kind = record->kind,
        .service = record->service,
        .database = record->database,
        .admission = record->admission,
        .client = record->client,
        .input = tx_body_bytes(record->input),
        .delta = tx_body_bytes(buffer_slice(&server->effects.delta)),
    };
    if (server->effects.count)
        receiver->push(receiver->context, &result);
    return 0;
}

/* ---- checkpoints ---- */

struct checkpoint {
    struct snapshot *snapshot;
    struct tx_sink *sink; /* of the step that is running */
};

static int checkpoint_write(void *context, const void *bytes, size_t size)
{
    struct checkpoint *checkpoint = context;
    return checkpoint->sink->write(checkpoint->sink, bytes, size);
}

static void *state_checkpoint_begin(void *state, const struct tx_checkpoint *about)
{
    struct redisd *server = state;
    struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
    char uuid[33], tx[24], cmd_seq[24], time_us[24];
    for (int i = 0; i < 16; i++)
        snprintf(uuid + 2 * i, 3, "%02x", about->uuid[i]);
    snprintf(tx, sizeof(tx), "%llu", (unsigned long long)about->tx);
    snprintf(cmd_seq, sizeof(cmd_seq), "%llu", (unsigned long long)about->admission.cmd_seq);
    snprintf(time_us, sizeof(time_us), "%lld", (long long)about->admission.time_us);
    const struct rdb_aux aux[] = {
        {SLICE("locus-uuid"), slice_from_string(uuid)},
        {SLICE("locus-tx"), slice_from_string(tx)},
        {SLICE("locus-cmd-seq"), slice_from_string(cmd_seq)},
        {SLICE("locus-time-us"), slice_from_string(time_us)},
    };
    const struct rdb_header header = {
        .ctime_s = about->admission.time_us / 1000000,
        .memory = keyspace_memory(server->keyspace),
        .aux = aux,
        .aux_count = sizeof(aux) / sizeof(aux[0]),
    };
    if (!checkpoint || !(checkpoint->snapshot = snapshot_begin(server->keyspace, &header, checkpoint_write, checkpoint)))
        abort();
    return checkpoint;
}

static int state_checkpoint_step(void *state, void *handle, struct tx_sink *sink, size_t budget)
{
    (void)state;
    struct checkpoint *checkpoint = handle;
    checkpoint->sink = sink;
    int got = snapshot_step(checkpoint->snapshot, budget / SNAPSHOT_KEY_BYTES + 1);
    return got < 0 ? got : got == 0;
}

static void state_checkpoint_digest(void *state, void *handle, struct tx_digest *digest)
{
    (void)state;
    struct checkpoint *checkpoint = handle;
    struct keyspace_digest own = snapshot_digest(checkpoint->snapshot);
    memcpy(digest->bytes, own.bytes, sizeof(digest->bytes));
}

static void state_checkpoint_end(void *state, void *handle)
{
    (void)state;
    struct checkpoint *checkpoint = handle;
    snapshot_end(checkpoint->snapshot);
    free(checkpoint);
}

static ssize_t restore_read(void *context, void *bytes, size_t size)
{
    struct tx_source *source = context;
    return source->read(source, bytes, size);
}

static void state_reset(void *state)
{
    struct redisd *server = state;
    uint8_t uuid[16];
    memcpy(uuid, server->uuid, sizeof(uuid));
    redisd_keyspace_make(server, uuid);
}

static int state_restore(void *state, struct tx_source *source, struct buffer *error)
{
    struct redisd *server = state;
    state_reset(state);
    struct rdb_result result;
    /* The file's checksum is verified by the reader; its digest is what `redisd replay --verify` recomputes. */
    int got = rdb_load(server->keyspace, restore_read, source, &(struct rdb_options){.now_ms = os_wall_us(server->os) / 1000, .trust = true}, &result);
    if (got < 0)
        buffer_format(error, "%s", result.error);
    return got;
}

static void state_digest(void *state, struct tx_digest *digest)
{
    struct redisd *server = state;
    struct keyspace_digest own = keyspace_digest(server->keyspace);
    memcpy(digest->bytes, own.bytes, sizeof(digest->bytes));
}

struct service redisd_service(struct redisd *server)
{
    return (struct service){
        .id = REDISD_KEYSPACE_SERVICE,
        .name = "keyspace",
        .suffix = "rdb",
        .state = server,
        .identify = state_identify,
        .apply = state_apply,
        .execute = state_execute,
        .checkpoint_begin = state_checkpoint_begin,
        .checkpoint_step = state_checkpoint_step,
        .checkpoint_digest = state_checkpoint_digest,
        .checkpoint_end = state_checkpoint_end,
        .restore = state_restore,
        .reset = state_reset,
        .digest = state_digest,
    };
}
