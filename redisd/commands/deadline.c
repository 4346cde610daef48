/* SPDX-License-Identifier: MIT
 * deadline: parsing and applying the moment at which a key is to go.
 *
 * A deadline that is not in the future removes the key at once, and the log says DEL: whoever applies the log must not depend on
 * what time it is. */
#include "redisd/commands/deadline.h"

const struct deadline_form deadline_forms[4] = {
    {{"EX", 2}, 1000, true},
    {{"PX", 2}, 1, true},
    {{"EXAT", 4}, 1000, false},
    {{"PXAT", 4}, 1, false},
};

const struct deadline_form *deadline_form_find(struct slice word)
{
    for (size_t i = 0; i < sizeof(deadline_forms) / sizeof(deadline_forms[0]); i++)
        if (slice_equal_nocase(word, deadline_forms[i].name))
            return &deadline_forms[i];
    return NULL;
}

void deadline_invalid(struct call *c)
{
    resp_errorf(c->reply, "ERR invalid expire time in '%s' command", c->command->name);
}

bool deadline_parse(struct call *c, const struct deadline_form *form, struct slice text, int64_t *deadline_ms)
{
    int64_t value;
    if (!parse_i64(c, text, &value, NULL))
        return false;
    if (value <= 0 || __builtin_mul_overflow(value, form->unit_ms, &value) ||
        __builtin_add_overflow(value, form->relative ? call_now_ms(c) : 0, &value)) {
        deadline_invalid(c);
        return false;
    }
    *deadline_ms = value;
    return true;
}

bool deadline_apply(struct call *c, struct entry *e, struct slice key, int64_t deadline_ms)
{
    if (deadline_ms <= call_now_ms(c)) {
        key_remove(c, e, key);
        key_event(c, NOTIFY_GENERIC, "del", key);
        return false;
    }
    db_set_deadline(c->db, e, deadline_ms);
    key_changed(c, key);
    key_event(c, NOTIFY_GENERIC, "expire", key);
    return true;
}

void deadline_effect(struct call *c, struct slice key, int64_t deadline_ms, bool kept)
{
    char digits[32];
    if (kept)
        EFFECT(c, SLICE("PEXPIREAT"), key, slice_from_i64(digits, deadline_ms));
    else
        EFFECT(c, SLICE("DEL"), key);
}
