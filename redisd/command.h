/* SPDX-License-Identifier: MIT
 * command: one row per command, and the `call` that a handler is given.
 *
 * Anatomy of a command: a row in the table of its group (redisd/commands/<group>.c) names it, its arity, flags and key
 * positions, and a handler. The dispatcher (dispatch.c) has checked arity, authentication and flags before it calls
 *
 *      void string_append(struct call *c)
 *
 * and the handler does, in this order: read arguments and answer errors; look keys up (key_read, key_write), answer type errors;
 * change the keyspace; say what the change was (effect_*, key_changed, key_event); write exactly one reply. Nothing is changed
 * before everything that can be refused has been checked: there is no undo.
 *
 * A handler is deterministic: its result depends on the keyspace, the arguments, c->now_us and call_random(c) alone; the same handler re-executes
 * logged inputs (audit) and applies logged deltas (recovery). So what a client is (name, address, protocol) may shape its reply, never the keyspace.
 *
 * Effects. The log's delta is a sequence of commands that lead to the same state wherever and whenever they are applied: no relative times, no random
 * choice, no dependence on what expired. effect_same(c) says that the command as given is that; effect(c, ...) appends another one instead
 * (SPOP: SREM key member...; EXPIRE: PEXPIREAT; INCRBYFLOAT: SET key value KEEPTTL), as Redis rewrites them for its replicas. A handler that changed nothing calls neither,
 * and nothing is logged. A handler whose effects may be larger than its arguments calls call_reserve first. */
#ifndef LOCUS_REDISD_COMMAND_H
#define LOCUS_REDISD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"
#include "protocols/resp.h"
#include "services/keyspace/keyspace.h"

struct client;
struct redisd;
struct call;

/* Flags of a row; Redis's names, as COMMAND INFO prints them. */
enum command_flag {
    CMD_WRITE = 1 << 0,
    CMD_READONLY = 1 << 1,
    CMD_DENYOOM = 1 << 2,
    CMD_ADMIN = 1 << 3,
    CMD_PUBSUB = 1 << 4,
    CMD_NOSCRIPT = 1 << 5,
    CMD_BLOCKING = 1 << 6,
    CMD_LOADING = 1 << 7,
    CMD_STALE = 1 << 8,
    CMD_SKIP_MONITOR = 1 << 9,
    CMD_SKIP_SLOWLOG = 1 << 10,
    CMD_ASKING = 1 << 11,
    CMD_FAST = 1 << 12,
    CMD_NO_AUTH = 1 << 13,
    CMD_MOVABLE_KEYS = 1 << 14,
    CMD_ALLOW_BUSY = 1 << 15,
    CMD_NO_MULTI = 1 << 16,
    CMD_NO_ASYNC_LOADING = 1 << 17,
    CMD_MAY_REPLICATE = 1 << 18,
    CMD_RANDOM_OUTPUT = 1 << 19, /* tip nondeterministic_output */
    CMD_ORDER_OUTPUT = 1 << 20,  /* tip nondeterministic_output_order */
    CMD_DANGEROUS = 1 << 21,     /* ACL category @dangerous */
    CMD_INTERNAL_DIRECT = 1 << 22, /* runs at once inside MULTI (EXEC, DISCARD, WATCH, QUIT, RESET) */
};

enum command_group {
    GROUP_STRING, GROUP_LIST, GROUP_SET, GROUP_ZSET, GROUP_HASH, GROUP_GENERIC, GROUP_CONNECTION, GROUP_SERVER,
    GROUP_TRANSACTIONS, GROUP_PUBSUB, GROUP_BITMAP, GROUP_COUNT
};

/* Positions of the keys of a command whose row cannot say them (EVAL, SORT ... STORE, ZUNION numkeys, ...): writes at most `max`
 * argument positions, returns how many there are, or -1 when the arguments are malformed. */
typedef int (*command_keys_fn)(const struct slice *argv, int argc, int *positions, int max);

struct command {
    const char *name;         /* lower case; subcommands: "config|get" */
    void (*run)(struct call *c);
    int arity;                /* with the name; negative: at least that many */
    uint32_t flags;           /* enum command_flag */
    int first_key, last_key, key_step; /* 0 0 0: no keys; last_key -1: to the end, -2: all but the last */
    enum command_group group;
    const char *since;        /* the Redis version that introduced it */
    const char *complexity;   /* as documentation says it */
    const char *summary;      /* one line, our own words */
    command_keys_fn keys;     /* or NULL: the positions above are right */
    const struct command *subcommands; /* table ended by name NULL, or NULL. With subcommands, `run` may be NULL */
    uint8_t member_arg;       /* position of the member or field looked up in a collection, 0: none; lets a pipeline prefetch it */
};

