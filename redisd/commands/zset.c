/* SPDX-License-Identifier: MIT
 * zset: commands that name members of one sorted set: add, remove, score, rank. The table is in zset_table.c. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "redisd/commands/collection.h"
#include "redisd/commands/zset_commands.h"

struct zset *zset_for_reading(struct call *c, struct slice key, bool *wrong)
{
    struct entry *e = key_read_type(c, key, VALUE_ZSET, wrong);
    return e ? entry_zset(e) : NULL;
}

void zset_reply_header(struct call *c, size_t count, bool with_scores)
{
    resp_array(c->reply, with_scores && c->reply->protocol == 2 ? count * 2 : count);
}

void zset_reply_member(struct call *c, struct slice member, double score, bool with_score)
{
    if (with_score && c->reply->protocol > 2)
        resp_array(c->reply, 2);
    resp_bulk(c->reply, member);
    if (with_score)
        resp_double(c->reply, score);
}

void zset_removed(struct call *c, struct entry *e, struct slice key, const char *event)
{
    key_event(c, NOTIFY_ZSET, event, key);
    if (zset_size(entry_zset(e)) == 0)
        collection_remove(c, e, key);
    else
        key_changed(c, key);
}

/* ---- ZADD and ZINCRBY ---- */

enum add_option {
    ADD_NEW = 1 << 0,      /* NX: leave members alone that are there */
    ADD_EXISTING = 1 << 1, /* XX: leave members out that are not */
    ADD_GREATER = 1 << 2,  /* GT: an existing member's score may only rise */
    ADD_LOWER = 1 << 3,    /* LT: ... only fall */
    ADD_CHANGED = 1 << 4,  /* CH: count members whose score changed, too */
    ADD_INCREMENT = 1 << 5 /* INCR: add to the score, and reply it */
};

/* Score-member pairs whose scores are kept on the stack. */
#define PAIRS_INLINE 32

struct addition {
    int options;         /* enum add_option, added up */
    int first;           /* argument that holds the first score */
    int pairs;
    double *scores;      /* of the pairs; Ours when there are more than PAIRS_INLINE, else the caller's */
    int64_t added, updated;
};

static int add_option(struct slice text)
{
    static const struct {
        struct slice name;
        int option;
    } options[] = {
        {{"nx", 2}, ADD_NEW},   {{"xx", 2}, ADD_EXISTING}, {{"gt", 2}, ADD_GREATER},
        {{"lt", 2}, ADD_LOWER}, {{"ch", 2}, ADD_CHANGED},  {{"incr", 4}, ADD_INCREMENT},
    };
    /* Most often a score stands here: no option begins with a digit or a sign. */
    if (text.size < 2 || text.size > 4 || text.base[0] < 'A')
        return 0;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (slice_equal_nocase(text, options[i].name))
            return options[i].option;
    return 0;
}

static bool parse_score(struct call *c, struct slice text, double *score)
{
    int64_t whole;
    /* 15 digits are exact in a double, and much faster to read as an integer. */
    if (text.size <= 15 && slice_to_i64(text, &whole)) {
        *score = (double)whole;
        return true;
    }
    return parse_double(c, text, score, NULL);
}

static void free_scores(struct addition *a)
{
    if (a->pairs > PAIRS_INLINE)
        free(a->scores);
}

/* Options and scores; answers the errors. a->scores has room for PAIRS_INLINE. On success they are to be freed with free_scores. */
static bool parse_addition(struct call *c, struct addition *a)
{
    for (int option; a->first < c->argc && (option = add_option(c->argv[a->first])) != 0; a->first++)
        a->options |= option;
    int rest = c->argc - a->first;
    if (rest == 0 || rest % 2) {
        reply_syntax(c);
        return false;
    }
    a->pairs = rest / 2;
    assert(a->pairs > 0);
    int exclusive = a->options & (ADD_NEW | ADD_GREATER | ADD_LOWER);
    if ((a->options & ADD_NEW) && (a->options & ADD_EXISTING)) {
        reply_error(c, "ERR XX and NX options at the same time are not compatible");
        return false;
    }
    if (exclusive & (exclusive - 1)) {
        reply_error(c, "ERR GT, LT, and/or NX options at the same time are not compatible");
        return false;
    }
    if ((a->options & ADD_INCREMENT) && a->pairs > 1) {
        reply_error(c, "ERR INCR option supports a single increment-element pair");
        return false;
    }
    if (a->pairs > PAIRS_INLINE) {
        a->scores = malloc((size_t)a->pairs * sizeof(double));
        assert(a->scores);
    }
    for (int i = 0; i < a->pairs; i++) {
        if (parse_score(c, c->argv[a->first + 2 * i], &a->scores[i]))
            continue;
        free_scores(a);
        return false;
    }
    return true;
}

static void put(struct addition *a, struct zset *zset, struct slice member, double score)
{
    enum zset_change change = zset_set(zset, member, score);
    a->added += change == ZSET_ADDED;
    a->updated += change == ZSET_UPDATED;
}

/* Do the options let this pair through? `old` is the score that the member has, when it is there. */
static bool lets_through(int options, bool there, double old, double score)
{
    if (!there)
        return !(options & ADD_EXISTING);
    return !(options & ADD_NEW) && !((options & ADD_GREATER) && score <= old) && !((options & ADD_LOWER) && score >= old);
}

