/* SPDX-License-Identifier: MIT
 * compare: when are two servers' replies to one command the same?
 *
 * Byte for byte, unless the command itself promises less; then what it promises is compared. The table in compare.c says which
 * commands promise less, and how much. */
#ifndef LOCUS_COMPAT_COMPARE_H
#define LOCUS_COMPAT_COMPARE_H

#include <stdbool.h>

#include "protocols/resp_reply.h"

enum compare_mode {
    COMPARE_EXACT,     /* the same bytes */
    COMPARE_UNORDERED, /* an array or set in any order */
    COMPARE_PAIRS,     /* a map, or an array of pairs, in any order */
    COMPARE_SECONDS,   /* an integer, give or take one */
    COMPARE_MILLIS,    /* an integer, give or take two thousand */
    COMPARE_SHAPE,     /* the same type: what is in it is the server's own affair */
    COMPARE_SCAN,      /* [cursor, elements]: iterations are compared as wholes */
    COMPARE_CHOICE,    /* random choice of what is there; see differential.c */
    COMPARE_POP,       /* random choice that also removes */
    COMPARE_EXEC,      /* an array with one reply for each queued command */
};

/* How the replies to this command compare. */
enum compare_mode compare_mode_of(const struct slice *argv, int argc);

/* May texts of doubles differ as "%.17g" differs from the shortest form? Redis 7.0 writes the first, 7.2 the second. */
bool compare_has_scores(const struct slice *argv, int argc);

/* Are the two the same under `mode`? For COMPARE_SCAN, COMPARE_CHOICE, COMPARE_POP and COMPARE_EXEC only types are compared. */
bool compare_replies(const struct resp_node *ours, const struct resp_node *theirs, enum compare_mode mode, bool scores);

#endif
