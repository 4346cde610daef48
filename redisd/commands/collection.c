/* SPDX-License-Identifier: MIT
 * collection: what the commands of lists, sets, hashes and sorted sets share.
 *
 * Random choice is choosing positions: collections keep an order that depends on what the log did to them and on nothing else, so a
 * position drawn from call_random names the same element wherever the command is executed again. */
#include "redisd/commands/collection.h"

#include <assert.h>
#include <stdlib.h>

struct entry *collection_add(struct call *c, struct slice key, enum value_type type)
{
    struct entry *e = db_add(c->db, key, key_hash(c, key), type);
    entry_touch(e, call_now_ms(c));
    key_event(c, NOTIFY_NEW, "new", key);
    return e;
}

struct entry *collection_store_begin(struct call *c, struct slice key, enum value_type type, bool *existed)
{
    struct entry *old = key_write(c, key);
    *existed = old != NULL;
    if (old)
        db_delete(c->db, old);
    struct entry *e = db_add(c->db, key, key_hash(c, key), type);
    entry_touch(e, call_now_ms(c));
    return e;
}

void collection_store_end(struct call *c, struct entry *e, struct slice key, bool existed, size_t size, enum notify_class class,
                          const char *event)
{
    resp_integer(c->reply, (int64_t)size);
    if (size == 0) {
        db_delete(c->db, e);
        if (!existed)
            return;
        class = NOTIFY_GENERIC;
        event = "del";
    } else if (!existed) {
        key_event(c, NOTIFY_NEW, "new", key);
    }
    effect_same(c);
    key_changed(c, key);
    key_event(c, class, event, key);
}

void collection_remove(struct call *c, struct entry *e, struct slice key)
{
    key_remove(c, e, key);
    key_event(c, NOTIFY_GENERIC, "del", key);
}

bool range_clamp(int64_t *start, int64_t *stop, size_t size)
{
    int64_t length = (int64_t)size;
    if (*start < 0)
        *start += length;
    if (*stop < 0)
        *stop += length;
    if (*start < 0)
        *start = 0;
    if (*start > *stop || *start >= length)
        return false;
    if (*stop >= length)
        *stop = length - 1;
    return true;
}

bool parse_positive(struct call *c, struct slice text, int64_t *value, const char *error)
{
    return parse_range_i64(c, text, 0, INT64_MAX, value, error ? error : "ERR value is out of range, must be positive");
}

bool parse_numkeys(struct call *c, int at, int64_t *count)
{
    if (!parse_range_i64(c, c->argv[at], 1, INT64_MAX, count, "ERR numkeys should be greater than 0"))
        return false;
    if (*count < c->argc - at - 1)
        return true;
    reply_syntax(c);
    return false;
}

bool parse_pop_count(struct call *c, int at, int64_t *count)
{
    if (at == c->argc)
        return true;
    if (at + 1 == c->argc || !slice_equal_nocase(c->argv[at], SLICE("count"))) {
        reply_syntax(c);
        return false;
    }
    if (!parse_range_i64(c, c->argv[at + 1], 1, INT64_MAX, count, "ERR count should be greater than 0"))
        return false;
    if (at + 2 == c->argc)
        return true;
    reply_syntax(c);
    return false;
}

struct entry *first_existing(struct call *c, const struct slice *keys, int count, enum value_type type, int *which, bool *wrong)
{
    for (int i = 0; i < count; i++) {
        struct entry *e = key_write_type(c, keys[i], type, wrong);
        if (*wrong)
            return NULL;
        if (e) {
            *which = i;
            return e;
        }
    }
    return NULL;
}

/* ---- key positions ---- */

/* The keys behind the count at `at`, appended to the `used` positions that are there already. */
static int counted_keys(const struct slice *argv, int argc, int at, int used, int *positions, int max)
{
    int64_t count;
    if (at >= argc || !slice_to_i64(argv[at], &count) || count < 1 || count > argc - at - 1)
        return -1;
    for (int i = 0; i < (int)count && used + i < max; i++)
        positions[used + i] = at + 1 + i;
    return used + (int)count;
}

int keys_after_count(const struct slice *argv, int argc, int *positions, int max)
{
    return counted_keys(argv, argc, 1, 0, positions, max);
}

int keys_after_timeout_and_count(const struct slice *argv, int argc, int *positions, int max)
{
    return counted_keys(argv, argc, 2, 0, positions, max);
}

int keys_store_and_count(const struct slice *argv, int argc, int *positions, int max)
{
    if (max > 0)
        positions[0] = 1;
    return counted_keys(argv, argc, 2, 1, positions, max);
}

/* ---- scanning ---- */

enum { SCAN_COUNT_DEFAULT = 10 };

