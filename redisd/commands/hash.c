/* SPDX-License-Identifier: MIT
 * hash: commands that set, get and remove fields by name; and the table of the group.
 *
 * Counting in a field is in hash_number.c, whatever returns many fields of one hash in hash_read.c. */
#include "redisd/commands/collection.h"
#include "redisd/commands/hash_commands.h"

struct hash *hash_for_reading(struct call *c, bool *wrong)
{
    struct entry *e = key_read_type(c, c->argv[1], VALUE_HASH, wrong);
    return e ? entry_hash(e) : NULL;
}

/* ---- change ---- */

/* HSET's work: sets the fields that stand in argv[2] and behind; *created is how many are new. False: the key is no hash, answered. */
static bool set_fields(struct call *c, int64_t *created)
{
    bool wrong = false;
    struct slice key = c->argv[1];
    struct entry *e = key_write_type(c, key, VALUE_HASH, &wrong);
    if (wrong)
        return false;
    if (e)
        db_edit(c->db, e);
    else
        e = collection_add(c, key, VALUE_HASH);
    struct hash *hash = entry_hash(e);
    *created = 0;
    for (int i = 2; i < c->argc; i += 2)
        *created += hash_set(hash, c->argv[i], c->argv[i + 1]);
    effect_same(c);
    key_changed(c, key);
    key_event(c, NOTIFY_HASH, "hset", key);
    return true;
}

static void hset(struct call *c)
{
    int64_t created;
    if (c->argc % 2)
        reply_arity(c);
    else if (set_fields(c, &created))
        resp_integer(c->reply, created);
}

static void hmset(struct call *c)
{
    int64_t created;
    if (c->argc % 2)
        reply_arity(c);
    else if (set_fields(c, &created))
        resp_ok(c->reply);
}

static void hsetnx(struct call *c)
{
    bool wrong = false;
    int64_t created;
    struct item value;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_HASH, &wrong);
    if (wrong)
        return;
    if (e && hash_get(entry_hash(e), c->argv[2], &value))
        resp_integer(c->reply, 0);
    else if (set_fields(c, &created))
        resp_integer(c->reply, 1);
}

static void hdel(struct call *c)
{
    bool wrong = false;
    struct slice key = c->argv[1];
    struct entry *e = key_write_type(c, key, VALUE_HASH, &wrong);
    if (wrong)
        return;
    int64_t removed = 0;
    if (e) {
        struct hash *hash = entry_hash(e);
        db_edit(c->db, e);
        for (int i = 2; i < c->argc && hash_size(hash) > 0; i++)
            removed += hash_remove(hash, c->argv[i]);
    }
    resp_integer(c->reply, removed);
    if (removed == 0)
        return;
    effect_same(c);
    key_event(c, NOTIFY_HASH, "hdel", key);
    if (hash_size(entry_hash(e)) == 0)
        collection_remove(c, e, key);
    else
        key_changed(c, key);
}

/* ---- read ---- */

static void reply_field(struct call *c, const struct hash *hash, struct slice field)
{
    struct item value;
    if (hash && hash_get(hash, field, &value))
        resp_bulk(c->reply, item_slice(&value));
    else
        resp_null(c->reply);
}

static void hget(struct call *c)
{
    bool wrong = false;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (!wrong)
        reply_field(c, hash, c->argv[2]);
}

static void hmget(struct call *c)
{
    bool wrong = false;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (wrong)
        return;
    resp_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        reply_field(c, hash, c->argv[i]);
}

static void hlen(struct call *c)
{
    bool wrong = false;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (!wrong)
        resp_integer(c->reply, hash ? (int64_t)hash_size(hash) : 0);
}

static void hstrlen(struct call *c)
{
    bool wrong = false;
    struct item value;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (!wrong)
        resp_integer(c->reply, hash && hash_get(hash, c->argv[2], &value) ? (int64_t)value.size : 0);
}

static void hexists(struct call *c)
{
    bool wrong = false;
    struct item value;
    struct hash *hash = hash_for_reading(c, &wrong);
    if (!wrong)
        resp_integer(c->reply, hash && hash_get(hash, c->argv[2], &value));
}

/* ---- the table ---- */

