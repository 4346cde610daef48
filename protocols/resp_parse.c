/* SPDX-License-Identifier: MIT
 * resp_parse: requests of the Redis protocol from bytes; see resp.h.
 *
 * Two ways lead through a multibulk request:
 *
 *      whole_request    everything is there and well-formed: one pass, no state. Nearly every request.
 *      resume           anything else. Each step finishes one line or one argument and moves `offset` behind it:
 *
 *          "*3 CRLF"       "$3 CRLF"          "SET CRLF"            "$5 CRLF" ...
 *          read_count  ->  read_bulk_size ->  take_argument  ->     read_bulk_size ... until `missing` is 0
 *
 * whole_request refuses nothing: where it meets the unusual it gives up and leaves the judgement, and the words, to resume. */
#include "protocols/resp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ARGS_CAPACITY_MIN = 64, /* slices: one KiB, twenty requests of three arguments */
    ARGUMENT_BYTES_MIN = 6, /* "$0 CRLF CRLF" */
    FAST_DIGITS_MAX = 9,    /* fits 32 bits without a check; longer numbers go the slow way */
    LENGTH_DIGITS_MAX = 20, /* "-9223372036854775808" */
};

void resp_args_free(struct resp_args *args)
{
    free(args->base);
    *args = (struct resp_args){0};
}

/* Make room for `more` slices. Out of memory ends the process, as it does for a buffer. */
static void args_reserve(struct resp_args *args, size_t more)
{
    if (args->capacity - args->size >= more)
        return;
    size_t capacity = args->capacity ? args->capacity : ARGS_CAPACITY_MIN;
    while (capacity < args->size + more)
        capacity *= 2;
    struct slice *base = realloc(args->base, capacity * sizeof *base);
    if (!base) {
        fprintf(stderr, "out of memory: %zu arguments\n", capacity);
        abort();
    }
    args->base = base;
    args->capacity = capacity;
}

void resp_parser_init(struct resp_parser *parser)
{
    *parser = (struct resp_parser){.bulk_max = RESP_BULK_MAX, .bulk_size = -1};
}

void resp_parser_deinit(struct resp_parser *parser)
{
    resp_args_free(&parser->partial);
}

/* ---- the whole request is there ---- */

/* The general case of fast_number: three digits and more. */
static __attribute__((noinline)) bool longer_number(const char **at, const char *end, uint32_t *value)
{
    const char *p = *at, *first = p;
    uint32_t n = 0;
    for (uint32_t digit; p < end && (digit = (uint32_t)(unsigned char)*p - '0') <= 9; p++)
        n = n * 10 + digit;
    if (p - first > FAST_DIGITS_MAX || end - p < 2 || p[0] != '\r' || p[1] != '\n')
        return false;
    *at = p + 2;
    *value = n;
    return true;
}

/* Read "digits CRLF" at *at and move behind it. False for anything that is not plainly that. Almost every number has one or two digits: two
 * loads and a few comparisons. At least ARGUMENT_BYTES_MIN bytes follow every number of a whole request, so looking four ahead is safe. */
static inline bool fast_number(const char **at, const char *end, uint32_t *value)
{
    const char *p = *at;
    if (end - p < 4)
        return false;
    uint32_t first = (uint32_t)(unsigned char)p[0] - '0', second = (uint32_t)(unsigned char)p[1] - '0';
    if (first > 9)
        return false;
    if (p[1] == '\r' && p[2] == '\n') {
        *value = first;
        *at = p + 3;
        return true;
    }
    if (first == 0 || second > 9)
        return false;
    if (p[2] == '\r' && p[3] == '\n') {
        *value = first * 10 + second;
        *at = p + 4;
        return true;
    }
    return longer_number(at, end, value);
}

/* A request that is wholly there, "*" first. Returns its bytes and appends its arguments, or 0 and leaves everything as it was. */
static inline size_t whole_request(const struct resp_parser *parser, const char *bytes, size_t size, struct resp_args *args,
                                   int *argc)
{
    const char *p = bytes + 1, *end = bytes + size;
    uint32_t count, length;
    if (!fast_number(&p, end, &count) || count == 0 || count > (size_t)(end - p) / ARGUMENT_BYTES_MIN)
        return 0;
    if (args->capacity - args->size < count)
        args_reserve(args, count);
    struct slice *argument = args->base + args->size;
    for (uint32_t i = 0; i < count; i++) {
        if (p == end || *p++ != '$' || !fast_number(&p, end, &length) || length > parser->bulk_max)
            return 0;
        if ((size_t)(end - p) < (size_t)length + 2)
            return 0;
        argument[i] = slice_of(p, length);
        p += (size_t)length + 2;
    }
    args->size += count;
    *argc = (int)count;
    return (size_t)(p - bytes);
}

