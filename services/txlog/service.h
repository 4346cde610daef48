/* SPDX-License-Identifier: MIT
 * service: what a log drives (struct service) and what a service hands to a log (struct tx_result).
 *
 * A service is a deterministic state machine: a keyspace, a set of SQL databases, a vector store. While it serves, it pushes
 * finished results into the log at its own commit points; nobody calls it for that:
 *
 *      command(s) -> admitted (cmd_seq, time_us) -> executed, state changed -> struct tx_result -> txlog_append
 *
 * struct service is the other direction, used for recovery, replay and checkpoints only:
 *
 *      recovery   restore(newest checkpoint), then apply(record) for every later record
 *      audit      execute(record) from the same start: the results it pushes must carry the deltas that the log holds
 *      checkpoint checkpoint_begin, checkpoint_step ... until it returns 0, checkpoint_digest, checkpoint_end; commands run
 *                 between the steps
 *
 * Rules. 1. A transaction is one record, however many commands it took; its input lists them all. 2. Time and seed come from
 * the admission and nowhere else. 3. Applying a record's delta and executing its input lead to the same digest. 4. A state
 * restored from a checkpoint answers and digests as the one that never stopped. */
#ifndef LOCUS_TXLOG_SERVICE_H
#define LOCUS_TXLOG_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"

/* What happened. Everything but TX_IDENTITY goes to the service that the record names. */
enum tx_kind {
    TX_COMMAND = 1,  /* a client's command, script or transaction */
    TX_EXPIRY = 2,   /* a deadline passed: the service's own decision */
    TX_EVICTION = 3, /* memory ran short */
    TX_WAKE = 4,     /* a blocked client was served */
    TX_SYSTEM = 5,   /* the daemon's own change: a restored backup, an adopted image */
    TX_IDENTITY = 6, /* introduces a client; the log writes these itself */
};
#define TX_KIND_MAX 15

/* Fixed before a command runs, for reads too; the command's seed is txlog_seed(log, cmd_seq). */
struct tx_admission {
    uint64_t cmd_seq; /* counts every admitted command, from 1 */
    int64_t time_us;  /* microseconds since 1970; never goes back */
};

/* The bytes of one section: either ready (`bytes`) or one command as words, which the log encodes in the form of argv.h. */
struct tx_body {
    const struct slice *argv; /* Borrowed until txlog_append returns; NULL: `bytes` counts */
    size_t argc;
    struct slice bytes; /* Borrowed until txlog_append returns; empty: the section is absent */
};

static inline struct tx_body tx_body_argv(const struct slice *argv, size_t argc)
{
    return (struct tx_body){.argv = argv, .argc = argc};
}

static inline struct tx_body tx_body_bytes(struct slice bytes)
{
    return (struct tx_body){.bytes = bytes};
}

/* One finished transaction. Fields not needed stay zero. */
struct tx_result {
    enum tx_kind kind;
    uint16_t service;              /* struct service's id */
    bool delta_only;               /* the input is for people: re-executing it would not give the delta */
    uint32_t database;             /* database or tenant */
    struct tx_admission admission; /* of the command that commits */
    uint64_t client;               /* the daemon's number for the client; 0: none */
    uint64_t request_id;           /* the client's own number for the request; 0: none */
    struct tx_body input;          /* what to re-execute */
    struct tx_body delta;          /* what to apply; absent: equal to the input, byte for byte */
    struct tx_body events;         /* for people; absent: the delta implies them */
};

/* A record as the log gives it back. Slices are borrowed until the reader moves on. */
struct tx_record {
    uint64_t tx; /* its number, from 1, without gaps */
    enum tx_kind kind;
    uint16_t service;
    bool delta_only;
    uint32_t database;
    struct tx_admission admission;
    uint64_t seed; /* the seed that the admission implied: txlog_seed of its cmd_seq */
    uint64_t client;
    uint64_t request_id;
    struct slice input;
    struct slice delta; /* equal to input when the record holds it once */
    struct slice events;
    uint64_t segment; /* where it was found, for messages */
    uint64_t offset;  /* bytes into the segment file */
};

/* Who takes results: the log while serving, the audit while replaying. Returns the transaction's number. */
struct tx_receiver {
    uint64_t (*push)(void *context, const struct tx_result *result);
    void *context;
};

/* Where a checkpoint goes. write returns 0 or -errno; after an error the checkpoint is abandoned. */
struct tx_sink {
    int (*write)(struct tx_sink *sink, const void *bytes, size_t size);
};

/* Where a checkpoint comes from. read returns how many bytes it stored, 0 at the end, or -errno. */
struct tx_source {
    ssize_t (*read)(struct tx_source *source, void *bytes, size_t size);
};

/* What a checkpoint stands for; a service may write it into its own file as well (redisd: RDB AUX fields). */
struct tx_checkpoint {
    uint8_t uuid[16];
    uint64_t tx;                   /* the state contains this transaction and all before it */
    struct tx_admission admission; /* the last one given */
};

struct tx_digest {
    uint8_t bytes[16];
};

struct service {
    uint16_t id;        /* in every record; never reused for something else */
    const char *name;   /* for messages */
    const char *suffix; /* its checkpoint file is checkpoint-<tx>.<suffix>; distinct per service */
    void *state;        /* Borrowed; first argument of all calls */

    /* The identity of the history, before any other call; may be NULL. Whatever hash the service's answers depend on is keyed by it. */
    void (*identify)(void *state, const uint8_t uuid[16]);

    /* Change the state by a record's delta. 0, or -errno when the delta makes no sense: recovery stops there. */
    int (*apply)(void *state, const struct tx_record *record);

    /* Run a record's input again, with its time and seed, and push the result as the live service did. 0 or -errno. */
    int (*execute)(void *state, const struct tx_record *record, struct tx_receiver *receiver);

    /* Fix the state as of now and return a handle on it (never NULL); later changes do not show in what the steps write. One
     * checkpoint at a time. `about` is borrowed until checkpoint_end. */
    void *(*checkpoint_begin)(void *state, const struct tx_checkpoint *about);

    /* Write about `budget` bytes more. 1: there is more, 0: complete, -errno: give up. */
    int (*checkpoint_step)(void *state, void *handle, struct tx_sink *sink, size_t budget);

    /* Digest of the state as of checkpoint_begin; asked once, after the step that returned 0. */
    void (*checkpoint_digest)(void *state, void *handle, struct tx_digest *digest);

    /* Let go of the handle, complete or abandoned. */
    void (*checkpoint_end)(void *state, void *handle);

    /* Replace the state by a checkpoint's. 0 or -errno; `error` then gets a sentence that says what is wrong. */
    int (*restore)(void *state, struct tx_source *source, struct buffer *error);

    /* Back to the empty state of a first start. */
    void (*reset)(void *state);

    /* Digest of the logical state, independent of memory layout and history. */
    void (*digest)(void *state, struct tx_digest *digest);
};

/* Tell every service the identity of the history. */
static inline void services_identify(const struct service *services, int count, const uint8_t uuid[16])
{
    for (int i = 0; i < count; i++)
        if (services[i].identify)
            services[i].identify(services[i].state, uuid);
}

#endif
