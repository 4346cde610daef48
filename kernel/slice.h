/* SPDX-License-Identifier: MIT
 * slice: a borrowed run of bytes. Never NUL-terminated, never owned; the text that hands one out says until when it is valid. */
#ifndef LOCUS_KERNEL_SLICE_H
#define LOCUS_KERNEL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *base; /* Borrowed; may be NULL when size is 0 */
    size_t size;      /* bytes */
};

/* A slice over a string literal; its size is known at compile time. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const void *base, size_t size)
{
    return (struct slice){(const char *)base, size};
}

/* A slice over a NUL-terminated string, without its NUL. */
static inline struct slice slice_from_string(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.base, b.base, a.size) == 0);
}

/* Equality that ignores the case of ASCII letters: command names and options. */
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.base, b.base, a.size) == 0);
}

/* Byte order, the shorter first when one is the prefix of the other. Returns <0, 0, >0. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int order = n ? memcmp(a.base, b.base, n) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

#endif
