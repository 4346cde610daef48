/* SPDX-License-Identifier: MIT
 * grammar: see grammar.h. */
#include "compat/lib/grammar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/buffer.h"
#include "protocols/resp.h"

/* A command while it is being made: the words' bytes, and where each ends. */
struct draft {
    struct grammar *grammar;
    struct buffer bytes;
    size_t ends[COMMAND_WORDS_MAX];
    int words;
};

uint64_t grammar_below(struct grammar *grammar, uint64_t bound)
{
    uint64_t z = (grammar->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % bound;
}

/* ---- commands ---- */

void command_free(struct command *command)
{
    free(command->bytes);
    *command = (struct command){0};
}

int command_parse(struct command *command, const char *line)
{
    struct resp_parser parser;
    struct resp_args args = {0};
    struct resp_request request;
    *command = (struct command){0};
    if (line[0] >= '1' && line[0] <= '9' && line[1] == '>') {
        command->connection = line[0] - '1';
        line += 2;
    }
    size_t size = strlen(line);
    command->bytes = malloc(size + 2);
    if (!command->bytes)
        return -ENOMEM;
    memcpy(command->bytes, line, size);
    command->bytes[size++] = '\n';
    resp_parser_init(&parser);
    bool good = resp_parse(&parser, command->bytes, size, &args, &request) == RESP_REQUEST && request.argc > 0 &&
                request.argc <= COMMAND_WORDS_MAX;
    if (good) {
        command->argc = request.argc;
        memcpy(command->argv, resp_argv(&args, &request), (size_t)request.argc * sizeof *command->argv);
    }
    resp_args_free(&args);
    resp_parser_deinit(&parser);
    if (!good)
        command_free(command);
    return good ? 0 : -EINVAL;
}

/* ---- the table ---- */

static bool listed(const char *line, const char *only)
{
    size_t size = strcspn(line, " \n");
    for (const char *p = only; *p;) {
        size_t n = strcspn(p, ",");
        if (n == size && strncasecmp(p, line, n) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

int grammar_load(struct grammar *grammar, const char *path, const char *only)
{
    char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen(path, "r");
    grammar->count = 0;
    if (!file)
        return -errno;
    for (ssize_t size; (size = getline(&line, &capacity, file)) >= 0;) {
        if (size && line[size - 1] == '\n')
            line[size - 1] = 0;
        if (line[0] == '#' || line[0] == 0 || (only && !listed(line, only)) || grammar->count == GRAMMAR_LINES_MAX)
            continue;
        grammar->lines[grammar->count++] = line;
        line = NULL;
        capacity = 0;
    }
    free(line);
    fclose(file);
    return grammar->count ? 0 : -ENOENT;
}

void grammar_free(struct grammar *grammar)
{
    for (int i = 0; i < grammar->count; i++)
        free(grammar->lines[i]);
    grammar->count = 0;
}

/* ---- words ---- */

static const char *const values[] = {
    "", "a", "b", "hello", "10", "-7", "3.5", "0", "9223372036854775807", "-9223372036854775808", "1e3", " 1", "01", "abc\r\nd",
    "0123456789012345678901234567890123456789012345678901234567890123456789",
};
static const char *const numbers[] = {
    "0", "1", "-1", "2", "5", "10", "-3", "100", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "abc", "",
    "1.5", "4294967296",
};
/* What has no business where it stands. Nothing that would make a key live for a moment: the two servers' moments differ. */
static const char *const spoilers[] = {"0", "-1", "-3", "abc", "", "1.5", "9223372036854775807", "-9223372036854775808",
                                       "9223372036854775808"};
static const char *const scores[] = {"0", "1", "2", "3", "-1", "1.5", "2.25", "-0.5", "10", "1000000", "inf", "-inf", "0.1", "1e20"};
static const char *const score_bounds[] = {"-inf", "+inf", "0", "(1", "1", "2", "(2", "(0", "10", "1.5", "(-inf", "-1"};
static const char *const lex_bounds[] = {"-", "+", "[m1", "(m1", "[m3", "(m5", "[", "(m", "[z"};
static const char *const floats[] = {"1", "-1", "0.5", "2.25", "1e2", "10.5", "0", "inf", "nan", "abc", "3.0e3"};
static const char *const patterns[] = {"*", "s*", "?1", "[sl]*", "k:*", "*2", "[^s]?", "\\*", "z", "f*", "m[0-9]"};
static const char *const by_patterns[] = {"nosort", "w_*", "h*->f1", "s*", "*"};
static const char *const get_patterns[] = {"#", "s*", "h*->f1", "h1->*", "missing*"};

#define PICK(grammar, table) ((table)[grammar_below(grammar, sizeof(table) / sizeof *(table))])

/* A key of the type that the letter stands for, mostly. Keys x hold sorted sets whose scores are all 0: ranges by bytes mean
 * something there alone, so no other sorted set may take their place, and x keys are named by few commands. */
static void put_key(struct draft *d, char type)
{
    static const char types[] = "zslhSk";
    struct grammar *g = d->grammar;
    if (type == 0 || grammar_below(g, 12) == 0)
        type = types[(type == 'x') + grammar_below(g, sizeof types - 1 - (type == 'x'))];
    buffer_format(&d->bytes, "%c%u", type, (unsigned)grammar_below(g, 4));
}

/* One word of the class; false when there is no such class. */
static bool put_class(struct draft *d, struct slice name)
{
    struct grammar *g = d->grammar;
    const char *text = NULL;
    unsigned n = 0;
#define IS(literal) slice_equal(name, SLICE(literal))
    if (IS("key"))
        put_key(d, 0);
    else if (IS("skey"))
        put_key(d, 's');
    else if (IS("lkey"))
        put_key(d, 'l');
    else if (IS("hkey"))
        put_key(d, 'h');
    else if (IS("setkey"))
        put_key(d, 'S');
    else if (IS("zkey"))
        put_key(d, 'z');
    else if (IS("wrong"))
        text = PICK(g, spoilers);
    else if (IS("xkey"))
        put_key(d, 'x');
    else if (IS("value"))
        text = PICK(g, values);
    else if (IS("int"))
        text = PICK(g, numbers);
    else if (IS("score"))
        text = PICK(g, scores);
    else if (IS("sbound"))
        text = PICK(g, score_bounds);
    else if (IS("lbound"))
        text = PICK(g, lex_bounds);
    else if (IS("float"))
        text = PICK(g, floats);
    else if (IS("pattern"))
        text = PICK(g, patterns);
    else if (IS("bypattern"))
        text = PICK(g, by_patterns);
    else if (IS("getpattern"))
        text = PICK(g, get_patterns);
    else if (IS("field"))
        buffer_format(&d->bytes, "f%u", (unsigned)grammar_below(g, 12));
    else if (IS("member") && (n = (unsigned)grammar_below(g, 24)) < 12)
        buffer_format(&d->bytes, "m%u", n);
    else if (IS("member"))
        buffer_format(&d->bytes, "%u", n);
    else if (IS("index"))
        buffer_format(&d->bytes, "%d", (int)grammar_below(g, 14) - 7);
    else if (IS("count"))
        buffer_format(&d->bytes, "%u", (unsigned)grammar_below(g, 6));
    else if (IS("offset"))
        buffer_format(&d->bytes, "%u", (unsigned)grammar_below(g, 40));
    else if (IS("db"))
        buffer_format(&d->bytes, "%u", (unsigned)grammar_below(g, 3));
    else if (IS("ttl"))
        buffer_format(&d->bytes, "%u", 1000 + (unsigned)grammar_below(g, 1000));
    else if (IS("pttl"))
        buffer_format(&d->bytes, "%u", 1000000 + (unsigned)grammar_below(g, 1000000));
    else if (IS("at"))
        buffer_format(&d->bytes, "%u", 4000000000u + (unsigned)grammar_below(g, 1000));
    else if (IS("pat"))
        buffer_format(&d->bytes, "%llu", 4000000000000ull + grammar_below(g, 1000));
    else
        return false;
#undef IS
    if (text)
        buffer_append(&d->bytes, text, strlen(text));
    return true;
}

static void put_word(struct draft *d, struct slice word)
{
    if (d->words == COMMAND_WORDS_MAX - 1)
        return;
    bool digit = word.base[0] >= '0' && word.base[0] <= '9';
    if (d->words > 0 && !digit && grammar_below(d->grammar, 80) == 0) {
        const char *text = PICK(d->grammar, spoilers);
        buffer_append(&d->bytes, text, strlen(text));
    } else if (!put_class(d, word)) {
        buffer_append_slice(&d->bytes, word);
    }
    d->ends[d->words++] = d->bytes.size;
}

/* ---- expanding a line ---- */

static void expand_sequence(struct draft *d, const char **at, bool emit);

/* Behind '[' or '<': one of the alternatives, all of which are read. */
static void expand_choice(struct draft *d, const char **at, bool emit)
{
    const char *start = *at;
    unsigned alternatives = 1;
    for (expand_sequence(d, at, false); **at == '|'; alternatives++, expand_sequence(d, at, false))
        ++*at;
    ++*at; /* the closing bracket */
    if (!emit)
        return;
    const char *p = start;
    for (uint64_t chosen = grammar_below(d->grammar, alternatives); chosen > 0; chosen--, p++)
        expand_sequence(d, &p, false);
    expand_sequence(d, &p, true);
}

/* Behind '(': up to ")+", one to four times. */
static void expand_repeat(struct draft *d, const char **at, bool emit)
{
    const char *start = *at;
    expand_sequence(d, at, false);
    *at += strlen(")+");
    for (uint64_t n = emit ? 1 + grammar_below(d->grammar, 4) : 0; n > 0; n--) {
        const char *p = start;
        expand_sequence(d, &p, true);
    }
}

static void expand_sequence(struct draft *d, const char **at, bool emit)
{
    while (**at && !strchr("|]>)", **at)) {
        char c = *(*at)++;
        if (c == '[') {
            expand_choice(d, at, emit && grammar_below(d->grammar, 3) == 0);
        } else if (c == '<') {
            expand_choice(d, at, emit);
        } else if (c == '(') {
            expand_repeat(d, at, emit);
        } else if (c != ' ') {
            const char *word = *at - 1;
            size_t size = strcspn(word, " []<>()|");
            *at = word + size;
            if (emit)
                put_word(d, slice_of(word, size));
        }
    }
}

void grammar_command(struct grammar *grammar, struct command *command)
{
    struct draft d = {.grammar = grammar};
    const char *line = grammar->lines[grammar_below(grammar, (uint64_t)grammar->count)];
    expand_sequence(&d, &line, true);
    uint64_t spoil = grammar_below(grammar, 60);
    if (spoil == 0 && d.words > 1)
        d.words--;
    if (spoil == 1)
        put_word(&d, SLICE("value"));
    *command = (struct command){.argc = d.words, .bytes = d.bytes.base};
    for (int i = 0; i < d.words; i++) {
        size_t start = i ? d.ends[i - 1] : 0;
        command->argv[i] = slice_of(d.bytes.base + start, d.ends[i] - start);
    }
}
