/* SPDX-License-Identifier: MIT
 * deadline: when a key is to go, as clients write it and as the log keeps it.
 *
 *      EX seconds, PX milliseconds        from now
 *      EXAT seconds, PXAT milliseconds    since 1970
 *
 * Inside there is one form only: milliseconds since 1970. It is also the only one that enters the log, so that a command means
 * the same whenever it is applied. */
#ifndef LOCUS_REDISD_COMMANDS_DEADLINE_H
#define LOCUS_REDISD_COMMANDS_DEADLINE_H

#include "redisd/command.h"

/* Bytes of arguments that an effect may have beyond the key and value that the command was given: "PEXPIREAT", "KEEPTTL", "PXAT" and 20 digits. */
#define DEADLINE_EFFECT_BYTES 64

struct deadline_form {
    struct slice name;
    int64_t unit_ms; /* 1 or 1000 */
    bool relative;   /* counts from now */
};

extern const struct deadline_form deadline_forms[4]; /* EX PX EXAT PXAT */

/* The form that an option word names; NULL when it names none. */
const struct deadline_form *deadline_form_find(struct slice word);

/* The deadline that an option's value means, in milliseconds since 1970. It must be positive: SET, SETEX and GETEX do not take
 * what is over already as text. False: the error is answered. */
bool deadline_parse(struct call *c, const struct deadline_form *form, struct slice text, int64_t *deadline_ms);

/* ERR invalid expire time in 'name' command */
void deadline_invalid(struct call *c);

/* Give the key that deadline, or remove it when the deadline is not in the future; key_changed and the event included. The caller
 * adds the effect: returns false when the key was removed. e is not valid afterwards. */
bool deadline_apply(struct call *c, struct entry *e, struct slice key, int64_t deadline_ms);

/* The effect of deadline_apply: PEXPIREAT key deadline, or DEL key. */
void deadline_effect(struct call *c, struct slice key, int64_t deadline_ms, bool kept);

#endif
