/* SPDX-License-Identifier: MIT
 * rdb_input: see rdb_input.h. */
#include "services/keyspace/rdb_input.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "services/keyspace/crc64.h"
#include "services/keyspace/integer.h"
#include "services/keyspace/rdb_format.h"

/* Three bytes of compressed text stand for at most 264: two of a long match. More than that was announced falsely. */
enum { LZF_RATIO_MAX = 264 / 3, LZF_SLACK = 264 };

void rdb_input_memory(struct rdb_input *in, struct slice file)
{
    *in = (struct rdb_input){.window = file.base, .available = file.size};
}

void rdb_input_source(struct rdb_input *in, rdb_source_fn source, void *context)
{
    *in = (struct rdb_input){.source = source, .context = context};
}

void rdb_input_deinit(struct rdb_input *in)
{
    buffer_free(&in->buffer);
    buffer_free(&in->unpacked);
}

bool rdb_input_fail(struct rdb_input *in, const char *format, ...)
{
    if (in->error)
        return false;
    in->error = -EBADMSG;
    int n = snprintf(in->message, sizeof(in->message), "at byte %llu: ", (unsigned long long)rdb_input_offset(in));
    va_list args;
    va_start(args, format);
    vsnprintf(in->message + n, sizeof(in->message) - (size_t)n, format, args);
    va_end(args);
    return false;
}

uint64_t rdb_input_crc(struct rdb_input *in)
{
    if (in->position > in->summed)
        in->crc = crc64(in->crc, in->window + in->summed, in->position - in->summed);
    in->summed = in->position;
    return in->crc;
}

/* Forget what was taken: the window begins at the position. */
static void slide(struct rdb_input *in)
{
    rdb_input_crc(in);
    buffer_consume(&in->buffer, in->position);
    in->window_start += in->position;
    in->available -= in->position;
    in->position = in->summed = 0;
}

bool rdb_input_fill(struct rdb_input *in, size_t size)
{
    if (in->error)
        return false;
    if (in->source && in->position)
        slide(in);
    while (in->available - in->position < size) {
        ssize_t n = in->source ? in->source(in->context, buffer_room(&in->buffer, RDB_PIECE), RDB_PIECE) : 0;
        if (n == 0)
            return rdb_input_fail(in, "the file is cut off");
        if (n < 0) {
            rdb_input_fail(in, "reading failed: %s", strerror((int)-n));
            in->error = (int)n;
            return false;
        }
        assert((size_t)n <= RDB_PIECE);
        in->buffer.size += (size_t)n;
        in->available = in->buffer.size;
        in->window = in->buffer.base;
    }
    return true;
}

bool rdb_take_byte(struct rdb_input *in, uint8_t *byte)
{
    const char *at = rdb_take(in, 1);
    if (at)
        *byte = (uint8_t)*at;
    return at;
}

static uint64_t big_endian(const char *at, int width)
{
    uint64_t value = 0;
    for (int i = 0; i < width; i++)
        value = value << 8 | (uint8_t)at[i];
    return value;
}

/* A size, or (when special is not NULL) the first byte of a text in another form. */
static bool take_size(struct rdb_input *in, uint64_t *size, uint8_t *special)
{
    uint8_t first;
    const char *at;
    if (!rdb_take_byte(in, &first))
        return false;
    switch (first >> 6) {
    case 0:
        *size = first;
        return true;
    case 1:
        if (!(at = rdb_take(in, 1)))
            return false;
        *size = (uint64_t)(first & 63) << 8 | (uint8_t)*at;
        return true;
    case 2:
        if (first != 0x80 && first != 0x81)
            return rdb_input_fail(in, "a size begins with %d", first);
        if (!(at = rdb_take(in, first == 0x80 ? 4 : 8)))
            return false;
        *size = big_endian(at, first == 0x80 ? 4 : 8);
        return true;
    default:
        if (!special)
            return rdb_input_fail(in, "a text where a size belongs");
        *special = first;
        return true;
    }
}

bool rdb_take_size(struct rdb_input *in, uint64_t *size)
{
    return take_size(in, size, NULL);
}

/* LZF: a control byte below 32 says that that many bytes and one more follow as they are; otherwise its upper three bits and,
 * when these are 7, the next byte give a length, less 2, and the rest a distance, less 1, back in what was written already. */
static bool lzf_expand(const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size)
{
    const uint8_t *from_end = from + from_size;
    size_t size = 0;
    while (from < from_end) {
        unsigned control = *from++;
        size_t length, distance;
        if (control < 32) {
            length = control + 1;
            if ((size_t)(from_end - from) < length || to_size - size < length)
                return false;
            memcpy(to + size, from, length);
            from += length;
            size += length;
            continue;
        }
        length = control >> 5;
        if (length == 7 && from < from_end)
            length += *from++;
        if (from == from_end)
            return false;
        length += 2;
        distance = ((size_t)(control & 31) << 8 | *from++) + 1;
        if (distance > size || to_size - size < length)
            return false;
        for (; length; length--, size++) /* byte by byte: the two may overlap */
            to[size] = to[size - distance];
    }
    return size == to_size;
}

static bool take_compressed(struct rdb_input *in, struct slice *bytes)
{
    uint64_t compressed = 0, size = 0;
    const char *at;
    if (!rdb_take_size(in, &compressed) || !rdb_take_size(in, &size))
        return false;
    if (compressed > DB_VALUE_MAX || size > DB_VALUE_MAX || size > compressed * LZF_RATIO_MAX + LZF_SLACK)
        return rdb_input_fail(in, "a compressed text of %llu bytes", (unsigned long long)size);
    if (!(at = rdb_take(in, compressed)))
        return false;
    in->unpacked.size = 0;
    char *to = buffer_room(&in->unpacked, size + 1); /* never nothing: an empty text has an address too */
    if (!lzf_expand((const uint8_t *)at, compressed, (uint8_t *)to, size))
        return rdb_input_fail(in, "a compressed text is damaged");
    *bytes = slice_of(to, size);
    return true;
}

static bool take_integer(struct rdb_input *in, unsigned width, struct rdb_text *text)
{
    const char *at = rdb_take(in, width);
    if (!at)
        return false;
    uint64_t value = 0;
    memcpy(&value, at, width);
    unsigned unused = 64 - 8 * width;
    text->is_integer = true;
    text->integer = (int64_t)(value << unused) >> unused;
    text->bytes = slice_of(in->scratch, integer_print(in->scratch, text->integer));
    return true;
}

bool rdb_take_text(struct rdb_input *in, struct rdb_text *text)
{
    uint64_t size = 0;
    uint8_t special = 0;
    if (!take_size(in, &size, &special))
        return false;
    text->is_integer = false;
    switch (special) {
    case 0:
        break;
    case RDB_TEXT_INT8:
    case RDB_TEXT_INT16:
    case RDB_TEXT_INT32:
        return take_integer(in, 1u << (special - RDB_TEXT_INT8), text);
    case RDB_TEXT_LZF:
        return take_compressed(in, &text->bytes);
    default:
        return rdb_input_fail(in, "a text begins with %d", special);
    }
    if (size > DB_VALUE_MAX)
        return rdb_input_fail(in, "a text of %llu bytes", (unsigned long long)size);
    const char *at = rdb_take(in, size);
    text->bytes = slice_of(at, size);
    return at;
}
