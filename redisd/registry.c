/* SPDX-License-Identifier: MIT
 * registry: see registry.h. Topics are found through a JudyHS array, which hashes and compares the bytes itself. */
#include "redisd/registry.h"

#include <Judy.h>
#include <stdlib.h>

struct registry_topic *registry_find(const struct registry *registry, struct slice name)
{
    if (!registry->by_name)
        return NULL;
    PPvoid_t slot = JudyHSGet(registry->by_name, (void *)(uintptr_t)name.base, name.size);
    return slot ? *slot : NULL;
}

static struct registry_topic *topic_add(struct registry *registry, struct slice name)
{
    struct registry_topic *topic = calloc(1, sizeof(*topic) + name.size);
    PPvoid_t slot = topic ? JudyHSIns(&registry->by_name, (void *)(uintptr_t)name.base, name.size, PJE0) : NULL;
    if (!slot || slot == PPJERR)
        abort();
    *slot = topic;
    topic->size = name.size;
    if (name.size)
        memcpy(topic->name, name.base, name.size);
    topic->previous = registry->last;
    *(registry->last ? &registry->last->next : &registry->first) = topic;
    registry->last = topic;
    registry->topics++;
    return topic;
}

static void topic_remove(struct registry *registry, struct registry_topic *topic)
{
    JudyHSDel(&registry->by_name, topic->name, topic->size, PJE0);
    *(topic->previous ? &topic->previous->next : &registry->first) = topic->next;
    *(topic->next ? &topic->next->previous : &registry->last) = topic->previous;
    registry->topics--;
    free(topic);
}

struct registry_link *registry_of_owner(const struct registry *registry, struct slice name, struct registry_link *chain)
{
    struct registry_topic *topic = chain ? registry_find(registry, name) : NULL;
    if (!topic)
        return NULL;
    /* The link stands in both lists: walking them side by side costs no more than the shorter one. */
    struct registry_link *owned = chain, *linked = topic->first;
    for (; owned && linked; owned = owned->next_of_owner, linked = linked->next) {
        if (owned->topic == topic)
            return owned;
        if (linked->owner == chain->owner)
            return linked;
    }
    return NULL;
}

struct registry_link *registry_add(struct registry *registry, struct slice name, void *owner, struct registry_link **chain)
{
    struct registry_topic *topic = registry_find(registry, name);
    if (!topic)
        topic = topic_add(registry, name);
    else if (registry_of_owner(registry, name, *chain))
        return NULL;
    struct registry_link *link = calloc(1, sizeof(*link));
    if (!link)
        abort();
    *link = (struct registry_link){.topic = topic, .previous = topic->last, .next_of_owner = *chain, .owner = owner};
    *(topic->last ? &topic->last->next : &topic->first) = link;
    topic->last = link;
    topic->links++;
    if (*chain)
        (*chain)->previous_of_owner = link;
    *chain = link;
    return link;
}

void registry_remove(struct registry *registry, struct registry_link *link, struct registry_link **chain)
{
    struct registry_topic *topic = link->topic;
    *(link->previous_of_owner ? &link->previous_of_owner->next_of_owner : chain) = link->next_of_owner;
    if (link->next_of_owner)
        link->next_of_owner->previous_of_owner = link->previous_of_owner;
    *(link->previous ? &link->previous->next : &topic->first) = link->next;
    *(link->next ? &link->next->previous : &topic->last) = link->previous;
    topic->links--;
    free(link);
    if (topic->links == 0)
        topic_remove(registry, topic);
}
