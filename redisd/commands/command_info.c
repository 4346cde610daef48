/* SPDX-License-Identifier: MIT
 * command_info: COMMAND, COMMAND COUNT, INFO, LIST, GETKEYS and GETKEYSANDFLAGS, all derived from the rows of the commands.
 *
 *      [name, arity, {flags}, first key, last key, key step, {@categories}, {tips}, {key specifications}, [subcommands]] */
#include <ctype.h>
#include <stdio.h>

#include "redisd/commands/command_facts.h"
#include "redisd/commands/introspection.h"
#include "redisd/redisd.h"

/* ---- one command ---- */

static const struct { uint32_t flag; const char *name; } flag_names[] = {
    {CMD_WRITE, "write"}, {CMD_READONLY, "readonly"}, {CMD_DENYOOM, "denyoom"}, {CMD_ADMIN, "admin"}, {CMD_PUBSUB, "pubsub"},
    {CMD_NOSCRIPT, "noscript"}, {CMD_BLOCKING, "blocking"}, {CMD_LOADING, "loading"}, {CMD_STALE, "stale"},
    {CMD_SKIP_MONITOR, "skip_monitor"}, {CMD_SKIP_SLOWLOG, "skip_slowlog"}, {CMD_ASKING, "asking"}, {CMD_FAST, "fast"},
    {CMD_NO_AUTH, "no_auth"}, {CMD_NO_ASYNC_LOADING, "no_async_loading"}, {CMD_NO_MULTI, "no_multi"},
    {CMD_MOVABLE_KEYS, "movablekeys"}, {CMD_ALLOW_BUSY, "allow_busy"},
};

static void reply_flags(struct resp_writer *w, uint32_t flags)
{
    size_t mark = resp_set_begin(w), count = 0;
    for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
        if (flags & flag_names[i].flag) {
            resp_simple(w, flag_names[i].name);
            count++;
        }
    }
    resp_set_end(w, mark, count);
}

static void reply_categories(struct resp_writer *w, const struct command *row)
{
    uint32_t categories = command_categories(row);
    resp_set(w, (size_t)__builtin_popcount(categories));
    for (int i = 0; i < COMMAND_CATEGORIES; i++) {
        char name[24];
        snprintf(name, sizeof(name), "@%s", command_category_name(i));
        if (categories & 1u << i)
            resp_simple(w, name);
    }
}

static void reply_tips(struct resp_writer *w, const struct command *row)
{
    const char *tips[COMMAND_TIPS_MAX];
    int count = command_tips(row, tips);
    resp_set(w, (size_t)count);
    for (int i = 0; i < count; i++)
        resp_bulk_string(w, tips[i]);
}

static void reply_key_flags(struct resp_writer *w, uint32_t flags)
{
    resp_set(w, (size_t)__builtin_popcount(flags));
    for (int i = 0; i < KEY_FLAGS; i++)
        if (flags & 1u << i)
            resp_simple(w, key_flag_name(i));
}

/* A method with its numbers: {"type": name, "spec": {...}}. */
static void reply_method(struct resp_writer *w, const char *step, const char *name, size_t numbers)
{
    resp_bulk_string(w, step);
    resp_map(w, 2);
    resp_bulk_string(w, "type");
    resp_bulk_string(w, name);
    resp_bulk_string(w, "spec");
    resp_map(w, numbers);
}

static void reply_number(struct resp_writer *w, const char *name, int64_t value)
{
    resp_bulk_string(w, name);
    resp_integer(w, value);
}

static void reply_begin(struct resp_writer *w, const struct key_spec *spec)
{
    reply_method(w, "begin_search", spec->begin ? "index" : "unknown", spec->begin != 0);
    if (spec->begin)
        reply_number(w, "index", spec->begin);
}

static void reply_find(struct resp_writer *w, const struct key_spec *spec)
{
    switch (spec->find) {
    case KEYS_UNKNOWN:
        reply_method(w, "find_keys", "unknown", 0);
        break;
    case KEYS_RANGE:
        reply_method(w, "find_keys", "range", 3);
        reply_number(w, "lastkey", spec->last);
        reply_number(w, "keystep", spec->step);
        reply_number(w, "limit", 0);
        break;
    case KEYS_COUNTED:
        reply_method(w, "find_keys", "keynum", 3);
        reply_number(w, "keynumidx", 0);
        reply_number(w, "firstkey", 1);
        reply_number(w, "keystep", spec->step);
        break;
    }
}

