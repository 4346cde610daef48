/* SPDX-License-Identifier: MIT
 * buffer: a growable run of bytes that owns its memory. Replies, record encodings and scratch texts are built in one.
 *
 *      base                  base + size           base + capacity
 *       |---- written --------|------ free ---------|
 *
 * A buffer filled with zeros is a valid empty one. Running out of memory ends the process (the log recovers it): no caller
 * could continue with half a reply. */
#ifndef LOCUS_KERNEL_BUFFER_H
#define LOCUS_KERNEL_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "kernel/slice.h"

struct buffer {
    char *base;      /* Ours; NULL while capacity is 0 */
    size_t size;     /* bytes written */
    size_t capacity; /* bytes allocated */
};

/* Make room for `more` bytes behind what is written. The slow path of buffer_room. */
void buffer_grow(struct buffer *b, size_t more);

/* Give the memory back; the buffer is a valid empty one afterwards. */
void buffer_free(struct buffer *b);

/* printf into the buffer. */
void buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vformat(struct buffer *b, const char *format, va_list args);

/* Remove `count` bytes from the front, moving the rest down. */
void buffer_consume(struct buffer *b, size_t count);

/* A pointer to at least `more` writable bytes at the end; advance with b->size += n. Valid until the next growth. */
static inline char *buffer_room(struct buffer *b, size_t more)
{
    if (__builtin_expect(b->capacity - b->size < more, 0))
        buffer_grow(b, more);
    return b->base + b->size;
}

static inline void buffer_append(struct buffer *b, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    memcpy(buffer_room(b, size), bytes, size);
    b->size += size;
}

static inline void buffer_append_slice(struct buffer *b, struct slice s)
{
    buffer_append(b, s.base, s.size);
}

static inline void buffer_append_char(struct buffer *b, char c)
{
    *buffer_room(b, 1) = c;
    b->size++;
}

static inline struct slice buffer_slice(const struct buffer *b)
{
    return slice_of(b->base, b->size);
}

#endif
