/* SPDX-License-Identifier: MIT
 * list_move: commands that move elements between lists, take from the first of several lists, or wait for an element.
 *
 * A command that waits is the one that does not, preceded by the question whether there is something: when there is not, the
 * client is parked (call_block) and the same command runs again, as a transaction of its own, when one of its keys gets ready. What
 * reaches the log is the command that does not wait: BLPOP logs LPOP, BLMOVE logs LMOVE.
 *
 * Looking a second key up may remove it when its deadline has passed, which moves entries: so lists, not entries, are held on to. */
#include "redisd/commands/collection.h"
#include "redisd/commands/list_commands.h"

/* LEFT or RIGHT; answers the error. */
static bool parse_end(struct call *c, struct slice text, enum list_end *end)
{
    if (slice_equal_nocase(text, SLICE("left")))
        *end = LIST_HEAD;
    else if (slice_equal_nocase(text, SLICE("right")))
        *end = LIST_TAIL;
    else {
        reply_syntax(c);
        return false;
    }
    return true;
}

/* Elements up to this size are kept on the stack while a list turns. */
#define ELEMENT_INLINE ((size_t)256)

/* Take an element off one end of a list and put it back at the other (or the same) end. */
static void rotate(struct call *c, struct list *list, enum list_end from, enum list_end to)
{
    struct item item;
    char few[ELEMENT_INLINE];
    list_peek(list, from, &item);
    resp_bulk(c->reply, item_slice(&item));
    if (from == to)
        return;
    /* The element must outlive its place in the list: a push may move the bytes that `item` names. */
    struct buffer many = {0};
    char *copy = item.size <= ELEMENT_INLINE ? few : buffer_room(&many, item.size);
    size_t size = item.size;
    if (size)
        memcpy(copy, item.base, size);
    list_drop(list, from);
    list_push(list, to, slice_of(copy, size));
    buffer_free(&many);
}

/* Move one element from argv[1], which exists, to argv[2]: writes it to the reply and says what happened. False: argv[2] is no list,
 * which has been answered. */
static bool move(struct call *c, struct entry *source, enum list_end from, enum list_end to)
{
    struct slice source_key = c->argv[1], target_key = c->argv[2];
    struct list *list = entry_list(source);
    bool wrong = false;
    db_edit(c->db, source);
    struct entry *target = key_write_type(c, target_key, VALUE_LIST, &wrong);
    if (wrong)
        return false;
    if (target && entry_list(target) == list) {
        rotate(c, list, from, to);
    } else {
        struct item item;
        if (target)
            db_edit(c->db, target);
        else
            target = collection_add(c, target_key, VALUE_LIST);
        list_peek(list, from, &item);
        list_push(entry_list(target), to, item_slice(&item));
        resp_bulk(c->reply, item_slice(&item));
        list_drop(list, from);
    }
    key_changed(c, target_key);
    key_event(c, NOTIFY_LIST, to == LIST_HEAD ? "lpush" : "rpush", target_key);
    key_event(c, NOTIFY_LIST, from == LIST_HEAD ? "lpop" : "rpop", source_key);
    if (list_length(list) == 0)
        collection_remove(c, db_find(c->db, source_key), source_key);
    else
        key_changed(c, source_key);
    key_ready(c, target_key);
    return true;
}

/* LMOVE and RPOPLPUSH, which reply null when there is nothing to move. */
static void move_or_null(struct call *c, enum list_end from, enum list_end to)
{
    bool wrong = false;
    struct entry *source = key_write_type(c, c->argv[1], VALUE_LIST, &wrong);
    if (wrong)
        return;
    if (!source)
        resp_null(c->reply);
    else if (move(c, source, from, to))
        effect_same(c);
}

