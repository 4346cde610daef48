/* SPDX-License-Identifier: MIT
 * sort: SORT and SORT_RO: what they are asked for, and what they answer or store.
 *
 *      elements of a list, set or sorted set
 *        -> a weight for each: itself, or what BY's pattern leads to    (sort_order.c)
 *        -> ordered, unless BY names no pattern
 *        -> LIMIT
 *        -> itself, or what the patterns of GET lead to                 (sort_order.c)
 *        -> replied, or stored as a list
 *
 * Equal weights keep the order of the collection, so that the result depends on the keyspace alone. */
#include "redisd/commands/sort.h"

#include "services/keyspace/list.h"

static bool parse_limit(struct call *c, int at, struct sort_options *o)
{
    return parse_i64(c, c->argv[at + 1], &o->limit_start, NULL) && parse_i64(c, c->argv[at + 2], &o->limit_count, NULL);
}

/* One option with what belongs to it. Returns how many arguments it took; 0: the error is answered. */
static int parse_option(struct call *c, int at, bool may_store, struct sort_options *o)
{
    struct slice word = c->argv[at];
    int left = c->argc - at - 1;
    if (slice_equal_nocase(word, SLICE("ASC"))) {
        o->descending = false;
        return 1;
    }
    if (slice_equal_nocase(word, SLICE("DESC"))) {
        o->descending = true;
        return 1;
    }
    if (slice_equal_nocase(word, SLICE("ALPHA"))) {
        o->alpha = true;
        return 1;
    }
    if (left >= 2 && slice_equal_nocase(word, SLICE("LIMIT")))
        return parse_limit(c, at, o) ? 3 : 0;
    if (left >= 1 && may_store && slice_equal_nocase(word, SLICE("STORE"))) {
        o->stores = true;
        o->store = c->argv[at + 1];
        return 2;
    }
    if (left >= 1 && slice_equal_nocase(word, SLICE("BY"))) {
        o->weighted = true;
        o->by = c->argv[at + 1];
        o->unsorted = o->unsorted || !memchr(o->by.base, '*', o->by.size);
        return 2;
    }
    if (left >= 1 && slice_equal_nocase(word, SLICE("GET"))) {
        o->gets++;
        return 2;
    }
    reply_syntax(c);
    return 0;
}

static bool parse_sort_options(struct call *c, bool may_store, struct sort_options *o)
{
    *o = (struct sort_options){.limit_count = -1};
    for (int at = 2, took; at < c->argc; at += took) {
        took = parse_option(c, at, may_store, o);
        if (!took)
            return false;
    }
    return true;
}

/* The next GET pattern at or behind argument *at, which moves behind it. Options were parsed before, so this need not doubt them. */
static bool next_get(const struct call *c, int *at, struct slice *pattern)
{
    while (*at < c->argc) {
        struct slice word = c->argv[*at];
        if (slice_equal_nocase(word, SLICE("GET"))) {
            *pattern = c->argv[*at + 1];
            *at += 2;
            return true;
        }
        bool valued = slice_equal_nocase(word, SLICE("BY")) || slice_equal_nocase(word, SLICE("STORE"));
        *at += slice_equal_nocase(word, SLICE("LIMIT")) ? 3 : valued ? 2 : 1;
    }
    return false;
}

/* ---- results ---- */

typedef void (*sort_result_fn)(void *context, const struct slice *value);

/* Every value of the result in order; NULL for what GET did not find. Returns how many. */
static size_t sort_results(struct sort_run *run, sort_result_fn result, void *context)
{
    size_t count = 0;
    for (size_t i = run->first; i < run->end; i++) {
        struct slice element = item_slice(&run->order[i]->item), pattern, value;
        if (!run->options.gets) {
            result(context, &element);
            count++;
        }
        for (int at = 2; next_get(run->call, &at, &pattern); count++) {
            struct item scratch;
            result(context, sort_lookup(run, pattern, element, &scratch, &value) ? &value : NULL);
        }
    }
    return count;
}

static void result_reply(void *context, const struct slice *value)
{
    struct call *c = context;
    if (value)
        resp_bulk(c->reply, *value);
    else
        resp_null(c->reply);
}

