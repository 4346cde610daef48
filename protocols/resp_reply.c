/* SPDX-License-Identifier: MIT
 * resp_reply: see resp_reply.h. */
#include "protocols/resp_reply.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES_MIN = 32 };

/* Where reading stands. `left` counts, for each open aggregate, the children still to come. */
struct reader {
    struct resp_reply *reply;
    struct slice input;
    size_t at;                                /* bytes read */
    int depth;                                /* open aggregates */
    int64_t left[RESP_REPLY_DEPTH_MAX];
    size_t open[RESP_REPLY_DEPTH_MAX];        /* their nodes */
};

void resp_reply_free(struct resp_reply *reply)
{
    free(reply->nodes);
    *reply = (struct resp_reply){0};
}

static struct resp_node *node_add(struct resp_reply *reply)
{
    if (reply->size == reply->capacity) {
        size_t capacity = reply->capacity ? reply->capacity * 2 : NODES_MIN;
        struct resp_node *nodes = realloc(reply->nodes, capacity * sizeof *nodes);
        if (!nodes)
            abort();
        reply->nodes = nodes;
        reply->capacity = capacity;
    }
    struct resp_node *node = &reply->nodes[reply->size++];
    *node = (struct resp_node){.span = 1};
    return node;
}

/* The line at `at`, without its CRLF; moves behind it. */
static int take_line(struct reader *r, struct slice *line)
{
    const char *start = r->input.base + r->at;
    const char *end = r->input.size > r->at ? memchr(start, '\r', r->input.size - r->at) : NULL;
    if (!end || end + 1 == r->input.base + r->input.size)
        return 0;
    if (end[1] != '\n')
        return -EPROTO;
    *line = slice_of(start, (size_t)(end - start));
    r->at += line->size + 2;
    return 1;
}

static bool to_integer(struct slice digits, int64_t *value)
{
    char text[24]; /* strtoll wants an end */
    if (digits.size == 0 || digits.size >= sizeof text)
        return false;
    memcpy(text, digits.base, digits.size);
    text[digits.size] = 0;
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end == text + digits.size && (*text == '-' || (*text >= '0' && *text <= '9'));
}

/* "$5 CRLF hello CRLF": the line is read, the bytes follow. */
static int take_bulk(struct reader *r, struct resp_node *node, int64_t size)
{
    if (size == -1 && node->type == RESP_BULK) {
        node->count = -1;
        return 1;
    }
    if (size < 0 || (node->type == RESP_VERBATIM && size < 4))
        return -EPROTO;
    size_t there = r->input.size - r->at;
    if (there < 2 || there - 2 < (size_t)size)
        return 0;
    node->text = slice_of(r->input.base + r->at, (size_t)size);
    if (node->text.base[size] != '\r' || node->text.base[size + 1] != '\n')
        return -EPROTO;
    r->at += (size_t)size + 2;
    return 1;
}

/* Open the aggregate, so that what follows becomes its children. */
static int open_aggregate(struct reader *r, struct resp_node *node, int64_t count)
{
    bool pairs = node->type == RESP_MAP || node->type == RESP_ATTRIBUTE;
    if (count == -1 && node->type == RESP_ARRAY) {
        node->count = -1;
        return 1;
    }
    if (count < 0 || count > INT32_MAX || r->depth == RESP_REPLY_DEPTH_MAX)
        return -EPROTO;
    node->count = pairs ? count * 2 : count;
    r->open[r->depth] = (size_t)(node - r->reply->nodes);
    r->left[r->depth++] = node->count;
    return 1;
}

