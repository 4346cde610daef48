/* SPDX-License-Identifier: MIT
 * rdb_load: the reading half of rdb.h: what lies around the values. A loop over opcodes; each one says something about the entries
 * that follow, or is an entry. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "services/keyspace/crc64.h"
#include "services/keyspace/digest.h"
#include "services/keyspace/rdb.h"
#include "services/keyspace/rdb_format.h"
#include "services/keyspace/rdb_read.h"

/* A packed collection is restored element by element, each looked for among those before it; so a file cannot ask for packed
 * ones of any size. Above this (and above what is configured) they come back large. */
enum { PACKED_ENTRIES_MAX = 1024 };

enum { CRC_SINCE_VERSION = 5, ENCODING_MAX = 16 /* bytes of an encoding's name */ };

struct loading {
    struct keyspace *ks;
    const struct rdb_options *options;
    struct rdb_result *result;
    struct rdb_input in;
    struct buffer key;                     /* Ours: the entry's key, or the AUX field's name, while the rest is read */
    struct keyspace_limits configured;     /* what the keyspace goes back to */
    int database;                          /* selected */
    bool exact;                            /* the file says that it keeps encodings */
    int64_t deadline_ms;                   /* of the next entry */
    char encoding[ENCODING_MAX];           /* of the next entry; empty: not said */
    char digest[DIGEST_TEXT_SIZE];         /* the file's own; empty: not said */
};

/* ---- encodings: limits that give the wanted one ---- */

static int64_t at_least(int64_t configured, int64_t wanted)
{
    return configured > wanted ? configured : wanted;
}

/* A file that keeps encodings is read under its own limits, not under the configured ones. */
static void begin_exact(struct loading *l)
{
    struct keyspace_limits *limits = keyspace_limits(l->ks);
    l->exact = true;
    limits->hash_max_listpack_entries = at_least(l->configured.hash_max_listpack_entries, PACKED_ENTRIES_MAX);
    limits->zset_max_listpack_entries = at_least(l->configured.zset_max_listpack_entries, PACKED_ENTRIES_MAX);
    limits->hash_max_listpack_value = INT64_MAX;
    limits->zset_max_listpack_value = INT64_MAX;
}

static void set_limits(struct keyspace_limits *limits, int64_t intset, int64_t listpack, int64_t listpack_value)
{
    limits->set_max_intset_entries = intset;
    limits->set_max_listpack_entries = listpack;
    limits->set_max_listpack_value = listpack_value;
}

/* Before a set of such a file is read. */
static void limit_sets(struct loading *l)
{
    struct keyspace_limits *limits = keyspace_limits(l->ks);
    if (!l->encoding[0])
        set_limits(limits, RDB_SET_INTSET_ENTRIES, RDB_SET_LISTPACK_ENTRIES, RDB_SET_LISTPACK_VALUE);
    else if (!strcmp(l->encoding, "intset"))
        set_limits(limits, at_least(l->configured.set_max_intset_entries, PACKED_ENTRIES_MAX), 0, 0);
    else if (!strcmp(l->encoding, "listpack"))
        set_limits(limits, 0, at_least(l->configured.set_max_listpack_entries, PACKED_ENTRIES_MAX), INT64_MAX);
    else
        set_limits(limits, 0, 0, 0);
}

/* ---- opcodes ---- */

static bool load_aux(struct loading *l)
{
    struct rdb_text text;
    if (!rdb_take_text(&l->in, &text))
        return false;
    l->key.size = 0;
    buffer_append_slice(&l->key, text.bytes);
    struct slice name = buffer_slice(&l->key);
    if (!rdb_take_text(&l->in, &text))
        return false;
    if (slice_equal(name, SLICE(RDB_AUX_FORMAT)))
        begin_exact(l);
    else if (slice_equal(name, SLICE(RDB_AUX_DIGEST)) && text.bytes.size < sizeof(l->digest))
        snprintf(l->digest, sizeof(l->digest), "%.*s", (int)text.bytes.size, text.bytes.base);
    else if (slice_equal(name, SLICE(RDB_AUX_ENCODING)) && text.bytes.size < sizeof(l->encoding))
        snprintf(l->encoding, sizeof(l->encoding), "%.*s", (int)text.bytes.size, text.bytes.base);
    if (l->options->aux)
        l->options->aux(l->options->aux_context, name, text.bytes);
    return true;
}

