/* SPDX-License-Identifier: MIT
 * tool: build/txlog, the command that looks into a log directory, whether its daemon runs or not.
 *
 *   txlog stat DIR | verify DIR [--deep] | dump DIR [--from TX] [--to TX] [--key WORD] [--json]
 *
 * It reads and never writes. Results go to standard output, complaints to standard error. Exit status: 0 all is well, 1 the log
 * is damaged or cannot be read, 2 the command line is wrong. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/txlog/argv.h"
#include "services/txlog/checkpoint.h"
#include "services/txlog/reader.h"
#include "services/txlog/scan.h"
#include "services/txlog/txlog.h"

enum { STATUS_OK = 0, STATUS_DAMAGED = 1, STATUS_USAGE = 2 };

struct arguments {
    const char *command, *dir;
    bool deep, json;
    uint64_t from, to; /* to: 0 = the end */
    const char *key;   /* NULL: every record */
};

static const char usage[] =
    "usage: txlog COMMAND DIR [OPTIONS]\n"
    "\n"
    "  stat DIR             what the directory holds: segments, records, checkpoints, how far it is attested\n"
    "  verify DIR           read everything; check every checksum, every batch and every checkpoint's hash\n"
    "      --deep           hash every record as well and compare with the Merkle roots of the batches\n"
    "  dump DIR             print records, one a line\n"
    "      --from TX        from this transaction on\n"
    "      --to TX          up to this one\n"
    "      --key WORD       only those in which a command of the delta or the input has this word\n"
    "      --json           as JSON objects, one a line\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Works while the daemon runs. Exit status: 0 fine, 1 damaged or unreadable, 2 wrong usage.\n";

/* Planned subcommands: the answer says so instead of "unknown". */
static const char *const later_commands[] = {"diff", "follow", "sql", "prove", "check-proof", "archive", NULL};

/* ---- stat ---- */

static void print_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static int complain(const struct buffer *error)
{
    fflush(stdout);
    fprintf(stderr, "txlog: %.*s\n", (int)error->size, error->base ? error->base : "");
    return STATUS_DAMAGED;
}

static void print_checkpoints(struct os *os, const char *dir)
{
    uint64_t *txs;
    size_t count;
    if (checkpoint_list(os, dir, &txs, &count) == 0) {
        printf("checkpoints: %zu\n", count);
        for (size_t i = 0; i < count; i++) {
            struct manifest manifest;
            int error = checkpoint_check(os, dir, txs[i], false, &manifest);
            printf("  at transaction %" PRIu64 "%s\n", txs[i], error ? " (manifest damaged)" : "");
        }
    }
    free(txs);
}

static int walk(struct txlog_reader *reader)
{
    struct tx_record record;
    int got;
    while ((got = txlog_reader_next(reader, &record)) > 0)
        continue;
    return got;
}

static void print_stats(const struct txlog_reader *reader)
{
    struct txlog_reader_stats s;
    txlog_reader_stats(reader, &s);
    printf("log: ");
    print_hex(txlog_reader_uuid(reader), 16);
    printf("\ntransactions: %" PRIu64 " to %" PRIu64 "\n", s.first_tx, s.last_tx);
    printf("records: %" PRIu64 ", %" PRIu64 " bytes\n", s.records, s.bytes);
    printf("segments: %" PRIu64 "\n", s.segments);
    printf("batches: %" PRIu64 ", %" PRIu64 " sealed\n", s.batches, s.sealed_batches);
    printf("end: segment %" PRIu64 " offset %" PRIu64 "\n", s.end.segment, s.end.offset);
    printf("durable: at least up to transaction %" PRIu64 " (segment %" PRIu64 " offset %" PRIu64 ")\n", s.watermark_tx,
           s.watermark.segment, s.watermark.offset);
    printf("epoch: %" PRIu64 "\n", s.epoch);
    printf("root of %" PRIu64 " records: ", s.root_size);
    print_hex(s.root.bytes, sizeof s.root.bytes);
    printf("\n");
}

static int command_stat(struct os *os, const struct arguments *a)
{
    struct buffer error = {0};
    struct txlog_reader *reader;
    int status = STATUS_OK;
    if (txlog_reader_open(os, a->dir, 0, &error, &reader)) {
        status = complain(&error);
    } else {
        int got = walk(reader);
        print_stats(reader);
        print_checkpoints(os, a->dir);
        if (got)
            status = complain(&error);
        txlog_reader_close(reader);
    }
    buffer_free(&error);
    return status;
}

