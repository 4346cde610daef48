/* SPDX-License-Identifier: MIT
 * entry: the layout of one key with its value, and accessors that inline. Internal to services/keyspace; others use keyspace.h.
 *
 *      | header u64 | [deadline_ms i64] | key | value |          one arena object
 *
 *      header, from bit 0:  type 4 | encoding 4 | flags 6 | key size 14 | value size 12 | access clock 24 (seconds)
 *
 *      key:    its bytes, up to ENTRY_KEY_INLINE_MAX; a longer one (flag ENTRY_LONG_KEY) is { char *base, u64 size }, in malloc
 *      value:  ENTRY_INLINE   a string's bytes
 *              ENTRY_INTEGER  i64: a string that is the canonical decimal text of an integer
 *              ENTRY_HEAP     { char *base, u64 size, u64 capacity }, a string in malloc
 *              ENTRY_OBJECT   struct list *, set *, hash * or zset *
 *
 * 1. The size of an entry follows from its header. The arena object may be larger: a value may shrink and grow where it is.
 * 2. Fields behind the header are not aligned: they are read and written with memcpy. */
#ifndef LOCUS_KEYSPACE_ENTRY_H
#define LOCUS_KEYSPACE_ENTRY_H

#include "services/keyspace/arena.h"
#include "services/keyspace/keyspace.h"

#define ENTRY_KEY_INLINE_MAX ((size_t)2048) /* bytes; leaves an arena object room for a value's reference and a deadline */
#define ENTRY_EMBEDDED_MAX ((size_t)44)     /* bytes of a string that OBJECT ENCODING calls "embstr": Redis's limit */

enum entry_encoding { ENTRY_INLINE, ENTRY_INTEGER, ENTRY_HEAP, ENTRY_OBJECT };

enum entry_flags {
    ENTRY_HAS_DEADLINE = 1,
    ENTRY_RAW = 2, /* a string that was changed in place: its encoding is called "raw" whatever its size */
    ENTRY_LONG_KEY = 4,
};

enum {
    ENTRY_TYPE_SHIFT = 0,
    ENTRY_ENCODING_SHIFT = 4,
    ENTRY_FLAGS_SHIFT = 8,
    ENTRY_KEY_SHIFT = 14,
    ENTRY_VALUE_SHIFT = 28,
    ENTRY_CLOCK_SHIFT = 40,
};
#define ENTRY_CLOCK_MASK ((uint64_t)0xffffff)
#define ENTRY_VALUE_MASK ((uint64_t)0xfff)

struct entry {
    uint64_t header;
    char bytes[];
};

struct entry_long_key {
    char *base; /* Ours */
    uint64_t size;
};

struct entry_heap_string {
    char *base; /* Ours; NULL while capacity is 0 */
    uint64_t size;
    uint64_t capacity; /* bytes allocated */
};

static inline uint64_t entry_header(enum value_type type, enum entry_encoding encoding, unsigned flags, size_t key_size,
                                    size_t value_size)
{
    return (uint64_t)type << ENTRY_TYPE_SHIFT | (uint64_t)encoding << ENTRY_ENCODING_SHIFT | (uint64_t)flags << ENTRY_FLAGS_SHIFT |
           (uint64_t)key_size << ENTRY_KEY_SHIFT | (uint64_t)value_size << ENTRY_VALUE_SHIFT;
}

static inline enum value_type entry_header_type(const struct entry *e)
{
    return (enum value_type)(e->header & 15);
}

static inline enum entry_encoding entry_encoding(const struct entry *e)
{
    return (enum entry_encoding)(e->header >> ENTRY_ENCODING_SHIFT & 15);
}

static inline bool entry_has(const struct entry *e, enum entry_flags flag)
{
    return e->header >> ENTRY_FLAGS_SHIFT & flag;
}

/* Say that the string was changed in place, or (a restore) is to look as if it had been. */
static inline void entry_mark_raw(struct entry *e)
{
    e->header |= (uint64_t)ENTRY_RAW << ENTRY_FLAGS_SHIFT;
}

/* Bytes of the key as the header counts them; meaningless with ENTRY_LONG_KEY. */
static inline size_t entry_key_bits(const struct entry *e)
{
    return e->header >> ENTRY_KEY_SHIFT & 0x3fff;
}

static inline size_t entry_inline_size(const struct entry *e)
{
    return e->header >> ENTRY_VALUE_SHIFT & ENTRY_VALUE_MASK;
}

/* Offsets into `bytes`. */
static inline size_t entry_key_offset(const struct entry *e)
{
    return entry_has(e, ENTRY_HAS_DEADLINE) ? sizeof(int64_t) : 0;
}

static inline size_t entry_value_offset(const struct entry *e)
{
    return entry_key_offset(e) + (entry_has(e, ENTRY_LONG_KEY) ? sizeof(struct entry_long_key) : entry_key_bits(e));
}

static inline size_t entry_value_field(enum entry_encoding encoding, size_t inline_size)
{
    switch (encoding) {
    case ENTRY_INLINE: return inline_size;
    case ENTRY_INTEGER: return sizeof(int64_t);
    case ENTRY_HEAP: return sizeof(struct entry_heap_string);
    case ENTRY_OBJECT: return sizeof(void *);
    }
    __builtin_unreachable();
}

/* Bytes of the whole entry. */
static inline size_t entry_size(const struct entry *e)
{
    return sizeof *e + entry_value_offset(e) + entry_value_field(entry_encoding(e), entry_inline_size(e));
}

static inline struct slice entry_text(const struct entry *e)
{
    const char *field = e->bytes + entry_key_offset(e);
    if (__builtin_expect(entry_has(e, ENTRY_LONG_KEY), 0)) {
        struct entry_long_key key;
        memcpy(&key, field, sizeof key);
        return slice_of(key.base, key.size);
    }
    return slice_of(field, entry_key_bits(e));
}

static inline struct entry_heap_string entry_heap_string(const struct entry *e)
{
    struct entry_heap_string string;
    memcpy(&string, e->bytes + entry_value_offset(e), sizeof string);
    return string;
}

static inline void *entry_object(const struct entry *e)
{
    void *object;
    memcpy(&object, e->bytes + entry_value_offset(e), sizeof object);
    return object;
}

#endif
