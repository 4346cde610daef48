/* SPDX-License-Identifier: MIT
 * intset: see intset.h. */
#include "services/keyspace/intset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "services/keyspace/heap.h"

void intset_free(struct intset *s)
{
    free(s->values);
    *s = (struct intset){0};
}

void intset_copy(struct intset *to, const struct intset *from)
{
    assert(to->capacity == 0);
    if (from->count == 0)
        return;
    size_t size = (size_t)from->count * from->width;
    *to = (struct intset){heap_alloc(size), from->count, from->count, from->width};
    memcpy(to->values, from->values, size);
}

size_t intset_memory(const struct intset *s)
{
    return heap_cost((size_t)s->capacity * s->width);
}

static uint8_t width_of(int64_t value)
{
    return value == (int16_t)value ? 2 : value == (int32_t)value ? 4 : 8;
}

int64_t intset_at(const struct intset *s, uint32_t position)
{
    assert(position < s->count);
    if (s->width == 2)
        return ((const int16_t *)s->values)[position];
    return s->width == 4 ? ((const int32_t *)s->values)[position] : ((const int64_t *)s->values)[position];
}

static void put(struct intset *s, uint32_t position, int64_t value)
{
    if (s->width == 2)
        ((int16_t *)s->values)[position] = (int16_t)value;
    else if (s->width == 4)
        ((int32_t *)s->values)[position] = (int32_t)value;
    else
        ((int64_t *)s->values)[position] = value;
}

/* Vectors of the three widths; the compilers turn the operations below into compares and ors of 16 bytes. */
typedef int16_t lanes2 __attribute__((vector_size(16)));
typedef int32_t lanes4 __attribute__((vector_size(16)));
typedef int64_t lanes8 __attribute__((vector_size(16)));

/* Pass over blocks of 64 bytes without the wanted integer, then look one by one. */
#define DEFINE_SCAN(name, type, lanes)                                                                                      \
    static uint32_t name(const type *values, uint32_t count, type wanted)                                                   \
    {                                                                                                                       \
        enum { LANES = 16 / sizeof(type), BLOCK = 4 * LANES };                                                              \
        uint32_t i = 0;                                                                                                     \
        for (; i + BLOCK <= count; i += BLOCK) {                                                                            \
            lanes v[4];                                                                                                     \
            memcpy(v, values + i, sizeof v);                                                                                \
            lanes hit = (v[0] == wanted) | (v[1] == wanted) | (v[2] == wanted) | (v[3] == wanted);                          \
            uint64_t halves[2];                                                                                             \
            memcpy(halves, &hit, sizeof halves);                                                                            \
            if (halves[0] | halves[1])                                                                                      \
                break;                                                                                                      \
        }                                                                                                                   \
        while (i < count && values[i] != wanted)                                                                            \
            i++;                                                                                                            \
        return i;                                                                                                           \
    }

DEFINE_SCAN(scan2, int16_t, lanes2)
DEFINE_SCAN(scan4, int32_t, lanes4)
DEFINE_SCAN(scan8, int64_t, lanes8)

bool intset_find(const struct intset *s, int64_t value, uint32_t *position)
{
    if (width_of(value) > s->width)
        return false;
    uint32_t at;
    if (s->width == 2)
        at = scan2(s->values, s->count, (int16_t)value);
    else if (s->width == 4)
        at = scan4(s->values, s->count, (int32_t)value);
    else
        at = scan8(s->values, s->count, value);
    *position = at;
    return at < s->count;
}

/* Make room for one more, `width` bytes wide. From the last one back, so that none is overwritten before it is read. */
static void grow(struct intset *s, uint8_t width)
{
    struct intset old = *s;
    if (s->count == s->capacity)
        s->capacity += s->capacity / 4 + 4;
    s->width = width;
    s->values = heap_resize(s->values, (size_t)s->capacity * width);
    old.values = s->values;
    if (width != old.width)
        for (uint32_t i = s->count; i-- > 0;)
            put(s, i, intset_at(&old, i));
}

void intset_append(struct intset *s, int64_t value)
{
    uint8_t width = width_of(value);
    if (width < s->width)
        width = s->width;
    if (s->count == s->capacity || width != s->width)
        grow(s, width);
    put(s, s->count++, value);
}

void intset_remove_at(struct intset *s, uint32_t position)
{
    int64_t last = intset_at(s, s->count - 1);
    if (position != s->count - 1)
        put(s, position, last);
    s->count--;
}
