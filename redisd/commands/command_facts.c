/* SPDX-License-Identifier: MIT
 * command_facts: see command_facts.h. */
#include "redisd/commands/command_facts.h"

#include "redisd/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Is the name one of these, separated by single spaces? */
static bool listed(const char *names, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += size)
        if ((at == names || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return true;
    return false;
}

/* ---- categories ---- */

enum category {
    KEYSPACE, READ, WRITE, SET, SORTEDSET, LIST, HASH, STRING, BITMAP, HYPERLOGLOG, GEO, STREAM, PUBSUB, ADMIN, FAST, SLOW, BLOCKING,
    DANGEROUS, CONNECTION, TRANSACTION, SCRIPTING
};
#define BIT(category) (1u << (category))

static const char *const category_names[COMMAND_CATEGORIES] = {
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream", "pubsub", "admin",
    "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
};

const char *command_category_name(int category)
{
    return category_names[category];
}

static const uint32_t group_categories[GROUP_COUNT] = {
    [GROUP_STRING] = BIT(STRING), [GROUP_LIST] = BIT(LIST), [GROUP_SET] = BIT(SET), [GROUP_ZSET] = BIT(SORTEDSET), [GROUP_HASH] = BIT(HASH),
    [GROUP_GENERIC] = BIT(KEYSPACE), [GROUP_CONNECTION] = BIT(CONNECTION), [GROUP_TRANSACTIONS] = BIT(TRANSACTION),
    [GROUP_BITMAP] = BIT(BITMAP),
};

/* What a command has instead of its group's category. */
static const struct { const char *names; uint32_t categories; } category_exceptions[] = {
    {"sort sort_ro", BIT(SET) | BIT(SORTEDSET) | BIT(LIST)},
    {"dbsize flushall flushdb swapdb", BIT(KEYSPACE)},
    {"command", BIT(CONNECTION)},
    {"lastsave role", BIT(ADMIN) | BIT(DANGEROUS)},
};

static uint32_t own_categories(const struct command *row)
{
    bool container_only = row->subcommands && !row->run;
    for (size_t i = 0; i < COUNT(category_exceptions); i++)
        if (listed(category_exceptions[i].names, row->name))
            return category_exceptions[i].categories;
    if (strncmp(row->name, "command|", 8) == 0)
        return BIT(CONNECTION);
    return container_only ? 0 : group_categories[row->group];
}

uint32_t command_categories(const struct command *row)
{
    static const struct { uint32_t flag, categories; } implied[] = {
        {CMD_WRITE, BIT(WRITE)}, {CMD_READONLY, BIT(READ)}, {CMD_ADMIN, BIT(ADMIN) | BIT(DANGEROUS)}, {CMD_DANGEROUS, BIT(DANGEROUS)},
        {CMD_PUBSUB, BIT(PUBSUB)}, {CMD_BLOCKING, BIT(BLOCKING)},
    };
    uint32_t categories = own_categories(row) | (row->flags & CMD_FAST ? BIT(FAST) : BIT(SLOW));
    for (size_t i = 0; i < COUNT(implied); i++)
        if (row->flags & implied[i].flag)
            categories |= implied[i].categories;
    return categories;
}

/* ---- keys ---- */

static const char *const key_flag_names[KEY_FLAGS] = {
    "RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
};

const char *key_flag_name(int flag)
{
    return key_flag_names[flag];
}

#define LOOK (KEY_RO | KEY_ACCESS)
#define CHANGE (KEY_RW | KEY_ACCESS | KEY_UPDATE)
#define TAKE (KEY_RW | KEY_ACCESS | KEY_DELETE)
#define PUT (KEY_RW | KEY_INSERT)
#define REPLACE (KEY_OW | KEY_UPDATE)

/* Keys where the row says they are: LOOK for commands that read, CHANGE for those that write, and these. */
static const struct { const char *names; uint16_t flags; const char *notes; } rights[] = {
    {"exists hexists hlen hstrlen llen memory|usage object|encoding object|freq object|idletime object|refcount scard sismember strlen "
     "touch type watch zcard", KEY_RO, NULL},
    {"append hsetnx linsert lpush lpushx rpush rpushx sadd", PUT, NULL},
    {"expire expireat hmset hset lset persist pexpire pexpireat setrange zadd", KEY_RW | KEY_UPDATE, NULL},
    {"hdel lrem ltrim srem zrem zremrangebylex zremrangebyrank zremrangebyscore", KEY_RW | KEY_DELETE, NULL},
    {"blpop brpop bzpopmax bzpopmin getdel lpop rpop spop zpopmax zpopmin", TAKE, NULL},
    {"mset psetex restore setex", REPLACE, NULL},
    {"msetnx setnx", KEY_OW | KEY_INSERT, NULL},
    {"del unlink", KEY_RM | KEY_DELETE, NULL},
    {"spublish ssubscribe sunsubscribe", KEY_NOT_KEY, NULL},
    {"bitfield", CHANGE | KEY_VARIABLE_FLAGS, "This command allows both access and modification of the key"},
    {"set", CHANGE | KEY_VARIABLE_FLAGS, "RW and ACCESS due to the optional `GET` argument"},
    {"getex", CHANGE, "RW and UPDATE because it changes the TTL"},
};

#define ONE(flags, begin) {flags, begin, KEYS_RANGE, 0, 1, NULL}
#define REST(flags, begin) {flags, begin, KEYS_RANGE, -1, 1, NULL}
#define COUNTED(flags, begin) {flags, begin, KEYS_COUNTED, 0, 1, NULL}

#define SORTED_BY "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort"

/* Keys that one range cannot describe. */
static const struct { const char *names; struct key_spec specs[COMMAND_KEY_SPECS_MAX]; } key_exceptions[] = {
    {"blmove brpoplpush lmove rpoplpush smove", {ONE(TAKE, 1), ONE(PUT, 2)}},
    {"copy", {ONE(LOOK, 1), ONE(REPLACE, 2)}},
    {"rename", {ONE(TAKE, 1), ONE(REPLACE, 2)}},
    {"renamenx", {ONE(TAKE, 1), ONE(KEY_OW | KEY_INSERT, 2)}},
    {"zrangestore", {ONE(REPLACE, 1), ONE(LOOK, 2)}},
    {"sdiffstore sunionstore", {ONE(REPLACE, 1), REST(LOOK, 2)}},
    {"sinterstore", {ONE(KEY_RW | KEY_UPDATE, 1), REST(LOOK, 2)}},
    {"bitop", {ONE(REPLACE, 2), REST(LOOK, 3)}},
    {"zdiffstore zinterstore zunionstore", {ONE(REPLACE, 1), COUNTED(LOOK, 2)}},
    {"sintercard zdiff zinter zintercard zunion", {COUNTED(LOOK, 1)}},
    {"lmpop zmpop", {COUNTED(TAKE, 1)}},
    {"blmpop bzmpop", {COUNTED(TAKE, 2)}},
    {"sort", {ONE(LOOK, 1), {LOOK, 0, KEYS_UNKNOWN, 0, 0, SORTED_BY}, {REPLACE, 0, KEYS_UNKNOWN, 0, 0, "For the optional STORE keyword. It is marked 'unknown' because the keyword can "
                                                             "appear anywhere in the argument array"}}},
    {"sort_ro", {ONE(LOOK, 1), {LOOK, 0, KEYS_UNKNOWN, 0, 0, SORTED_BY}}},
};

static void spec_of_row(const struct command *row, struct key_spec *spec)
{
    *spec = (struct key_spec){row->flags & CMD_WRITE ? CHANGE : LOOK, (int16_t)row->first_key, KEYS_RANGE,
                              row->last_key < 0 ? row->last_key : row->last_key - row->first_key, row->key_step, NULL};
    for (size_t i = 0; i < COUNT(rights); i++) {
        if (listed(rights[i].names, row->name)) {
            spec->flags = rights[i].flags;
            spec->notes = rights[i].notes;
        }
    }
}

int command_key_specs(const struct command *row, struct key_spec specs[COMMAND_KEY_SPECS_MAX])
{
    for (size_t i = 0; i < COUNT(key_exceptions); i++) {
        if (!listed(key_exceptions[i].names, row->name))
            continue;
        memcpy(specs, key_exceptions[i].specs, sizeof(key_exceptions[i].specs));
        int count = 0;
        while (count < COMMAND_KEY_SPECS_MAX && specs[count].flags)
            count++;
        return count;
    }
    if (!row->first_key)
        return 0;
    spec_of_row(row, &specs[0]);
    return 1;
}

/* Flags that depend on the other arguments: SET with GET reads, BITFIELD with only GET does not write. */
static uint32_t variable_flags(const struct command *row, const struct slice *argv, int argc)
{
    bool set = strcmp(row->name, "set") == 0;
    for (int i = set ? 3 : 2; i < argc; i++) {
        if (set && slice_equal_nocase(argv[i], SLICE("get")))
            return CHANGE;
        if (!set && (slice_equal_nocase(argv[i], SLICE("set")) || slice_equal_nocase(argv[i], SLICE("incrby"))))
            return CHANGE;
    }
    return set ? REPLACE : LOOK;
}

uint32_t command_key_flags(const struct command *row, const struct slice *argv, int argc, int position)
{
    struct key_spec specs[COMMAND_KEY_SPECS_MAX];
    int count = command_key_specs(row, specs);
    uint32_t flags = 0;
    /* The specifications begin in rising order; one whose place is not known takes what is behind the others. */
    for (int i = 0; i < count; i++)
        if (position >= specs[i].begin && (specs[i].begin || position > specs[0].begin))
            flags = specs[i].flags;
    return flags & KEY_VARIABLE_FLAGS ? variable_flags(row, argv, argc) : flags;
}

/* ---- tips ---- */

/* How a client of a cluster spreads a command over its nodes and joins the answers. `first`: before what the flags say. */
static const struct { const char *names, *request, *response; bool first; } policies[] = {
    {"client|setinfo client|setname config|resetstat config|rewrite config|set", "request_policy:all_nodes", "response_policy:all_succeeded", false},
    {"slowlog|reset", "request_policy:all_nodes", "response_policy:all_succeeded", false},
    {"latency|reset", "request_policy:all_nodes", "response_policy:agg_sum", false},
    {"latency|doctor latency|graph latency|histogram latency|history latency|latest", "request_policy:all_nodes", "response_policy:special", false},
    {"slowlog|len", "request_policy:all_nodes", "response_policy:agg_sum", true},
    {"slowlog|get", "request_policy:all_nodes", NULL, true},
    {"dbsize", "request_policy:all_shards", "response_policy:agg_sum", false},
    {"flushall flushdb memory|purge ping", "request_policy:all_shards", "response_policy:all_succeeded", false},
    {"info memory|doctor memory|malloc-stats memory|stats", "request_policy:all_shards", "response_policy:special", false},
    {"randomkey", "request_policy:all_shards", "response_policy:special", true},
    {"keys", "request_policy:all_shards", NULL, true},
    {"del exists touch unlink", "request_policy:multi_shard", "response_policy:agg_sum", false},
    {"mset", "request_policy:multi_shard", "response_policy:all_succeeded", false},
    {"mget", "request_policy:multi_shard", NULL, false},
    {"scan", "request_policy:special", "response_policy:special", false},
};

static int tips_of_flags(const struct command *row, const char **tips)
{
    int count = 0;
    if (row->flags & CMD_RANDOM_OUTPUT)
        tips[count++] = "nondeterministic_output";
    if (row->flags & CMD_ORDER_OUTPUT)
        tips[count++] = "nondeterministic_output_order";
    return count;
}

int command_tips(const struct command *row, const char *tips[COMMAND_TIPS_MAX])
{
    size_t i = 0;
    int count = 0;
    while (i < COUNT(policies) && !listed(policies[i].names, row->name))
        i++;
    if (i == COUNT(policies))
        return tips_of_flags(row, tips);
    if (!policies[i].first)
        count = tips_of_flags(row, tips);
    tips[count++] = policies[i].request;
    if (policies[i].response)
        tips[count++] = policies[i].response;
    if (policies[i].first)
        count += tips_of_flags(row, tips + count);
    return count;
}

/* ---- names ---- */

const struct command *command_by_full_name(const struct command_table *table, struct slice name)
{
    const char *bar = name.size ? memchr(name.base, '|', name.size) : NULL;
    if (!bar)
        return command_find(table, name);
    size_t size = (size_t)(bar - name.base);
    const struct command *row = command_find(table, slice_of(name.base, size));
    return row ? command_subcommand(row, slice_of(bar + 1, name.size - size - 1)) : NULL;
}
