/* SPDX-License-Identifier: MIT
 * list: commands on one list: push, pop, read, change, trim, search; and the table of the group.
 *
 * A list is addressed by position, counted from the head (0, 1, ...) or from the tail (-1, -2, ...). Replies are written from the
 * list's own memory, element by element, without a copy between. What moves elements between lists, takes from the first of
 * several, or waits, is in list_move.c. */
#include "redisd/commands/collection.h"
#include "redisd/commands/list_commands.h"

/* The list under argv[1] for reading. NULL: there is none; *wrong says that the error has been answered. */
static struct list *read_list(struct call *c, bool *wrong)
{
    struct entry *e = key_read_type(c, c->argv[1], VALUE_LIST, wrong);
    return e ? entry_list(e) : NULL;
}

/* A position as clients write it, as one from the head; false when it lies outside. */
static bool position_of(int64_t index, size_t length, size_t *position)
{
    if (index < 0)
        index += (int64_t)length;
    *position = (size_t)index;
    return index >= 0 && *position < length;
}

/* ---- push and pop ---- */

static void push(struct call *c, enum list_end end, bool only_existing)
{
    bool wrong = false;
    struct slice key = c->argv[1];
    struct entry *e = key_write_type(c, key, VALUE_LIST, &wrong);
    if (wrong)
        return;
    if (e) {
        db_edit(c->db, e);
    } else if (only_existing) {
        resp_integer(c->reply, 0);
        return;
    } else {
        e = collection_add(c, key, VALUE_LIST);
    }
    struct list *list = entry_list(e);
    for (int i = 2; i < c->argc; i++)
        list_push(list, end, c->argv[i]);
    resp_integer(c->reply, (int64_t)list_length(list));
    effect_same(c);
    key_changed(c, key);
    key_event(c, NOTIFY_LIST, end == LIST_HEAD ? "lpush" : "rpush", key);
    key_ready(c, key);
}

static void lpush(struct call *c)
{
    push(c, LIST_HEAD, false);
}

static void rpush(struct call *c)
{
    push(c, LIST_TAIL, false);
}

static void lpushx(struct call *c)
{
    push(c, LIST_HEAD, true);
}

static void rpushx(struct call *c)
{
    push(c, LIST_TAIL, true);
}

void list_pop(struct call *c, struct entry *e, struct slice key, enum list_end end, size_t count)
{
    struct list *list = entry_list(e);
    struct item item;
    db_edit(c->db, e);
    while (count-- > 0) {
        list_peek(list, end, &item);
        resp_bulk(c->reply, item_slice(&item));
        list_drop(list, end);
    }
    key_event(c, NOTIFY_LIST, end == LIST_HEAD ? "lpop" : "rpop", key);
    if (list_length(list) == 0)
        collection_remove(c, e, key);
    else
        key_changed(c, key);
}

static void pop(struct call *c, enum list_end end)
{
    bool wrong = false, counted = c->argc == 3;
    int64_t count = 1;
    if (c->argc > 3) {
        reply_arity(c);
        return;
    }
    if (counted && !parse_positive(c, c->argv[2], &count, NULL))
        return;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_LIST, &wrong);
    if (wrong)
        return;
    if (!e) {
        counted ? resp_null_array(c->reply) : resp_null(c->reply);
        return;
    }
    size_t length = list_length(entry_list(e)), take = (uint64_t)count < length ? (size_t)count : length;
    if (counted)
        resp_array(c->reply, take);
    if (take == 0)
        return;
    list_pop(c, e, c->argv[1], end, take);
    effect_same(c);
}

static void lpop(struct call *c)
{
    pop(c, LIST_HEAD);
}

static void rpop(struct call *c)
{
    pop(c, LIST_TAIL);
}

/* ---- read ---- */

static void llen(struct call *c)
{
    bool wrong = false;
    struct list *list = read_list(c, &wrong);
    if (!wrong)
        resp_integer(c->reply, list ? (int64_t)list_length(list) : 0);
}

static void lindex(struct call *c)
{
    bool wrong = false;
    int64_t index;
    size_t position;
    struct item item;
    struct list *list = read_list(c, &wrong);
    if (wrong)
        return;
    if (!list) {
        resp_null(c->reply);
        return;
    }
    if (!parse_i64(c, c->argv[2], &index, NULL))
        return;
    if (position_of(index, list_length(list), &position) && list_at(list, position, &item))
        resp_bulk(c->reply, item_slice(&item));
    else
        resp_null(c->reply);
}

