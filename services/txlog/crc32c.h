/* SPDX-License-Identifier: MIT
 * crc32c: the Castagnoli checksum, with the processor's instruction where the build allows it (-msse4.2), else from a table.
 *
 * Values chain: crc32c(crc32c(start, a), b) is the checksum of a and b together. `start` may be any number that keys it. */
#ifndef LOCUS_TXLOG_CRC32C_H
#define LOCUS_TXLOG_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The portable form; the same values as crc32c. */
uint32_t crc32c_portable(uint32_t start, const void *bytes, size_t size);

#ifdef __SSE4_2__
#include <nmmintrin.h>

static inline uint32_t crc32c(uint32_t start, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t crc = ~start;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    uint32_t last = (uint32_t)crc; /* of fewer than 8 bytes */
    if (size & 4) {
        uint32_t word;
        memcpy(&word, at, sizeof word);
        last = _mm_crc32_u32(last, word);
        at += 4;
    }
    if (size & 2) {
        uint16_t word;
        memcpy(&word, at, sizeof word);
        last = _mm_crc32_u16(last, word);
        at += 2;
    }
    return ~(size & 1 ? _mm_crc32_u8(last, *at) : last);
}

#else

static inline uint32_t crc32c(uint32_t start, const void *bytes, size_t size)
{
    return crc32c_portable(start, bytes, size);
}

#endif

#endif