static bool load_select(struct loading *l)
{
    uint64_t number;
    if (!rdb_take_size(&l->in, &number))
        return false;
    if (number >= (uint64_t)keyspace_databases(l->ks))
        return rdb_input_fail(&l->in, "database %llu, but only %d are configured", (unsigned long long)number,
                              keyspace_databases(l->ks));
    l->database = (int)number;
    return true;
}

static bool load_deadline(struct loading *l, bool seconds)
{
    int64_t ms;
    int32_t s;
    const char *at = rdb_take(&l->in, seconds ? sizeof(s) : sizeof(ms));
    if (!at)
        return false;
    if (seconds) {
        memcpy(&s, at, sizeof(s));
        ms = (int64_t)s * 1000;
    } else {
        memcpy(&ms, at, sizeof(ms));
    }
    l->deadline_ms = ms == DB_NO_DEADLINE || ms >= 0 ? ms : 0; /* before 1970: over, like any other past moment */
    return true;
}

static bool load_entry(struct loading *l, uint8_t type)
{
    struct rdb_text text;
    struct db *db = keyspace_db(l->ks, l->database);
    if (!rdb_type_known(&l->in, type) || !rdb_take_text(&l->in, &text))
        return false;
    l->key.size = 0;
    buffer_append_slice(&l->key, text.bytes);
    struct rdb_target target = {.db = db, .key = buffer_slice(&l->key), .deadline_ms = l->deadline_ms, .exact = l->exact,
                                .encoding = slice_from_string(l->encoding)};
    target.hash = db_hash(db, target.key);
    db_prefetch_bucket(db, target.hash);
    /* A string may replace another, which shows afterwards; that saves a lookup for each. */
    size_t keys = db_size(db);
    if (type != RDB_TYPE_STRING && db_find_hashed(db, target.key, target.hash))
        return rdb_input_fail(&l->in, "a key occurs twice");
    if (l->exact && type == RDB_TYPE_SET)
        limit_sets(l);
    if (!rdb_read_value(&l->in, type, &target))
        return false;
    if (target.entry && db_size(db) == keys)
        return rdb_input_fail(&l->in, "a key occurs twice");
    if (target.entry)
        entry_touch(target.entry, l->options->now_ms);
    if (target.entry && !l->options->trust) {
        struct keyspace_digest part = digest_entry(l->database, target.entry);
        digest_add(&l->result->digest, &part);
    }
    l->result->keys += target.entry != NULL;
    l->deadline_ms = DB_NO_DEADLINE;
    l->encoding[0] = 0;
    return true;
}

static bool load_ignored(struct loading *l, int sizes)
{
    uint64_t ignored;
    while (sizes--)
        if (!rdb_take_size(&l->in, &ignored))
            return false;
    return true;
}

/* False at the end of the file as after a failure; the input knows which. */
static bool load_opcode(struct loading *l)
{
    uint8_t opcode;
    if (!rdb_take_byte(&l->in, &opcode))
        return false;
    switch (opcode) {
    case RDB_EOF:
        return false;
    case RDB_AUX:
        return load_aux(l);
    case RDB_SELECTDB:
        return load_select(l);
    case RDB_EXPIRETIME_MS:
        return load_deadline(l, false);
    case RDB_EXPIRETIME:
        return load_deadline(l, true);
    case RDB_RESIZEDB:
        return load_ignored(l, 2);
    case RDB_IDLE:
        return load_ignored(l, 1);
    case RDB_FREQ:
        return rdb_take_byte(&l->in, &opcode);
    case RDB_FUNCTION:
    case RDB_FUNCTION2:
        return rdb_input_fail(&l->in, "functions cannot be read by this version");
    case RDB_MODULE_AUX:
        return rdb_input_fail(&l->in, "data of a module cannot be read by this version");
    default:
        return load_entry(l, opcode);
    }
}

/* ---- the file ---- */

static bool load_head(struct loading *l, int *version)
{
    const char *at = rdb_take(&l->in, RDB_HEAD_SIZE);
    if (!at)
        return false;
    if (memcmp(at, RDB_MAGIC, strlen(RDB_MAGIC)))
        return rdb_input_fail(&l->in, "not an RDB file");
    *version = 0;
    for (size_t i = strlen(RDB_MAGIC); i < RDB_HEAD_SIZE; i++) {
        if (at[i] < '0' || at[i] > '9')
            return rdb_input_fail(&l->in, "the version of the RDB file is not a number");
        *version = *version * 10 + (at[i] - '0');
    }
    if (*version < 1 || *version > RDB_VERSION_MAX)
        return rdb_input_fail(&l->in, "RDB version %d", *version);
    return true;
}