static void reply_key_specs(struct resp_writer *w, const struct command *row)
{
    struct key_spec specs[COMMAND_KEY_SPECS_MAX];
    int count = command_key_specs(row, specs);
    resp_set(w, (size_t)count);
    for (int i = 0; i < count; i++) {
        resp_map(w, specs[i].notes ? 4 : 3);
        if (specs[i].notes) {
            resp_bulk_string(w, "notes");
            resp_bulk_string(w, specs[i].notes);
        }
        resp_bulk_string(w, "flags");
        reply_key_flags(w, specs[i].flags);
        reply_begin(w, &specs[i]);
        reply_find(w, &specs[i]);
    }
}

/* Without its subcommands. */
static void reply_row(struct resp_writer *w, const struct command *row)
{
    resp_array(w, 10);
    resp_bulk_string(w, row->name);
    resp_integer(w, row->arity);
    reply_flags(w, row->flags);
    resp_integer(w, row->first_key);
    resp_integer(w, row->last_key);
    resp_integer(w, row->key_step);
    reply_categories(w, row);
    reply_tips(w, row);
    reply_key_specs(w, row);
}

size_t command_subcommand_count(const struct command *row)
{
    size_t count = 0;
    while (row->subcommands && row->subcommands[count].name)
        count++;
    return count;
}

static void reply_info(struct resp_writer *w, const struct command *row)
{
    if (!row) {
        resp_null_array(w);
        return;
    }
    size_t count = command_subcommand_count(row);
    reply_row(w, row);
    if (!count) { /* Redis has a set here for a command that cannot have any */
        resp_set(w, 0);
        return;
    }
    resp_array(w, count);
    for (size_t i = 0; i < count; i++) {
        reply_row(w, &row->subcommands[i]);
        resp_set(w, 0);
    }
}

/* ---- all of them ---- */

static void reply_all(struct call *c)
{
    const struct command_table *table = c->server->commands;
    resp_array(c->reply, (size_t)command_table_count(table));
    for (int i = 0; i < command_table_count(table); i++)
        reply_info(c->reply, command_table_at(table, i));
}

/* Also what runs when no subcommand has the name given. */
void command_command(struct call *c)
{
    enum { SHOWN_MAX = 128 };
    if (c->argc == 1) {
        reply_all(c);
        return;
    }
    struct slice name = c->argv[1];
    resp_errorf(c->reply, "ERR unknown subcommand '%.*s'. Try COMMAND HELP.", (int)(name.size < SHOWN_MAX ? name.size : SHOWN_MAX), name.base);
}

static void command_info(struct call *c)
{
    if (c->argc == 2) {
        reply_all(c);
        return;
    }
    resp_array(c->reply, (size_t)(c->argc - 2));
    for (int i = 2; i < c->argc; i++)
        reply_info(c->reply, command_by_full_name(c->server->commands, c->argv[i]));
}

static void command_count(struct call *c)
{
    resp_integer(c->reply, command_table_count(c->server->commands));
}

/* ---- LIST ---- */

enum filter { FILTER_NONE, FILTER_MODULE, FILTER_CATEGORY, FILTER_PATTERN };

static bool passes(enum filter filter, struct slice wanted, const struct command *row)
{
    uint32_t categories = command_categories(row);
    switch (filter) {
    case FILTER_NONE: return true;
    case FILTER_MODULE: return false; /* there are none */
    case FILTER_PATTERN: return glob_match(wanted, slice_from_string(row->name), true);
    case FILTER_CATEGORY:
        for (int i = 0; i < COMMAND_CATEGORIES; i++)
            if ((categories & 1u << i) && slice_equal_nocase(wanted, slice_from_string(command_category_name(i))))
                return true;
        return false;
    }
    return false;
}

static enum filter filter_by(struct slice word)
{
    if (slice_equal_nocase(word, SLICE("module")))
        return FILTER_MODULE;
    if (slice_equal_nocase(word, SLICE("aclcat")))
        return FILTER_CATEGORY;
    return slice_equal_nocase(word, SLICE("pattern")) ? FILTER_PATTERN : FILTER_NONE;
}

static size_t list_row(struct call *c, enum filter filter, struct slice wanted, const struct command *row)
{
    if (!passes(filter, wanted, row))
        return 0;
    resp_bulk_string(c->reply, row->name);
    return 1;
}

