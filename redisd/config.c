/* SPDX-License-Identifier: MIT
 * config: see config.h. The directives are in config_table.c; here are their types: text to value and back. */
#include "redisd/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "redisd/command.h"
#include "redisd/config_table.h"

/* ---- one value ---- */

static void set_text(struct buffer *to, struct slice text)
{
    to->size = 0;
    buffer_append_slice(to, text);
    *buffer_room(to, 1) = 0; /* behind the text, for whoever needs a C string */
}

bool config_parse_memory(struct slice text, int64_t *bytes)
{
    static const struct { const char *unit; int64_t bytes; } units[] = {
        {"", 1}, {"b", 1}, {"k", 1000}, {"kb", 1 << 10}, {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000}, {"gb", 1 << 30},
    };
    size_t digits = 0;
    while (digits < text.size && (isdigit((unsigned char)text.base[digits]) || (digits == 0 && text.base[0] == '-')))
        digits++;
    int64_t number;
    if (!slice_to_i64(slice_of(text.base, digits), &number))
        return false;
    struct slice unit = slice_of(text.base + digits, text.size - digits);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (slice_equal_nocase(unit, slice_from_string(units[i].unit)))
            return !__builtin_mul_overflow(number, units[i].bytes, bytes);
    return false;
}

static int fail(struct buffer *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct buffer *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error->size = 0;
    buffer_vformat(error, format, args);
    va_end(args);
    return -EINVAL;
}

static int set_bool(bool *to, struct slice value, struct buffer *error)
{
    if (slice_equal_nocase(value, SLICE("yes")))
        *to = true;
    else if (slice_equal_nocase(value, SLICE("no")))
        *to = false;
    else
        return fail(error, "argument must be 'yes' or 'no'");
    return 0;
}

static int set_integer(const struct directive *d, int64_t *to, struct slice value, struct buffer *error)
{
    int64_t number;
    bool memory = d->type == CONFIG_MEMORY;
    if (d->type == CONFIG_OCTAL) {
        char *end = NULL;
        char copy[16] = "";
        memcpy(copy, value.base, value.size < sizeof(copy) - 1 ? value.size : sizeof(copy) - 1);
        number = strtoll(copy, &end, 8);
        if (value.size == 0 || *end)
            return fail(error, "argument couldn't be parsed into an integer");
    } else if (memory ? !config_parse_memory(value, &number) : !slice_to_i64(value, &number)) {
        return fail(error, memory ? "argument must be a memory value" : "argument couldn't be parsed into an integer");
    }
    if (memory && number < 0)
        return fail(error, "argument must be a memory value");
    if (number < d->min || number > d->max)
        return fail(error, d->type == CONFIG_OCTAL ? "argument must be between %" PRIo64 " and %" PRIo64 " inclusive" : "argument must be between %" PRId64 " and %" PRId64 " inclusive", d->min,
                    d->max);
    *to = number;
    return 0;
}

static int set_enum(const struct directive *d, int64_t *to, struct slice value, struct buffer *error)
{
    for (int i = 0; d->names[i]; i++) {
        if (slice_equal_nocase(value, slice_from_string(d->names[i]))) {
            *to = i;
            return 0;
        }
    }
    error->size = 0;
    buffer_format(error, "argument(s) must be one of the following: ");
    for (int i = 0; d->names[i]; i++)
        buffer_format(error, "%s%s", i ? ", " : "", d->names[i]);
    return -EINVAL;
}

/* notify-keyspace-events: a letter for each class. */
static const struct { char letter; int bit; } events[] = {
    {'g', NOTIFY_GENERIC}, {'$', NOTIFY_STRING}, {'l', NOTIFY_LIST}, {'s', NOTIFY_SET}, {'h', NOTIFY_HASH}, {'z', NOTIFY_ZSET},
    {'x', NOTIFY_EXPIRED}, {'e', NOTIFY_EVICTED}, {'t', NOTIFY_STREAM}, {'d', NOTIFY_MODULE}, {'n', NOTIFY_NEW}, {'K', NOTIFY_KEYSPACE},
    {'E', NOTIFY_KEYEVENT}, {'m', NOTIFY_KEY_MISS},
};

