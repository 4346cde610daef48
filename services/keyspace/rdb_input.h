/* SPDX-License-Identifier: MIT
 * rdb_input: the bytes of an RDB file, from memory or from a source, as sizes and texts. Internal to the reader (rdb_read.c).
 *
 *      file:   ...gone...| window: read, not yet needed | not read yet ...
 *                        ^ window_start                 ^ window_start + available
 *                              ^ + position
 *
 * 1. Every call that returns false has set the error and its text once; later calls return false and leave it as it is.
 * 2. A slice handed out is valid until the next call on the same input, which may move the window.
 * 3. The window grows by what has arrived: a size that is only announced reserves nothing. */
#ifndef LOCUS_KEYSPACE_RDB_INPUT_H
#define LOCUS_KEYSPACE_RDB_INPUT_H

#include "services/keyspace/rdb.h"

struct rdb_input {
    rdb_source_fn source;   /* NULL: all there is lies in the window */
    void *context;          /* the source's */
    const char *window;     /* Borrowed from the caller, or buffer.base */
    size_t available;       /* bytes in the window */
    size_t position;        /* bytes of it that were taken */
    size_t summed;          /* bytes of it that are in crc */
    uint64_t window_start;  /* bytes of the file before the window */
    uint64_t crc;
    struct buffer buffer;   /* Ours: the window, when there is a source */
    struct buffer unpacked; /* Ours: the last decompressed text */
    char scratch[24];       /* the last text that was stored as an integer */
    int error;              /* 0, -EBADMSG, or the source's */
    char message[RDB_ERROR_MAX];
};

/* A text as it was stored: an integer knows its value too. */
struct rdb_text {
    struct slice bytes;
    bool is_integer;
    int64_t integer;
};

void rdb_input_memory(struct rdb_input *in, struct slice file);
void rdb_input_source(struct rdb_input *in, rdb_source_fn source, void *context);
void rdb_input_deinit(struct rdb_input *in);

/* Say that the input is damaged, here. Always false. */
bool rdb_input_fail(struct rdb_input *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of the file that were taken. */
static inline uint64_t rdb_input_offset(const struct rdb_input *in)
{
    return in->window_start + in->position;
}

/* Make `size` bytes lie behind the position. The slow path of rdb_take. */
bool rdb_input_fill(struct rdb_input *in, size_t size);

/* The next `size` bytes, NULL when they do not come. */
static inline const char *rdb_take(struct rdb_input *in, size_t size)
{
    if (__builtin_expect(in->available - in->position < size, 0) && !rdb_input_fill(in, size))
        return NULL;
    in->position += size;
    return in->window + in->position - size;
}

bool rdb_take_byte(struct rdb_input *in, uint8_t *byte);
bool rdb_take_size(struct rdb_input *in, uint64_t *size);
bool rdb_take_text(struct rdb_input *in, struct rdb_text *text);

/* The checksum of everything that was taken so far. */
uint64_t rdb_input_crc(struct rdb_input *in);

#endif