/* Results that are to be stored are gathered first: the key that they go to may be one that they come from. */
static void result_gather(void *context, const struct slice *value)
{
    struct buffer *gathered = context;
    size_t size = value ? value->size : 0;
    buffer_append(gathered, &size, sizeof(size));
    if (value)
        buffer_append_slice(gathered, *value);
}

static void store_list(struct call *c, struct slice key, bool existed, const struct buffer *gathered)
{
    struct entry *e = db_add(c->db, key, key_hash(c, key), VALUE_LIST);
    struct list *list = entry_list(e);
    entry_touch(e, call_now_ms(c));
    for (size_t at = 0, size; at < gathered->size; at += size) {
        memcpy(&size, gathered->base + at, sizeof(size));
        at += sizeof(size);
        list_push(list, LIST_TAIL, slice_of(gathered->base + at, size));
    }
    key_changed(c, key);
    key_ready(c, key);
    if (!existed)
        key_event(c, NOTIFY_NEW, "new", key);
    key_event(c, NOTIFY_LIST, "sortstore", key);
}

static void sort_store(struct sort_run *run)
{
    struct call *c = run->call;
    struct slice key = run->options.store;
    struct buffer gathered = {0};
    size_t count = sort_results(run, result_gather, &gathered);
    struct entry *e = key_write(c, key);
    if (count) {
        if (e)
            db_delete(c->db, e);
        store_list(c, key, e != NULL, &gathered);
    } else if (e) {
        key_remove(c, e, key);
        key_event(c, NOTIFY_GENERIC, "del", key);
    }
    if (count || e)
        effect_same(c);
    buffer_free(&gathered);
    resp_integer(c->reply, (int64_t)count);
}

static void sort_reply(struct sort_run *run)
{
    size_t each = run->options.gets ? run->options.gets : 1;
    resp_array(run->call->reply, (run->end - run->first) * each);
    sort_results(run, result_reply, run->call);
}

static void sort_with(struct call *c, bool may_store)
{
    struct sort_run run = {.call = c};
    if (!parse_sort_options(c, may_store, &run.options))
        return;
    const struct entry *e = key_read(c, c->argv[1]);
    if (e && entry_type(e) != VALUE_LIST && entry_type(e) != VALUE_SET && entry_type(e) != VALUE_ZSET) {
        reply_wrong_type(c);
        return;
    }
    sort_load(&run, e);
    if (!sort_order(&run))
        reply_error(c, "ERR One or more scores can't be converted into double");
    else if (run.options.stores)
        sort_store(&run);
    else
        sort_reply(&run);
    sort_free(&run);
}

static void sort_run_full(struct call *c)
{
    sort_with(c, true);
}

static void sort_run_readonly(struct call *c)
{
    sort_with(c, false);
}

/* The key sorted, and the last one that STORE names. */
static int sort_keys(const struct slice *argv, int argc, int *positions, int max)
{
    int store = 0;
    for (int i = 2; i < argc; i++) {
        if (slice_equal_nocase(argv[i], SLICE("LIMIT")))
            i += 2;
        else if (slice_equal_nocase(argv[i], SLICE("GET")) || slice_equal_nocase(argv[i], SLICE("BY")))
            i++;
        else if (i + 1 < argc && slice_equal_nocase(argv[i], SLICE("STORE")))
            store = i + 1;
    }
    if (max > 0)
        positions[0] = 1;
    if (store && max > 1)
        positions[1] = store;
    return store ? 2 : 1;
}

#define SORT_ROW(row_name, handler, row_flags, version, text) \
    .name = (row_name), .run = (handler), .arity = -2, .flags = (row_flags) | CMD_MOVABLE_KEYS | CMD_DANGEROUS, .first_key = 1, \
    .last_key = 1, .key_step = 1, .group = GROUP_GENERIC, .since = (version), \
    .complexity = "O(N+M*log(M)), M elements sorted of N", .summary = (text)

const struct command commands_sort[] = {
    {SORT_ROW("sort", sort_run_full, CMD_WRITE | CMD_DENYOOM, "1.0.0", "Sorts a list, a set or a sorted set, and may store the result."),
     .keys = sort_keys},
    {SORT_ROW("sort_ro", sort_run_readonly, CMD_READONLY, "7.0.0", "Sorts a list, a set or a sorted set.")},
    {.name = NULL},
};
