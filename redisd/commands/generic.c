/* SPDX-License-Identifier: MIT
 * generic: commands on keys whatever they hold, and the table of all key commands. */
#include "redisd/commands/generic.h"

/* Redis shares one object among all keys that hold the same small number, and answers this as its count of references. */
enum { SHARED_INTEGERS = 10000 };
#define SHARED_REFCOUNT INT32_MAX

static void generic_del(struct call *c)
{
    int64_t count = 0;
    for (int i = 1; i < c->argc; i++) {
        struct entry *e = key_write(c, c->argv[i]);
        if (!e)
            continue;
        key_remove(c, e, c->argv[i]);
        key_event(c, NOTIFY_GENERIC, "del", c->argv[i]);
        count++;
    }
    if (count)
        effect_same(c);
    resp_integer(c->reply, count);
}

/* A key named twice counts twice. */
static void generic_exists(struct call *c)
{
    int64_t count = 0;
    for (int i = 1; i < c->argc; i++)
        count += key_peek(c, c->argv[i]) != NULL;
    resp_integer(c->reply, count);
}

static void generic_touch(struct call *c)
{
    int64_t count = 0;
    for (int i = 1; i < c->argc; i++)
        count += key_read(c, c->argv[i]) != NULL;
    resp_integer(c->reply, count);
}

static void generic_type(struct call *c)
{
    const struct entry *e = key_peek(c, c->argv[1]);
    resp_simple(c->reply, e ? entry_type_name(e) : "none");
}

/* ---- OBJECT ---- */

static const struct entry *object_entry(struct call *c)
{
    const struct entry *e = key_peek(c, c->argv[2]);
    if (!e)
        resp_null(c->reply);
    return e;
}

static void object_encoding(struct call *c)
{
    const struct entry *e = object_entry(c);
    if (e)
        resp_bulk_string(c->reply, entry_encoding_name(e));
}

static void object_refcount(struct call *c)
{
    const struct entry *e = object_entry(c);
    int64_t value;
    if (!e)
        return;
    bool shared = entry_type(e) == VALUE_STRING && entry_integer(e, &value) && value >= 0 && value < SHARED_INTEGERS;
    resp_integer(c->reply, shared ? SHARED_REFCOUNT : 1);
}

static void object_idletime(struct call *c)
{
    const struct entry *e = object_entry(c);
    if (e)
        resp_integer(c->reply, entry_idle_s(e, call_now_ms(c)));
}

/* Frequencies belong to the LFU eviction policies, which this server does not have. */
static void object_freq(struct call *c)
{
    if (object_entry(c))
        reply_error(c, "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between "
                       "policies at runtime LRU and LFU data will take some time to adjust.");
}

static void object_help(struct call *c)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    Tell how the value of <key> is kept in memory.",
        "FREQ <key>",
        "    Tell how often <key> is used, where an LFU policy is selected.",
        "IDLETIME <key>",
        "    Tell for how many seconds <key> has not been read or written.",
        "REFCOUNT <key>",
        "    Tell how many references there are to the value of <key>.",
        NULL,
    };
    reply_help(c, lines);
}

/* ---- rows ---- */

#define OBJECT_ROW(row_name, handler, version, text) \
    {.name = (row_name), .run = (handler), .arity = 3, .flags = CMD_READONLY | CMD_RANDOM_OUTPUT, .first_key = 2, .last_key = 2, \
     .key_step = 1, .group = GROUP_GENERIC, .since = (version), .complexity = "O(1)", .summary = (text)}

static const struct command object_rows[] = {
    OBJECT_ROW("object|encoding", object_encoding, "2.2.3", "Tells how a key's value is kept in memory."),
    OBJECT_ROW("object|freq", object_freq, "4.0.0", "Tells how often a key is used."),
    OBJECT_ROW("object|idletime", object_idletime, "2.2.3", "Tells for how many seconds a key has not been used."),
    OBJECT_ROW("object|refcount", object_refcount, "2.2.3", "Tells how many references there are to a key's value."),
    {.name = "object|help", .run = object_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE, .group = GROUP_GENERIC, .since = "6.2.0",
     .complexity = "O(1)", .summary = "Lists the subcommands of OBJECT."},
    {.name = NULL},
};