/* ---- verify ---- */

static int verify_checkpoints(struct os *os, const char *dir)
{
    uint64_t *txs;
    size_t count;
    int bad = checkpoint_list(os, dir, &txs, &count) != 0;
    for (size_t i = 0; i < count; i++) {
        struct manifest manifest;
        int error = checkpoint_check(os, dir, txs[i], true, &manifest);
        if (error == -ENOENT)
            continue; /* dropped by retention while we looked */
        if (error)
            fprintf(stderr, "txlog: %s: the checkpoint at transaction %" PRIu64 " is corrupt\n", dir, txs[i]);
        bad += error != 0;
    }
    if (!bad)
        printf("checkpoints: %zu, all whole\n", count);
    free(txs);
    return bad ? STATUS_DAMAGED : STATUS_OK;
}

static int command_verify(struct os *os, const struct arguments *a)
{
    struct buffer error = {0};
    struct txlog_reader *reader;
    struct txlog_reader_stats s;
    int status = STATUS_OK;
    if (txlog_reader_open(os, a->dir, 0, &error, &reader)) {
        status = complain(&error);
        buffer_free(&error);
        return status;
    }
    if (a->deep)
        txlog_reader_verify_hashes(reader);
    if (walk(reader))
        status = complain(&error);
    txlog_reader_stats(reader, &s);
    txlog_reader_close(reader);
    buffer_free(&error);
    if (status == STATUS_OK)
        printf("%" PRIu64 " records in %" PRIu64 " batches and %" PRIu64 " segments are whole\n", s.records, s.batches, s.segments);
    if (status == STATUS_OK && a->deep)
        printf("%" PRIu64 " Merkle roots agree with the records\n", s.roots_checked);
    int checkpoints = verify_checkpoints(os, a->dir);
    return status ? status : checkpoints;
}

/* ---- dump ---- */