static int take_node(struct reader *r)
{
    struct slice line;
    int got = take_line(r, &line);
    if (got <= 0)
        return got;
    if (line.size == 0)
        return -EPROTO;
    struct resp_node *node = node_add(r->reply);
    int64_t n = 0;
    node->type = line.base[0];
    node->text = slice_of(line.base + 1, line.size - 1);
    bool integral = to_integer(node->text, &n);
    switch (node->type) {
    case RESP_SIMPLE:
    case RESP_FAULT:
    case RESP_DOUBLE:
    case RESP_BIG_NUMBER:
        return 1;
    case RESP_INTEGER:
        node->integer = n;
        return integral ? 1 : -EPROTO;
    case RESP_NULL:
        return line.size == 1 ? 1 : -EPROTO;
    case RESP_BOOL:
        node->integer = line.size == 2 && line.base[1] == 't';
        return line.size == 2 && (line.base[1] == 't' || line.base[1] == 'f') ? 1 : -EPROTO;
    case RESP_BULK:
    case RESP_BULK_ERROR:
    case RESP_VERBATIM:
        node->text = (struct slice){0};
        return integral ? take_bulk(r, node, n) : -EPROTO;
    case RESP_ARRAY:
    case RESP_MAP:
    case RESP_SET:
    case RESP_PUSH:
    case RESP_ATTRIBUTE:
        node->text = (struct slice){0};
        return integral ? open_aggregate(r, node, n) : -EPROTO;
    default:
        return -EPROTO;
    }
}

/* Count a whole node in its parent, and close those that have all their children. An attribute is no child: it is left out, and
 * what it speaks of follows. */
static void close_aggregates(struct reader *r, bool opened)
{
    if (!opened && r->depth > 0)
        r->left[r->depth - 1]--;
    while (r->depth > 0 && r->left[r->depth - 1] == 0) {
        size_t index = r->open[--r->depth];
        struct resp_node *node = &r->reply->nodes[index];
        node->span = r->reply->size - index;
        if (node->type == RESP_ATTRIBUTE)
            r->reply->size = index;
        else if (r->depth > 0)
            r->left[r->depth - 1]--;
    }
}

int resp_reply_read(struct resp_reply *reply, struct slice input)
{
    struct reader r = {.reply = reply, .input = input};
    reply->size = 0;
    do {
        int depth = r.depth;
        int got = take_node(&r);
        if (got <= 0)
            return got;
        close_aggregates(&r, r.depth > depth);
    } while (r.depth > 0 || reply->size == 0);
    reply->bytes = r.at;
    return 1;
}

/* ---- for people ---- */

static void print_text(struct slice text, struct buffer *out)
{
    buffer_append_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.base[i];
        if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", c);
        else if (c == '\n' || c == '\r')
            buffer_append(out, c == '\n' ? "\\n" : "\\r", 2);
        else if (c < 32 || c > 126)
            buffer_format(out, "\\x%02x", c);
        else
            buffer_append_char(out, (char)c);
    }
    buffer_append_char(out, '"');
}

static void print_children(const struct resp_node *node, struct buffer *out)
{
    const char *brackets = node->type == RESP_MAP ? "{}" : node->type == RESP_SET ? "()" : "[]";
    if (node->type == RESP_PUSH)
        buffer_append_char(out, '>');
    buffer_append_char(out, brackets[0]);
    const struct resp_node *child = node + 1;
    for (int64_t i = 0; i < node->count; i++, child = resp_reply_next(child)) {
        if (i)
            buffer_append(out, node->type == RESP_MAP && i % 2 ? ": " : ", ", 2);
        resp_node_print(child, out);
    }
    buffer_append_char(out, brackets[1]);
}

void resp_node_print(const struct resp_node *node, struct buffer *out)
{
    if (resp_node_is_null(node))
        buffer_append(out, "nil", 3);
    else if (resp_node_is_aggregate(node))
        print_children(node, out);
    else if (node->type == RESP_BULK)
        print_text(node->text, out);
    else if (node->type == RESP_BOOL)
        buffer_format(out, "%s", node->integer ? "true" : "false");
    else {
        buffer_append_char(out, node->type);
        buffer_append_slice(out, node->text);
    }
}
