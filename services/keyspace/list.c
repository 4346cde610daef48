/* SPDX-License-Identifier: MIT
 * list: see list.h.
 *
 *      list -> head                                   tail
 *               node <-> node <-> node <-> ... <-> node         each a run of entries (packed.h) with room at both ends
 *
 * 1. No node is empty. `length` is the sum of the nodes' counts.
 * 2. A node takes another entry while it stays within limits->list_max_listpack_size; an element that is larger than that has
 *    a node to itself.
 * 3. Neighbours that would together fill less than half a node become one when something between or in them was erased;
 *    dropping at the ends does not look.
 * 4. `large` is what OBJECT ENCODING shows, as Redis 7.2 decides it: set when the list outgrows one node, cleared when it has
 *    shrunk to half of one. It changes nothing else. */
#include "services/keyspace/list.h"

#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/heap.h"
#include "services/keyspace/packed.h"

/* Redis counts a listpack's 6 header bytes and its end mark, and guesses 8 bytes around an entry: the same arithmetic here, so
 * that encodings change at the same element. */
enum { LISTPACK_FRAME = 7, ENTRY_FRAME_GUESS = 8, COUNTED_NODE_BYTES_MAX = 8192 };

struct list_node {
    struct list_node *previous;
    struct list_node *next;
    struct packed entries;
};

struct list {
    const struct keyspace_limits *limits; /* Borrowed */
    struct list_node *head;               /* Ours, as all nodes; NULL when empty */
    struct list_node *tail;
    size_t length;                        /* elements */
    bool large;
};

/* ---- limits ---- */

/* What a node may hold; one of the two counts. */
struct node_limit {
    size_t bytes; /* listpack frame included */
    size_t count; /* entries */
};

static struct node_limit node_limit(const struct list *list)
{
    int64_t setting = list->limits->list_max_listpack_size;
    if (setting >= 0)
        return (struct node_limit){COUNTED_NODE_BYTES_MAX, setting ? (size_t)setting : 1};
    return (struct node_limit){(size_t)4096 << (setting < -5 ? 4 : -setting - 1), SIZE_MAX};
}

static bool node_accepts(const struct list *list, const struct packed *entries, size_t value_size)
{
    struct node_limit limit = node_limit(list);
    return packed_size(entries) + LISTPACK_FRAME + value_size + ENTRY_FRAME_GUESS <= limit.bytes &&
           entries->count < limit.count;
}

/* Before a value enters: does the list stop being a listpack? One that replaces another counts as one more, as in Redis. */
static void note_growth(struct list *list, size_t value_size)
{
    if (list->large)
        return;
    struct node_limit limit = node_limit(list);
    size_t size = list->head ? packed_size(&list->head->entries) : 0;
    list->large = size + LISTPACK_FRAME + value_size > limit.bytes || list->length + 1 > limit.count;
}

/* After values left: is it one again? Only a size limit counts bytes, only a count limit entries. */
static void note_shrink(struct list *list)
{
    if (!list->large || list->head != list->tail)
        return;
    struct node_limit limit = node_limit(list);
    size_t size = list->head ? packed_size(&list->head->entries) + LISTPACK_FRAME : 0;
    bool counted = list->limits->list_max_listpack_size >= 0;
    list->large = counted ? list->length > limit.count / 2 : size > limit.bytes / 2;
}

/* ---- nodes ---- */

/* A new empty node before `next` (NULL: at the tail). */
static struct list_node *node_add(struct list *list, struct list_node *next)
{
    struct list_node *node = heap_alloc(sizeof *node);
    struct list_node *previous = next ? next->previous : list->tail;
    *node = (struct list_node){.previous = previous, .next = next};
    *(previous ? &previous->next : &list->head) = node;
    *(next ? &next->previous : &list->tail) = node;
    if (list->head != list->tail)
        list->large = true;
    return node;
}

static void node_remove(struct list *list, struct list_node *node)
{
    assert(node->previous ? node->previous->next == node : list->head == node);
    assert(node->next ? node->next->previous == node : list->tail == node);
    *(node->previous ? &node->previous->next : &list->head) = node->next;
    *(node->next ? &node->next->previous : &list->tail) = node->previous;
    packed_free(&node->entries);
    free(node);
}