static const char *kind_name(enum tx_kind kind)
{
    static const char *const names[] = {"?", "command", "expiry", "eviction", "wake", "system", "identity"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

static void print_quoted(struct slice text)
{
    putchar('"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.base[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            printf("\\u%04x", c); /* bytes, each as the code point of its value */
        else
            putchar(c);
    }
    putchar('"');
}

static bool is_sequence(struct slice bytes, struct argv_reader *words)
{
    int got;
    argv_reader_begin(words, bytes);
    while ((got = argv_reader_next(words)) > 0)
        continue;
    return got == 0;
}

static bool has_word(struct slice bytes, struct slice word, struct argv_reader *words)
{
    argv_reader_begin(words, bytes);
    while (argv_reader_next(words) > 0)
        for (size_t i = 0; i < words->argc; i++)
            if (slice_equal(words->argv[i], word))
                return true;
    return false;
}

/* Commands as lists of words where the bytes are such a sequence, else one text. */
static void print_section(struct slice bytes, bool json, struct argv_reader *words)
{
    if (!is_sequence(bytes, words)) {
        print_quoted(bytes);
        return;
    }
    if (json)
        putchar('[');
    argv_reader_begin(words, bytes);
    for (bool first = true; argv_reader_next(words) > 0; first = false) {
        printf("%s", first ? "" : json ? "," : " ; ");
        if (json)
            putchar('[');
        for (size_t i = 0; i < words->argc; i++) {
            printf("%s", i == 0 ? "" : json ? "," : " ");
            print_quoted(words->argv[i]);
        }
        if (json)
            putchar(']');
    }
    if (json)
        putchar(']');
}

static void print_json(const struct tx_record *r, struct argv_reader *words)
{
    printf("{\"tx\":%" PRIu64 ",\"kind\":\"%s\",\"service\":%u,\"database\":%u,\"cmd_seq\":%" PRIu64 ",\"time_us\":%" PRId64
           ",\"client\":%" PRIu64 ",\"request\":%" PRIu64 ",\"segment\":%" PRIu64 ",\"offset\":%" PRIu64 ",\"input\":",
           r->tx, kind_name(r->kind), r->service, r->database, r->admission.cmd_seq, r->admission.time_us, r->client,
           r->request_id, r->segment, r->offset);
    print_section(r->input, true, words);
    if (r->delta.base != r->input.base) {
        printf(",\"delta\":");
        print_section(r->delta, true, words);
    }
    if (r->events.size) {
        printf(",\"events\":");
        print_section(r->events, true, words);
    }
    printf("}\n");
}

static void print_line(const struct tx_record *r, struct argv_reader *words)
{
    printf("%" PRIu64 " %" PRId64 ".%06d %s service %u db %u client %" PRIu64 ": ", r->tx, r->admission.time_us / 1000000,
           (int)(r->admission.time_us % 1000000), kind_name(r->kind), r->service, r->database, r->client);
    print_section(r->input, false, words);
    if (r->delta.base != r->input.base) {
        printf(" => ");
        print_section(r->delta, false, words);
    }
    printf("\n");
}

static bool wanted(const struct arguments *a, const struct tx_record *r, struct argv_reader *words)
{
    if (!a->key)
        return true;
    struct slice key = slice_from_string(a->key);
    return has_word(r->delta, key, words) || (r->delta.base != r->input.base && has_word(r->input, key, words));
}

static int dump_records(struct txlog_reader *reader, const struct arguments *a)
{
    struct tx_record record;
    struct argv_reader words = {0};
    int got;
    while ((got = txlog_reader_next(reader, &record)) > 0) {
        if (a->to && record.tx > a->to) {
            got = 0;
            break;
        }
        if (!wanted(a, &record, &words))
            continue;
        if (a->json)
            print_json(&record, &words);
        else
            print_line(&record, &words);
    }
    argv_reader_free(&words);
    return got;
}

static int command_dump(struct os *os, const struct arguments *a)
{
    struct buffer error = {0};
    struct txlog_reader *reader;
    int status = STATUS_OK;
    if (txlog_reader_open(os, a->dir, a->from, &error, &reader)) {
        status = complain(&error);
    } else {
        if (dump_records(reader, a))
            status = complain(&error);
        txlog_reader_close(reader);
    }
    buffer_free(&error);
    return status;
}

/* ---- the command line ---- */

static int wrong(const char *what, const char *which)
{
    fprintf(stderr, "txlog: %s%s\n\n%s", what, which, usage);
    return STATUS_USAGE;
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0;
}

/* One option with its value; how many words it took, 0 when it is wrong. */
static int parse_option(struct arguments *a, char **words)
{
    if (strcmp(words[0], "--deep") == 0)
        return a->deep = true, 1;
    if (strcmp(words[0], "--json") == 0)
        return a->json = true, 1;
    if (strcmp(words[0], "--key") == 0 && words[1])
        return a->key = words[1], 2;
    if (strcmp(words[0], "--from") == 0 && words[1] && parse_number(words[1], &a->from))
        return 2;
    if (strcmp(words[0], "--to") == 0 && words[1] && parse_number(words[1], &a->to))
        return 2;
    return 0;
}

static int parse(struct arguments *a, char **words)
{
    if (!words[0])
        return wrong("no command", "");
    a->command = words[0];
    for (int i = 0; later_commands[i]; i++) {
        if (strcmp(a->command, later_commands[i]) != 0)
            continue;
        fprintf(stderr, "txlog: %s is not in this release\n", a->command);
        return STATUS_USAGE;
    }
    for (int i = 1; words[i];) {
        int took = 1;
        if (words[i][0] != '-' && !a->dir)
            a->dir = words[i];
        else
            took = parse_option(a, words + i);
        if (!took)
            return wrong("not understood: ", words[i]);
        i += took;
    }
    return a->dir ? STATUS_OK : wrong("no directory", "");
}

int main(int argc, char **argv)
{
    struct arguments a = {0};
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return printf("txlog of locus, format %u\n", FORMAT_VERSION) < 0;
    int status = parse(&a, argv + 1);
    if (status)
        return status;
    struct os *os = os_linux();
    if (strcmp(a.command, "stat") == 0)
        return command_stat(os, &a);
    if (strcmp(a.command, "verify") == 0)
        return command_verify(os, &a);
    if (strcmp(a.command, "dump") == 0)
        return command_dump(os, &a);
    return wrong("unknown command: ", a.command);
}