static void command_list(struct call *c)
{
    enum filter filter = FILTER_NONE;
    struct slice wanted = {0};
    if (c->argc > 2) {
        bool filtered = c->argc == 5 && slice_equal_nocase(c->argv[2], SLICE("filterby"));
        filter = filtered ? filter_by(c->argv[3]) : FILTER_NONE;
        if (filter == FILTER_NONE) {
            reply_syntax(c);
            return;
        }
        wanted = c->argv[4];
    }
    const struct command_table *table = c->server->commands;
    size_t mark = resp_array_begin(c->reply), count = 0;
    for (int i = 0; i < command_table_count(table); i++) {
        const struct command *row = command_table_at(table, i);
        count += list_row(c, filter, wanted, row);
        for (size_t s = 0; s < command_subcommand_count(row); s++)
            count += list_row(c, filter, wanted, &row->subcommands[s]);
    }
    resp_array_end(c->reply, mark, count);
}

/* ---- GETKEYS ---- */

/* Has the command keys, as opposed to arguments that are only placed like keys (channels of sharded pub/sub)? */
static bool has_keys(const struct command *row)
{
    struct key_spec specs[COMMAND_KEY_SPECS_MAX];
    return command_key_specs(row, specs) && !(specs[0].flags & KEY_NOT_KEY);
}

/* Of the command given as arguments, its row; NULL: the error is answered. */
static const struct command *getkeys_row(struct call *c)
{
    const struct command *parent, *row = command_resolve(c->server->commands, c->argv + 2, c->argc - 2, &parent);
    int argc = c->argc - 2;
    if (!row)
        reply_error(c, "ERR Invalid command specified");
    else if (!has_keys(row))
        reply_error(c, "ERR The command has no key arguments");
    else if ((row->arity > 0 && row->arity != argc) || argc < -row->arity)
        reply_error(c, "ERR Invalid number of arguments specified for command");
    else
        return row;
    return NULL;
}

static void getkeys(struct call *c, bool with_flags)
{
    const struct command *row = getkeys_row(c);
    if (!row)
        return;
    const struct slice *argv = c->argv + 2;
    int argc = c->argc - 2, count;
    struct buffer room = {0}; /* one position per argument is always enough */
    int *positions = (int *)(void *)buffer_room(&room, (size_t)argc * sizeof(int));
    count = command_keys(row, argv, argc, positions, argc);
    if (count <= 0)
        reply_error(c, "ERR Invalid arguments specified for command");
    else
        resp_array(c->reply, (size_t)count);
    for (int i = 0; i < count; i++) {
        if (with_flags)
            resp_array(c->reply, 2);
        resp_bulk(c->reply, argv[positions[i]]);
        if (with_flags)
            reply_key_flags(c->reply, command_key_flags(row, argv, argc, positions[i]));
    }
    buffer_free(&room);
}

static void command_getkeys(struct call *c)
{
    getkeys(c, false);
}

static void command_getkeysandflags(struct call *c)
{
    getkeys(c, true);
}

static void command_help(struct call *c)
{
    static const char *const lines[] = {
        "(no subcommand)", "    Tell about all commands.",
        "COUNT", "    How many commands there are.",
        "DOCS [<command-name> ...]", "    What commands are for. Default: all of them.",
        "GETKEYS <full-command>", "    The keys among the arguments of a command.",
        "GETKEYSANDFLAGS <full-command>", "    The keys, and what the command does with each.",
        "INFO [<command-name> ...]", "    Arity, flags, keys and categories of commands. Default: all of them.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <glob>)]", "    Names of commands.",
        NULL,
    };
    reply_help(c, lines);
}

#define FLAGS (CMD_LOADING | CMD_STALE)
#define ROW(name, run, arity, flags, since, cost, summary) {"command|" name, run, arity, FLAGS | (flags), 0, 0, 0, GROUP_SERVER, since, cost, summary, NULL, NULL, 0}
const struct command command_subcommands[] = {
    ROW("count", command_count, 2, 0, "2.8.13", "O(1)", "Counts the commands of the server."),
    ROW("docs", command_docs, -2, CMD_ORDER_OUTPUT, "7.0.0", "O(N), N the commands asked for", "Tells what commands are for."),
    ROW("getkeys", command_getkeys, -3, 0, "2.8.13", "O(N), N the arguments", "Finds the keys among a command's arguments."),
    ROW("getkeysandflags", command_getkeysandflags, -3, 0, "7.0.0", "O(N), N the arguments", "Finds the keys among a command's arguments and what is done with them."),
    ROW("help", command_help, 2, 0, "5.0.0", "O(1)", "Tells about the subcommands."),
    ROW("info", command_info, -2, CMD_ORDER_OUTPUT, "2.8.13", "O(N), N the commands asked for", "Tells how commands are called: arity, flags, keys."),
    ROW("list", command_list, -2, CMD_ORDER_OUTPUT, "7.0.0", "O(N), N the commands", "Lists names of commands."),
    {0},
};
