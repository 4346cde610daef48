/* SPDX-License-Identifier: MIT
 * string_number: strings that are numbers: INCR and its kin, INCRBYFLOAT.
 *
 * The keyspace keeps canonical integers as integers, which are changed in place. A string that became a number's text piece by piece (APPEND) is
 * still text: it is read as a number here, and an integer from then on. */
#include <math.h>

#include "redisd/commands/string.h"

/* A missing key counts as 0. False: the value is no integer. */
static bool integer_of(const struct entry *e, int64_t *value, bool *in_place)
{
    *value = 0;
    *in_place = e && entry_integer(e, value);
    if (!e || *in_place)
        return true;
    struct item item;
    entry_string(e, &item);
    return slice_to_i64(item_slice(&item), value);
}

static void add_integer(struct call *c, int64_t more)
{
    struct slice key = c->argv[1];
    bool wrong = false, in_place;
    int64_t value;
    struct entry *e = key_write_type(c, key, VALUE_STRING, &wrong);
    if (wrong)
        return;
    if (!integer_of(e, &value, &in_place)) {
        reply_error(c, "ERR value is not an integer or out of range");
        return;
    }
    if (__builtin_add_overflow(value, more, &value)) {
        reply_error(c, "ERR increment or decrement would overflow");
        return;
    }
    if (in_place)
        db_update_integer(c->db, e, value);
    else
        entry_touch(db_set_integer(c->db, key, key_hash(c, key), value, e ? DB_KEEP_DEADLINE : DB_NO_DEADLINE), call_now_ms(c));
    string_changed(c, key, !e, "incrby");
    effect_same(c);
    resp_integer(c->reply, value);
}

void string_increment(struct call *c)
{
    add_integer(c, 1);
}

void string_decrement(struct call *c)
{
    add_integer(c, -1);
}

void string_increment_by(struct call *c)
{
    int64_t more;
    if (parse_i64(c, c->argv[2], &more, NULL))
        add_integer(c, more);
}

void string_decrement_by(struct call *c)
{
    int64_t less;
    if (!parse_i64(c, c->argv[2], &less, NULL))
        return;
    if (less == INT64_MIN) {
        reply_error(c, "ERR decrement would overflow");
        return;
    }
    add_integer(c, -less);
}

/* ---- INCRBYFLOAT ---- */

static bool number_of(const struct entry *e, long double *value)
{
    int64_t integer;
    *value = 0;
    if (!e)
        return true;
    if (entry_integer(e, &integer)) {
        *value = (long double)integer;
        return true;
    }
    struct item item;
    entry_string(e, &item);
    return slice_to_long_double(item_slice(&item), value);
}

/* The log gets the result, not the sum to do: long doubles differ from machine to machine. */
void string_increment_float(struct call *c)
{
    struct slice key = c->argv[1];
    bool wrong = false;
    long double value, more;
    char digits[RESP_HUMAN_MAX];
    struct entry *e = key_write_type(c, key, VALUE_STRING, &wrong);
    if (wrong)
        return;
    if (!number_of(e, &value) || !slice_to_long_double(c->argv[2], &more)) {
        reply_error(c, "ERR value is not a valid float");
        return;
    }
    value += more;
    if (!isfinite(value)) {
        reply_error(c, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice text = slice_of(digits, resp_format_human(digits, value));
    if (!call_reserve(c, key.size + text.size + sizeof("KEEPTTL")))
        return;
    entry_touch(db_set_string(c->db, key, key_hash(c, key), text, e ? DB_KEEP_DEADLINE : DB_NO_DEADLINE), call_now_ms(c));
    string_changed(c, key, !e, "incrbyfloat");
    EFFECT(c, SLICE("SET"), key, text, SLICE("KEEPTTL"));
    resp_bulk(c->reply, text);
}
