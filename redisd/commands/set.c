/* SPDX-License-Identifier: MIT
 * set: commands on the members of one set, SMOVE, and the table of the group.
 *
 * Random choice is in set_random.c, what combines several sets in set_algebra.c. */
#include "redisd/commands/collection.h"
#include "redisd/commands/set_commands.h"

/* The set under argv[1] for reading. NULL: there is none; *wrong says that the error has been answered. */
static struct set *read_set(struct call *c, bool *wrong)
{
    struct entry *e = key_read_type(c, c->argv[1], VALUE_SET, wrong);
    return e ? entry_set(e) : NULL;
}

/* ---- change ---- */

static void sadd(struct call *c)
{
    bool wrong = false;
    struct slice key = c->argv[1];
    struct entry *e = key_write_type(c, key, VALUE_SET, &wrong);
    if (wrong)
        return;
    if (e)
        db_edit(c->db, e);
    else
        e = collection_add(c, key, VALUE_SET);
    struct set *set = entry_set(e);
    int64_t added = 0;
    for (int i = 2; i < c->argc; i++)
        added += set_add(set, c->argv[i]);
    resp_integer(c->reply, added);
    if (added == 0)
        return;
    effect_same(c);
    key_changed(c, key);
    key_event(c, NOTIFY_SET, "sadd", key);
}

static void srem(struct call *c)
{
    bool wrong = false;
    struct slice key = c->argv[1];
    struct entry *e = key_write_type(c, key, VALUE_SET, &wrong);
    if (wrong)
        return;
    int64_t removed = 0;
    if (e) {
        struct set *set = entry_set(e);
        db_edit(c->db, e);
        for (int i = 2; i < c->argc && set_size(set) > 0; i++)
            removed += set_remove(set, c->argv[i]);
    }
    resp_integer(c->reply, removed);
    if (removed == 0)
        return;
    effect_same(c);
    key_event(c, NOTIFY_SET, "srem", key);
    if (set_size(entry_set(e)) == 0)
        collection_remove(c, e, key);
    else
        key_changed(c, key);
}

/* Take the member out of the set that e, under argv[1], holds. Entries looked up before are no longer valid. */
static void smove_out(struct call *c, struct entry *e, struct set *set)
{
    db_edit(c->db, e);
    set_remove(set, c->argv[3]);
    key_event(c, NOTIFY_SET, "srem", c->argv[1]);
    if (set_size(set) == 0)
        collection_remove(c, e, c->argv[1]);
    else
        key_changed(c, c->argv[1]);
}

static void smove(struct call *c)
{
    bool wrong = false;
    struct slice source_key = c->argv[1], target_key = c->argv[2], member = c->argv[3];
    /* The target is looked up first: that may remove it when its deadline has passed, which would move the source's entry. */
    struct entry *target = key_write(c, target_key);
    struct entry *source = key_write_type(c, source_key, VALUE_SET, &wrong);
    if (wrong)
        return;
    if (source && target && entry_type(target) != VALUE_SET) {
        reply_wrong_type(c);
        return;
    }
    if (!source || !set_contains(entry_set(source), member)) {
        resp_integer(c->reply, 0);
        return;
    }
    resp_integer(c->reply, 1);
    if (slice_equal(source_key, target_key))
        return;
    smove_out(c, source, entry_set(source));
    effect_same(c);
    target = db_find(c->db, target_key);
    if (target)
        db_edit(c->db, target);
    else
        target = collection_add(c, target_key, VALUE_SET);
    if (set_add(entry_set(target), member)) {
        key_changed(c, target_key);
        key_event(c, NOTIFY_SET, "sadd", target_key);
    }
}

/* ---- read ---- */

static void sismember(struct call *c)
{
    bool wrong = false;
    struct set *set = read_set(c, &wrong);
    if (!wrong)
        resp_integer(c->reply, set && set_contains(set, c->argv[2]));
}

static void smismember(struct call *c)
{
    bool wrong = false;
    struct set *set = read_set(c, &wrong);
    if (wrong)
        return;
    resp_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        resp_integer(c->reply, set && set_contains(set, c->argv[i]));
}

static void scard(struct call *c)
{
    bool wrong = false;
    struct set *set = read_set(c, &wrong);
    if (!wrong)
        resp_integer(c->reply, set ? (int64_t)set_size(set) : 0);
}

static void reply_member(void *context, struct slice member)
{
    resp_bulk(context, member);
}

static void smembers(struct call *c)
{
    bool wrong = false;
    struct set *set = read_set(c, &wrong);
    if (wrong)
        return;
    resp_set(c->reply, set ? set_size(set) : 0);
    if (set)
        set_scan(set, 0, set_size(set), reply_member, c->reply);
}

static void scan_member(void *context, struct slice member)
{
    struct collection_scan *scan = context;
    if (collection_scan_wants(scan, member))
        collection_scan_put(scan, member);
}

