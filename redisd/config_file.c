/* SPDX-License-Identifier: MIT
 * config_file: redis.conf syntax, command-line options, and writing settings back (CONFIG REWRITE).
 *
 *      # comment
 *      directive argument "argument with \"quotes\" and \x41" 'another'
 *      include other.conf */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "redisd/config_table.h"
#include "redisd/words.h"

enum { INCLUDE_DEPTH_MAX = 16, FILE_BYTES_MAX = 16 << 20 };

static int fail(struct buffer *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct buffer *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error->size = 0;
    buffer_vformat(error, format, args);
    *buffer_room(error, 1) = 0;
    va_end(args);
    return -EINVAL;
}

/* ---- a directive with its words ---- */

/* Directives that say the same as another one in words of their own. */
static int apply_words(struct config *config, const struct words *words, struct buffer *error)
{
    struct slice name = words->at[0];
    struct buffer value = {0};
    for (size_t i = 1; i < words->count; i++) {
        if (i > 1)
            buffer_append_char(&value, ' ');
        buffer_append_slice(&value, words->at[i]);
    }
    /* Several lines of `save` add up; `save ""` clears. */
    struct buffer sum = {0};
    if (slice_equal_nocase(name, SLICE("save")) && value.size && config->save_given) {
        buffer_append_slice(&sum, buffer_slice(&config->save));
        buffer_append_char(&sum, ' ');
    }
    config->save_given |= slice_equal_nocase(name, SLICE("save"));
    buffer_append_slice(&sum, buffer_slice(&value));
    struct buffer why = {0};
    int got = config_set(config, name, buffer_slice(&sum), true, &why);
    if (got == -ENOENT)
        fail(error, "Bad directive or wrong number of arguments: '%.*s'", (int)name.size, name.base);
    else if (got < 0)
        fail(error, "%.*s '%.*s': %.*s", (int)name.size, name.base, (int)sum.size, sum.base, (int)why.size, why.base);
    buffer_free(&value);
    buffer_free(&sum);
    buffer_free(&why);
    return got < 0 ? -EINVAL : 0;
}

/* ---- files ---- */

static int read_file(const char *path, struct buffer *text, struct buffer *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return fail(error, "cannot open configuration file %s: %s", path, strerror(errno));
    size_t got;
    do {
        got = fread(buffer_room(text, 4096), 1, 4096, file);
        text->size += got;
    } while (got && text->size < FILE_BYTES_MAX);
    if (file != stdin)
        fclose(file);
    return text->size < FILE_BYTES_MAX ? 0 : fail(error, "configuration file %s is too large", path);
}

static int parse_file(struct config *config, const char *path, int depth, struct buffer *error);

static int parse_line(struct config *config, struct slice line, int depth, struct buffer *error)
{
    struct words words = {0};
    int got = words_split(&words, line);
    if (got < 0) {
        fail(error, "Unbalanced quotes in configuration line");
    } else if (words.count == 0 || words.at[0].base[0] == '#') {
        got = 0;
    } else if (words.count == 2 && slice_equal_nocase(words.at[0], SLICE("include"))) {
        char path[4096];
        snprintf(path, sizeof(path), "%.*s", (int)words.at[1].size, words.at[1].base);
        got = depth < INCLUDE_DEPTH_MAX ? parse_file(config, path, depth + 1, error) : fail(error, "configuration files include one another without end");
    } else {
        got = apply_words(config, &words, error);
    }
    words_free(&words);
    return got;
}

static int parse_file(struct config *config, const char *path, int depth, struct buffer *error)
{
    struct buffer text = {0};
    int got = read_file(path, &text, error), number = 0;
    for (size_t at = 0; got == 0 && at < text.size;) {
        const char *end = memchr(text.base + at, '\n', text.size - at);
        size_t size = end ? (size_t)(end - text.base) - at : text.size - at;
        number++;
        got = parse_line(config, slice_of(text.base + at, size), depth, error);
        if (got < 0) {
            struct buffer why = *error;
            *error = (struct buffer){0};
            fail(error, "%s:%d: %.*s", path, number, (int)why.size, why.base);
            buffer_free(&why);
        }
        at += size + 1;
    }
    buffer_free(&text);
    return got;
}

/* ---- the command line ---- */

