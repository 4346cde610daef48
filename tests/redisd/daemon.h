/* SPDX-License-Identifier: MIT
 * daemon: a redisd of its own for a test: started on a free port with a fresh directory, stopped, killed, looked at from outside.
 *
 *      TMP/locus-test-XXXXXX/     root: removed when the test ends (LOCUS_KEEP in the environment: kept, and named on standard error)
 *          data/                  --dir, kept from one start to the next
 *          stderr                 what every start of the daemon said
 *          socket                 --unixsocket, for tests that ask for one
 *
 * The program is the one that was built together with the test: redisd and txlog, two folders above the test's own binary.
 * A daemon dies with the test that started it. What goes wrong in here fails the running test with the daemon's last words. */
#ifndef LOCUS_TESTS_REDISD_DAEMON_H
#define LOCUS_TESTS_REDISD_DAEMON_H

#include <sys/types.h>

#include "kernel/buffer.h"
#include "tests/support.h"

enum { DAEMON_PATH_MAX = 160, DAEMON_WORDS_MAX = 32 };

struct daemon {
    char root[DAEMON_PATH_MAX - 16];
    char dir[DAEMON_PATH_MAX];        /* root/data; a test may point it elsewhere before the first start */
    char socket_path[DAEMON_PATH_MAX];
    int port;                         /* of the last start; 0: never started */
    pid_t pid;                        /* 0: not running */
    off_t said;                       /* where in the file `stderr` the last start begins */
};

/* cmocka's setup and teardown: *state is a struct daemon with its directories, not started; whatever still runs is killed. */
int daemon_setup(void **state);
int daemon_teardown(void **state);
#define daemon_test(function) cmocka_unit_test_setup_teardown(function, daemon_setup, daemon_teardown)

/* Whether this build runs under a sanitizer, which changes speed, memory and what a fault does. */
bool daemon_sanitized(void);

/* Start with the options given (words, separated by single spaces, two quotes for an empty one; may be ""), and wait until it answers PING or refuses to. */
void daemon_start(struct daemon *daemon, const char *options);
/* Start and do not wait: the port is chosen, nothing is known yet. For those who mean to kill it at once. */
void daemon_spawn(struct daemon *daemon, const char *options);
/* Start where a failure is expected: waits for the end of the process. Returns its exit status, -1 when it came up after all (and
 * was killed); what it said is in daemon_said. */
int daemon_start_failing(struct daemon *daemon, const char *options);
/* SIGTERM; fails the test unless the daemon exits with status 0. */
void daemon_stop(struct daemon *daemon);
/* SIGKILL, and wait until it is gone. */
void daemon_kill(struct daemon *daemon);
/* stop or kill, then start again on the same directory. */
void daemon_restart(struct daemon *daemon, bool kill, const char *options);
/* Whether the process is still there. */
bool daemon_alive(struct daemon *daemon);

/* Resident bytes of the daemon, from /proc. */
size_t daemon_rss(const struct daemon *daemon);
/* What the last start wrote to standard error, appended to `text` with a NUL behind it. */
void daemon_said(const struct daemon *daemon, struct buffer *text);

/* Run "redisd" or "txlog" with these words, %s in them standing for daemon->dir, and `input` on standard input (may be ""). Standard output
 * and error are appended to `output`, with a NUL behind them. Returns the exit status, or 128 + signal. */
int daemon_tool(const struct daemon *daemon, const char *program, const char *words, struct slice input, struct buffer *output);

/* Milliseconds of a clock that only goes forward, and sleeping. */
int64_t daemon_now_ms(void);
void daemon_nap_ms(int ms);

#endif