/* A table of rows, ended by a row whose name is NULL. One per group, gathered in table.c. */
extern const struct command commands_string[], commands_bitmap[], commands_generic[], commands_expire[], commands_sort[], commands_list[], commands_set[],
    commands_hash[], commands_zset[], commands_transactions[], commands_pubsub[], commands_connection[], commands_server[],
    commands_introspection[], commands_debug[];

extern const struct command client_subcommands[], config_subcommands[], command_subcommands[], slowlog_subcommands[], latency_subcommands[],
    memory_subcommands[];
void info_command(struct call *c);
void command_command(struct call *c);

struct effects;

struct call {
    struct redisd *server;
    struct client *client;        /* who asked; during replay a client of the server's own */
    const struct command *command;
    const struct slice *argv;     /* Borrowed for the call */
    int argc;
    struct db *db;                /* the client's database */
    int64_t now_us;               /* time of the transaction; all commands of a MULTI have the same */
    uint64_t cmd_seq;             /* admission number: call_random draws from it */
    uint64_t random_draws;        /* how many call_random has given */
    uint64_t seed;                /* of the admission; valid when seeded */
    bool seeded;
    struct resp_writer *reply;    /* where the reply goes */
    struct effects *effects;      /* of the transaction */
    size_t input_bytes;           /* of the transaction's input: what its record takes beside the effects */
    struct slice hashed_key;      /* key whose hash is known already (the dispatcher prefetched it) */
    uint64_t hash;                /* of hashed_key */
    bool same;                    /* effect_same was called */
    bool replaying;               /* the log drives: no blocking, no notifications, keys past their deadline are left alone */
    bool keep_expired;            /* the log is full: keys past their deadline read as missing but stay */
    struct slice input;           /* what the record says was asked, when it is not argv (EXEC: its queue); Borrowed */
    bool in_transaction;          /* inside EXEC: blocking commands answer at once */
};

static inline int64_t call_now_ms(const struct call *c)
{
    return c->now_us / 1000;
}

/* A random number that depends on the log's identity, the command's admission number and how many were drawn before. */
uint64_t call_random(struct call *c);

/* Room in the log for effects of up to `bytes` (sum of argument sizes); the dispatcher has already reserved for the arguments as given.
 * False: the error reply is written, change nothing. */
bool call_reserve(struct call *c, size_t bytes);

/* ---- keys ---- */

/* Look a key up. A key past its deadline is removed first (and logged as an effect), so the result is never expired; during replay deadlines are left to
 * the log. key_read counts keyspace hits and misses and touches the access clock. Neither calls db_edit: do so before changing in place.
 * The entry is valid until the next key_* or db_* call that may change the database. */
struct entry *key_read(struct call *c, struct slice key);
struct entry *key_write(struct call *c, struct slice key);
/* key_read without touching the access clock: commands that ask about a key (TYPE, TTL, OBJECT), not for its value. */
struct entry *key_peek(struct call *c, struct slice key);

/* The same, checking the type: when the key holds another type, *wrong is set, WRONGTYPE is answered and NULL returned. */
struct entry *key_read_type(struct call *c, struct slice key, enum value_type type, bool *wrong);
struct entry *key_write_type(struct call *c, struct slice key, enum value_type type, bool *wrong);

/* The hash that db_set_string, db_add, ... want. Cheap for the command's first key. */
uint64_t key_hash(struct call *c, struct slice key);

/* Say that a key of the call's database (or of `db`) was changed or removed: WATCH and, later, client tracking see it. */
void key_changed(struct call *c, struct slice key);
void key_changed_in(struct call *c, struct db *db, struct slice key);

/* Say that a list, sorted set... now has elements that a blocked client may be waiting for; served after the transaction. */
void key_ready(struct call *c, struct slice key);
void key_ready_in(struct call *c, struct db *db, struct slice key);

/* Remove a key whose collection became empty, or that a command removes: db_delete + key_changed. Does not add an effect. */
void key_remove(struct call *c, struct entry *e, struct slice key);

