/* SPDX-License-Identifier: MIT
 * sort_order: the elements that SORT sorts, their weights, and their order. */
#include "redisd/commands/sort.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "services/keyspace/hash.h"
#include "services/keyspace/list.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

/* ---- patterns ---- */

/* A pattern's parts: prefix * suffix [->field]. */
struct sort_pattern {
    struct slice prefix, suffix, field;
};

static bool split_pattern(struct slice pattern, struct sort_pattern *parts)
{
    const char *end = pattern.base + pattern.size, *star = memchr(pattern.base, '*', pattern.size);
    if (!star)
        return false;
    const char *arrow = memmem(star + 1, (size_t)(end - star - 1), "->", 2);
    bool has_field = arrow && arrow + 2 < end;
    parts->prefix = slice_of(pattern.base, (size_t)(star - pattern.base));
    parts->suffix = slice_of(star + 1, (size_t)((has_field ? arrow : end) - star - 1));
    parts->field = has_field ? slice_of(arrow + 2, (size_t)(end - arrow - 2)) : SLICE("");
    return true;
}

bool sort_lookup(struct sort_run *run, struct slice pattern, struct slice element, struct item *scratch, struct slice *value)
{
    struct sort_pattern parts;
    if (slice_equal(pattern, SLICE("#"))) {
        *value = element;
        return true;
    }
    if (!split_pattern(pattern, &parts))
        return false;
    run->scratch.size = 0;
    buffer_append_slice(&run->scratch, parts.prefix);
    buffer_append_slice(&run->scratch, element);
    buffer_append_slice(&run->scratch, parts.suffix);
    const struct entry *e = key_read(run->call, buffer_slice(&run->scratch));
    if (!e || entry_type(e) != (parts.field.size ? VALUE_HASH : VALUE_STRING))
        return false;
    if (!parts.field.size)
        entry_string(e, scratch);
    else if (!hash_get(entry_hash(e), parts.field, scratch))
        return false;
    *value = item_slice(scratch);
    return true;
}

/* ---- loading ---- */

static size_t collection_size(const struct entry *e)
{
    switch (e ? entry_type(e) : VALUE_STRING) {
    case VALUE_LIST:
        return list_length(entry_list(e));
    case VALUE_SET:
        return set_size(entry_set(e));
    case VALUE_ZSET:
        return zset_size(entry_zset(e));
    default:
        return 0;
    }
}

/* `count` elements from position `first`, counted from the end when `reversed`. */
static void load_elements(struct sort_run *run, const struct entry *e, size_t first, size_t total, bool reversed)
{
    struct sort_element *element = run->elements, *end = run->elements + run->count;
    size_t position = reversed ? total - 1 - first : first;
    if (entry_type(e) == VALUE_LIST) {
        struct list_walk walk;
        list_walk_begin(entry_list(e), &walk, position, reversed ? LIST_HEAD : LIST_TAIL);
        while (element < end && list_walk_next(&walk, &element->item))
            element++;
    } else if (entry_type(e) == VALUE_ZSET) {
        struct zset_walk walk;
        double score;
        zset_walk_begin(entry_zset(e), &walk, position, reversed);
        while (element < end && zset_walk_next(&walk, &element->item, &score))
            element++;
    } else {
        for (; element < end; element++)
            set_at(entry_set(e), first++, &element->item);
    }
    run->count = (size_t)(element - run->elements);
}

/* LIMIT's part of `total` elements. */
static void limit_range(const struct sort_options *o, size_t total, size_t *first, size_t *end)
{
    *first = o->limit_start < 0 ? 0 : (uint64_t)o->limit_start > total ? total : (size_t)o->limit_start;
    size_t left = total - *first;
    *end = *first + (o->limit_count < 0 || (uint64_t)o->limit_count > left ? left : (size_t)o->limit_count);
}

