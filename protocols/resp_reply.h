/* SPDX-License-Identifier: MIT
 * resp_reply: replies of the Redis protocol, versions 2 and 3, as trees: what tests, compat and bench read servers with.
 *
 * One reply is one contiguous array of nodes in depth-first order, so that walking it is walking an array; a child's address is
 * its parent's plus one, the next sibling is resp_reply_next. Node texts point into the input.
 *
 *      *2 CRLF :1 CRLF *1 CRLF +a CRLF
 *      nodes   [0] array, count 2, span 4   [1] integer 1, span 1   [2] array, count 1, span 2   [3] simple "a", span 1
 *
 * Attributes are read and left out: they are no part of the value. A client's input is bounded by what it asked for, so an unfinished reply is simply read again from its start. */
#ifndef LOCUS_PROTOCOLS_RESP_REPLY_H
#define LOCUS_PROTOCOLS_RESP_REPLY_H

#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"

#define RESP_REPLY_DEPTH_MAX 64 /* aggregates within aggregates; no command nests deeper than five */

enum resp_type {
    RESP_SIMPLE = '+',
    RESP_FAULT = '-', /* an error */
    RESP_INTEGER = ':',
    RESP_BULK = '$',
    RESP_ARRAY = '*',
    RESP_NULL = '_',
    RESP_BOOL = '#',
    RESP_DOUBLE = ',',
    RESP_BIG_NUMBER = '(',
    RESP_BULK_ERROR = '!',
    RESP_VERBATIM = '=',
    RESP_MAP = '%',
    RESP_SET = '~',
    RESP_PUSH = '>',
    RESP_ATTRIBUTE = '|',
};

struct resp_node {
    char type;         /* enum resp_type; version 2's nulls keep '$' or '*' and have count -1 */
    int64_t integer;   /* RESP_INTEGER; RESP_BOOL: 0 or 1 */
    int64_t count;     /* children of an aggregate (a map has two per pair); -1: null; 0 otherwise */
    size_t span;       /* nodes of this subtree, this one included */
    struct slice text; /* Borrowed from the input: bytes of a string, an error line, the digits of a number */
};

/* Zeros are a valid empty one. Used again and again, it allocates nothing. */
struct resp_reply {
    struct resp_node *nodes; /* Ours; nodes[0] is the reply */
    size_t size;             /* nodes in use */
    size_t capacity;
    size_t bytes;            /* of the input that the reply took */
};

void resp_reply_free(struct resp_reply *reply);

/* Read one reply from the start of `input`. 1: it is in `reply`, drop reply->bytes. 0: not all of it is there. -EPROTO: this is
 * not RESP. The texts are valid as long as the input stays where it is. */
int resp_reply_read(struct resp_reply *reply, struct slice input);

static inline const struct resp_node *resp_reply_next(const struct resp_node *node)
{
    return node + node->span;
}

/* Null in either version's form? */
static inline bool resp_node_is_null(const struct resp_node *node)
{
    return node->type == RESP_NULL || node->count < 0;
}

static inline bool resp_node_is_aggregate(const struct resp_node *node)
{
    return node->type == RESP_ARRAY || node->type == RESP_MAP || node->type == RESP_SET || node->type == RESP_PUSH ||
           node->type == RESP_ATTRIBUTE;
}

/* The node and what is below it on one line for people, as in ["a", :2, nil, {"k": -ERR no}]; bytes are escaped. */
void resp_node_print(const struct resp_node *node, struct buffer *out);

#endif