/* Keyspace notification (notify-keyspace-events): published to subscribers when that class is on. Not logged. */
enum notify_class {
    NOTIFY_KEYSPACE = 1 << 0, NOTIFY_KEYEVENT = 1 << 1, NOTIFY_GENERIC = 1 << 2, NOTIFY_STRING = 1 << 3, NOTIFY_LIST = 1 << 4, NOTIFY_SET = 1 << 5, NOTIFY_HASH = 1 << 6,
    NOTIFY_ZSET = 1 << 7, NOTIFY_EXPIRED = 1 << 8, NOTIFY_EVICTED = 1 << 9, NOTIFY_STREAM = 1 << 10, NOTIFY_KEY_MISS = 1 << 11,
    NOTIFY_MODULE = 1 << 13, NOTIFY_NEW = 1 << 14, NOTIFY_ALL = 0x3fc | 1 << 10 | 1 << 13
};
void key_event(struct call *c, enum notify_class class, const char *event, struct slice key);
void key_event_in(struct call *c, struct db *db, enum notify_class class, const char *event, struct slice key);

/* ---- effects ---- */

void effect_same(struct call *c);
/* Append one command to the delta; it applies in the call's database (effect_in: in that one). The bytes are copied. */
void effect(struct call *c, const struct slice *argv, int argc);
void effect_in(struct call *c, struct db *db, const struct slice *argv, int argc);
#define EFFECT(c, ...) \
    effect((c), (const struct slice[]){__VA_ARGS__}, (int)(sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice)))
/* Piece by piece, for effects with many arguments: begin with the number of arguments, then exactly that many effect_arg. */
void effect_begin(struct call *c, int argc);
void effect_arg(struct call *c, struct slice arg);

/* ---- blocking (BLPOP and its kin) ---- */

/* The call cannot be answered now: park the client until one of the keys gets ready or the deadline (microseconds of wall time, 0: none) passes; then
 * the same command is called again as a transaction of its own, or `null_array ? *-1 : $-1` is answered. Only when call_may_block. */
bool call_may_block(const struct call *c); /* false inside EXEC and replay */
void call_block(struct call *c, const struct slice *keys, int count, int64_t timeout_us, bool null_array);
/* Parse a blocking command's timeout argument (seconds, may be fractional) into microseconds; answers the error itself. */
bool parse_timeout(struct call *c, struct slice text, int64_t *timeout_us);

/* ---- errors and arguments ---- */

void reply_wrong_type(struct call *c);   /* WRONGTYPE Operation against a key holding the wrong kind of value */
void reply_syntax(struct call *c);       /* ERR syntax error */
void reply_no_key(struct call *c);       /* ERR no such key */
void reply_error(struct call *c, const char *line); /* with its code: "ERR ..." */
void reply_arity(struct call *c);        /* ERR wrong number of arguments for 'name' command */
void reply_subcommand_syntax(struct call *c); /* ERR unknown subcommand or wrong number of arguments for 'word'. Try NAME HELP. */

/* HELP of a container command: its head, the lines (usage and explanation by turns, ended by NULL), and the line about HELP itself. */
void reply_help(struct call *c, const char *const *lines);

/* Strict decimal as Redis's string2ll: no spaces, no plus, no leading zeros. */
bool slice_to_i64(struct slice text, int64_t *value);
/* Strict floating point as Redis takes scores: no spaces, not NaN; "inf", "+inf", "-inf" and exponents allowed. */
bool slice_to_double(struct slice text, double *value);
/* Likewise, for INCRBYFLOAT and HINCRBYFLOAT. */
bool slice_to_long_double(struct slice text, long double *value);
/* The same with the error answered: `error` or, when NULL, "ERR value is not an integer or out of range". */
bool parse_i64(struct call *c, struct slice text, int64_t *value, const char *error);
bool parse_range_i64(struct call *c, struct slice text, int64_t min, int64_t max, int64_t *value, const char *error);
bool parse_double(struct call *c, struct slice text, double *value, const char *error); /* NULL: "ERR value is not a valid float" */
/* Cursor argument of SCAN and its kin: unsigned decimal; answers "ERR invalid cursor". */
bool parse_cursor(struct call *c, struct slice text, uint64_t *cursor);

/* Glob match as Redis's stringmatchlen: * ? [a-z] [^a] \x. Bounded work: no exponential backtracking. */
bool glob_match(struct slice pattern, struct slice text, bool nocase);

/* Integers and doubles as text, for effects; `scratch` at least 32 (64 for doubles) bytes. */
struct slice slice_from_i64(char *scratch, int64_t value);
struct slice slice_from_double(char *scratch, double value); /* %.17g, shortest that round-trips */

#endif
