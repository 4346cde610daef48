/* SPDX-License-Identifier: MIT
 * compare: see compare.h. */
#include "compat/lib/compare.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocols/resp.h"

static const struct {
    const char *command;
    const char *second; /* the second word, when it matters */
    enum compare_mode mode;
} modes[] = {
    {"keys", NULL, COMPARE_UNORDERED},
    {"smembers", NULL, COMPARE_UNORDERED},
    {"sinter", NULL, COMPARE_UNORDERED},
    {"sunion", NULL, COMPARE_UNORDERED},
    {"sdiff", NULL, COMPARE_UNORDERED},
    {"hkeys", NULL, COMPARE_UNORDERED},
    {"hvals", NULL, COMPARE_UNORDERED},
    {"hgetall", NULL, COMPARE_PAIRS},
    {"config", "get", COMPARE_PAIRS},
    {"pubsub", "channels", COMPARE_UNORDERED},
    {"ttl", NULL, COMPARE_SECONDS},
    {"expiretime", NULL, COMPARE_SECONDS},
    {"pttl", NULL, COMPARE_MILLIS},
    {"pexpiretime", NULL, COMPARE_MILLIS},
    {"object", "idletime", COMPARE_SECONDS},
    {"object", "freq", COMPARE_SHAPE},
    {"object", "help", COMPARE_SHAPE},
    {"memory", NULL, COMPARE_SHAPE},
    {"debug", "object", COMPARE_SHAPE},
    {"debug", "jmap", COMPARE_SHAPE},
    {"info", NULL, COMPARE_SHAPE},
    {"hello", NULL, COMPARE_SHAPE},
    {"time", NULL, COMPARE_SHAPE},
    {"lastsave", NULL, COMPARE_SHAPE},
    {"client", "id", COMPARE_SHAPE},
    {"client", "list", COMPARE_SHAPE},
    {"client", "info", COMPARE_SHAPE},
    {"slowlog", "get", COMPARE_SHAPE},
    {"slowlog", "len", COMPARE_SHAPE},
    {"latency", NULL, COMPARE_SHAPE},
    {"command", NULL, COMPARE_SHAPE},
    {"scan", NULL, COMPARE_SCAN},
    {"sscan", NULL, COMPARE_SCAN},
    {"hscan", NULL, COMPARE_SCAN},
    {"zscan", NULL, COMPARE_SCAN},
    {"randomkey", NULL, COMPARE_CHOICE},
    {"srandmember", NULL, COMPARE_CHOICE},
    {"hrandfield", NULL, COMPARE_CHOICE},
    {"zrandmember", NULL, COMPARE_CHOICE},
    {"spop", NULL, COMPARE_POP},
    {"exec", NULL, COMPARE_EXEC},
};

/* SORT ... BY leaves the order of ties to the server. */
static bool sorts_by(const struct slice *argv, int argc)
{
    if (!slice_equal_nocase(argv[0], SLICE("sort")) && !slice_equal_nocase(argv[0], SLICE("sort_ro")))
        return false;
    for (int i = 2; i < argc; i++)
        if (slice_equal_nocase(argv[i], SLICE("by")))
            return true;
    return false;
}

enum compare_mode compare_mode_of(const struct slice *argv, int argc)
{
    if (sorts_by(argv, argc))
        return COMPARE_UNORDERED;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (!slice_equal_nocase(argv[0], slice_from_string(modes[i].command)))
            continue;
        if (!modes[i].second || (argc > 1 && slice_equal_nocase(argv[1], slice_from_string(modes[i].second))))
            return modes[i].mode;
    }
    return COMPARE_EXACT;
}

bool compare_has_scores(const struct slice *argv, int argc)
{
    (void)argc;
    return argv[0].size > 1 && (argv[0].base[0] | 0x20) == 'z';
}

