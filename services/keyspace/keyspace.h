/* SPDX-License-Identifier: MIT
 * keyspace: numbered databases of keys and typed values; the state machine behind redisd.
 *
 * 1. What is here is logical state only. No clock, no randomness, no socket: whoever calls says what time it is and which seed
 *    to draw from, so that the same calls give the same state and the same answers on every machine.
 * 2. Every key is in three places, which agree between any two calls: its *entry* (header, key and small value in one arena
 *    object), the *ordered map* of its database (ordmap.h: text-keyed, on JudyL; gives order, prefix and range), and the
 *    *front index* (index.h: gives point lookups). Keys with a deadline are also in the deadline map.
 * 3. A caller that changes an existing value in place says so first, with db_edit: that is where a running snapshot saves the
 *    value as it was. The db_* calls below that replace or remove whole values do it themselves.
 * 4. An entry pointer is valid until the next db_* call that may change the database it belongs to; calls that may move the
 *    entry return the new one.
 * 5. Order and random choice depend on content and on the hash key given in the configuration, never on addresses or history:
 *    a database restored from a snapshot answers like the one that never stopped.
 *
 *      entry (arena object, 8-byte units):
 *      | u64 header: type, encoding, flags, key and value sizes, access clock | [i64 deadline_ms] | key | value |
 *      A value that does not fit is a pointer to a heap object (large string, list, set, hash, sorted set).
 */
#ifndef LOCUS_KEYSPACE_KEYSPACE_H
#define LOCUS_KEYSPACE_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"

#define DB_KEY_MAX ((size_t)512 << 20)    /* bytes; Redis's proto-max-bulk-len */
#define DB_VALUE_MAX ((size_t)512 << 20)  /* bytes in one string */
#define DB_NO_DEADLINE ((int64_t)-1)

/* The numbers are Redis's object types: they enter DEBUG DIGEST. */
enum value_type { VALUE_STRING = 0, VALUE_LIST = 1, VALUE_SET = 2, VALUE_ZSET = 3, VALUE_HASH = 4 };

/* Sizes up to which collections keep their compact encodings; redis.conf names. Changes apply to later operations. */
struct keyspace_limits {
    int64_t hash_max_listpack_entries;  /* 512 */
    int64_t hash_max_listpack_value;    /* 64 bytes */
    int64_t list_max_listpack_size;     /* -2: 8 KiB a node; positive: entries a node */
    int64_t set_max_intset_entries;     /* 512 */
    int64_t set_max_listpack_entries;   /* 128 */
    int64_t set_max_listpack_value;     /* 64 bytes */
    int64_t zset_max_listpack_entries;  /* 128 */
    int64_t zset_max_listpack_value;    /* 64 bytes */
};

struct keyspace_config {
    int databases;       /* 16 */
    uint64_t hash_key;   /* keys the hashes that place keys in the index and order SCAN: drawn from the log's UUID, so it
                            is the same for the life of the data and unknown to clients */
    struct keyspace_limits limits;
};

struct keyspace;
struct db;
struct entry;
struct list;
struct set;
struct hash;
struct zset;

/* One element of a collection, or a string value: bytes, valid until the collection changes. An element stored as an integer
 * is printed into `scratch`, and base points there: so an item is not to be copied by assignment. */
struct item {
    const char *base;
    size_t size;
    char scratch[24];
};

static inline struct slice item_slice(const struct item *item)
{
    return slice_of(item->base, item->size);
}

/* ---- the whole ---- */

/* NULL when memory or address space is short. */
struct keyspace *keyspace_new(const struct keyspace_config *config);
void keyspace_free(struct keyspace *ks);

int keyspace_databases(const struct keyspace *ks);
struct db *keyspace_db(struct keyspace *ks, int number);          /* 0 <= number < databases */
struct keyspace_limits *keyspace_limits(struct keyspace *ks);     /* Borrowed; may be changed at any time */
void keyspace_swap(struct keyspace *ks, int a, int b);            /* SWAPDB: contents change places, struct db pointers stay */
size_t keyspace_memory(const struct keyspace *ks);                /* bytes held: arena, index, ordered maps, large strings. What collections
                                                                     hold in malloc (list nodes, small collections) is for mallinfo2 to say. */

size_t keyspace_arena_memory(const struct keyspace *ks);          /* the arena's part of it: what malloc's own books do not show */

/* Order-independent digest of the logical state (16 bytes: xxh3-128 of each key's canonical form, added modulo 2^128). */
struct keyspace_digest { uint8_t bytes[16]; };
struct keyspace_digest keyspace_digest(struct keyspace *ks);

/* The digests that Redis's DEBUG DIGEST and DEBUG DIGEST-VALUE print (SHA-1 based; 20 bytes). Keys whose deadline has passed
 * are counted as Redis counts them: as still there. */
void keyspace_digest_redis(struct keyspace *ks, uint8_t digest[20]);
void entry_digest_redis(const struct db *db, const struct entry *e, uint8_t digest[20]);

/* ---- a database ---- */

int db_number(const struct db *db);
size_t db_size(const struct db *db);            /* keys, those past their deadline and not yet removed included */
size_t db_deadlines(const struct db *db);       /* keys with a deadline */
int64_t db_average_ttl_ms(const struct db *db, int64_t now_ms);

/* Lookup. The hash of a key can be computed once and given to the calls ending in _hashed; the prefetch calls bring a key's
 * index bucket, then its entry, into the cache without waiting: a pipeline first prefetches all, then executes. */
