/* SPDX-License-Identifier: MIT
 * buffer: see buffer.h. */
#include "kernel/buffer.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUFFER_CAPACITY_MIN = 64 };

void buffer_grow(struct buffer *b, size_t more)
{
    size_t wanted = b->size + more;
    if (wanted < more)
        abort(); /* the size overflowed: a bug in the caller's arithmetic */
    size_t capacity = b->capacity ? b->capacity : BUFFER_CAPACITY_MIN;
    while (capacity < wanted)
        capacity += capacity < (1u << 20) ? capacity : capacity / 2;
    char *base = realloc(b->base, capacity);
    if (!base) {
        fprintf(stderr, "out of memory: a buffer of %zu bytes\n", capacity);
        abort();
    }
    b->base = base;
    b->capacity = capacity;
}

void buffer_free(struct buffer *b)
{
    free(b->base);
    *b = (struct buffer){0};
}

void buffer_vformat(struct buffer *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    char *room = buffer_room(b, 64);
    int n = vsnprintf(room, b->capacity - b->size, format, args);
    if (n >= 0 && (size_t)n >= b->capacity - b->size) {
        room = buffer_room(b, (size_t)n + 1);
        n = vsnprintf(room, b->capacity - b->size, format, again);
    }
    va_end(again);
    if (n > 0)
        b->size += (size_t)n;
}

void buffer_format(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buffer_vformat(b, format, args);
    va_end(args);
}

void buffer_consume(struct buffer *b, size_t count)
{
    b->size -= count;
    memmove(b->base, b->base + count, b->size);
}