/* The same double, in the two texts that the two versions give it? */
static bool same_double(struct slice ours, struct slice theirs)
{
    char a[64], b[64], shortest[RESP_DOUBLE_MAX], longest[64], *end;
    if (ours.size == 0 || ours.size >= sizeof a || theirs.size == 0 || theirs.size >= sizeof b)
        return false;
    memcpy(a, ours.base, ours.size), a[ours.size] = 0;
    memcpy(b, theirs.base, theirs.size), b[theirs.size] = 0;
    double value = strtod(a, &end);
    if (*end || value != strtod(b, &end) || *end)
        return false;
    snprintf(longest, sizeof longest, "%.17g", value);
    return slice_equal(ours, slice_of(shortest, resp_format_double(shortest, value))) && strcmp(b, longest) == 0;
}

static bool same_leaf(const struct resp_node *a, const struct resp_node *b, bool scores)
{
    if (a->type != b->type || a->count != b->count || a->integer != b->integer)
        return false;
    return slice_equal(a->text, b->text) ||
           (scores && (a->type == RESP_BULK || a->type == RESP_DOUBLE) && same_double(a->text, b->text));
}

/* Both subtrees, node by node: the depth-first order makes that one loop. */
static bool same_tree(const struct resp_node *a, const struct resp_node *b, bool scores)
{
    if (a->span != b->span)
        return false;
    for (size_t i = 0; i < a->span; i++)
        if (!same_leaf(&a[i], &b[i], scores))
            return false;
    return true;
}

/* Each run of `group` children of a has one like it in b, and no two the same one. Quadratic; replies are small here. */
static bool same_multiset(const struct resp_node *a, const struct resp_node *b, int64_t group)
{
    if (a->type != b->type || a->count != b->count || a->count < 0)
        return a->type == b->type && a->count == b->count;
    bool *used = calloc((size_t)a->count + 1, sizeof *used);
    bool same = used != NULL;
    const struct resp_node *x = a + 1;
    for (int64_t i = 0; i < a->count && same; i += group) {
        const struct resp_node *y = b + 1;
        same = false;
        for (int64_t j = 0; j < b->count && !same; j += group) {
            bool equal = !used[j];
            const struct resp_node *p = x, *q = y;
            for (int64_t g = 0; g < group && i + g < a->count && j + g < b->count; g++) {
                equal = equal && same_tree(p, q, false);
                p = resp_reply_next(p), q = resp_reply_next(q);
            }
            if (equal)
                same = used[j] = true;
            y = q;
        }
        for (int64_t g = 0; g < group && i + g < a->count; g++)
            x = resp_reply_next(x);
    }
    free(used);
    return same;
}

static bool near(const struct resp_node *a, const struct resp_node *b, int64_t tolerance)
{
    int64_t distance = a->integer - b->integer;
    return a->type == RESP_INTEGER && b->type == RESP_INTEGER && distance <= tolerance && -distance <= tolerance &&
           (a->integer < 0) == (b->integer < 0);
}

bool compare_replies(const struct resp_node *ours, const struct resp_node *theirs, enum compare_mode mode, bool scores)
{
    if (ours->type == RESP_FAULT || theirs->type == RESP_FAULT)
        return same_tree(ours, theirs, false);
    switch (mode) {
    case COMPARE_UNORDERED: return same_multiset(ours, theirs, 1);
    case COMPARE_PAIRS: return same_multiset(ours, theirs, 2);
    case COMPARE_SECONDS: return near(ours, theirs, 1) || same_tree(ours, theirs, false);
    case COMPARE_MILLIS: return near(ours, theirs, 2000) || same_tree(ours, theirs, false);
    case COMPARE_SHAPE:
    case COMPARE_SCAN:
    case COMPARE_CHOICE:
    case COMPARE_POP:
    case COMPARE_EXEC: return ours->type == theirs->type && (ours->count < 0) == (theirs->count < 0);
    case COMPARE_EXACT: break;
    }
    return same_tree(ours, theirs, scores);
}
