/* SPDX-License-Identifier: MIT
 * rdb: a keyspace as a file that Redis itself can read: written in pieces to a sink, read back in pieces from a source.
 *
 *      "REDIS0010" | AUX name value ... | SELECTDB n | RESIZEDB keys deadlines | entry ... | AUX locus-digest | EOF | crc64
 *
 *      entry:  [AUX locus-encoding name] [EXPIRETIME_MS i64] type:u8 key value
 *
 *      value:  string          0   text, or an integer of 8, 16 or 32 bits
 *              list           18   nodes as they are, a listpack each
 *              set             2   members in positional order, whatever the encoding
 *              sorted set      5   (member, f64) pairs, lowest first    "skiplist"
 *                             17   one listpack                         "listpack"
 *              hash            4   (field, value) pairs, in order       "hashtable"
 *                             16   one listpack                         "listpack"
 *
 * 1. What is written is version 10: redis-server 7.0 loads it and redis-check-rdb accepts it.
 * 2. What is read back is the same state: content, deadlines, positional order and encodings; so a server that starts from the
 *    file answers like the one that never stopped. Where the type does not tell the encoding (a set that was "hashtable" once,
 *    a short string that was appended to), an AUX field before the entry does; Redis passes over it.
 * 3. The reader believes nothing: every size is checked against what can still come, memory grows with the bytes that have
 *    arrived and never with a size that was only announced, and what is damaged gives an error that names the place.
 * 4. Order of entries in a file is free, and a database may be selected many times: snapshot.h relies on both. */
#ifndef LOCUS_KEYSPACE_RDB_H
#define LOCUS_KEYSPACE_RDB_H

#include <sys/types.h>

#include "services/keyspace/keyspace.h"

#define RDB_VERSION 10                     /* what is written */
#define RDB_VERSION_MAX 12                 /* what is read: newer ones differ by value types, which are refused by name */
#define RDB_PIECE ((size_t)256 << 10)      /* bytes: about what a sink or a source gets at a time */
#define RDB_ERROR_MAX 160                  /* bytes of an error text, NUL included */
#define RDB_AUX_FORMAT "locus-format"      /* "1", the first AUX: encodings are to come back as rule 2 says */
#define RDB_AUX_DIGEST "locus-digest"      /* 32 hexadecimal digits: keyspace_digest of what the file holds; the last AUX */
#define RDB_AUX_ENCODING "locus-encoding"  /* the encoding of the next entry, where its type does not tell */

/* Takes all `size` bytes (Borrowed for the call); 0, or -errno, which ends the writing. */
typedef int (*rdb_sink_fn)(void *context, const void *bytes, size_t size);

/* Stores up to `size` bytes; returns how many, 0 at the end, -errno when reading failed. */
typedef ssize_t (*rdb_source_fn)(void *context, void *bytes, size_t size);

struct rdb_aux {
    struct slice name;
    struct slice value;
};

/* What the head of a file says beyond redis-ver and redis-bits. */
struct rdb_header {
    int64_t ctime_s;           /* seconds since 1970: when the image was begun */
    size_t memory;             /* bytes: keyspace_memory, for "used-mem" */
    const struct rdb_aux *aux; /* Borrowed for the call: the log's UUID, tx, cmd_seq ... */
    size_t aux_count;
};

/* ---- writing ---- */

/* Bytes gather in `buffer` and go to the sink in pieces. While `held`, they only gather: whoever may not wait for a sink (a
 * command that changes what a snapshot has not seen yet) writes held. The first error of the sink is kept, and everything
 * after it is dropped. */
struct rdb_writer {
    struct buffer buffer; /* Ours: not yet given to the sink */
    rdb_sink_fn sink;
    void *context;        /* Borrowed: the sink's */
    uint64_t crc;         /* of all bytes given to the sink */
    uint64_t bytes;       /* given to the sink */
    int selected;         /* the database that entries go to; -1: none yet */
    int error;            /* 0, or the sink's -errno */
    bool held;
};

void rdb_writer_init(struct rdb_writer *w, rdb_sink_fn sink, void *context);
void rdb_writer_deinit(struct rdb_writer *w);

void rdb_write_header(struct rdb_writer *w, const struct rdb_header *header);
void rdb_write_aux(struct rdb_writer *w, struct slice name, struct slice value);
/* SELECTDB and RESIZEDB: how many keys, and keys with deadlines, a reader should make room for. */
void rdb_write_database(struct rdb_writer *w, int number, size_t keys, size_t deadlines);
/* One key of that database with its deadline; selects the database when another one was. */
void rdb_write_entry(struct rdb_writer *w, int number, const struct entry *e);
/* Give the sink what has gathered. 0, or the first error of the sink. */
int rdb_writer_drain(struct rdb_writer *w);
/* The digest's AUX, EOF, the checksum; drains. 0, or the first error of the sink. */
int rdb_write_end(struct rdb_writer *w, const struct keyspace_digest *digest);

/* All of it at once. 0, or the first error of the sink. */
int rdb_save(struct keyspace *ks, const struct rdb_header *header, rdb_sink_fn sink, void *context);

/* ---- reading ---- */

struct rdb_options {
    /* Called for each AUX field of the file, in order, ours included; may be NULL. The slices are valid for the call. */
    void (*aux)(void *context, struct slice name, struct slice value);
    void *aux_context;
    int64_t now_ms; /* what the access clocks of the keys say: a restart counts as an access */
    bool trust; /* do not compute the digest of what was read and compare it with the file's own */
};

struct rdb_result {
    uint64_t keys;                  /* restored */
    uint64_t bytes;                 /* read, checksum included */
    struct keyspace_digest digest;  /* of what was restored; zero when `trust` */
    bool verified;                  /* the file had a digest, and it is the same */
    char error[RDB_ERROR_MAX];      /* after a failure: what, and at which byte */
};

/* Restore into a keyspace whose databases are empty. 0; -EBADMSG: damaged, or holds what is not known here (result->error says
 * which); or the source's -errno. After a failure the keyspace holds what came before: flush or free it. No time passes here:
 * keys whose deadline is over are restored too. options may be NULL. */
int rdb_load(struct keyspace *ks, rdb_source_fn source, void *context, const struct rdb_options *options,
             struct rdb_result *result);
int rdb_load_memory(struct keyspace *ks, struct slice file, const struct rdb_options *options, struct rdb_result *result);

/* ---- one value: DUMP and RESTORE ---- */

/* Append the value of e as DUMP replies it: type, value, version (2 bytes), crc64. */
void rdb_dump(const struct entry *e, struct buffer *payload);

/* Are the version and the checksum at the end of a payload right? ("DUMP payload version or checksum are wrong") */
bool rdb_payload_valid(struct slice payload);

/* Put the value of a valid payload under `key`, with that deadline. Checked as a whole before anything changes; a key that is
 * there is replaced. 0, or -EBADMSG ("Bad data format"): nothing changed. *e: the entry, may be NULL. */
int rdb_restore(struct db *db, struct slice key, struct slice payload, int64_t deadline_ms, struct entry **e);

#endif
