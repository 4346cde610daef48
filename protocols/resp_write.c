/* SPDX-License-Identifier: MIT
 * resp_write: replies of the Redis protocol, as far as they are not inline in resp.h. */
#include "protocols/resp.h"

#include <stdio.h>

/* ---- errors ---- */

/* What a client reads, and what the owner logs, for each reason to refuse a request. The words are Redis's. */
static const char *const parse_errors[] = {
    [RESP_INVALID_MULTIBULK_LENGTH] = "invalid multibulk length",
    [RESP_INVALID_BULK_LENGTH] = "invalid bulk length",
    [RESP_EXPECTED_DOLLAR] = "expected '$', got '",
    [RESP_UNBALANCED_QUOTES] = "unbalanced quotes in request",
    [RESP_BIG_INLINE] = "too big inline request",
    [RESP_BIG_MULTIBULK_COUNT] = "too big mbulk count string",
    [RESP_BIG_BULK_COUNT] = "too big bulk count string",
    [RESP_UNAUTHENTICATED_MULTIBULK] = "unauthenticated multibulk length",
    [RESP_UNAUTHENTICATED_BULK] = "unauthenticated bulk length",
};

void resp_error_slice(struct resp_writer *w, struct slice line)
{
    while (line.size && (line.base[line.size - 1] == '\r' || line.base[line.size - 1] == '\n'))
        line.size--;
    char *p = buffer_room(w->out, line.size + 3);
    *p++ = '-';
    for (size_t i = 0; i < line.size; i++)
        *p++ = line.base[i] == '\r' || line.base[i] == '\n' ? ' ' : line.base[i];
    *p++ = '\r';
    *p++ = '\n';
    w->out->size += line.size + 3;
}

void resp_error(struct resp_writer *w, const char *line)
{
    resp_error_slice(w, slice_from_string(line));
}

void resp_verrorf(struct resp_writer *w, const char *format, va_list args)
{
    struct buffer line = {0};
    buffer_vformat(&line, format, args);
    resp_error_slice(w, buffer_slice(&line));
    buffer_free(&line);
}

void resp_errorf(struct resp_writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    resp_verrorf(w, format, args);
    va_end(args);
}

void resp_parse_error(struct resp_writer *w, const struct resp_parser *parser)
{
    assert(parser->error > RESP_FINE);
    assert(parser->error <= RESP_UNAUTHENTICATED_BULK);
    char line[96]; /* "ERR Protocol error: " and the longest text above, and a quoted byte */
    size_t size = (size_t)snprintf(line, sizeof line, "ERR Protocol error: %s", parse_errors[parser->error]);
    if (parser->error == RESP_EXPECTED_DOLLAR) {
        line[size++] = parser->unexpected; /* any byte at all, NUL included */
        line[size++] = '\'';
    }
    resp_error_slice(w, slice_of(line, size));
}

/* ---- numbers ---- */

void resp_header_long(struct buffer *out, char type, int64_t value)
{
    char *p = buffer_room(out, 1 + RESP_INTEGER_MAX + 2);
    *p = type;
    size_t size = 1 + resp_format_integer(p + 1, value);
    p[size++] = '\r';
    p[size++] = '\n';
    out->size += size;
}

/* `size` bytes of digits as version 2 has them, "$<size> CRLF digits CRLF", or as version 3 has them, "<type>digits CRLF". */
static void number_text(struct resp_writer *w, char type, struct slice digits)
{
    if (w->protocol < 3) {
        resp_bulk(w, digits);
        return;
    }
    buffer_append_char(w->out, type);
    buffer_append_slice(w->out, digits);
    buffer_append(w->out, "\r\n", 2);
}

void resp_bulk_integer(struct resp_writer *w, int64_t value)
{
    char text[RESP_INTEGER_MAX];
    resp_bulk(w, slice_of(text, resp_format_integer(text, value)));
}

void resp_double(struct resp_writer *w, double value)
{
    char text[RESP_DOUBLE_MAX];
    number_text(w, ',', slice_of(text, resp_format_double(text, value)));
}

void resp_big_number(struct resp_writer *w, struct slice digits)
{
    number_text(w, '(', digits);
}

void resp_bulk_human(struct resp_writer *w, long double value)
{
    char text[RESP_HUMAN_MAX];
    resp_bulk(w, slice_of(text, resp_format_human(text, value)));
}

/* ---- the rest ---- */

void resp_verbatim(struct resp_writer *w, const char *format, struct slice text)
{
    if (w->protocol < 3) {
        resp_bulk(w, text);
        return;
    }
    assert(strlen(format) == 3);
    resp_header(w, '=', (int64_t)text.size + 4);
    buffer_append(w->out, format, 3);
    buffer_append_char(w->out, ':');
    buffer_append_slice(w->out, text);
    buffer_append(w->out, "\r\n", 2);
}

void resp_aggregate_end(struct resp_writer *w, size_t mark, size_t count)
{
    struct buffer *out = w->out;
    char digits[RESP_INTEGER_MAX];
    size_t size = resp_format_integer(digits, (int64_t)count);
    size_t body = mark + 4; /* behind the "*0 CRLF" that resp_array_begin wrote */
    assert(body <= out->size);
    if (size > 1) {
        buffer_room(out, size - 1);
        memmove(out->base + body + size - 1, out->base + body, out->size - body);
        out->size += size - 1;
    }
    memcpy(out->base + mark + 1, digits, size);
    memcpy(out->base + mark + 1 + size, "\r\n", 2);
}
