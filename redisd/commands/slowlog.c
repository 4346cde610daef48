/* SPDX-License-Identifier: MIT
 * slowlog: SLOWLOG GET, LEN, RESET: the commands that took longer than slowlog-log-slower-than. What is kept is in redisd/slowlog.c. */
#include "redisd/slowlog.h"

#include "redisd/redisd.h"

static void reply_entry(struct resp_writer *w, const struct slowlog_entry *entry)
{
    resp_array(w, 6);
    resp_integer(w, (int64_t)entry->id);
    resp_integer(w, entry->time_s);
    resp_integer(w, entry->duration_us);
    resp_array(w, (size_t)entry->argc);
    for (int i = 0; i < entry->argc; i++)
        resp_bulk(w, slice_of(entry->argv[i], entry->sizes[i]));
    resp_bulk_string(w, entry->peer);
    resp_bulk_string(w, entry->name ? entry->name : "");
}

static void slowlog_get(struct call *c)
{
    int64_t wanted = 10;
    if (c->argc > 3) {
        resp_errorf(c->reply, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try SLOWLOG HELP.", (int)c->argv[1].size, c->argv[1].base);
        return;
    }
    if (c->argc == 3 && !parse_range_i64(c, c->argv[2], -1, INT64_MAX, &wanted, "ERR count should be greater than or equal to -1"))
        return;
    const struct slowlog *slowlog = &c->server->slowlog;
    size_t count = wanted < 0 || (uint64_t)wanted > slowlog->count ? slowlog->count : (size_t)wanted;
    const struct slowlog_entry *entry = slowlog->newest;
    resp_array(c->reply, count);
    for (size_t i = 0; i < count; i++, entry = entry->next)
        reply_entry(c->reply, entry);
}

static void slowlog_len(struct call *c)
{
    resp_integer(c->reply, (int64_t)c->server->slowlog.count);
}

static void slowlog_reset_command(struct call *c)
{
    slowlog_reset(&c->server->slowlog);
    resp_ok(c->reply);
}

static void slowlog_help(struct call *c)
{
    static const char *const lines[] = {
        "GET [<count>]", "    The newest entries (default: 10, -1: all), each an array of id, time, microseconds,",
        "    arguments, address and name of the client.", "LEN", "    How many entries there are.",
        "RESET", "    Forget all entries.",
        NULL,
    };
    reply_help(c, lines);
}

#define ADMIN (CMD_ADMIN | CMD_LOADING | CMD_STALE)
#define ROW(name, run, arity, flags, since, cost, summary) {"slowlog|" name, run, arity, flags, 0, 0, 0, GROUP_SERVER, since, cost, summary, NULL, NULL, 0}
const struct command slowlog_subcommands[] = {
    ROW("get", slowlog_get, -2, ADMIN | CMD_RANDOM_OUTPUT, "2.2.12", "O(N), N the entries answered", "Answers entries of the slow log."),
    ROW("help", slowlog_help, 2, CMD_LOADING | CMD_STALE, "6.2.0", "O(1)", "Tells about the subcommands."),
    ROW("len", slowlog_len, 2, ADMIN | CMD_RANDOM_OUTPUT, "2.2.12", "O(1)", "Counts the entries of the slow log."),
    ROW("reset", slowlog_reset_command, 2, ADMIN, "2.2.12", "O(N), N the entries", "Forgets all entries of the slow log."),
    {0},
};
