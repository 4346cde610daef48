/* SPDX-License-Identifier: MIT
 * config: CONFIG GET, SET, RESETSTAT, REWRITE.
 *
 * CONFIG SET with several directives sets all of them or none: the old values are put back when a later one is refused. */
#include <errno.h>

#include "kernel/reactor.h"
#include "redisd/config.h"
#include "redisd/logging.h"
#include "redisd/redisd.h"
#include "redisd/server.h"
#include "redisd/stats.h"

/* ---- GET ---- */

struct get_state {
    struct call *c;
    size_t count;
};

static void get_one(void *context, const struct config_directive_info *info)
{
    struct get_state *state = context;
    struct call *c = state->c;
    struct slice name = slice_from_string(info->name);
    for (int i = 2; i < c->argc; i++) {
        if (!glob_match(c->argv[i], name, true))
            continue;
        struct buffer value = {0};
        config_get(&c->server->config, name, &value);
        /* A name given without wildcards comes back with the letters in which it was written. */
        resp_bulk(c->reply, slice_equal_nocase(c->argv[i], name) ? c->argv[i] : name);
        resp_bulk(c->reply, buffer_slice(&value));
        buffer_free(&value);
        state->count++;
        return;
    }
}

static void config_get_command(struct call *c)
{
    struct get_state state = {c, 0};
    size_t mark = resp_map_begin(c->reply);
    config_each(get_one, &state);
    resp_map_end(c->reply, mark, state.count);
}

/* ---- SET ---- */

static bool set_failed(struct call *c, struct slice name, int error, const struct buffer *why)
{
    if (error == -ENOENT)
        resp_errorf(c->reply, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'", (int)name.size, name.base);
    else
        resp_errorf(c->reply, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %.*s", (int)name.size, name.base, (int)why->size, why->base);
    return false;
}

/* What a directive acts on beyond its field. 0 or -EINVAL with the reason. */
static int act(struct redisd *server, struct slice name, struct buffer *why)
{
    int got = 0;
    if (slice_equal_nocase(name, SLICE("appendfsync")) || slice_equal_nocase(name, SLICE("txlog-fsync")))
        got = server->log ? txlog_set_policy(server->log, (enum txlog_fsync)server->config.appendfsync) : 0;
    else if (slice_equal_nocase(name, SLICE("appendonly")) || slice_equal_nocase(name, SLICE("txlog")))
        got = server_switch_log(server, why);
    else if (slice_equal_nocase(name, SLICE("txlog-retain")) && server->log)
        txlog_set_retain(server->log, (uint64_t)server->config.txlog_retain_bytes);
    else if (slice_equal_nocase(name, SLICE("slowlog-max-len")))
        slowlog_trim(&server->slowlog, (size_t)server->config.slowlog_max_len);
    if (got < 0 && !why->size)
        buffer_format(why, "%s", strerror(-got));
    return got < 0 ? -EINVAL : 0;
}

/* Set argv[at], argv[at + 1], ...; puts back what it set when one is refused. Recursion depth: the number of pairs, bounded by the caller. */
static bool set_pairs(struct call *c, int at)
{
    if (at == c->argc)
        return true;
    struct config *config = &c->server->config;
    struct buffer old = {0}, why = {0};
    struct slice name = c->argv[at];
    config_get(config, name, &old);
    int got = config_set(config, name, c->argv[at + 1], false, &why);
    bool good = got == 0 || set_failed(c, name, got, &why);
    if (good) {
        got = act(c->server, name, &why);
        good = got == 0 ? set_pairs(c, at + 2) : set_failed(c, name, got, &why);
        if (!good) {
            struct buffer ignored = {0};
            config_set(config, name, buffer_slice(&old), true, &ignored);
            if (got == 0)
                act(c->server, name, &ignored);
            buffer_free(&ignored);
        }
    }
    buffer_free(&old);
    buffer_free(&why);
    return good;
}

static bool names_repeat(struct call *c)
{
    for (int i = 2; i < c->argc; i += 2)
        for (int j = 2; j < i; j += 2)
            if (slice_equal_nocase(c->argv[i], c->argv[j])) {
                resp_errorf(c->reply, "ERR CONFIG SET failed (possibly related to argument '%.*s') - duplicate parameter", (int)c->argv[i].size, c->argv[i].base);
                return true;
            }
    return false;
}

static void config_set_command(struct call *c)
{
    enum { PAIRS_MAX = 256 };
    if (c->argc % 2 || c->argc > 2 + 2 * PAIRS_MAX) {
        reply_syntax(c);
        return;
    }
    if (names_repeat(c) || !set_pairs(c, 2))
        return;
    redisd_measure_memory(c->server);
    *keyspace_limits(c->server->keyspace) = c->server->config.limits;
    slowlog_set_threshold(c->server);
    resp_ok(c->reply);
}

/* ---- the rest ---- */

static void config_resetstat(struct call *c)
{
    stats_reset(c->server);
    resp_ok(c->reply);
}

static void config_rewrite_command(struct call *c)
{
    struct buffer error = {0};
    if (config_rewrite(&c->server->config, &error) < 0)
        resp_errorf(c->reply, "ERR %s%.*s", c->server->config.file.size ? "Rewriting config file: " : "", (int)error.size, error.base);
    else
        resp_ok(c->reply);
    buffer_free(&error);
}

static void config_help(struct call *c)
{
    static const char *const lines[] = {
        "GET <pattern>", "    Settings whose names match the glob patterns, with their values.",
        "SET <directive> <value>", "    Change settings; several at once are changed together or not at all.",
        "RESETSTAT", "    Set the counters that INFO reports back to zero.",
        "REWRITE", "    Write the settings into the configuration file.",
        NULL,
    };
    reply_help(c, lines);
}

#define FLAGS (CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
const struct command config_subcommands[] = {
    {"config|get", config_get_command, -3, FLAGS, 0, 0, 0, GROUP_SERVER, "2.0.0", "O(N), N the settings", "Answers settings by glob patterns.", NULL, NULL, 0},
    {"config|help", config_help, 2, CMD_LOADING | CMD_STALE, 0, 0, 0, GROUP_SERVER, "5.0.0", "O(1)", "Tells about the subcommands.", NULL, NULL, 0},
    {"config|resetstat", config_resetstat, 2, FLAGS, 0, 0, 0, GROUP_SERVER, "2.0.0", "O(1)", "Sets statistics back to zero.", NULL, NULL, 0},
    {"config|rewrite", config_rewrite_command, 2, FLAGS, 0, 0, 0, GROUP_SERVER, "2.8.0", "O(1)", "Writes settings into the configuration file.", NULL, NULL, 0},
    {"config|set", config_set_command, -4, FLAGS, 0, 0, 0, GROUP_SERVER, "2.0.0", "O(N), N the settings", "Changes settings.", NULL, NULL, 0},
    {0},
};
