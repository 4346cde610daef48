/* SPDX-License-Identifier: MIT
 * zset_algebra: union, intersection and difference of sorted sets (and sets, whose members all score 1), replied, counted or stored.
 *
 *      score of a member = AGGREGATE over its sources of (weight * score there)
 *
 * Floating point sums depend on their order: sources are taken from the smallest to the largest, equal ones as they were given, which
 * is Redis's order, so the last bit agrees. The result is gathered (scored.h), sorted, and then replied or put into the destination,
 * which may be one of the sources: by then nobody needs them. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "redisd/commands/collection.h"
#include "redisd/commands/scored.h"
#include "redisd/commands/zset_commands.h"
#include "services/keyspace/set.h"

enum operation { UNITE, INTERSECT, SUBTRACT, COUNT_INTERSECTION };
enum aggregate { SUM, MIN, MAX };

struct source {
    const struct zset *zset; /* Borrowed, or NULL */
    const struct set *set;   /* Borrowed, or NULL; both NULL: the key does not exist */
    size_t size;             /* members */
    double weight;
    int place;               /* among the arguments */
};

struct algebra {
    struct call *c;
    enum operation operation;
    bool storing;
    struct source *sources; /* Ours */
    int count;
    enum aggregate aggregate;
    bool with_scores;
    uint64_t limit;         /* of COUNT_INTERSECTION: stop there */
    uint64_t found;         /* by COUNT_INTERSECTION */
    struct scored result;
};

/* ---- sources ---- */

static bool source_score(const struct source *source, struct slice member, double *score)
{
    if (source->zset)
        return zset_score(source->zset, member, score);
    *score = 1;
    return source->set && set_contains(source->set, member);
}

/* Returns false to end the walk. */
typedef bool (*source_visit_fn)(struct algebra *a, const struct source *source, struct slice member, double score);

struct set_visit {
    struct algebra *a;
    const struct source *source;
    source_visit_fn visit;
    bool ended;
};

static void visit_set_member(void *context, struct slice member)
{
    struct set_visit *v = context;
    if (!v->ended)
        v->ended = !v->visit(v->a, v->source, member, 1);
}

/* Members asked from set_scan at a time: a walk that ends early does not see many more than it wants. */
#define STRIDE ((size_t)256)

static void walk(struct algebra *a, const struct source *source, source_visit_fn visit)
{
    if (source->zset) {
        struct zset_walk position;
        struct item member;
        double score;
        zset_walk_begin(source->zset, &position, 0, false);
        while (zset_walk_next(&position, &member, &score) && visit(a, source, item_slice(&member), score))
            continue;
    } else if (source->set) {
        struct set_visit v = {.a = a, .source = source, .visit = visit};
        uint64_t cursor = 0;
        do
            cursor = set_scan(source->set, cursor, STRIDE, visit_set_member, &v);
        while (cursor && !v.ended);
    }
}

static bool same_source(const struct source *x, const struct source *y)
{
    return x->zset == y->zset && x->set == y->set;
}

static int by_size(const void *a, const void *b)
{
    const struct source *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return x->place - y->place;
}

/* ---- the operations ---- */

/* Not a number stands for infinity minus infinity, or zero times infinity: Redis makes both 0. */
static double number_or_zero(double value)
{
    return isnan(value) ? 0 : value;
}

static double combine(enum aggregate aggregate, double so_far, double value)
{
    switch (aggregate) {
    case SUM:
        return number_or_zero(so_far + value);
    case MIN:
        return value < so_far ? value : so_far;
    case MAX:
        return value > so_far ? value : so_far;
    }
    return so_far;
}

static bool unite_member(struct algebra *a, const struct source *source, struct slice member, double score)
{
    uint64_t hash = db_hash(a->c->db, member);
    struct scored_row *row = scored_find(&a->result, member, hash);
    score = number_or_zero(source->weight * score);
    if (row)
        row->score = combine(a->aggregate, row->score, score);
    else
        scored_add(&a->result, member, hash, score);
    return true;
}

/* `source` is the first, smallest one. */
static bool intersect_member(struct algebra *a, const struct source *source, struct slice member, double score)
{
    double total = number_or_zero(source->weight * score), there;
    for (int i = 1; i < a->count; i++) {
        if (!source_score(&a->sources[i], member, &there))
            return true;
        total = combine(a->aggregate, total, there * a->sources[i].weight);
    }
    if (a->operation == COUNT_INTERSECTION)
        return ++a->found < a->limit;
    scored_append(&a->result, member, total);
    return true;
}