/* BLMOVE and BRPOPLPUSH. `argc` arguments, the first replaced by `name`, are the command that does not wait. */
static void move_or_wait(struct call *c, enum list_end from, enum list_end to, int64_t timeout_us, struct slice name, int argc)
{
    bool wrong = false;
    struct entry *source = key_write_type(c, c->argv[1], VALUE_LIST, &wrong);
    if (wrong)
        return;
    if (!source) {
        if (call_may_block(c))
            call_block(c, &c->argv[1], 1, timeout_us, true);
        else
            resp_null(c->reply);
        return;
    }
    if (!move(c, source, from, to))
        return;
    effect_begin(c, argc);
    effect_arg(c, name);
    for (int i = 1; i < argc; i++)
        effect_arg(c, c->argv[i]);
}

void list_lmove(struct call *c)
{
    enum list_end from, to;
    if (parse_end(c, c->argv[3], &from) && parse_end(c, c->argv[4], &to))
        move_or_null(c, from, to);
}

void list_rpoplpush(struct call *c)
{
    move_or_null(c, LIST_TAIL, LIST_HEAD);
}

void list_blmove(struct call *c)
{
    enum list_end from, to;
    int64_t timeout_us;
    if (parse_end(c, c->argv[3], &from) && parse_end(c, c->argv[4], &to) && parse_timeout(c, c->argv[5], &timeout_us))
        move_or_wait(c, from, to, timeout_us, SLICE("LMOVE"), 5);
}

void list_brpoplpush(struct call *c)
{
    int64_t timeout_us;
    if (parse_timeout(c, c->argv[3], &timeout_us))
        move_or_wait(c, LIST_TAIL, LIST_HEAD, timeout_us, SLICE("RPOPLPUSH"), 3);
}

/* ---- the first list of several ---- */

static struct slice pop_name(enum list_end end)
{
    return end == LIST_HEAD ? SLICE("LPOP") : SLICE("RPOP");
}

/* BLPOP, BRPOP */
static void pop_or_wait(struct call *c, enum list_end end)
{
    const struct slice *keys = c->argv + 1;
    int count = c->argc - 2, which;
    int64_t timeout_us;
    bool wrong = false;
    if (!parse_timeout(c, c->argv[c->argc - 1], &timeout_us))
        return;
    struct entry *e = first_existing(c, keys, count, VALUE_LIST, &which, &wrong);
    if (wrong)
        return;
    if (e) {
        resp_array(c->reply, 2);
        resp_bulk(c->reply, keys[which]);
        list_pop(c, e, keys[which], end, 1);
        EFFECT(c, pop_name(end), keys[which]);
    } else if (call_may_block(c)) {
        call_block(c, keys, count, timeout_us, true);
    } else {
        resp_null_array(c->reply);
    }
}

void list_blpop(struct call *c)
{
    pop_or_wait(c, LIST_HEAD);
}

void list_brpop(struct call *c)
{
    pop_or_wait(c, LIST_TAIL);
}

/* numkeys key... LEFT|RIGHT [COUNT n], numkeys being argv[at]. */
struct multi_pop {
    const struct slice *keys; /* Borrowed from argv */
    int keys_count;
    enum list_end end;
    int64_t count; /* elements to take at most */
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
    if (!parse_end(c, c->argv[i++], &request->end))
        return false;
    return parse_pop_count(c, i, &request->count);
}

/* Take from the first list there is; false when there is none and nothing has been answered. */
static bool multi_pop(struct call *c, const struct multi_pop *request)
{
    bool wrong = false;
    int which;
    struct entry *e = first_existing(c, request->keys, request->keys_count, VALUE_LIST, &which, &wrong);
    if (!e)
        return wrong;
    char digits[32];
    struct slice key = request->keys[which];
    size_t length = list_length(entry_list(e)), take = (uint64_t)request->count < length ? (size_t)request->count : length;
    resp_array(c->reply, 2);
    resp_bulk(c->reply, key);
    resp_array(c->reply, take);
    list_pop(c, e, key, request->end, take);
    EFFECT(c, pop_name(request->end), key, slice_from_i64(digits, (int64_t)take));
    return true;
}

void list_lmpop(struct call *c)
{
    struct multi_pop request;
    if (parse_multi_pop(c, 1, &request) && !multi_pop(c, &request))
        resp_null_array(c->reply);
}

void list_blmpop(struct call *c)
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