/* Make one of a node and the next when they fill less than half of it together. */
static void node_merge(struct list *list, struct list_node *node)
{
    struct list_node *next = node ? node->next : NULL;
    if (!next)
        return;
    struct node_limit limit = node_limit(list);
    if (packed_size(&node->entries) + packed_size(&next->entries) + LISTPACK_FRAME > limit.bytes / 2 ||
        node->entries.count + next->entries.count > limit.count / 2)
        return;
    packed_move_tail(&node->entries, &next->entries, 0);
    node_remove(list, next);
}

static void node_merge_around(struct list *list, struct list_node *node)
{
    if (!node)
        return;
    node_merge(list, node);
    node_merge(list, node->previous);
}

/* The node of `position` (< length), found by counts from the nearer end; *index is the position in it. */
static struct list_node *node_at(const struct list *list, size_t position, uint32_t *index)
{
    assert(position < list->length);
    if (position < list->length / 2) {
        struct list_node *node = list->head;
        for (; position >= node->entries.count; node = node->next)
            position -= node->entries.count;
        *index = (uint32_t)position;
        return node;
    }
    struct list_node *node = list->tail;
    size_t from_end = list->length - position; /* 1: the last */
    for (; from_end > node->entries.count; node = node->previous)
        from_end -= node->entries.count;
    *index = node->entries.count - (uint32_t)from_end;
    return node;
}

/* ---- the whole ---- */

struct list *list_new(const struct keyspace_limits *limits)
{
    struct list *list = heap_alloc(sizeof *list);
    *list = (struct list){.limits = limits};
    return list;
}

void list_free(struct list *list)
{
    for (struct list_node *node = list->head, *next; node; node = next) {
        next = node->next;
        packed_free(&node->entries);
        free(node);
    }
    free(list);
}

struct list *list_copy(const struct list *list)
{
    struct list *copy = list_new(list->limits);
    for (const struct list_node *node = list->head; node; node = node->next)
        packed_copy(&node_add(copy, NULL)->entries, &node->entries);
    copy->length = list->length;
    copy->large = list->large;
    return copy;
}

size_t list_length(const struct list *list)
{
    return list->length;
}

size_t list_memory(const struct list *list)
{
    size_t memory = heap_cost(sizeof *list);
    for (const struct list_node *node = list->head; node; node = node->next)
        memory += heap_cost(sizeof *node) + packed_memory(&node->entries);
    return memory;
}

const char *list_encoding(const struct list *list)
{
    return list->large ? "quicklist" : "listpack";
}

void list_make_large(struct list *list)
{
    list->large = true;
}

/* ---- the ends ---- */

/* A node behind a full one will most likely fill up too: its memory is taken at once, and what the full one has too much goes
 * back. Not for values so large that few fit. */
static struct list_node *open_end(struct list *list, enum list_end end, size_t value_size)
{
    bool first = !list->head;
    struct list_node *node = node_add(list, end == LIST_HEAD ? list->head : NULL);
    struct node_limit limit = node_limit(list);
    if (!first && limit.count == SIZE_MAX && value_size <= limit.bytes / 8)
        packed_reserve(&node->entries, (uint32_t)limit.bytes, end == LIST_HEAD);
    return node;
}

static void push_slowly(struct list *list, enum list_end end, struct slice value)
{
    struct list_node *full = end == LIST_HEAD ? list->head : list->tail;
    struct list_node *node = open_end(list, end, value.size);
    if (end == LIST_HEAD)
        packed_prepend(&node->entries, value);
    else
        packed_append(&node->entries, value);
    list->length++;
    /* Only now: the value may lie in the full node. */
    if (full && full->entries.capacity > packed_size(&full->entries) / 8 * 9 + 64)
        packed_trim(&full->entries);
}

