/* SPDX-License-Identifier: MIT
 * string_lcs: LCS, the longest common subsequence of two strings.
 *
 * The textbook table: cell (i, j) is the length of the longest common subsequence of the first i bytes of one and the first j
 * bytes of the other. Walking back from the last cell gives one such subsequence, and the ranges where both strings agree byte by
 * byte, from the end to the beginning. Which of several equally long ones is found is part of the contract with clients: where
 * neither neighbour is longer, the second string gives way. */
#include <stdlib.h>

#include "redisd/commands/string.h"

struct lcs_options {
    bool ranges;        /* IDX */
    bool length;        /* LEN */
    bool match_lengths; /* WITHMATCHLEN */
    int64_t match_min;  /* MINMATCHLEN; shorter ranges are left out */
};

struct lcs {
    struct slice a, b;
    uint32_t *cells; /* Ours: (a.size + 1) rows of (b.size + 1) */
};

/* A range of both strings that is equal; the ends are included. */
struct lcs_range {
    size_t a_first, b_first, size;
};

static uint32_t *lcs_cell(const struct lcs *lcs, size_t i, size_t j)
{
    return &lcs->cells[i * (lcs->b.size + 1) + j];
}

static bool parse_lcs_options(struct call *c, struct lcs_options *o)
{
    for (int i = 3; i < c->argc; i++) {
        struct slice word = c->argv[i];
        if (slice_equal_nocase(word, SLICE("IDX"))) {
            o->ranges = true;
        } else if (slice_equal_nocase(word, SLICE("LEN"))) {
            o->length = true;
        } else if (slice_equal_nocase(word, SLICE("WITHMATCHLEN"))) {
            o->match_lengths = true;
        } else if (slice_equal_nocase(word, SLICE("MINMATCHLEN")) && i + 1 < c->argc) {
            if (!parse_i64(c, c->argv[++i], &o->match_min, NULL))
                return false;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    if (o->ranges && o->length) {
        reply_error(c, "ERR If you want both the length and indexes, please just use IDX.");
        return false;
    }
    return true;
}

/* Fill the table. False: it would be too large, and the error is answered. The caller frees lcs->cells. */
static bool lcs_compute(struct call *c, struct lcs *lcs)
{
    size_t rows = lcs->a.size + 1, columns = lcs->b.size + 1;
    if (rows * columns > DB_VALUE_MAX / sizeof(lcs->cells[0])) {
        reply_error(c, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
        return false;
    }
    lcs->cells = calloc(rows * columns, sizeof(lcs->cells[0]));
    if (!lcs->cells) {
        reply_error(c, "ERR Insufficient memory, failed allocating transient memory for LCS");
        return false;
    }
    for (size_t i = 1; i < rows; i++) {
        const uint32_t *above = lcs_cell(lcs, i - 1, 0);
        uint32_t *row = lcs_cell(lcs, i, 0);
        for (size_t j = 1; j < columns; j++) {
            uint32_t longer = above[j] > row[j - 1] ? above[j] : row[j - 1];
            row[j] = lcs->a.base[i - 1] == lcs->b.base[j - 1] ? above[j - 1] + 1 : longer;
        }
    }
    return true;
}

/* Walk back from cell (*i, *j) over differing bytes, then over the range of equal ones that ends there. False: there is none. */
static bool lcs_range_before(const struct lcs *lcs, size_t *i, size_t *j, struct lcs_range *range)
{
    const char *a = lcs->a.base, *b = lcs->b.base;
    while (*i && *j && a[*i - 1] != b[*j - 1]) {
        if (*lcs_cell(lcs, *i - 1, *j) > *lcs_cell(lcs, *i, *j - 1))
            --*i;
        else
            --*j;
    }
    size_t end = *i;
    while (*i && *j && a[*i - 1] == b[*j - 1]) {
        --*i;
        --*j;
    }
    *range = (struct lcs_range){*i, *j, end - *i};
    return range->size > 0;
}

static void reply_range(struct call *c, const struct lcs_range *range, bool with_length)
{
    resp_array(c->reply, with_length ? 3 : 2);
    resp_array(c->reply, 2);
    resp_integer(c->reply, (int64_t)range->a_first);
    resp_integer(c->reply, (int64_t)(range->a_first + range->size - 1));
    resp_array(c->reply, 2);
    resp_integer(c->reply, (int64_t)range->b_first);
    resp_integer(c->reply, (int64_t)(range->b_first + range->size - 1));
    if (with_length)
        resp_integer(c->reply, (int64_t)range->size);
}

static void reply_ranges(struct call *c, const struct lcs *lcs, const struct lcs_options *o)
{
    size_t i = lcs->a.size, j = lcs->b.size, count = 0;
    struct lcs_range range;
    resp_map(c->reply, 2);
    resp_bulk_string(c->reply, "matches");
    size_t mark = resp_array_begin(c->reply);
    while (lcs_range_before(lcs, &i, &j, &range)) {
        if ((int64_t)range.size < o->match_min)
            continue;
        reply_range(c, &range, o->match_lengths);
        count++;
    }
    resp_array_end(c->reply, mark, count);
    resp_bulk_string(c->reply, "len");
    resp_integer(c->reply, *lcs_cell(lcs, lcs->a.size, lcs->b.size));
}

static void reply_subsequence(struct call *c, const struct lcs *lcs)
{
    size_t i = lcs->a.size, j = lcs->b.size, at = *lcs_cell(lcs, i, j);
    struct buffer text = {0};
    struct lcs_range range;
    if (at == 0) {
        resp_bulk(c->reply, SLICE(""));
        return;
    }
    buffer_room(&text, at);
    text.size = at;
    while (lcs_range_before(lcs, &i, &j, &range)) {
        at -= range.size;
        memcpy(text.base + at, lcs->a.base + range.a_first, range.size);
    }
    resp_bulk(c->reply, buffer_slice(&text));
    buffer_free(&text);
}

void string_lcs(struct call *c)
{
    /* Looking the second key up may remove it, so the entries are taken once both have been looked up. */
    bool a_there = key_read(c, c->argv[1]) != NULL, b_there = key_read(c, c->argv[2]) != NULL;
    const struct entry *a = a_there ? db_find(c->db, c->argv[1]) : NULL, *b = b_there ? db_find(c->db, c->argv[2]) : NULL;
    if ((a && entry_type(a) != VALUE_STRING) || (b && entry_type(b) != VALUE_STRING)) {
        reply_error(c, "ERR The specified keys must contain string values");
        return;
    }
    struct lcs_options options = {0};
    if (!parse_lcs_options(c, &options))
        return;
    struct item a_item = {.base = "", .size = 0}, b_item = {.base = "", .size = 0};
    if (a)
        entry_string(a, &a_item);
    if (b)
        entry_string(b, &b_item);
    struct lcs lcs = {.a = item_slice(&a_item), .b = item_slice(&b_item)};
    if (!lcs_compute(c, &lcs))
        return;
    if (options.ranges)
        reply_ranges(c, &lcs, &options);
    else if (options.length)
        resp_integer(c->reply, *lcs_cell(&lcs, lcs.a.size, lcs.b.size));
    else
        reply_subsequence(c, &lcs);
    free(lcs.cells);
}
