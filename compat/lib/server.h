/* SPDX-License-Identifier: MIT
 * server: start a Redis-like server on a free port of the loopback, with a directory of its own, and stop it. */
#ifndef LOCUS_COMPAT_SERVER_H
#define LOCUS_COMPAT_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

enum { SERVER_START_S = 20, SERVER_STOP_S = 20, SERVER_ARGS_MAX = 64 };

struct server {
    const char *path; /* Borrowed: the binary */
    pid_t pid;        /* 0: not ours to stop */
    int port;
    char dir[256];    /* its data, and what it printed, in "log"; removed by server_stop */
};

/* Start `path` with --port, --bind 127.0.0.1, --dir, and the NULL-terminated `options`. Returns when it answers PING: 0, or
 * -errno after printing why, and what the server had to say. `cpu` >= 0 pins it to that processor. */
int server_start(struct server *server, const char *path, const char *const *options, int cpu);

/* SIGTERM, then after SERVER_STOP_S SIGKILL. Returns the exit status, or 128 + the signal. */
int server_stop(struct server *server);

/* Kill it and start it again on the same directory and port; for restarts. */
int server_restart(struct server *server, const char *const *options, int cpu);

#endif
