/* SPDX-License-Identifier: MIT
 * differential: the same command streams to redisd and to redis-server; every difference in a reply, or afterwards in the digest
 * of all data, is a failure.
 *
 *      differential --ours build/redisd --theirs redis-server [--our-port N] [--their-port N] [--streams DIR] [--grammar FILE]
 *                   [--differences FILE] [--seed N] [--batches N] [--only SET,GET,...] [--protocol 2|3]
 *
 * Streams are files, one command a line, in inline syntax; each starts on empty databases. Then come batches of a thousand
 * random commands, each from a seed of its own and on empty databases too, so that one that fails can be repeated alone:
 * --seed THAT --batches 1. What led to a difference is cut down to the commands that are needed for it. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "compat/lib/duel.h"
#include "compat/lib/server.h"

enum { BATCH_COMMANDS = 1000, REPORTS_PER_STREAM = 20, STREAM_FILES_MAX = 256 };

struct options {
    const char *ours, *theirs;
    int our_port, their_port;
    const char *streams, *grammar, *differences, *only;
    uint64_t seed;
    int batches;
    int protocol;
};

struct score {
    int passed, failed; /* streams and batches */
};

static void report(const struct duel *duel, const char *where)
{
    printf("  %s: %.*s\n    ours:   %.*s\n    theirs: %.*s\n", where, (int)duel->command_text.size, duel->command_text.base,
           (int)duel->our_text.size, duel->our_text.base, (int)duel->their_text.size, duel->their_text.base);
}

/* ---- streams ---- */

/* One file. Goes on behind a difference, so that one run shows all. */
static int run_stream(struct duel *duel, const char *path)
{
    char where[32], *line = NULL;
    size_t capacity = 0;
    int differences = 0, error = duel_reset(duel);
    FILE *file = fopen(path, "r");
    if (!file || error < 0) {
        printf("  %s: %s\n", path, strerror(file ? -error : errno));
        return 1;
    }
    for (int number = 1; getline(&line, &capacity, file) >= 0 && differences < REPORTS_PER_STREAM && error >= 0; number++) {
        struct command command;
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#' || line[0] == 0)
            continue;
        snprintf(where, sizeof where, "line %d", number);
        if (command_parse(&command, line) < 0) {
            printf("  %s: cannot read it\n", where);
            differences++;
            continue;
        }
        error = duel_command(duel, &command);
        if (error <= 0) {
            report(duel, where);
            differences++;
        }
        command_free(&command);
    }
    if (error >= 0 && duel_digest(duel) <= 0) {
        report(duel, "at the end");
        differences++;
    }
    free(line);
    fclose(file);
    return differences;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_streams(struct duel *duel, const char *dir_path, struct score *score)
{
    char *names[STREAM_FILES_MAX];
    int count = 0;
    DIR *dir = opendir(dir_path);
    if (!dir) {
        perror(dir_path);
        score->failed++;
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) && count < STREAM_FILES_MAX;)
        if (strstr(entry->d_name, ".txt"))
            names[count++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", dir_path, names[i]);
        uint64_t before = duel->compared;
        int differences = run_stream(duel, path);
        printf("%s %s: %llu commands, %d differences\n", differences ? "FAILED" : "ok    ", names[i],
               (unsigned long long)(duel->compared - before), differences);
        differences ? score->failed++ : score->passed++;
        free(names[i]);
    }
}

/* ---- random batches ---- */

struct batch {
    struct command commands[BATCH_COMMANDS];
    bool kept[BATCH_COMMANDS];
    int count;
};

static void add_words(struct batch *batch, const char *line, int connection)
{
    if (batch->count < BATCH_COMMANDS && command_parse(&batch->commands[batch->count], line) == 0)
        batch->commands[batch->count++].connection = connection;
}

/* Can it stand in a transaction and still be compared? Not when one server may queue what the other refuses (ZRANK: see
 * differences.txt): then they part ways. */
