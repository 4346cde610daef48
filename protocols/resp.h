/* SPDX-License-Identifier: MIT
 * resp: the Redis protocol, versions 2 and 3: requests from bytes, replies to bytes. Pure functions; no socket, no clock.
 *
 * Requests come in two forms:
 *
 *      *2 CRLF $4 CRLF ECHO CRLF $5 CRLF hello CRLF       multibulk: what client libraries send
 *      ECHO "hello\n" CRLF                                inline: what people type; quotes and escapes as in C
 *
 * 1. Parsing copies nothing: arguments point into the bytes that the caller holds. Only the quoted arguments of an inline
 *    request change them: they are unescaped where they stand, which never takes more room.
 * 2. Parsing may stop at any byte and go on when more have arrived, without looking at a byte twice. The parser remembers
 *    offsets, not addresses, so the bytes may move in between. However the input is cut, the same requests and the same error
 *    come out.
 * 3. Memory grows with the arguments that have arrived, never with the number that was announced.
 * 4. What is refused, and the words it is refused with, are Redis's.
 *
 * A session's loop:
 *
 *      while ((got = resp_parse(&parser, bytes + used, size - used, &args, &request)) == RESP_REQUEST) {
 *          used += request.bytes;
 *          remember request (skip it when request.argc is 0);
 *      }
 *      execute what was remembered, each with resp_argv(&args, &request); then args.size = 0, drop `used` bytes;
 *      if (got == RESP_ERROR) resp_parse_error(&writer, &parser) and close;
 */
#ifndef LOCUS_PROTOCOLS_RESP_H
#define LOCUS_PROTOCOLS_RESP_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"

/* ---- limits; all are Redis's ---- */

#define RESP_LINE_MAX ((size_t)64 << 10)            /* bytes of an inline request, or of a line with a length */
#define RESP_BULK_MAX ((int64_t)512 << 20)          /* bytes of one argument: proto-max-bulk-len's default */
#define RESP_ARGS_MAX INT32_MAX                     /* arguments of one request */
#define RESP_UNAUTHENTICATED_ARGS_MAX 10            /* before AUTH: enough for HELLO 3 AUTH user password SETNAME name */
#define RESP_UNAUTHENTICATED_BULK_MAX ((int64_t)16384)

/* ---- requests ---- */

/* A growable run of slices. Filled with zeros it is a valid empty one. The caller empties it (size = 0) when the requests in it
 * have been executed. */
struct resp_args {
    struct slice *base; /* Ours, malloc; moves when it grows */
    size_t size;        /* slices in use */
    size_t capacity;    /* slices allocated */
};

/* Give the memory back; a valid empty one afterwards. */
void resp_args_free(struct resp_args *args);

/* One request. Its arguments are args.base[first .. first + argc): an index, since the vector moves while it grows. */
struct resp_request {
    size_t first; /* index of the first argument */
    size_t bytes; /* how many bytes of the input the request took */
    int argc;     /* 0: an empty line or an empty array; nothing to execute, nothing to answer */
};

/* NULL when the request has no arguments. Valid until `args` grows. */
static inline struct slice *resp_argv(const struct resp_args *args, const struct resp_request *request)
{
    return request->argc ? args->base + request->first : NULL;
}

enum resp_result { RESP_ERROR = -1, RESP_MORE = 0, RESP_REQUEST = 1 };

enum resp_error_code {
    RESP_FINE,
    RESP_INVALID_MULTIBULK_LENGTH,
    RESP_INVALID_BULK_LENGTH,
    RESP_EXPECTED_DOLLAR,
    RESP_UNBALANCED_QUOTES,
    RESP_BIG_INLINE,
    RESP_BIG_MULTIBULK_COUNT,
    RESP_BIG_BULK_COUNT,
    RESP_UNAUTHENTICATED_MULTIBULK,
    RESP_UNAUTHENTICATED_BULK,
};

/* Between two requests everything below `error` is zero, but for bulk_size, and nothing is allocated: an idle session's parser
 * can be thrown away and made anew. */
struct resp_parser {
    int64_t bulk_max;          /* bytes; the owner may change it at any time */
    bool unauthenticated;      /* the owner sets it while the client has yet to say who it is, and executes each request before
                                  it parses the next: the first may be AUTH */
    uint8_t error;             /* enum resp_error_code; an error is final */
    char unexpected;           /* the byte that stood where '$' was expected */
    int32_t missing;           /* arguments of the unfinished request that have yet to arrive */
    int64_t bulk_size;         /* of the argument that is arriving; -1 while its length is not known */
    size_t offset;             /* bytes of the unfinished request that are done with */
    size_t scanned;            /* bytes behind `offset` known to hold no end of line */
    struct resp_args partial;  /* Ours: arguments of the unfinished request; base is an offset from the request's first byte */
};

