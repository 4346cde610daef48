/* SPDX-License-Identifier: MIT
 * set_algebra: intersection, union and difference of sets, replied, counted or stored.
 *
 * Each operation walks its sources and emits every member of the result once, into a sink: the reply, a counter, or the set being
 * stored. A union or a large difference keeps track of what it has emitted in a private copy of one source. The destination of a
 * ...STORE may be a source as well: then that source is copied before the destination makes way.
 *
 * Sources are held as sets, not as entries: looking the next key up may move entries. */
#include <assert.h>
#include <stdlib.h>

#include "redisd/commands/collection.h"
#include "redisd/commands/set_commands.h"

enum operation { INTERSECT, UNITE, SUBTRACT };

/* Members asked from set_scan at a time when the walk may end early. */
#define STRIDE ((size_t)256)

/* Sources that fit without asking malloc. */
#define SOURCES_INLINE 16

struct source {
    const struct set *set; /* Borrowed; NULL: the key does not exist */
};

struct algebra {
    enum operation operation;
    size_t count;                            /* of sources */
    struct source *sources;                  /* points to few or to heap */
    struct source few[SOURCES_INLINE];
    struct source *heap;                     /* Ours, or NULL */
    struct set *copy;                        /* Ours, or NULL: a source that is the destination, too */

    /* the sink: where members of the result go */
    struct resp_writer *reply;               /* or NULL */
    struct set *target;                      /* or NULL: the set being stored */
    uint64_t found;                          /* members emitted */
    uint64_t limit;                          /* stop after so many */

    struct set *seen;                        /* Ours while a union runs: what was emitted; a difference: what is left */
};

/* ---- emitting ---- */

static void emit(struct algebra *a, struct slice member)
{
    a->found++;
    if (a->reply)
        resp_bulk(a->reply, member);
    else if (a->target)
        set_add(a->target, member);
}

static void emit_member(void *context, struct slice member)
{
    emit(context, member);
}

/* Calls `visit` for each member until the limit is reached. Sources do not change meanwhile. */
static void walk(struct algebra *a, const struct set *set, set_visit_fn visit)
{
    uint64_t cursor = 0;
    do
        cursor = set_scan(set, cursor, a->limit == UINT64_MAX ? set_size(set) : STRIDE, visit, a);
    while (cursor && a->found < a->limit);
}

/* ---- intersection ---- */

static int by_size(const void *a, const void *b)
{
    size_t x = set_size(((const struct source *)a)->set), y = set_size(((const struct source *)b)->set);
    return (x > y) - (x < y);
}

static void emit_if_everywhere(void *context, struct slice member)
{
    struct algebra *a = context;
    if (a->found >= a->limit)
        return;
    for (size_t i = 1; i < a->count; i++)
        if (a->sources[i].set != a->sources[0].set && !set_contains(a->sources[i].set, member))
            return;
    emit(a, member);
}

static void intersect(struct algebra *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (!a->sources[i].set)
            return;
    qsort(a->sources, a->count, sizeof(struct source), by_size);
    walk(a, a->sources[0].set, emit_if_everywhere);
}

/* ---- union ---- */

static void emit_if_new(void *context, struct slice member)
{
    struct algebra *a = context;
    if (!set_add(a->seen, member))
        return;
    a->found++;
    if (a->reply)
        resp_bulk(a->reply, member);
}

static void unite(struct algebra *a)
{
    const struct set *largest = NULL;
    bool alone = true;
    for (size_t i = 0; i < a->count; i++) {
        const struct set *set = a->sources[i].set;
        if (!set)
            continue;
        alone = alone && (!largest || set == largest);
        if (!largest || set_size(set) > set_size(largest))
            largest = set;
    }
    if (!largest)
        return;
    walk(a, largest, emit_member);
    if (alone)
        return;
    /* A set that is being stored knows its members itself. */
    a->seen = a->target ? a->target : set_copy(largest);
    for (size_t i = 0; i < a->count; i++)
        if (a->sources[i].set && a->sources[i].set != largest)
            walk(a, a->sources[i].set, emit_if_new);
    if (!a->target)
        set_free(a->seen);
}

/* ---- difference ---- */

static void emit_if_nowhere(void *context, struct slice member)
{
    struct algebra *a = context;
    for (size_t i = 1; i < a->count; i++)
        if (a->sources[i].set && set_contains(a->sources[i].set, member))
            return;
    emit(a, member);
}

static void strike_out(void *context, struct slice member)
{
    set_remove(((struct algebra *)context)->seen, member);
}

