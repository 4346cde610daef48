/* SPDX-License-Identifier: MIT
 * words: see words.h. */
#include "redisd/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

void words_add(struct words *words, struct slice word)
{
    if (words->count == words->capacity) {
        words->capacity = words->capacity ? words->capacity * 2 : 8;
        words->at = realloc(words->at, words->capacity * sizeof(words->at[0]));
        if (!words->at)
            abort();
    }
    char *copy = malloc(word.size + 1);
    if (!copy)
        abort();
    if (word.size)
        memcpy(copy, word.base, word.size);
    copy[word.size] = 0;
    words->at[words->count++] = slice_of(copy, word.size);
}

void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free((void *)(uintptr_t)words->at[i].base);
    free(words->at);
    *words = (struct words){0};
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* What follows a backslash within double quotes. Returns how many bytes of it were taken. */
static size_t unescape(const char *p, const char *end, char *out)
{
    if (*p == 'x' && end - p > 2 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
        *out = (char)(hex_digit(p[1]) * 16 + hex_digit(p[2]));
        return 3;
    }
    switch (*p) {
    case 'n': *out = '\n'; break;
    case 'r': *out = '\r'; break;
    case 't': *out = '\t'; break;
    case 'b': *out = '\b'; break;
    case 'a': *out = '\a'; break;
    default: *out = *p;
    }
    return 1;
}

/* The quoted rest of a word from behind its opening quote; *p moves behind the closing one. False when there is none. */
static bool take_quoted(const char **p, const char *end, char quote, struct buffer *word)
{
    for (const char *q = *p; q < end; q++) {
        if (*q == quote) {
            *p = q + 1;
            return *p == end || isspace((unsigned char)**p);
        }
        char c = *q;
        if (c == '\\' && quote == '"' && q + 1 < end)
            q += unescape(q + 1, end, &c);
        else if (c == '\\' && quote == '\'' && q + 1 < end && q[1] == '\'')
            c = *++q;
        buffer_append_char(word, c);
    }
    return false;
}

int words_split(struct words *words, struct slice line)
{
    const char *p = line.base, *end = line.base + line.size;
    struct buffer word = {0};
    bool good = true;
    for (;;) {
        while (p < end && isspace((unsigned char)*p))
            p++;
        if (p == end || !good || (words->count == 0 && *p == '#'))
            break;
        word.size = 0;
        while (good && p < end && !isspace((unsigned char)*p)) {
            char c = *p++;
            if (c == '"' || c == '\'')
                good = take_quoted(&p, end, c, &word);
            else
                buffer_append_char(&word, c);
        }
        if (good)
            words_add(words, buffer_slice(&word));
    }
    buffer_free(&word);
    return good ? 0 : -EINVAL;
}

void words_quote(struct slice word, struct buffer *out)
{
    buffer_append_char(out, '"');
    for (size_t i = 0; i < word.size; i++) {
        unsigned char c = (unsigned char)word.base[i];
        if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", c);
        else if (c < ' ' || c > '~')
            buffer_format(out, "\\x%02x", c);
        else
            buffer_append_char(out, (char)c);
    }
    buffer_append_char(out, '"');
}
