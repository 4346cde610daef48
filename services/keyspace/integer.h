/* SPDX-License-Identifier: MIT
 * integer: 64-bit integers and their one canonical decimal text.
 *
 * A text is canonical when printing the integer it names gives the same bytes back: no sign but '-', no leading zeros, no
 * "-0". Only such a text may be stored as an integer, because readers must get back what was written. */
#ifndef LOCUS_KEYSPACE_INTEGER_H
#define LOCUS_KEYSPACE_INTEGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INTEGER_TEXT_MAX 20 /* bytes: "-9223372036854775808" */

/* True, and *value set, when the text is the canonical form of a 64-bit signed integer. */
static inline bool integer_parse(const char *text, size_t size, int64_t *value)
{
    if (size == 0 || size > INTEGER_TEXT_MAX)
        return false;
    bool negative = text[0] == '-';
    size_t i = negative;
    if (i == size || (unsigned char)(text[i] - '0') > 9)
        return false;
    if (text[i] == '0') {
        *value = 0;
        return size == 1;
    }
    uint64_t magnitude = 0;
    for (; i < size; i++) {
        unsigned digit = (unsigned char)(text[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(magnitude, 10u, &magnitude) ||
            __builtin_add_overflow(magnitude, digit, &magnitude))
            return false;
    }
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* Write the canonical text, without a NUL; `text` has INTEGER_TEXT_MAX bytes. Returns its size. */
static inline size_t integer_print(char *text, int64_t value)
{
    char digits[INTEGER_TEXT_MAX];
    size_t count = 0;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[sizeof digits - ++count] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (value < 0)
        digits[sizeof digits - ++count] = '-';
    memcpy(text, digits + sizeof digits - count, count);
    return count;
}

#endif