static void subtract(struct algebra *a)
{
    const struct set *first = a->sources[0].set;
    size_t others = 0, lookups = 0, strikes = 0;
    if (!first)
        return;
    for (size_t i = 1; i < a->count; i++) {
        if (a->sources[i].set == first)
            return;
        if (!a->sources[i].set)
            continue;
        others++;
        strikes += set_size(a->sources[i].set);
    }
    /* Either ask every other set about each member, or strike the others' members off a copy: whichever is less work. The first has
     * the better constant, and stops early at members that are shared. */
    lookups = others * set_size(first) / 2;
    if (lookups <= strikes + set_size(first)) {
        walk(a, first, emit_if_nowhere);
        return;
    }
    a->seen = set_copy(first);
    for (size_t i = 1; i < a->count && set_size(a->seen) > 0; i++)
        if (a->sources[i].set)
            walk(a, a->sources[i].set, strike_out);
    if (set_size(a->seen) > 0)
        walk(a, a->seen, emit_member);
    set_free(a->seen);
}

/* ---- the commands ---- */

static void run(struct algebra *a)
{
    switch (a->operation) {
    case INTERSECT:
        intersect(a);
        return;
    case UNITE:
        unite(a);
        return;
    case SUBTRACT:
        subtract(a);
        return;
    }
    assert(false);
}

/* Looks the sources up. False: one of them is no set, which has been answered. */
static bool open_sources(struct call *c, struct algebra *a, enum operation operation, const struct slice *keys, size_t count)
{
    bool wrong = false;
    *a = (struct algebra){.operation = operation, .count = count, .limit = UINT64_MAX};
    a->sources = a->few;
    if (count > SOURCES_INLINE) {
        a->heap = malloc(count * sizeof(struct source));
        assert(a->heap);
        a->sources = a->heap;
    }
    for (size_t i = 0; i < count; i++) {
        struct entry *e = key_read_type(c, keys[i], VALUE_SET, &wrong);
        if (wrong) {
            free(a->heap);
            return false;
        }
        a->sources[i].set = e ? entry_set(e) : NULL;
    }
    return true;
}

static void close_sources(struct algebra *a)
{
    free(a->heap);
    if (a->copy)
        set_free(a->copy);
}

static void answer(struct call *c, enum operation operation)
{
    struct algebra a;
    if (!open_sources(c, &a, operation, c->argv + 1, (size_t)c->argc - 1))
        return;
    size_t mark = resp_set_begin(c->reply);
    a.reply = c->reply;
    run(&a);
    resp_set_end(c->reply, mark, a.found);
    close_sources(&a);
}

/* Sources that are the set about to be replaced become a copy of it. */
static void keep_replaced(struct algebra *a, const struct set *replaced)
{
    for (size_t i = 0; i < a->count; i++) {
        if (a->sources[i].set != replaced)
            continue;
        if (!a->copy)
            a->copy = set_copy(replaced);
        a->sources[i].set = a->copy;
    }
}

static void store(struct call *c, enum operation operation, const char *event)
{
    struct algebra a;
    struct slice key = c->argv[1];
    bool existed;
    if (!open_sources(c, &a, operation, c->argv + 2, (size_t)c->argc - 2))
        return;
    struct entry *old = db_find(c->db, key);
    if (old && entry_type(old) == VALUE_SET)
        keep_replaced(&a, entry_set(old));
    struct entry *e = collection_store_begin(c, key, VALUE_SET, &existed);
    a.target = entry_set(e);
    run(&a);
    collection_store_end(c, e, key, existed, set_size(a.target), NOTIFY_SET, event);
    close_sources(&a);
}

void set_sinter(struct call *c)
{
    answer(c, INTERSECT);
}

void set_sunion(struct call *c)
{
    answer(c, UNITE);
}

void set_sdiff(struct call *c)
{
    answer(c, SUBTRACT);
}

void set_sinterstore(struct call *c)
{
    store(c, INTERSECT, "sinterstore");
}

void set_sunionstore(struct call *c)
{
    store(c, UNITE, "sunionstore");
}

void set_sdiffstore(struct call *c)
{
    store(c, SUBTRACT, "sdiffstore");
}

void set_sintercard(struct call *c)
{
    int64_t count, limit = 0;
    struct algebra a;
    if (!parse_range_i64(c, c->argv[1], 1, INT64_MAX, &count, "ERR numkeys should be greater than 0"))
        return;
    if (count > c->argc - 2) {
        reply_error(c, "ERR Number of keys can't be greater than number of args");
        return;
    }
    for (int i = 2 + (int)count; i < c->argc; i += 2) {
        if (i + 1 == c->argc || !slice_equal_nocase(c->argv[i], SLICE("limit"))) {
            reply_syntax(c);
            return;
        }
        if (!parse_positive(c, c->argv[i + 1], &limit, "ERR LIMIT can't be negative"))
            return;
    }
    if (!open_sources(c, &a, INTERSECT, c->argv + 2, (size_t)count))
        return;
    if (limit)
        a.limit = (uint64_t)limit;
    run(&a);
    resp_integer(c->reply, (int64_t)a.found);
    close_sources(&a);
}