void list_push(struct list *list, enum list_end end, struct slice value)
{
    struct list_node *node = end == LIST_HEAD ? list->head : list->tail;
    note_growth(list, value.size);
    if (!node || !node_accepts(list, &node->entries, value.size)) {
        push_slowly(list, end, value);
        return;
    }
    if (end == LIST_HEAD)
        packed_prepend(&node->entries, value);
    else
        packed_append(&node->entries, value);
    list->length++;
}

bool list_peek(const struct list *list, enum list_end end, struct item *item)
{
    if (!list->head)
        return false;
    const struct packed *entries = end == LIST_HEAD ? &list->head->entries : &list->tail->entries;
    packed_read(entries, end == LIST_HEAD ? 0 : packed_previous(entries, packed_size(entries)), item);
    return true;
}

void list_drop(struct list *list, enum list_end end)
{
    struct list_node *node = end == LIST_HEAD ? list->head : list->tail;
    assert(node);
    struct packed *entries = &node->entries;
    list->length--;
    if (entries->count == 1)
        node_remove(list, node);
    else
        packed_erase(entries, end == LIST_HEAD ? 0 : packed_previous(entries, packed_size(entries)), 1);
    note_shrink(list);
}

/* ---- anywhere ---- */

bool list_at(const struct list *list, size_t position, struct item *item)
{
    if (position >= list->length)
        return false;
    uint32_t index;
    const struct list_node *node = node_at(list, position, &index);
    packed_read(&node->entries, packed_offset(&node->entries, index), item);
    return true;
}

bool list_replace(struct list *list, size_t position, struct slice value)
{
    if (position >= list->length)
        return false;
    uint32_t index;
    struct list_node *node = node_at(list, position, &index);
    note_growth(list, value.size);
    uint32_t offset = packed_offset(&node->entries, index);
    uint32_t old_size = packed_next(&node->entries, offset) - offset;
    if (node->entries.count > 1 && value.size > old_size &&
        packed_size(&node->entries) + LISTPACK_FRAME + value.size - old_size > node_limit(list).bytes) {
        list_insert(list, position, value); /* which finds a node for it */
        list_erase(list, position + 1, 1);
        return true;
    }
    packed_replace(&node->entries, offset, value);
    note_shrink(list);
    return true;
}

/* Part a node before `offset`; returns the second part. */
static struct list_node *node_split(struct list *list, struct list_node *node, uint32_t offset)
{
    struct list_node *second = node_add(list, node->next);
    packed_move_tail(&second->entries, &node->entries, offset);
    return second;
}

/* The node that shall get a value at `offset` of `node`, which is full; *offset becomes the place in it. */
static struct list_node *node_for(struct list *list, struct list_node *node, uint32_t *offset, size_t value_size)
{
    struct list_node *before = node->previous;
    if (*offset > 0) {
        before = node;
        node = node_split(list, node, *offset);
    }
    if (before && node_accepts(list, &before->entries, value_size)) {
        *offset = packed_size(&before->entries);
        return before;
    }
    *offset = 0;
    return node_accepts(list, &node->entries, value_size) ? node : node_add(list, node);
}

void list_insert(struct list *list, size_t position, struct slice value)
{
    assert(position <= list->length);
    if (position == 0 || position == list->length) {
        list_push(list, position == 0 && list->length > 0 ? LIST_HEAD : LIST_TAIL, value);
        return;
    }
    note_growth(list, value.size);
    uint32_t index;
    struct list_node *node = node_at(list, position, &index);
    uint32_t offset = packed_offset(&node->entries, index);
    if (!node_accepts(list, &node->entries, value.size))
        node = node_for(list, node, &offset, value.size);
    packed_insert(&node->entries, offset, value);
    list->length++;
}

void list_erase(struct list *list, size_t position, size_t count)
{
    assert(position <= list->length && count <= list->length - position);
    if (count == 0)
        return;
    uint32_t index;
    struct list_node *node = node_at(list, position, &index);
    struct list_node *near = index ? node : node->previous; /* the last one that stays as it is before the gap */
    list->length -= count;
    while (count > 0) {
        struct list_node *next = node->next;
        uint32_t here = node->entries.count - index;
        if (here > count)
            here = (uint32_t)count;
        if (index == 0 && here == node->entries.count)
            node_remove(list, node);
        else
            packed_erase(&node->entries, packed_offset(&node->entries, index), here);
        count -= here;
        index = 0;
        node = next;
    }
    if (near)
        node_merge(list, near->next);
    node_merge_around(list, near ? near : list->head);
    note_shrink(list);
}