void resp_parser_init(struct resp_parser *parser);
void resp_parser_deinit(struct resp_parser *parser);

/* Parse one request from bytes[0 .. size), which start with the first byte of a request. RESP_REQUEST: its arguments were
 * appended to `args` and `request` is filled in; drop request->bytes and call again for the next. The arguments stay valid as
 * long as the bytes stay where they are. RESP_MORE: the request is not whole; call again with the same bytes, wherever they
 * are by then, and more behind them. RESP_ERROR: see resp_parse_error; the connection has no future. */
enum resp_result resp_parse(struct resp_parser *parser, char *bytes, size_t size, struct resp_args *args,
                            struct resp_request *request);

/* After RESP_MORE: how many bytes the unfinished request is known to have, at the least; what to make room for. */
size_t resp_wanted(const struct resp_parser *parser);

/* ---- replies ---- */

/* Where replies go, and in which version: 2, or 3 after HELLO 3. Types that version 2 does not have become what Redis makes of
 * them: maps and sets arrays, doubles bulk strings, booleans integers. */
struct resp_writer {
    struct buffer *out; /* Borrowed */
    int protocol;       /* 2 or 3 */
};

/* "Protocol error: ..." as an error reply. The parser must have returned RESP_ERROR. */
void resp_parse_error(struct resp_writer *w, const struct resp_parser *parser);

/* The decimal digits of `value` at `text`, which has room for RESP_INTEGER_MAX. Returns how many bytes; no NUL. */
#define RESP_INTEGER_MAX 20 /* "-9223372036854775808" */
size_t resp_format_integer(char *text, int64_t value);

/* The shortest decimal text that reads back as the same double, with an exponent where Redis 7.2 writes one ("1e+20"); "inf",
 * "-inf", "nan". Room for RESP_DOUBLE_MAX. Returns how many bytes; no NUL. */
#define RESP_DOUBLE_MAX 32 /* sign, 17 digits, point, leading zeros, exponent */
size_t resp_format_double(char *text, double value);

/* A long double as INCRBYFLOAT writes it: 17 decimals without trailing zeros, never an exponent. Finite values only. */
#define RESP_HUMAN_MAX 5120 /* LDBL_MAX has 4933 digits before the point */
size_t resp_format_human(char *text, long double value);

/* The slow side of resp_integer and of every header: `type`, the digits, CRLF. */
void resp_header_long(struct buffer *out, char type, int64_t value);

/* A type byte, a number, CRLF: what integers, and the headers of everything else, look like. */
static inline void resp_header(struct resp_writer *w, char type, int64_t value)
{
    if ((uint64_t)value > 99) {
        resp_header_long(w->out, type, value);
        return;
    }
    char *p = buffer_room(w->out, 5);
    unsigned tens = (unsigned)value / 10, n = 0;
    p[n++] = type;
    if (tens)
        p[n++] = (char)('0' + tens);
    p[n++] = (char)('0' + (unsigned)value % 10);
    p[n++] = '\r';
    p[n++] = '\n';
    w->out->size += n;
}

/* Bytes that are RESP already. */
static inline void resp_raw(struct resp_writer *w, struct slice bytes)
{
    buffer_append_slice(w->out, bytes);
}

/* +text. The text holds no CR or LF. */
static inline void resp_simple(struct resp_writer *w, const char *text)
{
    size_t size = strlen(text);
    char *p = buffer_room(w->out, size + 3);
    p[0] = '+';
    memcpy(p + 1, text, size);
    p[size + 1] = '\r';
    p[size + 2] = '\n';
    w->out->size += size + 3;
}

static inline void resp_ok(struct resp_writer *w)
{
    buffer_append(w->out, "+OK\r\n", 5);
}

