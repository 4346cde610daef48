/* SPDX-License-Identifier: MIT
 * replay: see replay.h. Without --verify deltas are applied, from the newest checkpoint on: what a recovery would do. With it the
 * oldest history that is there is re-executed, command by command, and every delta and every checkpoint's state must come out as recorded. */
#include "redisd/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "redisd/server.h"
#include "services/txlog/reader.h"

static const char usage[] =
    "usage: redisd replay --dir DIR [--verify] [--until TX|TIME]\n"
    "\n"
    "Rebuilds the keyspace from the log in DIR (the data directory), offline or beside a running server, and prints what it came to.\n"
    "\n"
    "  --verify       execute every input again and compare each delta, and the state at each checkpoint, with the log\n"
    "  --until TX     stop behind that transaction\n"
    "  --until TIME   stop before that moment: 2026-11-20T21:00:00 (UTC)\n"
    "\n"
    "Exit code: 0 all as recorded, 1 a difference or damage (the message names the place), 2 wrong usage.\n";

struct arguments {
    const char *dir;
    struct replay_options options;
};

static bool parse_until(const char *text, struct replay_options *options)
{
    struct tm tm = {0};
    char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (end && (*end == 0 || strcmp(end, "Z") == 0)) {
        options->until_time_us = (int64_t)timegm(&tm) * 1000000;
        return true;
    }
    int64_t tx;
    if (!slice_to_i64(slice_from_string(text), &tx) || tx <= 0)
        return false;
    options->until_tx = (uint64_t)tx;
    return true;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verify") == 0)
            a->options.mode = REPLAY_VERIFY;
        else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
            a->dir = argv[++i];
        else if (strcmp(argv[i], "--until") == 0 && i + 1 < argc) {
            if (!parse_until(argv[++i], &a->options))
                return false;
        } else
            return false;
    }
    return a->dir != NULL;
}

static void print_report(struct redisd *server, const struct replay_report *report, bool verify)
{
    size_t keys = 0;
    for (int i = 0; i < keyspace_databases(server->keyspace); i++)
        keys += db_size(keyspace_db(server->keyspace, i));
    struct keyspace_digest digest = keyspace_digest(server->keyspace);
    printf("start_tx:%llu\nlast_tx:%llu\nrecords:%llu\n", (unsigned long long)report->start_tx, (unsigned long long)report->last_tx, (unsigned long long)report->records);
    if (verify)
        printf("executed:%llu\ndelta_only:%llu\nstates_compared:%llu\n", (unsigned long long)report->executed, (unsigned long long)report->delta_only, (unsigned long long)report->states_compared);
    printf("keys:%zu\ndigest:", keys);
    for (int i = 0; i < 16; i++)
        printf("%02x", digest.bytes[i]);
    printf("\n%s\n", verify ? "every input leads to its recorded delta" : "every delta applied");
}

int replay_main(struct redisd *server, int argc, char **argv)
{
    struct arguments arguments = {.options = {.mode = REPLAY_APPLY}};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (!parse(argc, argv, &arguments)) {
        fputs(usage, stderr);
        return 2;
    }
    struct buffer dir = {0}, error = {0};
    struct os *os = os_linux();
    struct os_stat stat;
    buffer_format(&dir, "%s/txlog", arguments.dir);
    *buffer_room(&dir, 1) = 0;
    if (os->ops->stat(os->self, dir.base, &stat) < 0) { /* the log's own directory was named */
        dir.size = 0;
        buffer_format(&dir, "%s", arguments.dir);
        *buffer_room(&dir, 1) = 0;
    }
    redisd_open_offline(server, os);
    const struct service service = redisd_service(server);
    struct replay_report report;
    int got = txlog_replay(os, dir.base, &service, 1, &arguments.options, &report, &error);
    if (got < 0)
        fprintf(stderr, "redisd replay: %.*s\n", (int)error.size, error.size ? error.base : strerror(-got));
    else
        print_report(server, &report, arguments.options.mode == REPLAY_VERIFY);
    redisd_free(server);
    free(server);
    buffer_free(&dir);
    buffer_free(&error);
    return got < 0;
}