static bool goes_into_multi(const struct command *command)
{
    if (slice_equal_nocase(command->argv[0], SLICE("zrank")) || slice_equal_nocase(command->argv[0], SLICE("zrevrank")))
        return false;
    enum compare_mode mode = compare_mode_of(command->argv, command->argc);
    return mode != COMPARE_SCAN && mode != COMPARE_CHOICE && mode != COMPARE_POP;
}

static void add_random(struct batch *batch, struct grammar *grammar, bool in_multi)
{
    if (batch->count == BATCH_COMMANDS)
        return;
    struct command *command = &batch->commands[batch->count];
    grammar_command(grammar, command);
    if (in_multi && !goes_into_multi(command))
        command_free(command);
    else
        batch->count++;
}

/* WATCH and a change from elsewhere, sometimes; then MULTI, some commands, and mostly EXEC. */
static void add_transaction(struct batch *batch, struct grammar *grammar)
{
    if (grammar_below(grammar, 2))
        add_words(batch, grammar_below(grammar, 2) ? "WATCH s1 l1 h1" : "WATCH z1 S1", 0);
    if (grammar_below(grammar, 3) == 0)
        add_words(batch, grammar_below(grammar, 2) ? "SET s1 watched" : "DEL l1 z1", 1);
    add_words(batch, "MULTI", 0);
    for (uint64_t n = grammar_below(grammar, 6); n > 0; n--)
        add_random(batch, grammar, true);
    add_words(batch, grammar_below(grammar, 8) ? "EXEC" : "DISCARD", 0);
}

static void batch_make(struct batch *batch, struct grammar *grammar, uint64_t seed)
{
    memset(batch, 0, sizeof *batch);
    grammar->state = seed;
    while (batch->count < BATCH_COMMANDS) {
        if (grammar_below(grammar, 40) == 0)
            add_transaction(batch, grammar);
        else
            add_random(batch, grammar, false);
    }
    for (int i = 0; i < batch->count; i++)
        batch->kept[i] = true;
}

/* Run what is kept of a batch. Returns the first command whose replies differ, batch->count when only the digests differ, or -1. */
static int batch_run(struct duel *duel, const struct batch *batch)
{
    if (duel_reset(duel) < 0) {
        duel->our_text.size = duel->their_text.size = duel->command_text.size = 0;
        buffer_format(&duel->our_text, "(one of the two does not accept connections)");
        return 0;
    }
    for (int i = 0; i < batch->count; i++)
        if (batch->kept[i] && duel_command(duel, &batch->commands[i]) <= 0)
            return i;
    return duel_digest(duel) <= 0 ? batch->count : -1;
}

/* Leave out whatever is not needed for the two to differ: halves first, then quarters, down to single commands. */
static void batch_shrink(struct duel *duel, struct batch *batch, int first)
{
    for (int i = first + 1; i < batch->count; i++)
        batch->kept[i] = false;
    for (int size = batch->count / 2; size > 0; size /= 2) {
        for (int start = 0; start < batch->count; start += size) {
            bool before[BATCH_COMMANDS], any = false;
            memcpy(before, batch->kept, sizeof before);
            for (int i = start; i < start + size && i < batch->count; i++) {
                any = any || batch->kept[i];
                batch->kept[i] = false;
            }
            if (any && batch_run(duel, batch) < 0)
                memcpy(batch->kept, before, sizeof before);
        }
    }
}