#define ROW(row_name, handler, count, row_flags, last, version, cost, text) \
    {.name = (row_name), .run = (handler), .arity = (count), .flags = (row_flags), .first_key = 1, .last_key = (last), .key_step = 1, \
     .group = GROUP_GENERIC, .since = (version), .complexity = (cost), .summary = (text)}
#define ROW_NO_KEY(row_name, handler, count, row_flags, row_group, version, cost, text) \
    {.name = (row_name), .run = (handler), .arity = (count), .flags = (row_flags), .group = (row_group), .since = (version), \
     .complexity = (cost), .summary = (text)}
#define READ_FAST (CMD_READONLY | CMD_FAST)
#define WRITE_FAST (CMD_WRITE | CMD_FAST)

const struct command commands_generic[] = {
    ROW("del", generic_del, -2, CMD_WRITE, -1, "1.0.0", "O(N) in the number of keys and of their elements", "Removes keys."),
    ROW("unlink", generic_del, -2, WRITE_FAST, -1, "4.0.0", "O(1) for each key", "Removes keys; large values are freed later."),
    ROW("exists", generic_exists, -2, READ_FAST, -1, "1.0.0", "O(N) in the number of keys", "Counts which of the keys exist."),
    ROW("touch", generic_touch, -2, READ_FAST, -1, "3.2.1", "O(N) in the number of keys", "Counts existing keys and marks them as used."),
    ROW("type", generic_type, 2, READ_FAST, 1, "1.0.0", "O(1)", "Tells what type of value a key holds."),
    ROW("rename", generic_rename, 3, CMD_WRITE, 2, "1.0.0", "O(1)", "Gives a value another key, replacing what that held."),
    ROW("renamenx", generic_renamenx, 3, WRITE_FAST, 2, "1.0.0", "O(1)", "Gives a value another key unless that one exists."),
    ROW("move", generic_move, 3, WRITE_FAST, 1, "1.0.0", "O(1)", "Takes a key into another database."),
    ROW("copy", generic_copy, -3, CMD_WRITE | CMD_DENYOOM, 2, "6.2.0", "O(N) in the number of elements", "Copies a value to another key."),
    ROW("dump", generic_dump, 2, CMD_READONLY | CMD_RANDOM_OUTPUT, 1, "2.6.0", "O(N) in the size of the value",
        "Answers a value in the form that RESTORE takes."),
    ROW("restore", generic_restore, -4, CMD_WRITE | CMD_DENYOOM | CMD_DANGEROUS, 1, "2.6.0", "O(N) in the size of the value",
        "Creates a key from what DUMP answered."),
    ROW_NO_KEY("keys", generic_keys, 2, CMD_READONLY | CMD_ORDER_OUTPUT | CMD_DANGEROUS, GROUP_GENERIC, "1.0.0",
               "O(N) in the number of keys with the pattern's literal prefix", "Lists the keys that match a pattern, in order."),
    ROW_NO_KEY("scan", generic_scan, -2, CMD_READONLY | CMD_RANDOM_OUTPUT, GROUP_GENERIC, "2.8.0",
               "O(1) for a call, O(N) for all keys", "Goes through the keys step by step."),
    ROW_NO_KEY("randomkey", generic_randomkey, 1, CMD_READONLY | CMD_RANDOM_OUTPUT, GROUP_GENERIC, "1.0.0", "O(1)", "Answers a key chosen at random."),
    ROW_NO_KEY("dbsize", generic_dbsize, 1, READ_FAST, GROUP_SERVER, "1.0.0", "O(1)", "Counts the keys of the database."),
    ROW_NO_KEY("flushdb", generic_flushdb, -1, CMD_WRITE | CMD_DANGEROUS, GROUP_SERVER, "1.0.0", "O(N) in the number of keys",
               "Removes all keys of the database."),
    ROW_NO_KEY("flushall", generic_flushall, -1, CMD_WRITE | CMD_DANGEROUS, GROUP_SERVER, "1.0.0", "O(N) in the number of keys",
               "Removes all keys of all databases."),
    ROW_NO_KEY("swapdb", generic_swapdb, 3, WRITE_FAST | CMD_DANGEROUS, GROUP_SERVER, "4.0.0",
               "O(N) in the number of clients that watch or wait", "Lets two databases change places."),
    {.name = "object", .arity = -2, .group = GROUP_GENERIC, .since = "2.2.3", .complexity = "Depends on subcommand.",
     .summary = "Asks how a key's value is kept.", .subcommands = object_rows},
    {.name = NULL},
};