/* Options of the scan from c->argv[3] on. */
static bool scan_options(struct call *c, struct collection_scan *scan)
{
    for (int i = 3; i < c->argc; i += 2) {
        bool has_value = i + 1 < c->argc;
        if (has_value && slice_equal_nocase(c->argv[i], SLICE("count"))) {
            int64_t count;
            if (!parse_i64(c, c->argv[i + 1], &count, NULL))
                return false;
            if (count < 1) {
                reply_syntax(c);
                return false;
            }
            scan->count = (size_t)count;
        } else if (has_value && slice_equal_nocase(c->argv[i], SLICE("match"))) {
            scan->pattern = c->argv[i + 1];
            scan->filtered = !slice_equal(scan->pattern, SLICE("*"));
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

bool collection_scan_begin(struct call *c, struct collection_scan *scan, uint64_t cursor)
{
    *scan = (struct collection_scan){.cursor = cursor, .count = SCAN_COUNT_DEFAULT};
    scan->writer = (struct resp_writer){.out = &scan->items, .protocol = c->reply->protocol};
    return scan_options(c, scan);
}

bool collection_scan_wants(const struct collection_scan *scan, struct slice member)
{
    return !scan->filtered || glob_match(scan->pattern, member, false);
}

void collection_scan_put(struct collection_scan *scan, struct slice bytes)
{
    resp_bulk(&scan->writer, bytes);
    scan->found++;
}

void collection_scan_end(struct call *c, struct collection_scan *scan)
{
    /* The cursor stands before the elements but is known after them: hence the buffer between. */
    resp_array(c->reply, 2);
    resp_bulk_integer(c->reply, (int64_t)scan->cursor);
    resp_array(c->reply, scan->found);
    resp_raw(c->reply, buffer_slice(&scan->items));
    buffer_free(&scan->items);
}

void collection_scan_nothing(struct call *c)
{
    resp_raw(c->reply, SLICE("*2\r\n$1\r\n0\r\n*0\r\n"));
}

/* ---- random choice ---- */

/* A product of two 64-bit numbers; gcc calls the type an extension. */
__extension__ typedef unsigned __int128 product;

size_t random_position(struct call *c, size_t size)
{
    assert(size > 0);
    /* The high half of a 128-bit product: no division, and a bias below size / 2^64. */
    return (size_t)(((product)call_random(c) * size) >> 64);
}

/* Positions already chosen: open addressing, at most half full, 0 is free, so position + 1 is kept. */
struct chosen {
    size_t *slots; /* Ours */
    size_t mask;   /* slots - 1; a power of two less one */
};

static bool choose(struct chosen *chosen, size_t position)
{
    size_t at = (position * 0x9e3779b97f4a7c15u) >> 20 & chosen->mask;
    while (chosen->slots[at]) {
        if (chosen->slots[at] == position + 1)
            return false;
        at = (at + 1) & chosen->mask;
    }
    chosen->slots[at] = position + 1;
    return true;
}

static int descending(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x < y) - (x > y);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort(); /* as buffer_grow: nobody can go on with half an answer */
    return memory;
}

size_t *random_positions(struct call *c, size_t size, size_t count)
{
    assert(count <= size);
    struct chosen chosen = {.mask = 15};
    while (chosen.mask < count * 2)
        chosen.mask = chosen.mask * 2 + 1;
    chosen.slots = allocate(chosen.mask + 1, sizeof(size_t));
    size_t *positions = allocate(count + 1, sizeof(size_t)), used = 0;

    /* Floyd's sampling: when the draw below j + 1 was drawn before, j itself cannot have been, so `count` draws are enough. */
    for (size_t j = size - count; j < size; j++) {
        size_t drawn = random_position(c, j + 1);
        positions[used++] = choose(&chosen, drawn) ? drawn : (choose(&chosen, j), j);
    }
    free(chosen.slots);
    qsort(positions, used, sizeof(size_t), descending);
    return positions;
}

bool random_request_parse(struct call *c, struct slice word, struct random_request *request)
{
    *request = (struct random_request){.count = 1};
    if (c->argc < 3)
        return true;
    if (word.size == 0 && c->argc > 3) {
        reply_syntax(c);
        return false;
    }
    int64_t count;
    if (!parse_range_i64(c, c->argv[2], -INT64_MAX, INT64_MAX, &count, NULL))
        return false;
    if (c->argc > 4 || (c->argc == 4 && !slice_equal_nocase(c->argv[3], word))) {
        reply_syntax(c);
        return false;
    }
    request->counted = true;
    request->repeat = count < 0;
    request->with = c->argc == 4;
    request->count = (size_t)(count < 0 ? -count : count);
    if ((request->repeat && count < -RANDOM_REPEATS_MAX) || (request->with && count > INT64_MAX / 2)) {
        reply_error(c, "ERR value is out of range");
        return false;
    }
    return true;
}
