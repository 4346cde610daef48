/* SPDX-License-Identifier: MIT
 * score: see score.h. */
#include "services/keyspace/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/keyspace/integer.h"

/* Powers of ten that a double holds exactly: 10^22 = 2^22 * 5^22, and 5^22 < 2^53. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { PLACES_MAX = 22, DIGITS_MAX = 15, PRINT_PLACES_MAX = 8 };

bool score_is_integer(double score, int64_t *integer)
{
    double bound = (double)(INT64_MAX / 2);
    if (!(score >= -bound && score <= bound) || score != (double)(int64_t)score)
        return false;
    *integer = (int64_t)score;
    return true;
}

/* A decimal with few places: the first scale at which the score is whole, small enough to be exact, and reads back. */
static size_t print_few_places(char *text, double score)
{
    double magnitude = fabs(score);
    for (unsigned places = 0; places <= PRINT_PLACES_MAX; places++) {
        double scaled = magnitude * powers[places];
        if (scaled >= 1e15)
            return 0;
        int64_t digits = (int64_t)(scaled + 0.5);
        if ((double)digits / powers[places] != magnitude)
            continue;
        int64_t unit = (int64_t)powers[places];
        size_t size = 0;
        if (signbit(score))
            text[size++] = '-';
        size += integer_print(text + size, digits / unit);
        if (places)
            text[size++] = '.';
        int64_t rest = digits % unit;
        for (int64_t place = unit / 10; place > 0; place /= 10)
            text[size++] = (char)('0' + rest / place % 10);
        text[size] = 0;
        return size;
    }
    return 0;
}

size_t score_print(char text[SCORE_TEXT_MAX], double score)
{
    if (isinf(score))
        return (size_t)snprintf(text, SCORE_TEXT_MAX, score < 0 ? "-inf" : "inf");
    size_t size = print_few_places(text, score);
    for (int precision = DIGITS_MAX; size == 0 && precision <= 17; precision++) {
        int printed = snprintf(text, SCORE_TEXT_MAX, "%.*g", precision, score);
        if (precision == 17 || strtod(text, NULL) == score)
            size = (size_t)printed;
    }
    return size;
}

/* [-]digits[.digits], at most DIGITS_MAX digits in all. */
static bool parse_few_digits(struct slice text, double *score)
{
    size_t i = text.size > 0 && text.base[0] == '-';
    size_t point = SIZE_MAX;
    uint64_t digits = 0;
    size_t first = i;
    if (text.size - i > DIGITS_MAX + 1 || text.size == i)
        return false;
    for (; i < text.size; i++) {
        unsigned digit = (unsigned char)(text.base[i] - '0');
        if (digit <= 9)
            digits = digits * 10 + digit;
        else if (text.base[i] == '.' && point == SIZE_MAX && i > first)
            point = i;
        else
            return false;
    }
    size_t places = point == SIZE_MAX ? 0 : text.size - point - 1;
    double value = (double)digits / powers[places];
    *score = first ? -value : value;
    return true;
}

double score_parse(struct slice text)
{
    double score;
    if (parse_few_digits(text, &score))
        return score;
    char copy[128];
    size_t size = text.size < sizeof copy - 1 ? text.size : sizeof copy - 1;
    if (size)
        memcpy(copy, text.base, size);
    copy[size] = 0;
    return strtod(copy, NULL);
}