static void lrange(struct call *c)
{
    bool wrong = false;
    int64_t start, stop;
    if (!parse_i64(c, c->argv[2], &start, NULL) || !parse_i64(c, c->argv[3], &stop, NULL))
        return;
    struct list *list = read_list(c, &wrong);
    if (wrong)
        return;
    if (!list || !range_clamp(&start, &stop, list_length(list))) {
        resp_array(c->reply, 0);
        return;
    }
    struct list_walk walk;
    struct item item;
    size_t left = (size_t)(stop - start + 1);
    resp_array(c->reply, left);
    list_walk_begin(list, &walk, (size_t)start, LIST_TAIL);
    while (left-- > 0 && list_walk_next(&walk, &item))
        resp_bulk(c->reply, item_slice(&item));
}

/* What LPOS is asked for. */
struct search {
    int64_t rank;      /* of the first match wanted, 1-based; negative: counted from the tail */
    int64_t count;     /* matches wanted, 0: all, -1: the option was not given */
    int64_t look_max;  /* elements to compare at most, 0: all */
};

static bool parse_search(struct call *c, struct search *search)
{
    *search = (struct search){.rank = 1, .count = -1};
    for (int i = 3; i < c->argc; i += 2) {
        struct slice option = c->argv[i];
        bool has_value = i + 1 < c->argc;
        if (has_value && slice_equal_nocase(option, SLICE("rank"))) {
            if (!parse_range_i64(c, c->argv[i + 1], -INT64_MAX, INT64_MAX, &search->rank, NULL))
                return false;
            if (search->rank == 0) {
                reply_error(c, "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
                               "from the end of the list");
                return false;
            }
        } else if (has_value && slice_equal_nocase(option, SLICE("count"))) {
            if (!parse_positive(c, c->argv[i + 1], &search->count, "ERR COUNT can't be negative"))
                return false;
        } else if (has_value && slice_equal_nocase(option, SLICE("maxlen"))) {
            if (!parse_positive(c, c->argv[i + 1], &search->look_max, "ERR MAXLEN can't be negative"))
                return false;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* Write the positions of the matches wanted; returns how many. */
static size_t find_positions(struct call *c, const struct list *list, const struct search *search)
{
    bool backwards = search->rank < 0;
    uint64_t skip = (uint64_t)(backwards ? -search->rank : search->rank) - 1;
    uint64_t wanted = search->count < 0 ? 1 : search->count ? (uint64_t)search->count : UINT64_MAX;
    uint64_t looks = search->look_max ? (uint64_t)search->look_max : UINT64_MAX;
    size_t found = 0;
    struct list_walk walk;
    struct item item;
    list_walk_begin(list, &walk, backwards ? list_length(list) - 1 : 0, backwards ? LIST_HEAD : LIST_TAIL);
    while (found < wanted && looks-- > 0 && list_walk_next(&walk, &item)) {
        if (!slice_equal(item_slice(&item), c->argv[2]))
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        resp_integer(c->reply, (int64_t)walk.position);
        found++;
    }
    return found;
}

static void lpos(struct call *c)
{
    bool wrong = false;
    struct search search;
    if (!parse_search(c, &search))
        return;
    struct list *list = read_list(c, &wrong);
    if (wrong)
        return;
    if (search.count < 0) {
        if (!list || find_positions(c, list, &search) == 0)
            resp_null(c->reply);
        return;
    }
    size_t mark = resp_array_begin(c->reply);
    resp_array_end(c->reply, mark, list ? find_positions(c, list, &search) : 0);
}

/* ---- change ---- */

static void lset(struct call *c)
{
    bool wrong = false;
    int64_t index;
    size_t position;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_LIST, &wrong);
    if (wrong)
        return;
    if (!e) {
        reply_no_key(c);
        return;
    }
    if (!parse_i64(c, c->argv[2], &index, NULL))
        return;
    struct list *list = entry_list(e);
    if (!position_of(index, list_length(list), &position)) {
        reply_error(c, "ERR index out of range");
        return;
    }
    db_edit(c->db, e);
    list_replace(list, position, c->argv[3]);
    resp_ok(c->reply);
    effect_same(c);
    key_changed(c, c->argv[1]);
    key_event(c, NOTIFY_LIST, "lset", c->argv[1]);
}

/* Where the first element equal to `value` is, from the head. */
static bool find_first(const struct list *list, struct slice value, size_t *position)
{
    struct list_walk walk;
    struct item item;
    list_walk_begin(list, &walk, 0, LIST_TAIL);
    while (list_walk_next(&walk, &item)) {
        if (slice_equal(item_slice(&item), value)) {
            *position = walk.position;
            return true;
        }
    }
    return false;
}

static void linsert(struct call *c)
{
    bool wrong = false, after = slice_equal_nocase(c->argv[2], SLICE("after"));
    size_t position;
    if (!after && !slice_equal_nocase(c->argv[2], SLICE("before"))) {
        reply_syntax(c);
        return;
    }
    struct entry *e = key_write_type(c, c->argv[1], VALUE_LIST, &wrong);
    if (wrong)
        return;
    if (!e) {
        resp_integer(c->reply, 0);
        return;
    }
    struct list *list = entry_list(e);
    if (!find_first(list, c->argv[3], &position)) {
        resp_integer(c->reply, -1);
        return;
    }
    db_edit(c->db, e);
    list_insert(list, position + after, c->argv[4]);
    resp_integer(c->reply, (int64_t)list_length(list));
    effect_same(c);
    key_changed(c, c->argv[1]);
    key_event(c, NOTIFY_LIST, "linsert", c->argv[1]);
}

static void lrem(struct call *c)
{
    bool wrong = false;
    int64_t count;
    size_t first;
    if (!parse_i64(c, c->argv[2], &count, NULL))
        return;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_LIST, &wrong);
    if (wrong)
        return;
    struct list *list = e ? entry_list(e) : NULL;
    if (!list || !find_first(list, c->argv[3], &first)) {
        resp_integer(c->reply, 0);
        return;
    }
    db_edit(c->db, e);
    size_t most = count < 0 ? (size_t)0 - (size_t)count : (size_t)count;
    size_t removed = list_remove(list, c->argv[3], most, count < 0 ? LIST_TAIL : LIST_HEAD);
    resp_integer(c->reply, (int64_t)removed);
    effect_same(c);
    key_event(c, NOTIFY_LIST, "lrem", c->argv[1]);
    if (list_length(list) == 0)
        collection_remove(c, e, c->argv[1]);
    else
        key_changed(c, c->argv[1]);
}

static void ltrim(struct call *c)
{
    bool wrong = false;
    int64_t start, stop;
    if (!parse_i64(c, c->argv[2], &start, NULL) || !parse_i64(c, c->argv[3], &stop, NULL))
        return;
    struct entry *e = key_write_type(c, c->argv[1], VALUE_LIST, &wrong);
    if (wrong)
        return;
    resp_ok(c->reply);
    if (!e)
        return;
    struct list *list = entry_list(e);
    size_t length = list_length(list);
    bool some_stay = range_clamp(&start, &stop, length);
    /* Redis announces a trim that removes nothing, too; only the log is spared. */
    key_event(c, NOTIFY_LIST, "ltrim", c->argv[1]);
    if (!some_stay) {
        collection_remove(c, e, c->argv[1]);
        effect_same(c);
        return;
    }
    if (start > 0 || (size_t)stop + 1 < length) {
        db_edit(c->db, e);
        list_erase(list, (size_t)stop + 1, length - (size_t)stop - 1);
        list_erase(list, 0, (size_t)start);
        effect_same(c);
    }
    key_changed(c, c->argv[1]);
}

/* ---- the table ---- */

#define PUSH_FLAGS (CMD_WRITE | CMD_DENYOOM | CMD_FAST)

/* name, handler, arity, flags, keys, group, since, complexity, summary, key finder, subcommands, member */
const struct command commands_list[] = {
    {"blmove", list_blmove, 6, CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING, 1, 2, 1, GROUP_LIST, "6.2.0", "O(1)",
     "Moves an element from an end of one list to an end of another, waiting for one to arrive.", NULL, NULL, 0},
    {"blmpop", list_blmpop, -5, CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS, 0, 0, 0, GROUP_LIST, "7.0.0", "O(N+M): N keys named, M elements taken",
     "Takes elements from an end of the first list that has any, waiting for one to arrive.", keys_after_timeout_and_count, NULL, 0},
    {"blpop", list_blpop, -3, CMD_WRITE | CMD_BLOCKING, 1, -2, 1, GROUP_LIST, "2.0.0", "O(N): N keys named",
     "Takes the head of the first list that has one, waiting for an element to arrive.", NULL, NULL, 0},
    {"brpop", list_brpop, -3, CMD_WRITE | CMD_BLOCKING, 1, -2, 1, GROUP_LIST, "2.0.0", "O(N): N keys named",
     "Takes the tail of the first list that has one, waiting for an element to arrive.", NULL, NULL, 0},
    {"brpoplpush", list_brpoplpush, 4, CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING, 1, 2, 1, GROUP_LIST, "2.2.0", "O(1)",
     "Moves the tail of one list to the head of another, waiting for an element to arrive.", NULL, NULL, 0},
    {"lindex", lindex, 3, CMD_READONLY, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N): N elements between the position and the nearer end",
     "The element at a position.", NULL, NULL, 0},
    {"linsert", linsert, 5, CMD_WRITE | CMD_DENYOOM, 1, 1, 1, GROUP_LIST, "2.2.0", "O(N): N elements in front of the pivot",
     "Puts an element before or after the first one that equals a pivot.", NULL, NULL, 0},
    {"llen", llen, 2, CMD_READONLY | CMD_FAST, 1, 1, 1, GROUP_LIST, "1.0.0", "O(1)", "How many elements a list has.", NULL, NULL, 0},
    {"lmove", list_lmove, 5, CMD_WRITE | CMD_DENYOOM, 1, 2, 1, GROUP_LIST, "6.2.0", "O(1)",
     "Moves an element from an end of one list to an end of another.", NULL, NULL, 0},
    {"lmpop", list_lmpop, -4, CMD_WRITE | CMD_MOVABLE_KEYS, 0, 0, 0, GROUP_LIST, "7.0.0", "O(N+M): N keys named, M elements taken",
     "Takes elements from an end of the first list that has any.", keys_after_count, NULL, 0},
    {"lpop", lpop, -2, CMD_WRITE | CMD_FAST, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N): N elements taken", "Takes elements from the head of a list.",
     NULL, NULL, 0},
    {"lpos", lpos, -3, CMD_READONLY, 1, 1, 1, GROUP_LIST, "6.0.6", "O(N): N elements compared", "The positions of the elements that equal a value.",
     NULL, NULL, 0},
    {"lpush", lpush, -3, PUSH_FLAGS, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N): N elements given",
     "Puts elements at the head of a list, which is created when it is missing.", NULL, NULL, 0},
    {"lpushx", lpushx, -3, PUSH_FLAGS, 1, 1, 1, GROUP_LIST, "2.2.0", "O(N): N elements given", "Puts elements at the head of a list that exists.",
     NULL, NULL, 0},
    {"lrange", lrange, 4, CMD_READONLY, 1, 1, 1, GROUP_LIST, "1.0.0", "O(S+N): S elements between the start and the nearer end, N elements returned",
     "The elements between two positions.", NULL, NULL, 0},
    {"lrem", lrem, 4, CMD_WRITE, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N+M): N elements in the list, M removed", "Removes elements that equal a value.",
     NULL, NULL, 0},
    {"lset", lset, 4, CMD_WRITE | CMD_DENYOOM, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N): N elements between the position and the nearer end",
     "Replaces the element at a position.", NULL, NULL, 0},
    {"ltrim", ltrim, 4, CMD_WRITE, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N): N elements removed", "Removes everything outside two positions.", NULL, NULL, 0},
    {"rpop", rpop, -2, CMD_WRITE | CMD_FAST, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N): N elements taken", "Takes elements from the tail of a list.",
     NULL, NULL, 0},
    {"rpoplpush", list_rpoplpush, 3, CMD_WRITE | CMD_DENYOOM, 1, 2, 1, GROUP_LIST, "1.2.0", "O(1)",
     "Moves the tail of one list to the head of another.", NULL, NULL, 0},
    {"rpush", rpush, -3, PUSH_FLAGS, 1, 1, 1, GROUP_LIST, "1.0.0", "O(N): N elements given",
     "Puts elements at the tail of a list, which is created when it is missing.", NULL, NULL, 0},
    {"rpushx", rpushx, -3, PUSH_FLAGS, 1, 1, 1, GROUP_LIST, "2.2.0", "O(N): N elements given", "Puts elements at the tail of a list that exists.",
     NULL, NULL, 0},
    {NULL, NULL, 0, 0, 0, 0, 0, GROUP_LIST, NULL, NULL, NULL, NULL, NULL, 0},
};