#define READ_ONE (CMD_READONLY | CMD_FAST)
#define READ_ALL (CMD_READONLY | CMD_ORDER_OUTPUT)
#define SET_FLAGS (CMD_WRITE | CMD_DENYOOM | CMD_FAST)
#define ALL_COST "O(N): N fields in the hash"

/* name, handler, arity, flags, keys, group, since, complexity, summary, key finder, subcommands, member */
const struct command commands_hash[] = {
    {"hdel", hdel, -3, CMD_WRITE | CMD_FAST, 1, 1, 1, GROUP_HASH, "2.0.0", "O(N): N fields given", "Removes fields from a hash.", NULL, NULL, 2},
    {"hexists", hexists, 3, READ_ONE, 1, 1, 1, GROUP_HASH, "2.0.0", "O(1)", "Whether a hash has a field.", NULL, NULL, 2},
    {"hget", hget, 3, READ_ONE, 1, 1, 1, GROUP_HASH, "2.0.0", "O(1)", "The value of a field.", NULL, NULL, 2},
    {"hgetall", hash_hgetall, 2, READ_ALL, 1, 1, 1, GROUP_HASH, "2.0.0", ALL_COST, "All fields of a hash with their values.", NULL, NULL, 0},
    {"hincrby", hash_hincrby, 4, SET_FLAGS, 1, 1, 1, GROUP_HASH, "2.0.0", "O(1)", "Adds an integer to the number in a field, 0 when it is missing.",
     NULL, NULL, 2},
    {"hincrbyfloat", hash_hincrbyfloat, 4, SET_FLAGS, 1, 1, 1, GROUP_HASH, "2.6.0", "O(1)",
     "Adds a decimal number to the number in a field, 0 when it is missing.", NULL, NULL, 2},
    {"hkeys", hash_hkeys, 2, READ_ALL, 1, 1, 1, GROUP_HASH, "2.0.0", ALL_COST, "All fields of a hash.", NULL, NULL, 0},
    {"hlen", hlen, 2, READ_ONE, 1, 1, 1, GROUP_HASH, "2.0.0", "O(1)", "How many fields a hash has.", NULL, NULL, 0},
    {"hmget", hmget, -3, READ_ONE, 1, 1, 1, GROUP_HASH, "2.0.0", "O(N): N fields asked for", "The values of some fields.", NULL, NULL, 2},
    {"hmset", hmset, -4, SET_FLAGS, 1, 1, 1, GROUP_HASH, "2.0.0", "O(N): N fields given", "Sets fields; HSET says how many were new, too.", NULL, NULL, 2},
    {"hrandfield", hash_hrandfield, -2, CMD_READONLY | CMD_RANDOM_OUTPUT, 1, 1, 1, GROUP_HASH, "6.2.0", "O(N): N fields returned",
     "Fields of a hash chosen by chance.", NULL, NULL, 0},
    {"hscan", hash_hscan, -3, CMD_READONLY | CMD_RANDOM_OUTPUT, 1, 1, 1, GROUP_HASH, "2.8.0", "O(1) a call, O(N) for all N fields",
     "Walks a hash some fields at a time.", NULL, NULL, 0},
    {"hset", hset, -4, SET_FLAGS, 1, 1, 1, GROUP_HASH, "2.0.0", "O(N): N fields given",
     "Sets fields of a hash, which is created when it is missing.", NULL, NULL, 2},
    {"hsetnx", hsetnx, 4, SET_FLAGS, 1, 1, 1, GROUP_HASH, "2.0.0", "O(1)", "Sets a field that does not exist yet.", NULL, NULL, 2},
    {"hstrlen", hstrlen, 3, READ_ONE, 1, 1, 1, GROUP_HASH, "3.2.0", "O(1)", "How many bytes the value of a field has.", NULL, NULL, 2},
    {"hvals", hash_hvals, 2, READ_ALL, 1, 1, 1, GROUP_HASH, "2.0.0", ALL_COST, "All values of a hash.", NULL, NULL, 0},
    {NULL, NULL, 0, 0, 0, 0, 0, GROUP_HASH, NULL, NULL, NULL, NULL, NULL, 0},
};