void sort_load(struct sort_run *run, const struct entry *e)
{
    struct sort_options *o = &run->options;
    size_t total = collection_size(e), first = 0;
    limit_range(o, total, &run->first, &run->end);
    /* A set has no order of its own to store: what is stored must follow from the members alone. */
    if (o->unsorted && o->stores && e && entry_type(e) == VALUE_SET) {
        o->unsorted = o->weighted = false;
        o->alpha = true;
    }
    run->count = total;
    if (o->unsorted) {
        first = run->first;
        run->count = run->end - run->first;
        run->first = 0;
        run->end = run->count;
    }
    if (run->count == 0)
        return;
    run->elements = malloc(run->count * sizeof(run->elements[0]));
    run->order = malloc(run->count * sizeof(run->order[0]));
    if (!run->elements || !run->order)
        abort();
    load_elements(run, e, first, total, o->unsorted && o->descending && entry_type(e) != VALUE_SET);
    for (size_t i = 0; i < run->count; i++)
        run->order[i] = &run->elements[i];
}

void sort_free(struct sort_run *run)
{
    free(run->elements);
    free(run->order);
    buffer_free(&run->weights);
    buffer_free(&run->scratch);
}

/* ---- weights ---- */

/* A number as strtod reads it, spaces before it included; an empty text is 0. */
static bool score_of(struct sort_run *run, struct slice text, double *score)
{
    char *end = NULL;
    run->scratch.size = 0;
    buffer_append_slice(&run->scratch, text);
    buffer_append_char(&run->scratch, 0);
    errno = 0;
    *score = strtod(run->scratch.base, &end);
    return *end == 0 && errno != ERANGE && !isnan(*score);
}

/* What has no weight sorts as 0, or before all texts. */
static bool weigh(struct sort_run *run, struct sort_element *element)
{
    struct slice value = item_slice(&element->item);
    struct item scratch;
    element->score = 0;
    element->weight_at = SORT_NO_WEIGHT;
    if (run->options.weighted && !sort_lookup(run, run->options.by, value, &scratch, &value))
        return true;
    if (!run->options.alpha)
        return score_of(run, value, &element->score);
    if (run->options.weighted) {
        element->weight_at = run->weights.size;
        element->weight_size = value.size;
        buffer_append_slice(&run->weights, value);
    }
    return true;
}

/* ---- order ---- */

static int compare_scores(const struct sort_element *a, const struct sort_element *b)
{
    int order = (a->score > b->score) - (a->score < b->score);
    return order ? order : slice_compare(item_slice(&a->item), item_slice(&b->item));
}

static int compare_weights(const struct sort_run *run, const struct sort_element *a, const struct sort_element *b)
{
    bool has_a = a->weight_at != SORT_NO_WEIGHT, has_b = b->weight_at != SORT_NO_WEIGHT;
    if (!has_a || !has_b)
        return has_a - has_b;
    return slice_compare(slice_of(run->weights.base + a->weight_at, a->weight_size), slice_of(run->weights.base + b->weight_at, b->weight_size));
}

static int compare_elements(const void *left, const void *right, void *context)
{
    const struct sort_element *a = *(struct sort_element *const *)left, *b = *(struct sort_element *const *)right;
    const struct sort_run *run = context;
    int order = !run->options.alpha     ? compare_scores(a, b)
                : run->options.weighted ? compare_weights(run, a, b)
                                        : slice_compare(item_slice(&a->item), item_slice(&b->item));
    if (order == 0)
        return (a > b) - (a < b);
    return run->options.descending ? -order : order;
}

bool sort_order(struct sort_run *run)
{
    bool good = true;
    if (run->options.unsorted)
        return true;
    buffer_room(&run->weights, 1); /* so that even empty weights have an address */
    for (size_t i = 0; i < run->count; i++)
        good = weigh(run, &run->elements[i]) && good;
    if (good && run->count)
        qsort_r(run->order, run->count, sizeof(run->order[0]), compare_elements, run);
    return good;
}
