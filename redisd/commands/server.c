/* SPDX-License-Identifier: MIT
 * server: TIME, SAVE and its kin, LASTSAVE, SHUTDOWN, ROLE. */
#include <errno.h>

#include "kernel/reactor.h"
#include "redisd/redisd.h"
#include "redisd/save.h"

static void time_of_day(struct call *c)
{
    int64_t now_us = os_wall_us(c->server->os);
    resp_array(c->reply, 2);
    resp_bulk_integer(c->reply, now_us / 1000000);
    resp_bulk_integer(c->reply, now_us % 1000000);
}

static void reply_save_error(struct call *c, int error)
{
    if (error == -EINPROGRESS)
        reply_error(c, "ERR Background save already in progress");
    else
        resp_errorf(c->reply, "ERR saving failed: %s", strerror(-error));
}

static void save(struct call *c)
{
    int got = save_now(c->server);
    if (got < 0)
        reply_save_error(c, got);
    else
        resp_ok(c->reply);
}

static void bgsave(struct call *c)
{
    if (c->argc > 2 || (c->argc == 2 && !slice_equal_nocase(c->argv[1], SLICE("schedule")))) {
        reply_syntax(c);
        return;
    }
    if (c->argc == 2 && save_running(c->server)) { /* SCHEDULE: the one that runs serves as well */
        resp_simple(c->reply, "Background saving scheduled");
        return;
    }
    int got = save_start(c->server);
    if (got < 0)
        reply_save_error(c, got);
    else
        resp_simple(c->reply, "Background saving started");
}

/* What a rewrite of the append-only file is for - a restart that needs not replay everything - is what a checkpoint does. */
static void bgrewriteaof(struct call *c)
{
    int got = save_start(c->server);
    if (got == -EINPROGRESS)
        reply_error(c, "ERR Background append only file rewriting already in progress");
    else if (got < 0)
        reply_save_error(c, got);
    else
        resp_simple(c->reply, "Background append only file rewriting started");
}

static void lastsave(struct call *c)
{
    resp_integer(c->reply, c->server->last_save_s);
}

static void role(struct call *c)
{
    resp_array(c->reply, 3);
    resp_bulk_string(c->reply, "master");
    resp_integer(c->reply, c->server->log ? (int64_t)txlog_newest(c->server->log) : 0);
    resp_array(c->reply, 0);
}

struct shutdown_options {
    bool save, nosave, now, force, abort;
};

static bool shutdown_parse(struct call *c, struct shutdown_options *o)
{
    for (int i = 1; i < c->argc; i++) {
        if (slice_equal_nocase(c->argv[i], SLICE("save")))
            o->save = true;
        else if (slice_equal_nocase(c->argv[i], SLICE("nosave")))
            o->nosave = true;
        else if (slice_equal_nocase(c->argv[i], SLICE("now")))
            o->now = true;
        else if (slice_equal_nocase(c->argv[i], SLICE("force")))
            o->force = true;
        else if (slice_equal_nocase(c->argv[i], SLICE("abort")))
            o->abort = true;
        else
            return false;
    }
    return !(o->save && o->nosave) && !(o->abort && c->argc > 2);
}

/* The log is flushed by every clean stop, so NOSAVE loses nothing that was acknowledged; SAVE takes a checkpoint first. */
static void shutdown_server(struct call *c)
{
    struct shutdown_options options = {0};
    if (!shutdown_parse(c, &options)) {
        reply_syntax(c);
        return;
    }
    if (options.abort) {
        reply_error(c, "ERR No shutdown in progress.");
        return;
    }
    int got = options.save || (!c->server->log && !options.nosave && c->server->config.save.size) ? save_now(c->server) : 0;
    if (got < 0 && !options.force) {
        reply_error(c, "ERR Errors trying to SHUTDOWN. Check logs.");
        return;
    }
    c->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
    reactor_stop(c->server->reactor);
}

const struct command commands_server[] = {
    {"time", time_of_day, 1, CMD_LOADING | CMD_STALE | CMD_FAST | CMD_RANDOM_OUTPUT, 0, 0, 0, GROUP_SERVER, "2.6.0", "O(1)", "Answers the server's clock: seconds and microseconds.", NULL, NULL, 0},
    {"save", save, 1, CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI, 0, 0, 0, GROUP_SERVER, "1.0.0", "O(N), N the keys", "Writes a checkpoint before answering.", NULL, NULL, 0},
    {"bgsave", bgsave, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING, 0, 0, 0, GROUP_SERVER, "1.0.0", "O(1)", "Begins a checkpoint, written while commands go on.", NULL, NULL, 0},
    {"bgrewriteaof", bgrewriteaof, 1, CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING, 0, 0, 0, GROUP_SERVER, "1.0.0", "O(1)", "Begins a checkpoint, from which a restart begins.", NULL, NULL, 0},
    {"lastsave", lastsave, 1, CMD_LOADING | CMD_STALE | CMD_FAST | CMD_RANDOM_OUTPUT, 0, 0, 0, GROUP_SERVER, "1.0.0", "O(1)", "Answers when the last checkpoint was complete.", NULL, NULL, 0},
    {"role", role, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST, 0, 0, 0, GROUP_SERVER, "2.8.12", "O(1)", "Answers the part that the server plays in replication.", NULL, NULL, 0},
    {"shutdown", shutdown_server, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI | CMD_ALLOW_BUSY, 0, 0, 0, GROUP_SERVER, "1.0.0", "O(N) when saving, N the keys", "Flushes the log and stops the server.", NULL, NULL, 0},
    {0},
};