static void add_pairs(struct call *c, struct addition *a, struct zset *zset)
{
    bool conditional = a->options & (ADD_NEW | ADD_EXISTING | ADD_GREATER | ADD_LOWER);
    for (int i = 0; i < a->pairs; i++) {
        struct slice member = c->argv[a->first + 2 * i + 1];
        double old = 0;
        bool there = conditional && zset_score(zset, member, &old);
        if (conditional && !lets_through(a->options, there, old, a->scores[i]))
            continue;
        put(a, zset, member, a->scores[i]);
    }
}

/* The entry to change, which is made when there is none. */
static struct zset *zset_for_adding(struct call *c, struct entry *e)
{
    if (e)
        db_edit(c->db, e);
    else
        e = collection_add(c, c->argv[1], VALUE_ZSET);
    return entry_zset(e);
}

/* Score of the one member with INCR; e is NULL when the key does not exist. Everything is checked before anything is made. */
static void increment(struct call *c, struct addition *a, struct entry *e)
{
    struct slice member = c->argv[a->first + 1];
    double old = 0;
    bool there = e && zset_score(entry_zset(e), member, &old);
    double score = there ? a->scores[0] + old : a->scores[0];
    if (there && (a->options & ADD_NEW)) {
        resp_null(c->reply);
    } else if (isnan(score)) {
        reply_error(c, "ERR resulting score is not a number (NaN)");
    } else if (!lets_through(a->options, there, old, score)) {
        resp_null(c->reply);
    } else {
        put(a, zset_for_adding(c, e), member, score);
        resp_double(c->reply, score);
    }
}

static void add(struct call *c, int options)
{
    double few[PAIRS_INLINE];
    struct addition a = {.options = options, .first = 2, .scores = few};
    struct slice key = c->argv[1];
    bool wrong = false;
    if (!parse_addition(c, &a))
        return;
    struct entry *e = key_write_type(c, key, VALUE_ZSET, &wrong);
    if (wrong)
        goto done;
    if (a.options & ADD_INCREMENT) {
        increment(c, &a, e);
    } else {
        if (e || !(a.options & ADD_EXISTING))
            add_pairs(c, &a, zset_for_adding(c, e));
        resp_integer(c->reply, a.options & ADD_CHANGED ? a.added + a.updated : a.added);
    }
    if (a.added || a.updated) {
        effect_same(c);
        key_changed(c, key);
        key_event(c, NOTIFY_ZSET, a.options & ADD_INCREMENT ? "zincr" : "zadd", key);
        key_ready(c, key);
    }
done:
    free_scores(&a);
}

void zset_zadd(struct call *c)
{
    add(c, 0);
}

void zset_zincrby(struct call *c)
{
    add(c, ADD_INCREMENT);
}

/* ---- ZREM ---- */

void zset_zrem(struct call *c)
{
    bool wrong = false;
    struct slice key = c->argv[1];
    struct entry *e = key_write_type(c, key, VALUE_ZSET, &wrong);
    if (wrong)
        return;
    int64_t removed = 0;
    if (e) {
        struct zset *zset = entry_zset(e);
        db_edit(c->db, e);
        for (int i = 2; i < c->argc && zset_size(zset) > 0; i++)
            removed += zset_remove(zset, c->argv[i]);
    }
    resp_integer(c->reply, removed);
    if (removed == 0)
        return;
    effect_same(c);
    zset_removed(c, e, key, "zrem");
}

/* ---- read ---- */

void zset_zcard(struct call *c)
{
    bool wrong = false;
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (!wrong)
        resp_integer(c->reply, zset ? (int64_t)zset_size(zset) : 0);
}

static void reply_score(struct call *c, const struct zset *zset, struct slice member)
{
    double score;
    if (zset && zset_score(zset, member, &score))
        resp_double(c->reply, score);
    else
        resp_null(c->reply);
}

void zset_zscore(struct call *c)
{
    bool wrong = false;
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (!wrong)
        reply_score(c, zset, c->argv[2]);
}

void zset_zmscore(struct call *c)
{
    bool wrong = false;
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (wrong)
        return;
    resp_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        reply_score(c, zset, c->argv[i]);
}

static void rank(struct call *c, bool from_highest)
{
    bool wrong = false, with_score = c->argc == 4;
    size_t place;
    if (c->argc > 4) {
        reply_arity(c);
        return;
    }
    if (with_score && !slice_equal_nocase(c->argv[3], SLICE("withscore"))) {
        reply_syntax(c);
        return;
    }
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (wrong)
        return;
    if (!zset || !zset_rank(zset, c->argv[2], &place)) {
        with_score ? resp_null_array(c->reply) : resp_null(c->reply);
        return;
    }
    if (with_score)
        resp_array(c->reply, 2);
    resp_integer(c->reply, (int64_t)(from_highest ? zset_size(zset) - 1 - place : place));
    if (with_score)
        reply_score(c, zset, c->argv[2]);
}

void zset_zrank(struct call *c)
{
    rank(c, false);
}

void zset_zrevrank(struct call *c)
{
    rank(c, true);
}