/* ---- line by line ---- */

static enum resp_result refuse(struct resp_parser *parser, enum resp_error_code code)
{
    parser->error = (uint8_t)code;
    return RESP_ERROR;
}

/* Find the byte that ends the line at `offset`: '\r' (which one more byte must follow) or '\n'. The limit counts from the
 * line's start, whether the end has arrived or not: otherwise the cut of the input would decide what is too long. */
static enum resp_result find_line(struct resp_parser *parser, const char *bytes, size_t size, char last,
                                  enum resp_error_code too_long, size_t *line_size)
{
    const char *line = bytes + parser->offset;
    size_t there = size - parser->offset;
    size_t window = there <= RESP_LINE_MAX ? there : RESP_LINE_MAX + 1;
    assert(parser->scanned <= window);
    const char *found = memchr(line + parser->scanned, last, window - parser->scanned);
    if (!found) {
        parser->scanned = window;
        return window > RESP_LINE_MAX ? refuse(parser, too_long) : RESP_MORE;
    }
    *line_size = (size_t)(found - line);
    if (last == '\r' && *line_size + 1 >= there) {
        parser->scanned = *line_size;
        return RESP_MORE;
    }
    parser->scanned = 0;
    return RESP_REQUEST;
}

/* A length as Redis reads it: no sign but '-', no leading zero, no space, 64 bits. */
static bool read_length(const char *digits, size_t size, int64_t *value)
{
    if (size == 0 || size > LENGTH_DIGITS_MAX)
        return false;
    bool negative = digits[0] == '-';
    const char *p = digits + negative, *end = digits + size;
    if (p == end || (*p == '0' && size > 1))
        return false;
    uint64_t n = 0;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return false;
    }
    if (n > (uint64_t)INT64_MAX + negative)
        return false;
    *value = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

/* "*3 CRLF". `missing` is 0 afterwards when the array is empty or null. */
static enum resp_result read_count(struct resp_parser *parser, const char *bytes, size_t size)
{
    size_t line_size;
    int64_t count;
    enum resp_result found = find_line(parser, bytes, size, '\r', RESP_BIG_MULTIBULK_COUNT, &line_size);
    if (found != RESP_REQUEST)
        return found;
    if (!read_length(bytes + 1, line_size - 1, &count) || count > RESP_ARGS_MAX)
        return refuse(parser, RESP_INVALID_MULTIBULK_LENGTH);
    if (parser->unauthenticated && count > RESP_UNAUTHENTICATED_ARGS_MAX)
        return refuse(parser, RESP_UNAUTHENTICATED_MULTIBULK);
    parser->missing = count > 0 ? (int32_t)count : 0;
    parser->offset = line_size + 2;
    return RESP_REQUEST;
}

/* "$5 CRLF" */
static enum resp_result read_bulk_size(struct resp_parser *parser, const char *bytes, size_t size)
{
    size_t line_size;
    int64_t length;
    enum resp_result found = find_line(parser, bytes, size, '\r', RESP_BIG_BULK_COUNT, &line_size);
    if (found != RESP_REQUEST)
        return found;
    const char *line = bytes + parser->offset;
    if (line[0] != '$') {
        parser->unexpected = line[0];
        return refuse(parser, RESP_EXPECTED_DOLLAR);
    }
    if (!read_length(line + 1, line_size - 1, &length) || length < 0 || length > parser->bulk_max)
        return refuse(parser, RESP_INVALID_BULK_LENGTH);
    if (parser->unauthenticated && length > RESP_UNAUTHENTICATED_BULK_MAX)
        return refuse(parser, RESP_UNAUTHENTICATED_BULK);
    parser->bulk_size = length;
    parser->offset += line_size + 2;
    return RESP_REQUEST;
}

/* The bytes of one argument and the two behind them, which Redis does not look at. */
static enum resp_result take_argument(struct resp_parser *parser, size_t size)
{
    size_t whole = (size_t)parser->bulk_size + 2;
    if (size - parser->offset < whole)
        return RESP_MORE;
    args_reserve(&parser->partial, 1);
    struct slice *argument = &parser->partial.base[parser->partial.size++];
    argument->base = (const char *)(uintptr_t)parser->offset;
    argument->size = (size_t)parser->bulk_size;
    parser->offset += whole;
    parser->bulk_size = -1;
    parser->missing--;
    return RESP_REQUEST;
}