static void run_batches(struct duel *duel, const struct options *options, struct score *score)
{
    struct grammar grammar = {0};
    struct batch *batch = calloc(1, sizeof *batch);
    int error = grammar_load(&grammar, options->grammar, options->only);
    if (error < 0 || !batch) {
        printf("%s: %s\n", options->grammar, strerror(-error));
        score->failed++;
    }
    for (int n = 0; error == 0 && batch && n < options->batches; n++) {
        uint64_t seed = options->seed + (uint64_t)n;
        batch_make(batch, &grammar, seed);
        int first = batch_run(duel, batch);
        if (first < 0) {
            score->passed++;
        } else {
            score->failed++;
            printf("FAILED batch, repeat with --seed %llu --batches 1 --protocol %d; command %d of it:\n", (unsigned long long)seed,
                   options->protocol, first + 1);
            report(duel, "first");
            batch_shrink(duel, batch, first);
            batch_run(duel, batch);
            printf("  the commands that it takes:\n");
            for (int i = 0; i < batch->count; i++) {
                if (!batch->kept[i])
                    continue;
                duel_command(duel, &batch->commands[i]);
                printf("    %.*s\n", (int)duel->command_text.size, duel->command_text.base);
            }
        }
        for (int i = 0; i < batch->count; i++)
            command_free(&batch->commands[i]);
    }
    printf("random: seeds %llu to %llu, %d commands each\n", (unsigned long long)options->seed,
           (unsigned long long)options->seed + (uint64_t)options->batches - 1, BATCH_COMMANDS);
    grammar_free(&grammar);
    free(batch);
}

/* ---- the whole ---- */

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"ours", 1, 0, 'o'},   {"theirs", 1, 0, 't'},      {"our-port", 1, 0, 'O'}, {"their-port", 1, 0, 'T'}, {"streams", 1, 0, 's'},
        {"grammar", 1, 0, 'g'}, {"differences", 1, 0, 'd'}, {"seed", 1, 0, 'S'},     {"batches", 1, 0, 'b'},    {"only", 1, 0, 'y'},
        {"protocol", 1, 0, 'p'}, {0, 0, 0, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'o': o->ours = optarg; break;
        case 't': o->theirs = optarg; break;
        case 'O': o->our_port = atoi(optarg); break;
        case 'T': o->their_port = atoi(optarg); break;
        case 's': o->streams = optarg; break;
        case 'g': o->grammar = optarg; break;
        case 'd': o->differences = optarg; break;
        case 'S': o->seed = strtoull(optarg, NULL, 0); break;
        case 'b': o->batches = atoi(optarg); break;
        case 'y': o->only = optarg; break;
        case 'p': o->protocol = atoi(optarg); break;
        default: return -EINVAL;
        }
    }
    return optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    /* Small limits, so that a few dozen elements already change encodings. */
    static const char *const small[] = {
        "--save", "", "--appendonly", "no", "--enable-debug-command", "yes", "--hash-max-listpack-entries", "8",
        "--zset-max-listpack-entries", "8", "--set-max-intset-entries", "8", "--list-max-listpack-size", "8", NULL,
    };
    struct options o = {
        .ours = "build/redisd", .theirs = "/usr/bin/redis-server", .streams = "compat/streams", .grammar = "compat/grammar.txt",
        .differences = "compat/differences.txt", .seed = 1, .batches = 50, .protocol = 2,
    };
    struct server ours = {0}, theirs = {0};
    struct duel *duel = calloc(1, sizeof *duel);
    struct score score = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!duel || read_options(argc, argv, &o) < 0) {
        fprintf(stderr, "usage: see the head of compat/differential.c\n");
        free(duel);
        return 2;
    }
    int error = 0;
    if (!o.our_port && (error = server_start(&ours, o.ours, small, -1)) == 0)
        o.our_port = ours.port;
    if (error == 0 && !o.their_port && (error = server_start(&theirs, o.theirs, small, -1)) == 0)
        o.their_port = theirs.port;
    if (error == 0)
        error = duel_open(duel, o.our_port, o.their_port, o.protocol);
    if (error == 0)
        error = duel_load_differences(duel, o.differences);
    if (error == 0) {
        run_streams(duel, o.streams, &score);
        run_batches(duel, &o, &score);
    } else {
        printf("cannot begin: %s\n", strerror(-error));
        score.failed++;
    }
    printf("%llu commands compared in version %d, %llu with a known difference\n", (unsigned long long)duel->compared, o.protocol,
           (unsigned long long)duel->accepted);
    duel_close(duel);
    free(duel);
    server_stop(&ours);
    server_stop(&theirs);
    printf("%d passed, %d failed\n", score.passed, score.failed);
    return score.failed != 0 || score.passed == 0;
}