/* A checksum of 0 says that none was computed. */
static bool check_crc(struct loading *l)
{
    uint64_t crc = rdb_input_crc(&l->in), stored;
    const char *at = rdb_take(&l->in, RDB_CRC_SIZE);
    if (!at)
        return false;
    memcpy(&stored, at, sizeof(stored));
    return stored == 0 || stored == crc || rdb_input_fail(&l->in, "the checksum is wrong");
}

static bool check_digest(struct loading *l)
{
    char text[DIGEST_TEXT_SIZE];
    if (!l->digest[0] || l->options->trust)
        return true;
    digest_text(&l->result->digest, text);
    l->result->verified = !strcmp(text, l->digest);
    return l->result->verified || rdb_input_fail(&l->in, "the content has digest %s, not %s", text, l->digest);
}

static void load_file(struct loading *l)
{
    int version = 0;
    if (!load_head(l, &version))
        return;
    while (load_opcode(l))
        ;
    if (l->in.error || (version >= CRC_SINCE_VERSION && !check_crc(l)))
        return;
    check_digest(l);
}

static int load(struct loading *l)
{
    static const struct rdb_options no_options = {0};
    if (!l->options)
        l->options = &no_options;
    *l->result = (struct rdb_result){0};
    l->deadline_ms = DB_NO_DEADLINE;
    l->configured = *keyspace_limits(l->ks);
    load_file(l);
    *keyspace_limits(l->ks) = l->configured;
    l->result->bytes = rdb_input_offset(&l->in);
    memcpy(l->result->error, l->in.message, sizeof(l->result->error));
    int error = l->in.error;
    buffer_free(&l->key);
    rdb_input_deinit(&l->in);
    return error;
}

int rdb_load(struct keyspace *ks, rdb_source_fn source, void *context, const struct rdb_options *options,
             struct rdb_result *result)
{
    struct loading l = {.ks = ks, .options = options, .result = result};
    rdb_input_source(&l.in, source, context);
    return load(&l);
}

int rdb_load_memory(struct keyspace *ks, struct slice file, const struct rdb_options *options, struct rdb_result *result)
{
    struct loading l = {.ks = ks, .options = options, .result = result};
    rdb_input_memory(&l.in, file);
    return load(&l);
}

/* ---- RESTORE ---- */

enum { PAYLOAD_TAIL = sizeof(uint16_t) + RDB_CRC_SIZE }; /* bytes */

bool rdb_payload_valid(struct slice payload)
{
    uint16_t version;
    uint64_t crc;
    if (payload.size < PAYLOAD_TAIL)
        return false;
    const char *tail = payload.base + payload.size - PAYLOAD_TAIL;
    memcpy(&version, tail, sizeof(version));
    memcpy(&crc, tail + sizeof(version), sizeof(crc));
    return version <= RDB_VERSION_MAX && crc == crc64(0, payload.base, payload.size - RDB_CRC_SIZE);
}

static bool read_payload(struct slice payload, struct rdb_target *target)
{
    struct rdb_input in;
    uint8_t type;
    rdb_input_memory(&in, slice_of(payload.base, payload.size - PAYLOAD_TAIL));
    bool ok = rdb_take_byte(&in, &type) && rdb_type_known(&in, type) && rdb_read_value(&in, type, target) &&
              !target->empty && in.position == in.available;
    rdb_input_deinit(&in);
    return ok;
}

int rdb_restore(struct db *db, struct slice key, struct slice payload, int64_t deadline_ms, struct entry **e)
{
    struct rdb_target target = {.key = key, .hash = db_hash(db, key), .deadline_ms = deadline_ms};
    assert(payload.size >= PAYLOAD_TAIL);
    if (!read_payload(payload, &target))
        return -EBADMSG;
    struct entry *old = db_find_hashed(db, key, target.hash);
    if (old)
        db_delete(db, old);
    target.db = db;
    bool ok = read_payload(payload, &target);
    assert(ok);
    if (e)
        *e = target.entry;
    return 0;
}
