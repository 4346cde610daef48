/* SPDX-License-Identifier: MIT
 * zset_range: commands on a range of a sorted set: reply it, store it, count it, remove it.
 *
 * ZRANGE says everything in options; its six older relatives say the order and the direction in their names. All become a run of ranks
 * (zset_bounds.h), walked up or down. */
#include "redisd/commands/collection.h"
#include "redisd/commands/zset_bounds.h"
#include "redisd/commands/zset_commands.h"

struct range {
    struct zset_bounds bounds;
    enum zset_order order;
    bool ordered, directed; /* the command's name, or an option, said which order and direction */
    bool reverse;           /* from the highest member down */
    bool storing;           /* ZRANGESTORE */
    bool with_scores;
    int64_t offset;         /* members of the range to leave out at its beginning; negative: all */
    int64_t limit;          /* members at most; negative: no limit */
};

/* One option at argument i; returns how many arguments it took, 0 when the error has been answered. */
static int parse_option(struct call *c, struct range *r, int i)
{
    struct slice option = c->argv[i];
    if (!r->storing && slice_equal_nocase(option, SLICE("withscores"))) {
        r->with_scores = true;
        return 1;
    }
    if (i + 2 < c->argc && slice_equal_nocase(option, SLICE("limit")))
        return parse_i64(c, c->argv[i + 1], &r->offset, NULL) && parse_i64(c, c->argv[i + 2], &r->limit, NULL) ? 3 : 0;
    if (!r->directed && slice_equal_nocase(option, SLICE("rev"))) {
        r->directed = r->reverse = true;
        return 1;
    }
    bool by_bytes = slice_equal_nocase(option, SLICE("bylex"));
    if (!r->ordered && (by_bytes || slice_equal_nocase(option, SLICE("byscore")))) {
        r->ordered = true;
        r->order = by_bytes ? ZSET_BY_BYTES : ZSET_BY_SCORE;
        return 1;
    }
    reply_syntax(c);
    return 0;
}

