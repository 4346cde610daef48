/* SPDX-License-Identifier: MIT
 * varint: unsigned numbers in 1 to 10 bytes, 7 bits each, least significant first; signed ones zigzagged before.
 * Little-endian fixed-width loads and stores stand here too: all of them inline, none checks bounds but varint_get. */
#ifndef LOCUS_TXLOG_VARINT_H
#define LOCUS_TXLOG_VARINT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX 10u /* bytes: 64 bits, 7 a byte */

static inline size_t varint_size(uint64_t value)
{
    if (__builtin_expect(value < 0x80, 1))
        return 1;
    /* 1 + floor(log2(value)) / 7, without a division: 9/64 is close enough to 1/7 for 0..63. */
    return (size_t)(((63 - __builtin_clzll(value)) * 9 + 73) >> 6);
}

static inline char *varint_put(char *at, uint64_t value)
{
    while (__builtin_expect(value >= 0x80, 0)) {
        *at++ = (char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (char)value;
    return at;
}

/* Read a number from [*at, end) and move *at behind it. 0, or -1 when it is cut short, too long or not in its shortest form. */
static inline int varint_get(const char **at, const char *end, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint64_t byte = (uint8_t)*(*at)++;
        result |= (byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if ((shift && byte == 0) || (shift == 63 && byte > 1))
            return -1;
        *value = result;
        return 0;
    }
    return -1;
}

static inline uint64_t zigzag(int64_t value) { return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63); }
static inline int64_t unzigzag(uint64_t value) { return (int64_t)(value >> 1) ^ -(int64_t)(value & 1); }

static inline uint32_t load_u32(const void *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t load_u64(const void *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline void store_u32(void *at, uint32_t value) { memcpy(at, &value, sizeof value); }
static inline void store_u64(void *at, uint64_t value) { memcpy(at, &value, sizeof value); }

#endif