uint64_t db_hash(const struct db *db, struct slice key);
void db_prefetch_bucket(const struct db *db, uint64_t hash);
void db_prefetch_entry(const struct db *db, uint64_t hash);
struct entry *db_find_hashed(const struct db *db, struct slice key, uint64_t hash);
static inline struct entry *db_find(const struct db *db, struct slice key)
{
    return db_find_hashed(db, key, db_hash(db, key));
}

/* Say that the value of `e` is about to change in place (a running snapshot saves it as it was). Cheap when none runs. */
void db_edit(struct db *db, struct entry *e);

/* Create or replace: the key holds this string afterwards, with this deadline (DB_NO_DEADLINE: none; DB_KEEP_DEADLINE: the one
 * it had). Integers in canonical decimal form are kept as integers. The value must not point into this database's own entry of
 * the same key. Returns the entry. */
#define DB_KEEP_DEADLINE ((int64_t)-2)
struct entry *db_set_string(struct db *db, struct slice key, uint64_t hash, struct slice value, int64_t deadline_ms);
struct entry *db_set_integer(struct db *db, struct slice key, uint64_t hash, int64_t value, int64_t deadline_ms);

/* Change an integer string in place; e's encoding must be the integer one (entry_integer returned true). Calls db_edit. */
void db_update_integer(struct db *db, struct entry *e, int64_t value);

/* Writable bytes of a string, made `size` long: what was there is kept up to that size, growth is filled with zero bytes.
 * Integer encodings become text first. *e may move. Calls db_edit. Valid until the next db_* call. For APPEND, SETRANGE, SETBIT. */
char *db_string_resize(struct db *db, struct entry **e, size_t size);

/* A new empty collection of that type under a key that must not exist. The caller puts something in before anybody looks. */
struct entry *db_add(struct db *db, struct slice key, uint64_t hash, enum value_type type);

/* Remove the key and free its value, at once. */
void db_delete(struct db *db, struct entry *e);

/* Set or (DB_NO_DEADLINE) clear the deadline. Returns the entry, which may have moved. */
struct entry *db_set_deadline(struct db *db, struct entry *e, int64_t deadline_ms);

/* Move the value and deadline of e to `key` in `to` (which may be the same database); a key there is replaced. RENAME, MOVE. */
struct entry *db_move(struct db *from, struct entry *e, struct db *to, struct slice key);

/* Deep copy likewise. COPY. */
struct entry *db_copy(struct db *from, const struct entry *e, struct db *to, struct slice key);

void db_flush(struct db *db);

/* ---- order ---- */

/* A position in byte order of keys. Valid until the database changes; then seek again from the last key seen. */
struct db_cursor {
    struct db *db;
    struct entry *entry; /* Borrowed; NULL past the end */
    struct buffer path;  /* Ours: ordmap's way down; free with db_cursor_free */
};

void db_seek(struct db *db, struct db_cursor *cursor, struct slice key);      /* the first key >= `key` */
void db_seek_last(struct db *db, struct db_cursor *cursor, struct slice key); /* the last key <= `key` */
bool db_next(struct db_cursor *cursor);                                       /* false at the end */
bool db_previous(struct db_cursor *cursor);
void db_cursor_free(struct db_cursor *cursor);

/* SCAN: visit at least `count` keys (fewer at the end) in the order of their keyed hashes, starting at `cursor` (0: the
 * beginning); returns the next cursor, 0 when done. Stateless; below 2^53. Every key that is there from beginning to end is
 * visited exactly once. The visitor must not change the database. */
typedef void (*db_visit_fn)(void *context, const struct entry *e);
uint64_t db_scan(const struct db *db, uint64_t cursor, size_t count, db_visit_fn visit, void *context);

/* A key chosen by the seed, nearly uniformly; NULL when empty. Same content, same seed: same key. */
struct entry *db_random(const struct db *db, uint64_t seed);

/* ---- deadlines ---- */

/* The earliest deadline, DB_NO_DEADLINE when there is none; and the entry that has it (e may be NULL). Equal deadlines come in
 * the order of their keys' hashes. Removing it and asking again walks all keys in the order in which they expire. */
int64_t db_first_deadline(const struct db *db, struct entry **e);

/* ---- an entry ---- */

struct slice entry_key(const struct entry *e);
enum value_type entry_type(const struct entry *e);
int64_t entry_deadline(const struct entry *e);                  /* ms since 1970, or DB_NO_DEADLINE */
static inline bool entry_expired(const struct entry *e, int64_t now_ms);
const char *entry_type_name(const struct entry *e);             /* "string", "list", "set", "zset", "hash" */
const char *entry_encoding_name(const struct entry *e);         /* as OBJECT ENCODING prints it */
size_t entry_memory(const struct entry *e, const struct db *db, size_t samples); /* MEMORY USAGE: bytes, key and overhead included; samples 0 = all */
uint32_t entry_idle_s(const struct entry *e, int64_t now_ms);   /* OBJECT IDLETIME */
void entry_touch(struct entry *e, int64_t now_ms);              /* the access clock; outside the logical state */

void entry_string(const struct entry *e, struct item *item);    /* type must be VALUE_STRING */
size_t entry_string_size(const struct entry *e);
bool entry_integer(const struct entry *e, int64_t *value);      /* true when the string is kept as an integer */
struct list *entry_list(const struct entry *e);                 /* Borrowed until the key is deleted */
struct set *entry_set(const struct entry *e);
struct hash *entry_hash(const struct entry *e);
struct zset *entry_zset(const struct entry *e);

static inline bool entry_expired(const struct entry *e, int64_t now_ms)
{
    int64_t deadline = entry_deadline(e);
    return deadline != DB_NO_DEADLINE && deadline <= now_ms;
}

#endif