static bool keep_if_nowhere(struct algebra *a, const struct source *source, struct slice member, double score)
{
    double there;
    (void)source;
    for (int i = 1; i < a->count; i++)
        if (source_score(&a->sources[i], member, &there))
            return true;
    scored_append(&a->result, member, score);
    return true;
}

static bool add_member(struct algebra *a, const struct source *source, struct slice member, double score)
{
    (void)source;
    scored_add(&a->result, member, db_hash(a->c->db, member), score);
    return true;
}

static bool strike_out(struct algebra *a, const struct source *source, struct slice member, double score)
{
    (void)source, (void)score;
    struct scored_row *row = scored_find(&a->result, member, db_hash(a->c->db, member));
    if (row)
        row->score = NAN; /* no score is: the mark of rows to drop */
    return true;
}

static void drop_struck_out(struct scored *result)
{
    size_t kept = 0;
    for (size_t i = 0; i < result->count; i++)
        if (!isnan(result->rows[i].score))
            result->rows[kept++] = result->rows[i];
    result->count = kept;
}

static void subtract(struct algebra *a)
{
    const struct source *first = &a->sources[0];
    uint64_t lookups = 0, strikes = first->size;
    for (int i = 1; i < a->count; i++) {
        if (same_source(&a->sources[i], first))
            return;
        lookups += a->sources[i].size ? first->size : 0;
        strikes += a->sources[i].size;
    }
    /* Either ask the others about each member of the first, or strike the others' members off a list of the first's. Asking has the
     * better constant and stops early at members that are shared. */
    if (lookups / 2 <= strikes) {
        walk(a, first, keep_if_nowhere);
        return;
    }
    walk(a, first, add_member);
    for (int i = 1; i < a->count; i++)
        walk(a, &a->sources[i], strike_out);
    drop_struck_out(&a->result);
}

static void run(struct algebra *a)
{
    if (a->operation == SUBTRACT) {
        subtract(a);
        return;
    }
    qsort(a->sources, (size_t)a->count, sizeof(a->sources[0]), by_size);
    if (a->operation != UNITE) {
        if (a->sources[0].size > 0)
            walk(a, &a->sources[0], intersect_member);
        return;
    }
    for (int i = 0; i < a->count; i++)
        walk(a, &a->sources[i], unite_member);
}

/* ---- arguments ---- */

/* Look up the keys from argv[at] on. False: one of them is neither a sorted set nor a set, which has been answered. */
static bool open_sources(struct algebra *a, int at)
{
    a->sources = malloc((size_t)a->count * sizeof(a->sources[0]));
    assert(a->sources);
    for (int i = 0; i < a->count; i++) {
        struct entry *e = key_read(a->c, a->c->argv[at + i]);
        struct source *source = &a->sources[i];
        *source = (struct source){.weight = 1, .place = i};
        if (!e)
            continue;
        if (entry_type(e) == VALUE_ZSET) {
            source->zset = entry_zset(e);
            source->size = zset_size(source->zset);
        } else if (entry_type(e) == VALUE_SET) {
            source->set = entry_set(e);
            source->size = set_size(source->set);
        } else {
            reply_wrong_type(a->c);
            return false;
        }
    }
    return true;
}

static bool parse_weights(struct algebra *a, int at)
{
    for (int i = 0; i < a->count; i++)
        if (!parse_double(a->c, a->c->argv[at + i], &a->sources[i].weight, "ERR weight value is not a float"))
            return false;
    return true;
}

static bool parse_aggregate(struct algebra *a, struct slice text)
{
    static const struct slice names[] = {[SUM] = {"sum", 3}, [MIN] = {"min", 3}, [MAX] = {"max", 3}};
    for (int i = SUM; i <= MAX; i++) {
        if (slice_equal_nocase(text, names[i])) {
            a->aggregate = (enum aggregate)i;
            return true;
        }
    }
    reply_syntax(a->c);
    return false;
}