/* An error line, code first and without the '-': "ERR syntax error". CR and LF in it become spaces; those at the end go. */
void resp_error(struct resp_writer *w, const char *line);
void resp_error_slice(struct resp_writer *w, struct slice line);
void resp_errorf(struct resp_writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void resp_verrorf(struct resp_writer *w, const char *format, va_list args);

static inline void resp_integer(struct resp_writer *w, int64_t value)
{
    resp_header(w, ':', value);
}

static inline void resp_bulk(struct resp_writer *w, struct slice value)
{
    /* One reservation for all of it: '$', at most 20 digits, two CRLFs and the bytes. */
    buffer_room(w->out, value.size + 25);
    resp_header(w, '$', (int64_t)value.size);
    char *p = w->out->base + w->out->size;
    if (value.size)
        memcpy(p, value.base, value.size);
    p[value.size] = '\r';
    p[value.size + 1] = '\n';
    w->out->size += value.size + 2;
}

static inline void resp_bulk_string(struct resp_writer *w, const char *text)
{
    resp_bulk(w, slice_from_string(text));
}

/* An integer's digits as a bulk string. */
void resp_bulk_integer(struct resp_writer *w, int64_t value);

/* 3: ",1.5"; 2: a bulk string. What ZSCORE, ZINCRBY and WITHSCORES answer. */
void resp_double(struct resp_writer *w, double value);

/* A long double as a bulk string in both versions: INCRBYFLOAT, HINCRBYFLOAT. */
void resp_bulk_human(struct resp_writer *w, long double value);

/* Decimal digits of any length. 3: "(..."; 2: a bulk string. */
void resp_big_number(struct resp_writer *w, struct slice digits);

/* Text for people; `format` is three letters, "txt" or "mkd". 3: "=..."; 2: a bulk string. INFO, CLIENT LIST, LATENCY DOCTOR. */
void resp_verbatim(struct resp_writer *w, const char *format, struct slice text);

/* 3: "#t"; 2: ":1". */
static inline void resp_bool(struct resp_writer *w, bool value)
{
    if (w->protocol > 2)
        buffer_append(w->out, value ? "#t\r\n" : "#f\r\n", 4);
    else
        buffer_append(w->out, value ? ":1\r\n" : ":0\r\n", 4);
}

/* No value. 3: "_"; 2: the null bulk string. */
static inline void resp_null(struct resp_writer *w)
{
    if (w->protocol > 2)
        buffer_append(w->out, "_\r\n", 3);
    else
        buffer_append(w->out, "$-1\r\n", 5);
}

/* The same; named for where Redis's documentation says "bulk string or nil". */
static inline void resp_null_bulk(struct resp_writer *w)
{
    resp_null(w);
}

/* No array. 3: "_"; 2: the null array. */
static inline void resp_null_array(struct resp_writer *w)
{
    if (w->protocol > 2)
        buffer_append(w->out, "_\r\n", 3);
    else
        buffer_append(w->out, "*-1\r\n", 5);
}

/* Headers: `count` elements (or pairs of them, in a map) follow. */
static inline void resp_array(struct resp_writer *w, size_t count)
{
    resp_header(w, '*', (int64_t)count);
}

static inline void resp_map(struct resp_writer *w, size_t pairs)
{
    if (w->protocol > 2)
        resp_header(w, '%', (int64_t)pairs);
    else
        resp_header(w, '*', (int64_t)pairs * 2);
}

static inline void resp_set(struct resp_writer *w, size_t count)
{
    resp_header(w, w->protocol > 2 ? '~' : '*', (int64_t)count);
}

/* Out of band: pub/sub messages, invalidations. Version 2 has them as arrays. */
static inline void resp_push(struct resp_writer *w, size_t count)
{
    resp_header(w, w->protocol > 2 ? '>' : '*', (int64_t)count);
}

/* Pairs about the reply that follows. Version 3 only. */
static inline void resp_attribute(struct resp_writer *w, size_t pairs)
{
    assert(w->protocol > 2);
    resp_header(w, '|', (int64_t)pairs);
}

/* Aggregates whose count is known only at their end. The mark is a position in the buffer: nothing may be removed from its front
 * in between. They nest. The header is written at the end; what stands behind it moves when the count has more than one digit. */
static inline size_t resp_array_begin(struct resp_writer *w)
{
    size_t mark = w->out->size;
    buffer_append(w->out, "*0\r\n", 4);
    return mark;
}

static inline size_t resp_map_begin(struct resp_writer *w)
{
    size_t mark = resp_array_begin(w);
    if (w->protocol > 2)
        w->out->base[mark] = '%';
    return mark;
}

static inline size_t resp_set_begin(struct resp_writer *w)
{
    size_t mark = resp_array_begin(w);
    if (w->protocol > 2)
        w->out->base[mark] = '~';
    return mark;
}

/* Put the count into the header at `mark`. */
void resp_aggregate_end(struct resp_writer *w, size_t mark, size_t count);

static inline void resp_array_end(struct resp_writer *w, size_t mark, size_t count)
{
    resp_aggregate_end(w, mark, count);
}

static inline void resp_set_end(struct resp_writer *w, size_t mark, size_t count)
{
    resp_aggregate_end(w, mark, count);
}

static inline void resp_map_end(struct resp_writer *w, size_t mark, size_t pairs)
{
    resp_aggregate_end(w, mark, w->protocol > 2 ? pairs : pairs * 2);
}

#endif
