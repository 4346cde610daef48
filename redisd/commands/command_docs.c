/* SPDX-License-Identifier: MIT
 * command_docs: COMMAND DOCS: what commands are for, from their rows. Of Redis's fields those about single arguments are not there. */
#include "redisd/commands/command_facts.h"
#include "redisd/commands/introspection.h"
#include "redisd/redisd.h"

static const char *const group_names[GROUP_COUNT] = {
    [GROUP_STRING] = "string", [GROUP_LIST] = "list", [GROUP_SET] = "set", [GROUP_ZSET] = "sorted-set", [GROUP_HASH] = "hash",
    [GROUP_GENERIC] = "generic", [GROUP_CONNECTION] = "connection", [GROUP_SERVER] = "server", [GROUP_TRANSACTIONS] = "transactions",
    [GROUP_PUBSUB] = "pubsub", [GROUP_BITMAP] = "bitmap",
};

/* Commands that Redis's own documentation advises against. */
struct deprecation {
    const char *name, *since, *replaced_by;
};

static const struct deprecation deprecations[] = {
    {"brpoplpush", "6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"},
    {"getset", "6.2.0", "`SET` with the `!GET` argument"},
    {"hmset", "4.0.0", "`HSET` with multiple field-value pairs"},
    {"psetex", "2.6.12", "`SET` with the `PX` argument"},
    {"quit", "7.2.0", "just closing the connection"},
    {"rpoplpush", "6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"},
    {"setex", "2.6.12", "`SET` with the `EX` argument"},
    {"setnx", "2.6.12", "`SET` with the `NX` argument"},
    {"substr", "2.0.0", "`GETRANGE`"},
    {"zrangebylex", "6.2.0", "`ZRANGE` with the `BYLEX` argument"},
    {"zrangebyscore", "6.2.0", "`ZRANGE` with the `BYSCORE` argument"},
    {"zrevrange", "6.2.0", "`ZRANGE` with the `REV` argument"},
    {"zrevrangebylex", "6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"},
    {"zrevrangebyscore", "6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"},
};

static const struct deprecation *deprecation_of(const struct command *row)
{
    for (size_t i = 0; i < sizeof(deprecations) / sizeof(deprecations[0]); i++)
        if (strcmp(deprecations[i].name, row->name) == 0)
            return &deprecations[i];
    return NULL;
}

static size_t reply_field(struct resp_writer *w, const char *name, const char *value)
{
    if (!value)
        return 0;
    resp_bulk_string(w, name);
    resp_bulk_string(w, value);
    return 1;
}

static size_t reply_doc_flag(struct resp_writer *w, const char *flag)
{
    resp_bulk_string(w, "doc_flags");
    resp_set(w, 1);
    resp_simple(w, flag);
    return 1;
}

/* The fields of a row, its subcommands apart. Returns how many. */
static size_t reply_fields(struct resp_writer *w, const struct command *row)
{
    const struct deprecation *deprecation = deprecation_of(row);
    size_t count = reply_field(w, "summary", row->summary);
    count += reply_field(w, "since", row->since);
    count += reply_field(w, "group", group_names[row->group]);
    count += reply_field(w, "complexity", row->complexity);
    if (deprecation) {
        count += reply_doc_flag(w, "deprecated");
        count += reply_field(w, "deprecated_since", deprecation->since);
        count += reply_field(w, "replaced_by", deprecation->replaced_by);
    } else if (strcmp(row->name, "debug") == 0) {
        count += reply_doc_flag(w, "syscmd");
    }
    return count;
}

static void reply_docs(struct resp_writer *w, const struct command *row)
{
    size_t subcommands = command_subcommand_count(row);
    resp_bulk_string(w, row->name);
    size_t mark = resp_map_begin(w), count = reply_fields(w, row);
    if (subcommands) {
        resp_bulk_string(w, "subcommands");
        resp_map(w, subcommands);
        for (size_t i = 0; i < subcommands; i++) {
            resp_bulk_string(w, row->subcommands[i].name);
            size_t inner = resp_map_begin(w);
            resp_map_end(w, inner, reply_fields(w, &row->subcommands[i]));
        }
        count++;
    }
    resp_map_end(w, mark, count);
}

void command_docs(struct call *c)
{
    const struct command_table *table = c->server->commands;
    size_t mark = resp_map_begin(c->reply), count = 0;
    if (c->argc == 2)
        for (int i = 0; i < command_table_count(table); i++, count++)
            reply_docs(c->reply, command_table_at(table, i));
    for (int i = 2; i < c->argc; i++) {
        const struct command *row = command_by_full_name(table, c->argv[i]);
        if (!row)
            continue;
        reply_docs(c->reply, row);
        count++;
    }
    resp_map_end(c->reply, mark, count);
}