/* One option at argument i; returns how many arguments it took, 0 when the error has been answered. */
static int parse_option(struct algebra *a, int i)
{
    struct call *c = a->c;
    int rest = c->argc - i;
    bool scores_change = a->operation == UNITE || a->operation == INTERSECT, counting = a->operation == COUNT_INTERSECTION;
    if (scores_change && rest > a->count && slice_equal_nocase(c->argv[i], SLICE("weights")))
        return parse_weights(a, i + 1) ? a->count + 1 : 0;
    if (scores_change && rest >= 2 && slice_equal_nocase(c->argv[i], SLICE("aggregate")))
        return parse_aggregate(a, c->argv[i + 1]) ? 2 : 0;
    if (!a->storing && !counting && slice_equal_nocase(c->argv[i], SLICE("withscores"))) {
        a->with_scores = true;
        return 1;
    }
    if (counting && rest >= 2 && slice_equal_nocase(c->argv[i], SLICE("limit"))) {
        int64_t limit;
        if (!parse_positive(c, c->argv[i + 1], &limit, "ERR LIMIT can't be negative"))
            return 0;
        a->limit = limit ? (uint64_t)limit : UINT64_MAX;
        return 2;
    }
    reply_syntax(c);
    return 0;
}

/* numkeys at argv[at], keys, options. Redis looks the keys up before it reads the options; which error wins depends on it. */
static bool parse(struct algebra *a, int at)
{
    struct call *c = a->c;
    int64_t count;
    if (!parse_i64(c, c->argv[at], &count, NULL))
        return false;
    if (count < 1) {
        resp_errorf(c->reply, "ERR at least 1 input key is needed for '%s' command", c->command->name);
        return false;
    }
    if (count > c->argc - at - 1) {
        reply_syntax(c);
        return false;
    }
    a->count = (int)count;
    if (!open_sources(a, at + 1))
        return false;
    for (int i = at + 1 + a->count, took; i < c->argc; i += took)
        if ((took = parse_option(a, i)) == 0)
            return false;
    return true;
}

/* ---- the commands ---- */

static void close_algebra(struct algebra *a)
{
    scored_free(&a->result);
    free(a->sources);
}

static void answer(struct call *c, enum operation operation)
{
    struct algebra a = {.c = c, .operation = operation, .limit = UINT64_MAX};
    if (parse(&a, 1)) {
        run(&a);
        scored_sort(&a.result);
        zset_reply_header(c, a.result.count, a.with_scores);
        for (size_t i = 0; i < a.result.count; i++) {
            const struct scored_row *row = &a.result.rows[i];
            zset_reply_member(c, scored_member(&a.result, row), row->score, a.with_scores);
        }
    }
    close_algebra(&a);
}

static void store(struct call *c, enum operation operation, const char *event)
{
    struct algebra a = {.c = c, .operation = operation, .storing = true, .limit = UINT64_MAX};
    struct slice key = c->argv[1];
    bool existed;
    if (parse(&a, 2)) {
        run(&a);
        scored_sort(&a.result);
        struct entry *e = collection_store_begin(c, key, VALUE_ZSET, &existed);
        struct zset *target = entry_zset(e);
        for (size_t i = 0; i < a.result.count; i++)
            zset_set(target, scored_member(&a.result, &a.result.rows[i]), a.result.rows[i].score);
        collection_store_end(c, e, key, existed, a.result.count, NOTIFY_ZSET, event);
        if (a.result.count)
            key_ready(c, key);
    }
    close_algebra(&a);
}

void zset_zunion(struct call *c)
{
    answer(c, UNITE);
}

void zset_zinter(struct call *c)
{
    answer(c, INTERSECT);
}

void zset_zdiff(struct call *c)
{
    answer(c, SUBTRACT);
}

void zset_zunionstore(struct call *c)
{
    store(c, UNITE, "zunionstore");
}

void zset_zinterstore(struct call *c)
{
    store(c, INTERSECT, "zinterstore");
}

void zset_zdiffstore(struct call *c)
{
    store(c, SUBTRACT, "zdiffstore");
}

void zset_zintercard(struct call *c)
{
    struct algebra a = {.c = c, .operation = COUNT_INTERSECTION, .limit = UINT64_MAX};
    if (parse(&a, 1)) {
        run(&a);
        resp_integer(c->reply, (int64_t)a.found);
    }
    close_algebra(&a);
}
