/* SPDX-License-Identifier: MIT
 * hash_number: HINCRBY and HINCRBYFLOAT: fields as numbers.
 *
 * Integers add up the same everywhere, so HINCRBY is its own effect. Long doubles differ from machine to machine: of HINCRBYFLOAT the log
 * gets the result, as HSET. */
#include <math.h>

#include "redisd/commands/collection.h"
#include "redisd/commands/hash_commands.h"

/* Set argv[2] of the hash that e (or, when NULL, a new key argv[1]) holds. */
static void set_number(struct call *c, struct entry *e, struct slice value, const char *event)
{
    if (e)
        db_edit(c->db, e);
    else
        e = collection_add(c, c->argv[1], VALUE_HASH);
    hash_set(entry_hash(e), c->argv[2], value);
    key_changed(c, c->argv[1]);
    key_event(c, NOTIFY_HASH, event, c->argv[1]);
}

void hash_hincrby(struct call *c)
{
    bool wrong = false;
    int64_t more, value = 0;
    struct item old;
    char digits[32];
    if (!parse_i64(c, c->argv[3], &more, NULL))
        return;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_HASH, &wrong);
    if (wrong)
        return;
    if (e && hash_get(entry_hash(e), c->argv[2], &old) && !slice_to_i64(item_slice(&old), &value)) {
        reply_error(c, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(value, more, &value)) {
        reply_error(c, "ERR increment or decrement would overflow");
        return;
    }
    set_number(c, e, slice_from_i64(digits, value), "hincrby");
    effect_same(c);
    resp_integer(c->reply, value);
}

void hash_hincrbyfloat(struct call *c)
{
    bool wrong = false;
    long double more, value = 0;
    struct slice key = c->argv[1], field = c->argv[2];
    struct item old;
    char digits[RESP_HUMAN_MAX];
    if (!slice_to_long_double(c->argv[3], &more)) {
        reply_error(c, "ERR value is not a valid float");
        return;
    }
    if (isinf(more)) {
        reply_error(c, "ERR value is NaN or Infinity");
        return;
    }
    struct entry *e = key_write_type(c, key, VALUE_HASH, &wrong);
    if (wrong)
        return;
    if (e && hash_get(entry_hash(e), field, &old) && !slice_to_long_double(item_slice(&old), &value)) {
        reply_error(c, "ERR hash value is not a float");
        return;
    }
    value += more;
    if (!isfinite(value)) {
        reply_error(c, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice text = slice_of(digits, resp_format_human(digits, value));
    if (!call_reserve(c, key.size + field.size + text.size + sizeof("HSET")))
        return;
    set_number(c, e, text, "hincrbyfloat");
    EFFECT(c, SLICE("HSET"), key, field, text);
    resp_bulk(c->reply, text);
}
