/* SPDX-License-Identifier: MIT
 * redisd: a Redis server on the locus kernel. main reads the options, opens the parts in order, turns until told to stop, and closes them in
 * the opposite order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/listener.h"
#include "redisd/logging.h"
#include "redisd/redisd.h"
#include "redisd/replay.h"
#include "redisd/server.h"
#include "redisd/session.h"

enum { LISTENERS_MAX = 16, DESCRIPTORS_OWN = 32 /* log, listeners, poller, spare */ };

static const char help[] =
    "usage: redisd [file.conf] [--option value ...]\n"
    "       redisd replay --dir DIR [--verify] [--until TX]\n"
    "\n"
    "A Redis server whose every change is one transaction in a verifiable log.\n"
    "Options are those of redis.conf; redis.conf syntax in the file. The most used:\n"
    "\n"
    "  --port N                 TCP port (6379; 0: none)\n"
    "  --bind ADDRESS ...       addresses to listen on (127.0.0.1)\n"
    "  --unixsocket PATH        listen on a unix socket too\n"
    "  --dir DIR                where the log and its checkpoints are kept (data/redisd)\n"
    "  --requirepass PASSWORD   clients must authenticate\n"
    "  --protected-mode yes|no  refuse peers from elsewhere while there is no password (yes)\n"
    "  --appendonly yes|no      keep the transaction log (yes); --txlog is the same setting\n"
    "  --appendfsync POLICY     always, everysec or no (everysec); --txlog-fsync is the same\n"
    "  --maxclients N           connections (10000)\n"
    "  --databases N            databases (16)\n"
    "  --isolation LEVEL        none, guard or mask: what keeps sessions apart (guard)\n"
    "  --stdio                  one session on standard input and output\n"
    "  --loglevel LEVEL         debug, verbose, notice or warning (notice)\n"
    "  --version, --help\n"
    "\n"
    "Signals: SIGTERM and SIGINT stop cleanly: replies out, log flushed, exit 0.\n";

static void on_signal(void *context, struct reactor *reactor, int signal)
{
    const struct redisd *server = context;
    server_log(server, LOG_NOTICE, "received signal %d, stopping", signal);
    reactor_stop(reactor);
}

/* The descriptors that maxclients needs; when the limit does not allow them, maxclients is what it allows. */
static void fit_descriptors(struct redisd *server)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    rlim_t wanted = (rlim_t)server->config.maxclients + DESCRIPTORS_OWN;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < wanted) {
        server->config.maxclients = (int64_t)limit.rlim_cur - DESCRIPTORS_OWN;
        server_log(server, LOG_WARNING, "the descriptor limit allows %lld clients", (long long)server->config.maxclients);
    }
}

/* ---- listening ---- */

struct listeners {
    struct listener *all[LISTENERS_MAX];
    int count;
};

static int listen_on(struct redisd *server, struct listeners *listeners, int fd, const char *where)
{
    int got = fd < 0 ? fd : listeners->count == LISTENERS_MAX ? -E2BIG : listener_open(&listeners->all[listeners->count], server->reactor, fd, session_accept, server);
    if (got < 0) {
        server_log(server, LOG_WARNING, "cannot listen on %s: %s", where, strerror(-got));
        return got;
    }
    listeners->count++;
    return 0;
}

/* Every address of `bind`; one that begins with '-' may fail. */
static int listen_tcp(struct redisd *server, struct listeners *listeners)
{
    char addresses[1024], *rest = addresses, *address;
    snprintf(addresses, sizeof(addresses), "%.*s", (int)server->config.bind.size, server->config.bind.base);
    while ((address = strsep(&rest, " "))) {
        if (!*address)
            continue;
        bool may_fail = *address == '-';
        address += may_fail;
        char where[300];
        int bound = 0;
        int fd = server->os->ops->listen_tcp(server->os->self, strcmp(address, "*") == 0 ? "0.0.0.0" : address, (int)server->config.port, (int)server->config.tcp_backlog, &bound);
        snprintf(where, sizeof(where), "%s port %d", address, fd < 0 ? (int)server->config.port : bound);
        int got = listen_on(server, listeners, fd, where);
        if (got < 0 && !may_fail)
            return got;
        if (got == 0)
            server_log(server, LOG_NOTICE, "ready to accept connections on %s", where);
    }
    return 0;
}