/* ---- walks ---- */

void list_walk_begin(const struct list *list, struct list_walk *walk, size_t position, enum list_end towards)
{
    *walk = (struct list_walk){.list = list, .towards = towards, .next = SIZE_MAX};
    if (position >= list->length)
        return;
    uint32_t index;
    const struct list_node *node = node_at(list, position, &index);
    walk->node = node;
    walk->offset = packed_offset(&node->entries, index);
    walk->next = position;
}

/* After the entry at walk->offset, which ends at `behind`: where the next one is. */
static void walk_on(struct list_walk *walk, const struct list_node *node, uint32_t behind)
{
    walk->position = walk->next;
    if (walk->towards == LIST_TAIL) {
        walk->next++;
        walk->offset = behind;
        if (behind < packed_size(&node->entries))
            return;
        node = node->next;
        walk->offset = 0;
    } else {
        walk->next--; /* SIZE_MAX after position 0 */
        if (walk->offset > 0) {
            walk->offset = packed_previous(&node->entries, walk->offset);
            return;
        }
        node = node->previous;
        if (node)
            walk->offset = packed_previous(&node->entries, packed_size(&node->entries));
    }
    walk->node = node;
    if (!node)
        walk->next = SIZE_MAX;
}

bool list_walk_next(struct list_walk *walk, struct item *item)
{
    if (walk->next == SIZE_MAX)
        return false;
    const struct list_node *node = walk->node;
    walk_on(walk, node, packed_read(&node->entries, walk->offset, item));
    return true;
}

/* ---- removal by value ---- */

/* Up to `count` entries of one node, from one of its ends on; the node may be empty afterwards. */
static size_t node_remove_equal(struct packed *entries, struct slice value, size_t count, enum list_end from)
{
    size_t removed = 0;
    if (from == LIST_HEAD) {
        uint32_t offset = 0;
        while (removed < count && packed_find(entries, &offset, value, 0, NULL)) {
            packed_erase(entries, offset, 1);
            removed++;
        }
        return removed;
    }
    for (uint32_t offset = packed_size(entries); removed < count && offset > 0;) {
        offset = packed_previous(entries, offset);
        if (packed_equal(entries, offset, value)) {
            packed_erase(entries, offset, 1);
            removed++;
        }
    }
    return removed;
}

size_t list_remove(struct list *list, struct slice value, size_t count, enum list_end from)
{
    size_t limit = count ? count : SIZE_MAX;
    size_t removed = 0;
    struct list_node *node = from == LIST_HEAD ? list->head : list->tail;
    while (node && removed < limit) {
        size_t here = node_remove_equal(&node->entries, value, limit - removed, from);
        struct list_node *onward = from == LIST_HEAD ? node->next : node->previous;
        struct list_node *behind = from == LIST_HEAD ? node->previous : node->next;
        removed += here;
        list->length -= here;
        if (node->entries.count == 0)
            node_remove(list, node);
        else if (here && behind)
            node_merge(list, from == LIST_HEAD ? behind : node);
        node = onward;
    }
    if (removed)
        note_shrink(list);
    return removed;
}

/* ---- for snapshots ---- */

size_t list_nodes(const struct list *list)
{
    size_t nodes = 0;
    for (const struct list_node *node = list->head; node; node = node->next)
        nodes++;
    return nodes;
}

const struct packed *list_node_next(const struct list *list, const void **node)
{
    const struct list_node *next = *node ? ((const struct list_node *)*node)->next : list->head;
    *node = next;
    return next ? &next->entries : NULL;
}

void list_append_node(struct list *list, struct packed *entries)
{
    assert(entries->count > 0);
    node_add(list, NULL)->entries = *entries;
    list->length += entries->count;
    *entries = (struct packed){0};
}
