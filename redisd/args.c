/* SPDX-License-Identifier: MIT
 * args: command arguments as numbers, numbers as text, and the errors that every group of commands answers alike.
 *
 * The grammar is strict where Redis's is: an integer has no spaces, no plus sign and no leading zeros, so that the text can be
 * stored as a number and given back byte for byte. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "redisd/client.h"
#include "redisd/command.h"

enum {
    INTEGER_DIGITS_MAX = 20, /* "-9223372036854775808" */
    FLOAT_TEXT_MAX = 5119,   /* Redis's MAX_LONG_DOUBLE_CHARS less its NUL: room for any long double written out */
};

bool slice_to_i64(struct slice text, int64_t *value)
{
    const char *p = text.base, *end = text.base + text.size;
    if (text.size == 0 || text.size > INTEGER_DIGITS_MAX)
        return false;
    if (text.size == 1 && *p == '0') {
        *value = 0;
        return true;
    }
    bool negative = *p == '-';
    p += negative;
    if (p == end || *p < '1' || *p > '9')
        return false;
    uint64_t magnitude = 0;
    for (; p < end; p++) {
        unsigned digit = (unsigned)*p - '0';
        if (digit > 9 || __builtin_mul_overflow(magnitude, 10u, &magnitude) || __builtin_add_overflow(magnitude, digit, &magnitude))
            return false;
    }
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* The text with a NUL behind it; false when it cannot be a number: empty, too long, or with a space in front. */
static bool float_text(struct slice text, char copy[FLOAT_TEXT_MAX + 1])
{
    if (text.size == 0 || text.size > FLOAT_TEXT_MAX)
        return false;
    char first = text.base[0];
    if (first == ' ' || (first >= '\t' && first <= '\r'))
        return false;
    memcpy(copy, text.base, text.size);
    copy[text.size] = 0;
    return true;
}

bool slice_to_double(struct slice text, double *value)
{
    char copy[FLOAT_TEXT_MAX + 1], *end = NULL;
    if (!float_text(text, copy))
        return false;
    errno = 0;
    *value = strtod(copy, &end);
    if (end != copy + text.size || isnan(*value))
        return false;
    return !(errno == ERANGE && (*value == HUGE_VAL || *value == -HUGE_VAL || fpclassify(*value) == FP_ZERO));
}

bool slice_to_long_double(struct slice text, long double *value)
{
    char copy[FLOAT_TEXT_MAX + 1], *end = NULL;
    if (!float_text(text, copy))
        return false;
    errno = 0;
    *value = strtold(copy, &end);
    if (end != copy + text.size || isnan(*value))
        return false;
    return errno != ERANGE || !(isinf(*value) || *value == 0);
}

bool parse_i64(struct call *c, struct slice text, int64_t *value, const char *error)
{
    if (slice_to_i64(text, value))
        return true;
    reply_error(c, error ? error : "ERR value is not an integer or out of range");
    return false;
}

bool parse_range_i64(struct call *c, struct slice text, int64_t min, int64_t max, int64_t *value, const char *error)
{
    if (!parse_i64(c, text, value, error))
        return false;
    if (*value >= min && *value <= max)
        return true;
    if (error)
        reply_error(c, error);
    else
        resp_errorf(c->reply, "ERR value is out of range, value must between %lld and %lld", (long long)min, (long long)max);
    return false;
}

bool parse_double(struct call *c, struct slice text, double *value, const char *error)
{
    if (slice_to_double(text, value))
        return true;
    reply_error(c, error ? error : "ERR value is not a valid float");
    return false;
}

bool parse_cursor(struct call *c, struct slice text, uint64_t *cursor)
{
    uint64_t value = 0;
    bool good = text.size <= INTEGER_DIGITS_MAX; /* an empty text is 0, as for strtoul */
    for (size_t i = 0; good && i < text.size; i++) {
        unsigned digit = (unsigned)text.base[i] - '0';
        good = digit <= 9 && !__builtin_mul_overflow(value, 10u, &value) && !__builtin_add_overflow(value, digit, &value);
    }
    if (!good)
        reply_error(c, "ERR invalid cursor");
    *cursor = value;
    return good;
}

bool parse_timeout(struct call *c, struct slice text, int64_t *timeout_us)
{
    long double seconds;
    if (!slice_to_long_double(text, &seconds)) {
        reply_error(c, "ERR timeout is not a float or out of range");
        return false;
    }
    if (seconds < 0) {
        reply_error(c, "ERR timeout is negative");
        return false;
    }
    /* A timeout rounds up to whole milliseconds, as the clients of Redis see it; the bound keeps now + timeout in range. */
    long double ms = ceill(seconds * 1000);
    if (!(ms < (long double)(INT64_MAX / 2000))) {
        reply_error(c, "ERR timeout is out of range");
        return false;
    }
    *timeout_us = (int64_t)ms * 1000;
    return true;
}

struct slice slice_from_i64(char *scratch, int64_t value)
{
    char digits[INTEGER_DIGITS_MAX + 1], *p = digits + sizeof(digits);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--p = (char)('0' + magnitude % 10);
    while (magnitude /= 10);
    if (value < 0)
        *--p = '-';
    size_t size = (size_t)(digits + sizeof(digits) - p);
    memcpy(scratch, p, size);
    return slice_of(scratch, size);
}

struct slice slice_from_double(char *scratch, double value)
{
    /* Whole numbers print as integers; others with the fewest digits that read back as the same double. */
    if (fabs(value) < 1e15 && value == (double)(int64_t)value)
        return value == 0 && signbit(value) ? (memcpy(scratch, "-0", 2), slice_of(scratch, 2)) : slice_from_i64(scratch, (int64_t)value);
    int size = 0;
    for (int digits = 15; digits <= 17; digits++) {
        size = snprintf(scratch, 64, "%.*g", digits, value);
        if (strtod(scratch, NULL) == value)
            break;
    }
    return slice_of(scratch, (size_t)size);
}

void reply_error(struct call *c, const char *line)
{
    resp_error(c->reply, line);
}

void reply_wrong_type(struct call *c)
{
    reply_error(c, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void reply_syntax(struct call *c)
{
    reply_error(c, "ERR syntax error");
}

void reply_no_key(struct call *c)
{
    reply_error(c, "ERR no such key");
}

void reply_help(struct call *c, const char *const *lines)
{
    char head[96];
    size_t bar = strcspn(c->command->name, "|"), count = 0;
    char name[32];
    for (size_t i = 0; i < bar && i + 1 < sizeof(name); i++) {
        name[i] = (char)(c->command->name[i] >= 'a' && c->command->name[i] <= 'z' ? c->command->name[i] - 32 : c->command->name[i]);
        name[i + 1] = 0;
    }
    snprintf(head, sizeof(head), "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", name);
    while (lines[count])
        count++;
    resp_array(c->reply, count + 3);
    resp_simple(c->reply, head);
    for (size_t i = 0; i < count; i++)
        resp_simple(c->reply, lines[i]);
    resp_simple(c->reply, "HELP");
    resp_simple(c->reply, "    Print this help.");
}

void reply_subcommand_syntax(struct call *c)
{
    enum { SHOWN_MAX = 128 };
    char container[40];
    size_t i = 0;
    for (const char *p = c->command->name; *p && *p != '|' && i < sizeof(container) - 1; p++)
        container[i++] = (char)toupper((unsigned char)*p);
    container[i] = 0;
    struct slice name = c->argv[1];
    resp_errorf(c->reply, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.", (int)(name.size < SHOWN_MAX ? name.size : SHOWN_MAX), name.base, container);
}

void reply_arity(struct call *c)
{
    resp_errorf(c->reply, "ERR wrong number of arguments for '%s' command", c->command->name);
}
