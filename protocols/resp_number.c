/* SPDX-License-Identifier: MIT
 * resp_number: numbers as decimal text, the way Redis 7.2 writes them.
 *
 * A double becomes its shortest digits and a power of ten:  value = digits * 10^exponent,  0.015 = 15 * 10^-3.
 * Any decimal of at most 15 digits that rounds to the double is the only one that short (DBL_DIG), so it may be found in
 * whatever way is quickest; beyond that, printf at 15, 16 and 17 digits is asked until one reads back as the same double. */
#include "protocols/resp.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354"
                            "555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* The digits of `value` at text, without a sign. */
static size_t format_unsigned(char *text, uint64_t value)
{
    char digits[RESP_INTEGER_MAX], *p = digits + sizeof digits;
    while (value >= 100) {
        p -= 2;
        memcpy(p, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        p -= 2;
        memcpy(p, pairs + value * 2, 2);
    } else {
        *--p = (char)('0' + value);
    }
    size_t size = (size_t)(digits + sizeof digits - p);
    memcpy(text, p, size);
    return size;
}

size_t resp_format_integer(char *text, int64_t value)
{
    if (value >= 0)
        return format_unsigned(text, (uint64_t)value);
    *text = '-';
    return 1 + format_unsigned(text + 1, 0 - (uint64_t)value);
}

/* ---- doubles ---- */

struct decimal {
    char digits[20]; /* no leading and no trailing zero */
    int size;        /* 1..17 */
    int exponent;    /* of ten, of the last digit */
};

static void strip_zeros(struct decimal *d)
{
    while (d->size > 1 && d->digits[d->size - 1] == '0') {
        d->size--;
        d->exponent++;
    }
}

/* Scores are mostly amounts with a few decimals: find them by multiplying. The quotient of two exact doubles is correctly
 * rounded, so if it is `value`, the decimal is one that reads back as `value`. */
static bool few_decimals(double value, struct decimal *d)
{
    static const double powers[] = {1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    for (int i = 0; i < (int)(sizeof powers / sizeof *powers); i++) {
        double scaled = nearbyint(value * powers[i]);
        if (scaled > 999999999999999.0) /* 15 digits */
            return false;
        if (scaled / powers[i] == value) {
            d->size = (int)format_unsigned(d->digits, (uint64_t)scaled);
            d->exponent = -(i + 1);
            return true;
        }
    }
    return false;
}

/* The shortest digits of a positive, finite value. */
static void shortest(double value, struct decimal *d)
{
    if (few_decimals(value, d))
        return;
    char text[40]; /* "d.dddddddddddddddde-324" */
    for (int precision = value < DBL_MIN ? 1 : DBL_DIG; precision <= 17; precision++) { /* denormals hold fewer digits */
        snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (precision == 17 || strtod(text, NULL) == value) {
            d->size = precision;
            break;
        }
    }
    d->digits[0] = text[0];
    memcpy(d->digits + 1, text + 2, (size_t)d->size - 1);
    d->exponent = atoi(strchr(text, 'e') + 1) - (d->size - 1);
    strip_zeros(d);
}

/* "15e-3" as "1.5e-2": one digit, the others behind a point, and an exponent with its sign. */
static size_t format_scientific(char *text, const struct decimal *d)
{
    int power = d->exponent + d->size - 1;
    char *p = text;
    *p++ = d->digits[0];
    if (d->size > 1) {
        *p++ = '.';
        memcpy(p, d->digits + 1, (size_t)d->size - 1);
        p += d->size - 1;
    }
    *p++ = 'e';
    *p++ = power < 0 ? '-' : '+';
    return (size_t)(p - text) + format_unsigned(p, (uint64_t)abs(power));
}

/* Plain where Redis writes it plain: large numbers with few zeros at the end, small ones with few behind the point. */
static size_t format_decimal(char *text, const struct decimal *d)
{
    int power = abs(d->exponent + d->size - 1);
    size_t size = (size_t)d->size;
    if (d->exponent >= 0 && power < d->size + 7) {
        memcpy(text, d->digits, size);
        memset(text + size, '0', (size_t)d->exponent);
        return size + (size_t)d->exponent;
    }
    if (d->exponent >= 0 || (d->exponent <= -7 && power >= 4))
        return format_scientific(text, d);
    int whole = d->size + d->exponent; /* digits before the point */
    if (whole > 0) {
        memcpy(text, d->digits, (size_t)whole);
        text[whole] = '.';
        memcpy(text + whole + 1, d->digits + whole, size - (size_t)whole);
        return size + 1;
    }
    size_t zeros = (size_t)-whole;
    text[0] = '0';
    text[1] = '.';
    memset(text + 2, '0', zeros);
    memcpy(text + 2 + zeros, d->digits, size);
    return 2 + zeros + size;
}

static size_t put_text(char *text, const char *what)
{
    size_t size = strlen(what);
    memcpy(text, what, size);
    return size;
}

size_t resp_format_double(char *text, double value)
{
    if (isnan(value))
        return put_text(text, "nan");
    if (isinf(value))
        return put_text(text, value < 0 ? "-inf" : "inf");
    if (value == 0)
        return put_text(text, signbit(value) ? "-0" : "0");
    if (fabs(value) < 4611686018427387904.0 && value == (double)(int64_t)value) /* 2^62, where Redis draws the line */
        return resp_format_integer(text, (int64_t)value);
    size_t sign = value < 0;
    if (sign)
        *text = '-';
    struct decimal d;
    shortest(fabs(value), &d);
    return sign + format_decimal(text + sign, &d);
}

size_t resp_format_human(char *text, long double value)
{
    assert(isfinite(value));
    size_t size = (size_t)snprintf(text, RESP_HUMAN_MAX, "%.17Lf", value);
    while (text[size - 1] == '0')
        size--;
    if (text[size - 1] == '.')
        size--;
    return size == 2 && memcmp(text, "-0", 2) == 0 ? put_text(text, "0") : size;
}
