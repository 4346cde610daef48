/* SPDX-License-Identifier: MIT
 * zset_bounds: see zset_bounds.h. */
#include "redisd/commands/zset_bounds.h"

#include <math.h>
#include <stdlib.h>

#include "redisd/commands/collection.h"

/* Longer texts are no number that a client means; the largest double written out has 309 digits. */
enum { SCORE_TEXT_MAX = 5119 };

/* A score with or without "(" before it. Redis reads ranges as strtod does, more loosely than the scores of ZADD: spaces in front are
 * skipped, and nothing at all is 0. */
static bool parse_score_edge(struct slice text, double *score, bool *open)
{
    char copy[SCORE_TEXT_MAX + 1], *end = NULL;
    int64_t whole;
    *open = text.size > 0 && text.base[0] == '(';
    if (*open)
        text = slice_of(text.base + 1, text.size - 1);
    if (text.size <= 15 && slice_to_i64(text, &whole)) {
        *score = (double)whole;
        return true;
    }
    if (text.size > SCORE_TEXT_MAX)
        return false;
    if (text.size)
        memcpy(copy, text.base, text.size);
    copy[text.size] = 0;
    *score = strtod(copy, &end);
    return *end == 0 && !isnan(*score);
}

static bool parse_bytes_edge(struct slice text, struct zset_edge *edge)
{
    if (text.size == 0)
        return false;
    *edge = (struct zset_edge){.text = slice_of(text.base + 1, text.size - 1)};
    switch (text.base[0]) {
    case '-':
        edge->infinite = -1;
        return text.size == 1;
    case '+':
        edge->infinite = 1;
        return text.size == 1;
    case '(':
        edge->open = true;
        return true;
    case '[':
        return true;
    default:
        return false;
    }
}

bool zset_bounds_parse(struct call *c, struct zset_bounds *b, enum zset_order order, struct slice min, struct slice max)
{
    *b = (struct zset_bounds){.order = order};
    switch (order) {
    case ZSET_BY_RANK:
        return parse_i64(c, min, &b->start, NULL) && parse_i64(c, max, &b->stop, NULL);
    case ZSET_BY_SCORE:
        if (parse_score_edge(min, &b->min, &b->min_open) && parse_score_edge(max, &b->max, &b->max_open))
            return true;
        reply_error(c, "ERR min or max is not a float");
        return false;
    case ZSET_BY_BYTES:
        if (parse_bytes_edge(min, &b->lowest) && parse_bytes_edge(max, &b->highest))
            return true;
        reply_error(c, "ERR min or max not valid string range item");
        return false;
    }
    return false;
}

/* How many members lie before this edge; `inside` says that a member equal to its text does, too. */
static size_t rank_of_edge(const struct zset *zset, const struct zset_edge *edge, bool inside)
{
    if (edge->infinite)
        return edge->infinite < 0 ? 0 : zset_size(zset);
    return zset_rank_of_member(zset, edge->text, inside);
}

size_t zset_bounds_resolve(const struct zset_bounds *b, const struct zset *zset, bool reverse, size_t *first)
{
    size_t low = 0, high = 0, size = zset_size(zset);
    int64_t start = b->start, stop = b->stop;
    switch (b->order) {
    case ZSET_BY_RANK:
        if (!range_clamp(&start, &stop, size))
            break;
        low = reverse ? size - 1 - (size_t)stop : (size_t)start;
        high = low + (size_t)(stop - start) + 1;
        break;
    case ZSET_BY_SCORE:
        low = zset_rank_of_score(zset, b->min, b->min_open);
        high = zset_rank_of_score(zset, b->max, !b->max_open);
        break;
    case ZSET_BY_BYTES:
        low = rank_of_edge(zset, &b->lowest, b->lowest.open);
        high = rank_of_edge(zset, &b->highest, !b->highest.open);
        break;
    }
    *first = low;
    return high > low ? high - low : 0;
}