static int listen_unix(struct redisd *server, struct listeners *listeners)
{
    char path[256];
    snprintf(path, sizeof(path), "%.*s", (int)server->config.unixsocket.size, server->config.unixsocket.base);
    int got = listen_on(server, listeners, server->os->ops->listen_unix(server->os->self, path, (int)server->config.unixsocketperm, (int)server->config.tcp_backlog), path);
    if (got == 0)
        server_log(server, LOG_NOTICE, "ready to accept connections on %s", path);
    return got;
}

static int listen_all(struct redisd *server, struct listeners *listeners)
{
    if (server->config.stdio)
        return session_stdio(server);
    int got = server->config.port > 0 ? listen_tcp(server, listeners) : 0;
    return got == 0 && server->config.unixsocket.size ? listen_unix(server, listeners) : got;
}

/* ---- the life of the process ---- */

static int serve(struct redisd *server)
{
    struct os *os = os_linux();
    const struct reactor_options options = {
        .isolation_mask = server->config.isolation == 2,
        .contain_faults = server->config.isolation >= 1,
        .turn_end = server_turn_end,
        .context = server,
        .on_signal = on_signal,
    };
    struct buffer error = {0};
    struct listeners listeners = {0};
    server->os = os;
    fit_descriptors(server);
    int got = reactor_new(&server->reactor, os, &options);
    if (got == 0)
        got = reactor_catch_signals(server->reactor);
    if (got < 0) {
        server_log(server, LOG_WARNING, "cannot start: %s", strerror(-got));
        return 1;
    }
    int64_t began_us = os_wall_us(os);
    got = redisd_open(server, os, server->reactor, &error);
    if (got < 0) {
        server_log(server, LOG_WARNING, "cannot open the data: %.*s", (int)error.size, error.base);
    } else {
        server_log(server, LOG_NOTICE, "redisd %s (redis %s): %zu keys in database 0, opened in %lld ms", REDISD_VERSION, REDISD_REDIS_VERSION, db_size(keyspace_db(server->keyspace, 0)),
                   (long long)(os_wall_us(os) - began_us) / 1000);
        got = listen_all(server, &listeners);
        if (got == 0) {
            server_start(server);
            got = reactor_run(server->reactor);
        }
    }
    server->stopping = true;
    for (int i = 0; i < listeners.count; i++)
        listener_close(listeners.all[i]);
    if (server->config.unixsocket.size && listeners.count)
        os->ops->unlink(os->self, server->config.unixsocket.base);
    int closed = redisd_close(server);
    if (closed == 0)
        server_drain(server);
    reactor_free(server->reactor);
    if (closed < 0 && server->exit_code == 0)
        server_log(server, LOG_WARNING, "the transaction log could not be flushed: %s", strerror(-closed));
    int code = got < 0 || closed < 0 ? 1 : server->exit_code;
    server_log(server, LOG_NOTICE, code ? "stopped" : "stopped cleanly");
    buffer_free(&error);
    return code;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(help, stdout) < 0;
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-v") == 0)
            return printf("redisd %s (redis %s)\n", REDISD_VERSION, REDISD_REDIS_VERSION) < 0;
    }
    struct redisd *server = calloc(1, sizeof(*server));
    struct buffer error = {0};
    if (!server)
        return 1;
    config_init(&server->config);
    bool replay = argc > 1 && strcmp(argv[1], "replay") == 0;
    if (replay)
        return replay_main(server, argc - 1, argv + 1);
    int code = 1;
    if (config_parse_arguments(&server->config, argc, argv, &error) < 0) {
        fprintf(stderr, "redisd: %.*s\nredisd --help tells the options\n", (int)error.size, error.base);
        config_deinit(&server->config);
    } else {
        code = serve(server);
        redisd_free(server);
    }
    free(server);
    buffer_free(&error);
    return code;
}
