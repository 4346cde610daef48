/* SPDX-License-Identifier: MIT
 * string: what the files of the string commands share. Rows are in string.c, handlers by theme:
 *
 *      string.c          whole values: GET, SET and their kin, MGET, MSET
 *      string_part.c     parts of a value: APPEND, STRLEN, SETRANGE, GETRANGE
 *      string_number.c   values as numbers: INCR, DECR, INCRBYFLOAT
 *      string_lcs.c      LCS */
#ifndef LOCUS_REDISD_COMMANDS_STRING_H
#define LOCUS_REDISD_COMMANDS_STRING_H

#include "redisd/command.h"

/* Answer the value of a string entry, or null when e is NULL. */
void string_reply(struct call *c, const struct entry *e);

/* The key holds this string afterwards; key_changed and the events "new" (when the key was not there) and "set" included, the effect not. The
 * deadline is one of db_set_string's. */
void string_store(struct call *c, struct slice key, struct slice value, int64_t deadline_ms);

/* Create a key that is not there, as used just now: the first step of commands that then write into it. Says nothing to anybody. */
static inline struct entry *string_create(struct call *c, struct slice key, struct slice value)
{
    struct entry *e = db_set_string(c->db, key, key_hash(c, key), value, DB_NO_DEADLINE);
    entry_touch(e, call_now_ms(c));
    return e;
}

/* After a change in place or the creation of a key: key_changed, "new" when `created`, then the event of that name. */
void string_changed(struct call *c, struct slice key, bool created, const char *event);

/* False, with the error answered, when a string would grow beyond DB_VALUE_MAX. */
bool string_size_allowed(struct call *c, uint64_t offset, uint64_t more);

void string_append(struct call *c);
void string_length(struct call *c);
void string_set_range(struct call *c);
void string_get_range(struct call *c);

void string_increment(struct call *c);
void string_decrement(struct call *c);
void string_increment_by(struct call *c);
void string_decrement_by(struct call *c);
void string_increment_float(struct call *c);

void string_lcs(struct call *c);

#endif