static int set_events(int64_t *to, struct slice value, struct buffer *error)
{
    int64_t bits = 0;
    for (size_t i = 0; i < value.size; i++) {
        size_t e = 0;
        if (value.base[i] == 'A') {
            bits |= NOTIFY_ALL;
            continue;
        }
        while (e < sizeof(events) / sizeof(events[0]) && events[e].letter != value.base[i])
            e++;
        if (e == sizeof(events) / sizeof(events[0]))
            return fail(error, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        bits |= events[e].bit;
    }
    *to = bits;
    return 0;
}

static void get_events(int64_t bits, struct buffer *value)
{
    bool all = (bits & NOTIFY_ALL) == NOTIFY_ALL;
    if (all)
        buffer_append_char(value, 'A');
    for (size_t e = 0; e < sizeof(events) / sizeof(events[0]); e++)
        if ((bits & events[e].bit) && !(all && ((NOTIFY_ALL | NOTIFY_NEW) & events[e].bit))) /* Redis: after A comes no n */
            buffer_append_char(value, events[e].letter);
}

/* ---- directives ---- */

static void *field(const struct config *config, const struct directive *d)
{
    return (char *)(uintptr_t)config + d->offset;
}

/* Inert directives before this one; NULL: all of them. */
static int inert_count(const struct directive *d)
{
    int count = 0;
    for (const struct directive *at = config_directives; at->name && at != d; at++)
        count += at->type == CONFIG_INERT || at->type == CONFIG_FIXED;
    return count;
}

static struct buffer *text_of(const struct config *config, const struct directive *d)
{
    if (d->type != CONFIG_INERT && d->type != CONFIG_FIXED)
        return field(config, d);
    return (struct buffer *)(uintptr_t)&config->inert[inert_count(d)];
}

/* Kept in the form in which Redis would give it back. */
static int set_inert(struct config *config, const struct directive *d, struct slice value, struct buffer *error)
{
    char digits[32];
    int64_t number = 0;
    if (d->names) {
        bool is_bool = strcmp(d->names[0], "yes") == 0, on = false;
        int got = is_bool ? set_bool(&on, value, error) : set_enum(d, &number, value, error);
        if (got < 0)
            return got;
        value = slice_from_string(is_bool ? on ? "yes" : "no" : d->names[number]);
    } else if (d->max) {
        if (!config_parse_memory(value, &number))
            return fail(error, "argument couldn't be parsed into an integer");
        if (number < d->min || number > d->max)
            return fail(error, "argument must be between %" PRId64 " and %" PRId64 " inclusive", d->min, d->max);
        value = slice_from_i64(digits, number);
    }
    set_text(text_of(config, d), value);
    return 0;
}

static int set_value(struct config *config, const struct directive *d, struct slice value, struct buffer *error)
{
    switch (d->type) {
    case CONFIG_BOOL: return set_bool(field(config, d), value, error);
    case CONFIG_INTEGER:
    case CONFIG_MEMORY:
    case CONFIG_OCTAL: return set_integer(d, field(config, d), value, error);
    case CONFIG_ENUM: return set_enum(d, field(config, d), value, error);
    case CONFIG_EVENTS: return set_events(field(config, d), value, error);
    case CONFIG_FIXED:
        if (!slice_equal_nocase(value, slice_from_string(d->initial)))
            return fail(error, "%s", d->refusal);
        break;
    case CONFIG_INERT: return set_inert(config, d, value, error);
    case CONFIG_TEXT: break;
    }
    set_text(text_of(config, d), value);
    return 0;
}

static const struct directive *find(struct slice name)
{
    for (const struct directive *d = config_directives; d->name; d++)
        if (slice_equal_nocase(name, slice_from_string(d->name)) || (d->alias && slice_equal_nocase(name, slice_from_string(d->alias))))
            return d;
    return NULL;
}

static void get_value(const struct config *config, const struct directive *d, struct buffer *value)
{
    switch (d->type) {
    case CONFIG_BOOL: buffer_format(value, "%s", *(bool *)field(config, d) ? "yes" : "no"); break;
    case CONFIG_INTEGER:
    case CONFIG_MEMORY: buffer_format(value, "%" PRId64, *(int64_t *)field(config, d)); break;
    case CONFIG_OCTAL: buffer_format(value, "%" PRIo64, *(int64_t *)field(config, d)); break;
    case CONFIG_ENUM: buffer_format(value, "%s", d->names[*(int64_t *)field(config, d)]); break;
    case CONFIG_EVENTS: get_events(*(int64_t *)field(config, d), value); break;
    case CONFIG_TEXT:
    case CONFIG_INERT:
    case CONFIG_FIXED: buffer_append_slice(value, buffer_slice(text_of(config, d))); break;
    }
}

int config_set(struct config *config, struct slice name, struct slice value, bool starting, struct buffer *error)
{
    const struct directive *d = find(name);
    if (!d)
        return -ENOENT;
    if (d->immutable && !starting) {
        fail(error, "can't set immutable config");
        return -EPERM;
    }
    if (d->protected && !starting && config->enable_protected_configs != 2) {
        fail(error, "can't set protected config");
        return -EPERM;
    }
    struct buffer old = {0};
    get_value(config, d, &old);
    int got = set_value(config, d, value, error);
    if (got == 0 && (got = config_derive(config, d, error)) < 0)
        set_text(text_of(config, d), buffer_slice(&old));
    buffer_free(&old);
    return got;
}

int config_get(const struct config *config, struct slice name, struct buffer *value)
{
    const struct directive *d = find(name);
    if (!d)
        return -ENOENT;
    get_value(config, d, value);
    return 0;
}

static const char *type_name(enum directive_type type)
{
    switch (type) {
    case CONFIG_BOOL: return "bool";
    case CONFIG_INTEGER:
    case CONFIG_OCTAL: return "integer";
    case CONFIG_MEMORY: return "memory";
    case CONFIG_ENUM: return "enum";
    case CONFIG_EVENTS:
    case CONFIG_TEXT:
    case CONFIG_INERT:
    case CONFIG_FIXED: return "string";
    }
    return "string";
}

void config_each(void (*visit)(void *context, const struct config_directive_info *info), void *context)
{
    for (const struct directive *d = config_directives; d->name; d++) {
        struct config_directive_info info = {
            .name = d->name, .type = type_name(d->type), .immutable = d->immutable, .inert = d->type == CONFIG_INERT || d->type == CONFIG_FIXED};
        visit(context, &info);
        info.name = d->alias;
        info.is_alias = true;
        if (d->alias)
            visit(context, &info);
    }
}

void config_init(struct config *config)
{
    struct buffer error = {0};
    memset(config, 0, sizeof(*config));
    assert(inert_count(NULL) <= CONFIG_INERT_MAX);
    for (const struct directive *d = config_directives; d->name; d++)
        if (set_value(config, d, slice_from_string(d->initial), &error) < 0 || config_derive(config, d, &error) < 0) {
            fprintf(stderr, "config: the default of %s is wrong: %s\n", d->name, error.base);
            abort();
        }
}

void config_deinit(struct config *config)
{
    for (const struct directive *d = config_directives; d->name; d++)
        if (d->type == CONFIG_TEXT || d->type == CONFIG_INERT || d->type == CONFIG_FIXED)
            buffer_free(text_of(config, d));
    buffer_free(&config->file);
}

bool config_is_default(const struct config *config, const struct directive *d)
{
    struct config fresh;
    struct buffer now = {0}, initial = {0};
    config_init(&fresh);
    get_value(config, d, &now);
    get_value(&fresh, d, &initial);
    bool same = slice_equal(buffer_slice(&now), buffer_slice(&initial));
    buffer_free(&now);
    buffer_free(&initial);
    config_deinit(&fresh);
    return same;
}
