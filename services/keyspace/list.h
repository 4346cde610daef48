/* SPDX-License-Identifier: MIT
 * list: a doubly linked list of packed nodes (packed.h), each with room at both ends, so that a push moves no bytes.
 * A list of one small node is encoding "listpack", else "quicklist". Positions count from 0 at the head. */
#ifndef LOCUS_KEYSPACE_LIST_H
#define LOCUS_KEYSPACE_LIST_H

#include "services/keyspace/keyspace.h"

enum list_end { LIST_HEAD, LIST_TAIL };

struct list *list_new(const struct keyspace_limits *limits); /* limits: Borrowed for the list's life */
void list_free(struct list *list);
struct list *list_copy(const struct list *list);

size_t list_length(const struct list *list);
size_t list_memory(const struct list *list);
const char *list_encoding(const struct list *list);
void list_make_large(struct list *list);   /* to the name "quicklist", until it shrinks: what a snapshot restores */

/* The value may lie in the list itself (a rotation pushes what it peeked, then drops it); not so for replace and insert. */
void list_push(struct list *list, enum list_end end, struct slice value);
/* The element at an end; false when empty. Read it, then drop it. */
bool list_peek(const struct list *list, enum list_end end, struct item *item);
void list_drop(struct list *list, enum list_end end);

bool list_at(const struct list *list, size_t position, struct item *item);        /* false past the end */
bool list_replace(struct list *list, size_t position, struct slice value);        /* false past the end */
void list_insert(struct list *list, size_t position, struct slice value);         /* before what is there; length: at the tail */
void list_erase(struct list *list, size_t position, size_t count);

/* Walk from a position towards the tail (or the head). Erasing or inserting ends the walk's validity. */
struct list_walk {
    const struct list *list;
    const void *node;
    uint32_t offset;  /* bytes into the node */
    size_t position;  /* of the element last returned */
    enum list_end towards;
    size_t next;      /* position that comes next; SIZE_MAX when done */
};
void list_walk_begin(const struct list *list, struct list_walk *walk, size_t position, enum list_end towards);
bool list_walk_next(struct list_walk *walk, struct item *item);

/* Remove up to `count` elements equal to value (0: all), from the head (or the tail). Returns how many. LREM. */
size_t list_remove(struct list *list, struct slice value, size_t count, enum list_end from);

/* ---- for snapshots: nodes as they are ---- */

struct packed;

size_t list_nodes(const struct list *list);
/* The entries of the node behind *node (NULL: the first node), which becomes that one; NULL behind the last. */
const struct packed *list_node_next(const struct list *list, const void **node);
/* A new node at the tail, whatever its size: takes the entries, which must not be none, and leaves them empty. */
void list_append_node(struct list *list, struct packed *entries);

#endif