/* --name value value ...: everything up to the next option belongs to it. A flag without a value means yes. */
static int parse_option(struct config *config, int argc, char **argv, int *at, struct buffer *error)
{
    struct words words = {0};
    words_add(&words, slice_from_string(argv[*at] + 2));
    int next = *at + 1;
    /* A value may begin with dashes when it is the only one: --requirepass --secret is not meant, a negative number is. */
    for (; next < argc && strncmp(argv[next], "--", 2) != 0; next++)
        words_add(&words, slice_from_string(argv[next]));
    if (words.count == 1)
        words_add(&words, SLICE("yes"));
    int got = apply_words(config, &words, error);
    words_free(&words);
    *at = next;
    return got;
}

int config_parse_arguments(struct config *config, int argc, char **argv, struct buffer *error)
{
    int at = 1;
    if (at < argc && strncmp(argv[at], "--", 2) != 0) {
        const char *path = argv[at++];
        int got = parse_file(config, path, 0, error);
        if (got < 0)
            return got;
        buffer_append(&config->file, path, strlen(path));
        *buffer_room(&config->file, 1) = 0;
    }
    while (at < argc) {
        if (strncmp(argv[at], "--", 2) != 0)
            return fail(error, "'%s' is not an option", argv[at]);
        int got = parse_option(config, argc, argv, &at, error);
        if (got < 0)
            return got;
    }
    return 0;
}

/* ---- writing back ---- */

static void write_directive(const struct config *config, const struct directive *d, struct buffer *out)
{
    struct buffer value = {0};
    config_get(config, slice_from_string(d->name), &value);
    buffer_format(out, "%s ", d->name);
    /* Lists of words stand as they are; everything else that is not plain is quoted. */
    if (d->type == CONFIG_TEXT && (value.size == 0 || memchr(value.base, '"', value.size) || memchr(value.base, '#', value.size)))
        words_quote(buffer_slice(&value), out);
    else
        buffer_append_slice(out, buffer_slice(&value));
    buffer_append_char(out, '\n');
    buffer_free(&value);
}

/* The directive that a line of the file sets, NULL for comments and blank lines. */
static const struct directive *directive_of_line(struct slice line)
{
    struct words words = {0};
    const struct directive *found = NULL;
    if (words_split(&words, line) == 0 && words.count)
        for (const struct directive *d = config_directives; d->name && !found; d++)
            if (slice_equal_nocase(words.at[0], slice_from_string(d->name)) || (d->alias && slice_equal_nocase(words.at[0], slice_from_string(d->alias))))
                found = d;
    words_free(&words);
    return found;
}

static int directives_count(void)
{
    int count = 0;
    while (config_directives[count].name)
        count++;
    return count;
}

static int replace_file(const char *path, const struct buffer *text, struct buffer *error)
{
    char temporary[4200];
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    FILE *file = fopen(temporary, "w");
    bool good = file && fwrite(text->base, 1, text->size, file) == text->size;
    if (file)
        good = fclose(file) == 0 && good;
    if (good && rename(temporary, path) == 0)
        return 0;
    return fail(error, "%s", strerror(errno));
}

int config_rewrite(const struct config *config, struct buffer *error)
{
    if (!config->file.size)
        return fail(error, "The server is running without a config file");
    struct buffer old = {0}, out = {0};
    int got = read_file(config->file.base, &old, error);
    bool *written = calloc((size_t)directives_count() + 1, sizeof(*written));
    if (!written)
        abort();
    for (size_t at = 0; got == 0 && at < old.size;) {
        const char *end = memchr(old.base + at, '\n', old.size - at);
        size_t size = end ? (size_t)(end - old.base) - at : old.size - at;
        struct slice line = slice_of(old.base + at, size);
        const struct directive *d = directive_of_line(line);
        if (!d) {
            buffer_append_slice(&out, line);
            buffer_append_char(&out, '\n');
        } else if (!written[d - config_directives]) {
            written[d - config_directives] = true;
            write_directive(config, d, &out);
        }
        at += size + 1;
    }
    for (const struct directive *d = config_directives; got == 0 && d->name; d++)
        if (!written[d - config_directives] && !config_is_default(config, d))
            write_directive(config, d, &out);
    if (got == 0)
        got = replace_file(config->file.base, &out, error);
    free(written);
    buffer_free(&old);
    buffer_free(&out);
    return got;
}