/* Source key at argument `at`, its bounds behind it, options to the end. Answers errors. */
static bool parse_range(struct call *c, struct range *r, int at)
{
    r->limit = -1;
    for (int i = at + 3, took; i < c->argc; i += took)
        if ((took = parse_option(c, r, i)) == 0)
            return false;
    if (r->limit != -1 && r->order == ZSET_BY_RANK) {
        reply_error(c, "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
        return false;
    }
    if (r->with_scores && r->order == ZSET_BY_BYTES) {
        reply_error(c, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
        return false;
    }
    /* Downwards, scores and bytes are given from the highest to the lowest; ranks count from the highest anyway. */
    bool swapped = r->reverse && r->order != ZSET_BY_RANK;
    return zset_bounds_parse(c, &r->bounds, r->order, c->argv[at + 1 + swapped], c->argv[at + 2 - swapped]);
}

/* The members of the range after offset and limit: *first is the lowest rank; returns how many. */
static size_t resolve(const struct range *r, const struct zset *zset, size_t *first)
{
    size_t count = zset_bounds_resolve(&r->bounds, zset, r->reverse, first);
    if (r->order == ZSET_BY_RANK)
        return count;
    if (r->offset < 0 || (uint64_t)r->offset >= count)
        return 0;
    size_t left = count - (size_t)r->offset;
    size_t taken = r->limit >= 0 && (uint64_t)r->limit < left ? (size_t)r->limit : left;
    *first += r->reverse ? left - taken : (size_t)r->offset;
    return taken;
}

/* ---- reply ---- */

static void reply_range(struct call *c, struct range *r)
{
    bool wrong = false;
    size_t first = 0;
    if (!parse_range(c, r, 1))
        return;
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (wrong)
        return;
    size_t count = zset ? resolve(r, zset, &first) : 0;
    zset_reply_header(c, count, r->with_scores);
    if (count == 0)
        return;
    struct zset_walk walk;
    struct item member;
    double score;
    zset_walk_begin(zset, &walk, r->reverse ? first + count - 1 : first, r->reverse);
    while (count-- > 0 && zset_walk_next(&walk, &member, &score))
        zset_reply_member(c, item_slice(&member), score, r->with_scores);
}

void zset_zrange(struct call *c)
{
    reply_range(c, &(struct range){.order = ZSET_BY_RANK});
}

static void reply_named_range(struct call *c, enum zset_order order, bool reverse)
{
    reply_range(c, &(struct range){.order = order, .reverse = reverse, .ordered = true, .directed = true});
}

void zset_zrevrange(struct call *c)
{
    reply_named_range(c, ZSET_BY_RANK, true);
}

void zset_zrangebyscore(struct call *c)
{
    reply_named_range(c, ZSET_BY_SCORE, false);
}

void zset_zrevrangebyscore(struct call *c)
{
    reply_named_range(c, ZSET_BY_SCORE, true);
}

void zset_zrangebylex(struct call *c)
{
    reply_named_range(c, ZSET_BY_BYTES, false);
}

void zset_zrevrangebylex(struct call *c)
{
    reply_named_range(c, ZSET_BY_BYTES, true);
}

/* ---- store ---- */

/* Put `count` members of `source`, from a rank upwards, into `target`. */
static void copy_members(const struct zset *source, size_t first, size_t count, struct zset *target)
{
    struct zset_walk walk;
    struct item member;
    double score;
    if (count == 0)
        return;
    zset_walk_begin(source, &walk, first, false);
    while (count-- > 0 && zset_walk_next(&walk, &member, &score))
        zset_set(target, item_slice(&member), score);
}

void zset_zrangestore(struct call *c)
{
    struct range r = {.order = ZSET_BY_RANK, .storing = true};
    struct slice key = c->argv[1];
    struct zset *copy = NULL;
    bool wrong = false, existed;
    size_t first = 0;
    if (!parse_range(c, &r, 2))
        return;
    const struct zset *source = zset_for_reading(c, c->argv[2], &wrong);
    if (wrong)
        return;
    if (source && slice_equal(key, c->argv[2]))
        source = copy = zset_copy(source);
    size_t count = source ? resolve(&r, source, &first) : 0;
    struct entry *e = collection_store_begin(c, key, VALUE_ZSET, &existed);
    copy_members(source, first, count, entry_zset(e));
    collection_store_end(c, e, key, existed, count, NOTIFY_ZSET, "zrangestore");
    if (count)
        key_ready(c, key);
    if (copy)
        zset_free(copy);
}

/* ---- count and remove ---- */

static void count_range(struct call *c, enum zset_order order)
{
    bool wrong = false;
    size_t first;
    struct zset_bounds bounds;
    if (!zset_bounds_parse(c, &bounds, order, c->argv[2], c->argv[3]))
        return;
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (!wrong)
        resp_integer(c->reply, zset ? (int64_t)zset_bounds_resolve(&bounds, zset, false, &first) : 0);
}

void zset_zcount(struct call *c)
{
    count_range(c, ZSET_BY_SCORE);
}

void zset_zlexcount(struct call *c)
{
    count_range(c, ZSET_BY_BYTES);
}

static void remove_range(struct call *c, enum zset_order order, const char *event)
{
    bool wrong = false;
    size_t first = 0;
    struct zset_bounds bounds;
    if (!zset_bounds_parse(c, &bounds, order, c->argv[2], c->argv[3]))
        return;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_ZSET, &wrong);
    if (wrong)
        return;
    size_t count = e ? zset_bounds_resolve(&bounds, entry_zset(e), false, &first) : 0;
    resp_integer(c->reply, (int64_t)count);
    if (count == 0)
        return;
    db_edit(c->db, e);
    zset_erase(entry_zset(e), first, count);
    effect_same(c);
    zset_removed(c, e, c->argv[1], event);
}

void zset_zremrangebyrank(struct call *c)
{
    remove_range(c, ZSET_BY_RANK, "zremrangebyrank");
}

void zset_zremrangebyscore(struct call *c)
{
    remove_range(c, ZSET_BY_SCORE, "zremrangebyscore");
}

void zset_zremrangebylex(struct call *c)
{
    remove_range(c, ZSET_BY_BYTES, "zremrangebylex");
}