/* The request is whole: its arguments become addresses, and the parser starts afresh. */
static enum resp_result finish(struct resp_parser *parser, const char *bytes, struct resp_args *args,
                               struct resp_request *request)
{
    const struct resp_args *partial = &parser->partial;
    args_reserve(args, partial->size);
    for (size_t i = 0; i < partial->size; i++)
        args->base[args->size + i] = slice_of(bytes + (uintptr_t)partial->base[i].base, partial->base[i].size);
    args->size += partial->size;
    request->argc = (int)partial->size;
    request->bytes = parser->offset;
    resp_args_free(&parser->partial);
    parser->offset = 0;
    return RESP_REQUEST;
}

static enum resp_result resume(struct resp_parser *parser, const char *bytes, size_t size, struct resp_args *args,
                               struct resp_request *request)
{
    enum resp_result step;
    if (parser->offset == 0) {
        step = read_count(parser, bytes, size);
        if (step != RESP_REQUEST)
            return step;
    }
    while (parser->missing > 0) {
        step = parser->bulk_size < 0 ? read_bulk_size(parser, bytes, size) : take_argument(parser, size);
        if (step != RESP_REQUEST)
            return step;
    }
    return finish(parser, bytes, args, request);
}

/* ---- inline requests ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What "\c" stands for in double quotes. */
static char escaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
    }
}

/* Unescape what stands between quotes, from *at (behind the opening quote) to behind the closing one, writing to *to, which is
 * never ahead of *at. False when the closing quote is missing, or glued to what follows. */
static bool take_quoted(char quote, char **at, const char *end, char **to)
{
    char *p = *at, *w = *to;
    for (; p < end && *p != quote; p++) {
        if (*p != '\\' || end - p < 2) {
            *w++ = *p;
        } else if (quote == '\'') {
            if (p[1] == '\'')
                p++;
            *w++ = *p;
        } else if (p[1] == 'x' && end - p >= 4 && hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0) {
            *w++ = (char)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
            p += 3;
        } else {
            *w++ = escaped(*++p);
        }
    }
    if (p == end || (p + 1 < end && !is_space(p[1])))
        return false;
    *at = p + 1;
    *to = w;
    return true;
}

/* One word from *at, unescaped where it stands. A quote may open in its middle; a closing quote ends it. */
static bool take_word(char **at, const char *end, struct slice *word)
{
    char *p = *at, *w = p;
    word->base = p;
    while (p < end && *p != ' ' && *p != '\t' && *p != '\r' && *p != '\n') {
        if (*p == '"' || *p == '\'') {
            char quote = *p++;
            if (!take_quoted(quote, &p, end, &w))
                return false;
            break;
        }
        *w++ = *p++;
    }
    word->size = (size_t)(w - word->base);
    *at = p;
    return true;
}

static enum resp_result inline_request(struct resp_parser *parser, char *bytes, size_t size, struct resp_args *args,
                                       struct resp_request *request)
{
    size_t line_size;
    enum resp_result found = find_line(parser, bytes, size, '\n', RESP_BIG_INLINE, &line_size);
    if (found != RESP_REQUEST)
        return found;
    char *p = bytes, *end = bytes + line_size;
    if (line_size && end[-1] == '\r')
        end--;
    for (;;) {
        while (p < end && is_space(*p))
            p++;
        if (p == end)
            break;
        struct slice word;
        if (!take_word(&p, end, &word)) {
            args->size = request->first;
            return refuse(parser, RESP_UNBALANCED_QUOTES);
        }
        args_reserve(args, 1);
        args->base[args->size++] = word;
    }
    request->argc = (int)(args->size - request->first);
    request->bytes = line_size + 1;
    return RESP_REQUEST;
}

/* ---- both ---- */

enum resp_result resp_parse(struct resp_parser *parser, char *bytes, size_t size, struct resp_args *args,
                            struct resp_request *request)
{
    if (parser->error)
        return RESP_ERROR;
    request->first = args->size;
    if (size == 0)
        return RESP_MORE;
    if (bytes[0] != '*')
        return inline_request(parser, bytes, size, args, request);
    if (parser->offset == 0 && !parser->unauthenticated) {
        request->bytes = whole_request(parser, bytes, size, args, &request->argc);
        if (request->bytes) {
            parser->scanned = 0;
            return RESP_REQUEST;
        }
    }
    return resume(parser, bytes, size, args, request);
}

size_t resp_wanted(const struct resp_parser *parser)
{
    if (parser->bulk_size >= 0)
        return parser->offset + (size_t)parser->bulk_size + 2 + (size_t)(parser->missing - 1) * ARGUMENT_BYTES_MIN;
    return parser->offset + parser->scanned + 1;
}
