/* SPDX-License-Identifier: MIT
 * zset_pop: commands that take the lowest or the highest members, of one sorted set or of the first of several, waiting or not.
 *
 * As with lists, what waits is what does not, preceded by the question whether there is something; and what reaches the log is the
 * command that does not wait: BZPOPMIN logs ZPOPMIN, ZMPOP logs ZPOPMIN key count. */
#include "redisd/commands/collection.h"
#include "redisd/commands/zset_commands.h"

enum zset_end { LOWEST, HIGHEST };

static struct slice pop_name(enum zset_end end)
{
    return end == LOWEST ? SLICE("ZPOPMIN") : SLICE("ZPOPMAX");
}

/* Take `count` members (1 <= count <= size) from an end of the sorted set that e, under `key`, holds: replies them, each as a pair of
 * its own when `nested`, removes them and says what happened. No effect is added. */
static void take(struct call *c, struct entry *e, struct slice key, enum zset_end end, size_t count, bool nested)
{
    struct zset *zset = entry_zset(e);
    struct zset_walk walk;
    struct item member;
    double score;
    size_t size = zset_size(zset);
    db_edit(c->db, e);
    zset_walk_begin(zset, &walk, end == LOWEST ? 0 : size - 1, end == HIGHEST);
    for (size_t i = 0; i < count && zset_walk_next(&walk, &member, &score); i++) {
        if (nested)
            resp_array(c->reply, 2);
        resp_bulk(c->reply, item_slice(&member));
        resp_double(c->reply, score);
    }
    zset_erase(zset, end == LOWEST ? 0 : size - count, count);
    zset_removed(c, e, key, end == LOWEST ? "zpopmin" : "zpopmax");
}

static size_t at_most(int64_t count, const struct entry *e)
{
    size_t size = zset_size(entry_zset(e));
    return (uint64_t)count < size ? (size_t)count : size;
}

/* ZPOPMIN, ZPOPMAX */
static void pop(struct call *c, enum zset_end end)
{
    bool wrong = false, counted = c->argc == 3;
    int64_t count = 1;
    if (c->argc > 3) {
        reply_syntax(c);
        return;
    }
    if (counted && !parse_positive(c, c->argv[2], &count, NULL))
        return;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_ZSET, &wrong);
    if (wrong)
        return;
    size_t taken = e ? at_most(count, e) : 0;
    bool nested = counted && c->reply->protocol > 2;
    resp_array(c->reply, nested ? taken : taken * 2);
    if (taken == 0)
        return;
    take(c, e, c->argv[1], end, taken, nested);
    effect_same(c);
}

void zset_zpopmin(struct call *c)
{
    pop(c, LOWEST);
}

void zset_zpopmax(struct call *c)
{
    pop(c, HIGHEST);
}

/* ---- the first sorted set of several ---- */

/* BZPOPMIN, BZPOPMAX */
static void pop_or_wait(struct call *c, enum zset_end end)
{
    const struct slice *keys = c->argv + 1;
    int count = c->argc - 2, which;
    int64_t timeout_us;
    bool wrong = false;
    if (!parse_timeout(c, c->argv[c->argc - 1], &timeout_us))
        return;
    struct entry *e = first_existing(c, keys, count, VALUE_ZSET, &which, &wrong);
    if (wrong)
        return;
    if (e) {
        resp_array(c->reply, 3);
        resp_bulk(c->reply, keys[which]);
        take(c, e, keys[which], end, 1, false);
        EFFECT(c, pop_name(end), keys[which]);
    } else if (call_may_block(c)) {
        call_block(c, keys, count, timeout_us, true);
    } else {
        resp_null_array(c->reply);
    }
}

void zset_bzpopmin(struct call *c)
{
    pop_or_wait(c, LOWEST);
}

void zset_bzpopmax(struct call *c)
{
    pop_or_wait(c, HIGHEST);
}

/* numkeys key... MIN|MAX [COUNT n], numkeys being argv[at]. */
struct multi_pop {
    const struct slice *keys; /* Borrowed from argv */
    int keys_count;
    enum zset_end end;
    int64_t count; /* members to take at most */
};

static bool parse_multi_pop(struct call *c, int at, struct multi_pop *request)
{
    int64_t keys_count;
    if (!parse_numkeys(c, at, &keys_count))
        return false;
    request->keys = c->argv + at + 1;
    request->keys_count = (int)keys_count;
    request->count = 1;
    int i = at + 1 + request->keys_count;
    bool lowest = slice_equal_nocase(c->argv[i], SLICE("min"));
    request->end = lowest ? LOWEST : HIGHEST;
    if (!lowest && !slice_equal_nocase(c->argv[i], SLICE("max"))) {
        reply_syntax(c);
        return false;
    }
    return parse_pop_count(c, i + 1, &request->count);
}

/* Take from the first sorted set there is; false when there is none and nothing has been answered. */
static bool multi_pop(struct call *c, const struct multi_pop *request)
{
    bool wrong = false;
    int which;
    struct entry *e = first_existing(c, request->keys, request->keys_count, VALUE_ZSET, &which, &wrong);
    if (!e)
        return wrong;
    char digits[32];
    struct slice key = request->keys[which];
    size_t taken = at_most(request->count, e);
    resp_array(c->reply, 2);
    resp_bulk(c->reply, key);
    resp_array(c->reply, taken);
    take(c, e, key, request->end, taken, true);
    EFFECT(c, pop_name(request->end), key, slice_from_i64(digits, (int64_t)taken));
    return true;
}

void zset_zmpop(struct call *c)
{
    struct multi_pop request;
    if (parse_multi_pop(c, 1, &request) && !multi_pop(c, &request))
        resp_null_array(c->reply);
}

void zset_bzmpop(struct call *c)
{
    struct multi_pop request;
    int64_t timeout_us;
    if (!parse_multi_pop(c, 2, &request) || !parse_timeout(c, c->argv[1], &timeout_us) || multi_pop(c, &request))
        return;
    if (call_may_block(c))
        call_block(c, request.keys, request.keys_count, timeout_us, true);
    else
        resp_null_array(c->reply);
}
