/* SPDX-License-Identifier: MIT
 * expire: commands that set, ask for and take away the deadline of a key.
 *
 * The four that set one differ in unit and in where they count from; all become PEXPIREAT in the log. */
#include "redisd/commands/deadline.h"

enum expire_condition { EXPIRE_NX = 1 << 0, EXPIRE_XX = 1 << 1, EXPIRE_GT = 1 << 2, EXPIRE_LT = 1 << 3 };

static const struct {
    struct slice name;
    unsigned condition;
} condition_words[] = {
    {{"NX", 2}, EXPIRE_NX},
    {{"XX", 2}, EXPIRE_XX},
    {{"GT", 2}, EXPIRE_GT},
    {{"LT", 2}, EXPIRE_LT},
};

static unsigned condition_of(struct slice word)
{
    for (size_t i = 0; i < sizeof(condition_words) / sizeof(condition_words[0]); i++)
        if (slice_equal_nocase(word, condition_words[i].name))
            return condition_words[i].condition;
    return 0;
}

static bool parse_conditions(struct call *c, unsigned *conditions)
{
    *conditions = 0;
    for (int i = 3; i < c->argc; i++) {
        unsigned condition = condition_of(c->argv[i]);
        if (!condition) {
            resp_errorf(c->reply, "ERR Unsupported option %.*s", (int)c->argv[i].size, c->argv[i].base);
            return false;
        }
        *conditions |= condition;
    }
    if ((*conditions & EXPIRE_NX) && (*conditions & ~(unsigned)EXPIRE_NX)) {
        reply_error(c, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if ((*conditions & EXPIRE_GT) && (*conditions & EXPIRE_LT)) {
        reply_error(c, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

/* Unlike SET's options, zero and negative values are taken: they mean that the key goes now. */
static bool parse_when(struct call *c, const struct deadline_form *form, int64_t *deadline_ms)
{
    int64_t value;
    if (!parse_i64(c, c->argv[2], &value, NULL))
        return false;
    if (__builtin_mul_overflow(value, form->unit_ms, &value) ||
        __builtin_add_overflow(value, form->relative ? call_now_ms(c) : 0, &value)) {
        deadline_invalid(c);
        return false;
    }
    *deadline_ms = value;
    return true;
}

/* A key without a deadline counts as one that stays for ever. */
static bool conditions_hold(unsigned conditions, int64_t current_ms, int64_t wanted_ms)
{
    bool has = current_ms != DB_NO_DEADLINE;
    if ((conditions & EXPIRE_NX) && has)
        return false;
    if ((conditions & EXPIRE_XX) && !has)
        return false;
    if ((conditions & EXPIRE_GT) && (!has || wanted_ms <= current_ms))
        return false;
    return !((conditions & EXPIRE_LT) && has && wanted_ms >= current_ms);
}

static void expire_with(struct call *c, const struct deadline_form *form)
{
    struct slice key = c->argv[1];
    unsigned conditions;
    int64_t deadline_ms;
    if (!parse_conditions(c, &conditions) || !parse_when(c, form, &deadline_ms))
        return;
    struct entry *e = key_write(c, key);
    if (!e || !conditions_hold(conditions, entry_deadline(e), deadline_ms)) {
        resp_integer(c->reply, 0);
        return;
    }
    if (!call_reserve(c, key.size + DEADLINE_EFFECT_BYTES))
        return;
    bool kept = deadline_apply(c, e, key, deadline_ms);
    if (kept && form == &deadline_forms[3] && c->argc == 3)
        effect_same(c);
    else
        deadline_effect(c, key, deadline_ms, kept);
    resp_integer(c->reply, 1);
}

static void expire_seconds(struct call *c)
{
    expire_with(c, &deadline_forms[0]);
}

static void expire_milliseconds(struct call *c)
{
    expire_with(c, &deadline_forms[1]);
}

static void expire_at_seconds(struct call *c)
{
    expire_with(c, &deadline_forms[2]);
}

static void expire_at_milliseconds(struct call *c)
{
    expire_with(c, &deadline_forms[3]);
}

/* -2: no such key; -1: no deadline; otherwise what is left of it, or the deadline itself. Seconds are rounded to the nearest. */
static void reply_deadline(struct call *c, bool absolute, bool seconds)
{
    const struct entry *e = key_peek(c, c->argv[1]);
    if (!e) {
        resp_integer(c->reply, -2);
        return;
    }
    int64_t value = entry_deadline(e);
    if (value == DB_NO_DEADLINE) {
        resp_integer(c->reply, -1);
        return;
    }
    if (!absolute)
        value -= call_now_ms(c);
    if (value < 0)
        value = 0;
    if (seconds)
        value = value / 1000 + (value % 1000 >= 500);
    resp_integer(c->reply, value);
}

static void expire_ttl(struct call *c)
{
    reply_deadline(c, false, true);
}

static void expire_pttl(struct call *c)
{
    reply_deadline(c, false, false);
}

static void expire_time(struct call *c)
{
    reply_deadline(c, true, true);
}

static void expire_ptime(struct call *c)
{
    reply_deadline(c, true, false);
}

static void expire_persist(struct call *c)
{
    struct slice key = c->argv[1];
    struct entry *e = key_write(c, key);
    if (!e || entry_deadline(e) == DB_NO_DEADLINE) {
        resp_integer(c->reply, 0);
        return;
    }
    db_set_deadline(c->db, e, DB_NO_DEADLINE);
    key_changed(c, key);
    key_event(c, NOTIFY_GENERIC, "persist", key);
    effect_same(c);
    resp_integer(c->reply, 1);
}

#define ROW_SET(row_name, handler, version, text) \
    {.name = (row_name), .run = (handler), .arity = -3, .flags = CMD_WRITE | CMD_FAST, .first_key = 1, .last_key = 1, .key_step = 1, \
     .group = GROUP_GENERIC, .since = (version), .complexity = "O(1)", .summary = (text)}
#define ROW_ASK(row_name, handler, version, extra, text) \
    {.name = (row_name), .run = (handler), .arity = 2, .flags = CMD_READONLY | CMD_FAST | (extra), .first_key = 1, .last_key = 1, \
     .key_step = 1, .group = GROUP_GENERIC, .since = (version), .complexity = "O(1)", .summary = (text)}

const struct command commands_expire[] = {
    ROW_SET("expire", expire_seconds, "1.0.0", "Lets a key live for a number of seconds from now."),
    ROW_SET("pexpire", expire_milliseconds, "2.6.0", "Lets a key live for a number of milliseconds from now."),
    ROW_SET("expireat", expire_at_seconds, "1.2.0", "Lets a key live until a Unix time in seconds."),
    ROW_SET("pexpireat", expire_at_milliseconds, "2.6.0", "Lets a key live until a Unix time in milliseconds."),
    ROW_ASK("ttl", expire_ttl, "1.0.0", CMD_RANDOM_OUTPUT, "Tells how many seconds a key has left."),
    ROW_ASK("pttl", expire_pttl, "2.6.0", CMD_RANDOM_OUTPUT, "Tells how many milliseconds a key has left."),
    ROW_ASK("expiretime", expire_time, "7.0.0", 0, "Tells the Unix time in seconds at which a key goes."),
    ROW_ASK("pexpiretime", expire_ptime, "7.0.0", 0, "Tells the Unix time in milliseconds at which a key goes."),
    {.name = "persist", .run = expire_persist, .arity = 2, .flags = CMD_WRITE | CMD_FAST, .first_key = 1, .last_key = 1, .key_step = 1,
     .group = GROUP_GENERIC, .since = "2.2.0", .complexity = "O(1)", .summary = "Takes a key's deadline away."},
    {.name = NULL},
};
