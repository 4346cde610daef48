/* SPDX-License-Identifier: MIT
 * registry: who is interested in which name. Channels and their subscribers, watched keys and transactions, keys and the clients that block on
 * them are the same shape: a topic found by its bytes, with links in the order in which they came; a link belongs to one topic and one owner.
 *
 *      registry -- topic "news" -- link -- link -- link        in order of arrival
 *                                    |       |
 *      owner A ----------------------+--- next_of_owner ...    an owner's links, newest first
 *
 * A topic exists while it has a link. */
#ifndef LOCUS_REDISD_REGISTRY_H
#define LOCUS_REDISD_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/slice.h"

struct registry_topic;

struct registry_link {
    struct registry_topic *topic;
    struct registry_link *next, *previous; /* in the topic */
    struct registry_link *next_of_owner, *previous_of_owner; /* the owner's chain, newest first */
    void *owner;                           /* Borrowed */
};

struct registry_topic {
    struct registry_topic *next, *previous; /* all topics, oldest first */
    struct registry_link *first, *last;
    size_t links;
    size_t size; /* bytes of name */
    char name[];
};

/* Filled with zeros it is a valid empty one. */
struct registry {
    void *by_name; /* JudyHS array: name -> topic */
    struct registry_topic *first, *last;
    size_t topics;
};

/* The topic of that name; NULL when nobody is interested. */
struct registry_topic *registry_find(const struct registry *registry, struct slice name);

/* Link an owner to a name, in front of its chain. Returns the link, or NULL when the owner is linked to that name already. */
struct registry_link *registry_add(struct registry *registry, struct slice name, void *owner, struct registry_link **chain);

/* Unlink and free. The topic goes with its last link. */
void registry_remove(struct registry *registry, struct registry_link *link, struct registry_link **chain);

/* The link of that name in an owner's chain; NULL when there is none. */
struct registry_link *registry_of_owner(const struct registry *registry, struct slice name, struct registry_link *chain);

static inline struct slice registry_name(const struct registry_topic *topic)
{
    return slice_of(topic->name, topic->size);
}

#endif