static void sscan(struct call *c)
{
    bool wrong = false;
    uint64_t cursor;
    struct collection_scan scan;
    if (!parse_cursor(c, c->argv[2], &cursor))
        return;
    struct set *set = read_set(c, &wrong);
    if (wrong)
        return;
    if (!set) {
        collection_scan_nothing(c);
        return;
    }
    if (!collection_scan_begin(c, &scan, cursor))
        return;
    scan.cursor = set_scan(set, cursor, scan.count, scan_member, &scan);
    collection_scan_end(c, &scan);
}

/* ---- the table ---- */

#define ALGEBRA_FLAGS (CMD_READONLY | CMD_ORDER_OUTPUT)
#define INTER_COST "O(N*M): N members in the smallest set, M sets"
#define SUM_COST "O(N): N members in all sets together"

/* name, handler, arity, flags, keys, group, since, complexity, summary, key finder, subcommands, member */
const struct command commands_set[] = {
    {"sadd", sadd, -3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, 1, 1, 1, GROUP_SET, "1.0.0", "O(N): N members given",
     "Adds members to a set, which is created when it is missing.", NULL, NULL, 2},
    {"scard", scard, 2, CMD_READONLY | CMD_FAST, 1, 1, 1, GROUP_SET, "1.0.0", "O(1)", "How many members a set has.", NULL, NULL, 0},
    {"sdiff", set_sdiff, -2, ALGEBRA_FLAGS, 1, -1, 1, GROUP_SET, "1.0.0", SUM_COST, "The members of the first set that no other set has.", NULL,
     NULL, 0},
    {"sdiffstore", set_sdiffstore, -3, CMD_WRITE | CMD_DENYOOM, 1, -1, 1, GROUP_SET, "1.0.0", SUM_COST,
     "Keeps under a key the members of the first set that no other set has.", NULL, NULL, 0},
    {"sinter", set_sinter, -2, ALGEBRA_FLAGS, 1, -1, 1, GROUP_SET, "1.0.0", INTER_COST, "The members that all sets have.", NULL, NULL, 0},
    {"sintercard", set_sintercard, -3, CMD_READONLY | CMD_MOVABLE_KEYS, 0, 0, 0, GROUP_SET, "7.0.0", INTER_COST,
     "How many members all sets have, counted up to a limit.", keys_after_count, NULL, 0},
    {"sinterstore", set_sinterstore, -3, CMD_WRITE | CMD_DENYOOM, 1, -1, 1, GROUP_SET, "1.0.0", INTER_COST,
     "Keeps under a key the members that all sets have.", NULL, NULL, 0},
    {"sismember", sismember, 3, CMD_READONLY | CMD_FAST, 1, 1, 1, GROUP_SET, "1.0.0", "O(1)", "Whether a set has a member.", NULL, NULL, 2},
    {"smembers", smembers, 2, ALGEBRA_FLAGS, 1, 1, 1, GROUP_SET, "1.0.0", "O(N): N members in the set", "All members of a set.", NULL, NULL, 0},
    {"smismember", smismember, -3, CMD_READONLY | CMD_FAST, 1, 1, 1, GROUP_SET, "6.2.0", "O(N): N members asked for",
     "Whether a set has each of some members.", NULL, NULL, 2},
    {"smove", smove, 4, CMD_WRITE | CMD_FAST, 1, 2, 1, GROUP_SET, "1.0.0", "O(1)", "Takes a member out of one set and puts it into another.", NULL, NULL, 3},
    {"spop", set_spop, -2, CMD_WRITE | CMD_FAST | CMD_RANDOM_OUTPUT, 1, 1, 1, GROUP_SET, "1.0.0", "O(N): N members taken",
     "Takes members chosen by chance out of a set.", NULL, NULL, 0},
    {"srandmember", set_srandmember, -2, CMD_READONLY | CMD_RANDOM_OUTPUT, 1, 1, 1, GROUP_SET, "1.0.0", "O(N): N members returned",
     "Members of a set chosen by chance.", NULL, NULL, 0},
    {"srem", srem, -3, CMD_WRITE | CMD_FAST, 1, 1, 1, GROUP_SET, "1.0.0", "O(N): N members given", "Removes members from a set.", NULL, NULL, 2},
    {"sscan", sscan, -3, CMD_READONLY | CMD_RANDOM_OUTPUT, 1, 1, 1, GROUP_SET, "2.8.0", "O(1) a call, O(N) for all N members",
     "Walks a set some members at a time.", NULL, NULL, 0},
    {"sunion", set_sunion, -2, ALGEBRA_FLAGS, 1, -1, 1, GROUP_SET, "1.0.0", SUM_COST, "The members that any of the sets has.", NULL, NULL, 0},
    {"sunionstore", set_sunionstore, -3, CMD_WRITE | CMD_DENYOOM, 1, -1, 1, GROUP_SET, "1.0.0", SUM_COST,
     "Keeps under a key the members that any of the sets has.", NULL, NULL, 0},
    {NULL, NULL, 0, 0, 0, 0, 0, GROUP_SET, NULL, NULL, NULL, NULL, NULL, 0},
};
