/* SPDX-License-Identifier: MIT
 * zset_table: the rows of the sorted set commands; their handlers are in zset.c, zset_range.c, zset_pop.c, zset_algebra.c and
 * zset_read.c. */
#include "redisd/commands/collection.h"
#include "redisd/commands/zset_commands.h"

#define READ_FAST (CMD_READONLY | CMD_FAST)
#define ADD_FLAGS (CMD_WRITE | CMD_DENYOOM | CMD_FAST)
#define STORE_FLAGS (CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS)
#define MOVABLE_READ (CMD_READONLY | CMD_MOVABLE_KEYS)

#define LOG_COST "O(log(N)): N members in the set"
#define RANGE_COST "O(log(N)+M): N members in the set, M in the range"
#define POP_COST "O(log(N)*M): N members in the set, M taken"
#define POP_FIRST_COST "O(K)+O(M*log(N)): K keys named, N members in the set, M taken"
#define UNION_COST "O(N)+O(M*log(M)): N members in all sets together, M in the result"
#define INTER_COST "O(N*K)+O(M*log(M)): N members in the smallest set, K sets, M members in the result"
#define DIFF_COST "O(L+(N-K)*log(N)): L members in all sets together, N in the first, K in the result"

/* name, handler, arity, flags, keys, group, since, complexity, summary, key finder, subcommands, member */
const struct command commands_zset[] = {
    {"bzmpop", zset_bzmpop, -5, CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS, 0, 0, 0, GROUP_ZSET, "7.0.0", POP_FIRST_COST,
     "Takes the lowest or highest members of the first sorted set that exists, waiting for one.", keys_after_timeout_and_count, NULL, 0},
    {"bzpopmax", zset_bzpopmax, -3, CMD_WRITE | CMD_FAST | CMD_BLOCKING, 1, -2, 1, GROUP_ZSET, "5.0.0", LOG_COST,
     "Takes the highest member of the first sorted set that exists, waiting for one.", NULL, NULL, 0},
    {"bzpopmin", zset_bzpopmin, -3, CMD_WRITE | CMD_FAST | CMD_BLOCKING, 1, -2, 1, GROUP_ZSET, "5.0.0", LOG_COST,
     "Takes the lowest member of the first sorted set that exists, waiting for one.", NULL, NULL, 0},
    {"zadd", zset_zadd, -4, ADD_FLAGS, 1, 1, 1, GROUP_ZSET, "1.2.0", "O(log(N)) a member: N members in the set",
     "Adds members with scores, or changes the scores of members.", NULL, NULL, 3},
    {"zcard", zset_zcard, 2, READ_FAST, 1, 1, 1, GROUP_ZSET, "1.2.0", "O(1)", "How many members a sorted set has.", NULL, NULL, 0},
    {"zcount", zset_zcount, 4, READ_FAST, 1, 1, 1, GROUP_ZSET, "2.0.0", LOG_COST, "How many members score between two numbers.", NULL, NULL, 0},
    {"zdiff", zset_zdiff, -3, MOVABLE_READ, 0, 0, 0, GROUP_ZSET, "6.2.0", DIFF_COST, "The members of the first sorted set that no other has.",
     keys_after_count, NULL, 0},
    {"zdiffstore", zset_zdiffstore, -4, STORE_FLAGS, 1, 1, 1, GROUP_ZSET, "6.2.0", DIFF_COST,
     "Keeps under a key the members of the first sorted set that no other has.", keys_store_and_count, NULL, 0},
    {"zincrby", zset_zincrby, 4, ADD_FLAGS, 1, 1, 1, GROUP_ZSET, "1.2.0", LOG_COST, "Adds to the score of a member, 0 when it is missing.", NULL, NULL,
     3},
    {"zinter", zset_zinter, -3, MOVABLE_READ, 0, 0, 0, GROUP_ZSET, "6.2.0", INTER_COST, "The members that all sorted sets have, their scores combined.",
     keys_after_count, NULL, 0},
    {"zintercard", zset_zintercard, -3, MOVABLE_READ, 0, 0, 0, GROUP_ZSET, "7.0.0", "O(N*K): N members in the smallest set, K sets",
     "How many members all sorted sets have, counted up to a limit.", keys_after_count, NULL, 0},
    {"zinterstore", zset_zinterstore, -4, STORE_FLAGS, 1, 1, 1, GROUP_ZSET, "2.0.0", INTER_COST,
     "Keeps under a key the members that all sorted sets have, their scores combined.", keys_store_and_count, NULL, 0},
    {"zlexcount", zset_zlexcount, 4, READ_FAST, 1, 1, 1, GROUP_ZSET, "2.8.9", LOG_COST, "How many members lie between two texts, all scores being equal.",
     NULL, NULL, 0},
    {"zmpop", zset_zmpop, -4, CMD_WRITE | CMD_MOVABLE_KEYS, 0, 0, 0, GROUP_ZSET, "7.0.0", POP_FIRST_COST,
     "Takes the lowest or highest members of the first sorted set that exists.", keys_after_count, NULL, 0},
    {"zmscore", zset_zmscore, -3, READ_FAST, 1, 1, 1, GROUP_ZSET, "6.2.0", "O(N): N members asked for", "The scores of some members.", NULL, NULL, 2},
    {"zpopmax", zset_zpopmax, -2, CMD_WRITE | CMD_FAST, 1, 1, 1, GROUP_ZSET, "5.0.0", POP_COST, "Takes the highest members.", NULL, NULL, 0},
    {"zpopmin", zset_zpopmin, -2, CMD_WRITE | CMD_FAST, 1, 1, 1, GROUP_ZSET, "5.0.0", POP_COST, "Takes the lowest members.", NULL, NULL, 0},
    {"zrandmember", zset_zrandmember, -2, CMD_READONLY | CMD_RANDOM_OUTPUT, 1, 1, 1, GROUP_ZSET, "6.2.0", "O(N): N members returned",
     "Members of a sorted set chosen by chance.", NULL, NULL, 0},
    {"zrange", zset_zrange, -4, CMD_READONLY, 1, 1, 1, GROUP_ZSET, "1.2.0", RANGE_COST, "The members of a range, by rank, score or text.", NULL, NULL, 0},
    {"zrangebylex", zset_zrangebylex, -4, CMD_READONLY, 1, 1, 1, GROUP_ZSET, "2.8.9", RANGE_COST,
     "The members between two texts, all scores being equal.", NULL, NULL, 0},
    {"zrangebyscore", zset_zrangebyscore, -4, CMD_READONLY, 1, 1, 1, GROUP_ZSET, "1.0.5", RANGE_COST, "The members that score between two numbers.",
     NULL, NULL, 0},
    {"zrangestore", zset_zrangestore, -5, CMD_WRITE | CMD_DENYOOM, 1, 2, 1, GROUP_ZSET, "6.2.0", RANGE_COST, "Keeps the members of a range under a key.",
     NULL, NULL, 0},
    {"zrank", zset_zrank, -3, READ_FAST, 1, 1, 1, GROUP_ZSET, "2.0.0", LOG_COST, "How many members stand before a member.", NULL, NULL, 2},
    {"zrem", zset_zrem, -3, CMD_WRITE | CMD_FAST, 1, 1, 1, GROUP_ZSET, "1.2.0", "O(M*log(N)): N members in the set, M given", "Removes members.", NULL,
     NULL, 2},
    {"zremrangebylex", zset_zremrangebylex, 4, CMD_WRITE, 1, 1, 1, GROUP_ZSET, "2.8.9", RANGE_COST,
     "Removes the members between two texts, all scores being equal.", NULL, NULL, 0},
    {"zremrangebyrank", zset_zremrangebyrank, 4, CMD_WRITE, 1, 1, 1, GROUP_ZSET, "2.0.0", RANGE_COST, "Removes the members between two ranks.", NULL,
     NULL, 0},
    {"zremrangebyscore", zset_zremrangebyscore, 4, CMD_WRITE, 1, 1, 1, GROUP_ZSET, "1.2.0", RANGE_COST, "Removes the members that score between two numbers.",
     NULL, NULL, 0},
    {"zrevrange", zset_zrevrange, -4, CMD_READONLY, 1, 1, 1, GROUP_ZSET, "1.2.0", RANGE_COST, "The members between two ranks, from the highest down.",
     NULL, NULL, 0},
    {"zrevrangebylex", zset_zrevrangebylex, -4, CMD_READONLY, 1, 1, 1, GROUP_ZSET, "2.8.9", RANGE_COST,
     "The members between two texts, from the highest down.", NULL, NULL, 0},
    {"zrevrangebyscore", zset_zrevrangebyscore, -4, CMD_READONLY, 1, 1, 1, GROUP_ZSET, "2.2.0", RANGE_COST,
     "The members that score between two numbers, from the highest down.", NULL, NULL, 0},
    {"zrevrank", zset_zrevrank, -3, READ_FAST, 1, 1, 1, GROUP_ZSET, "2.0.0", LOG_COST, "How many members stand behind a member.", NULL, NULL, 2},
    {"zscan", zset_zscan, -3, CMD_READONLY | CMD_RANDOM_OUTPUT, 1, 1, 1, GROUP_ZSET, "2.8.0", "O(1) a call, O(N) for all N members",
     "Walks a sorted set some members at a time.", NULL, NULL, 0},
    {"zscore", zset_zscore, 3, READ_FAST, 1, 1, 1, GROUP_ZSET, "1.2.0", "O(1)", "The score of a member.", NULL, NULL, 2},
    {"zunion", zset_zunion, -3, MOVABLE_READ, 0, 0, 0, GROUP_ZSET, "6.2.0", UNION_COST, "The members that any sorted set has, their scores combined.",
     keys_after_count, NULL, 0},
    {"zunionstore", zset_zunionstore, -4, STORE_FLAGS, 1, 1, 1, GROUP_ZSET, "2.0.0", UNION_COST,
     "Keeps under a key the members that any sorted set has, their scores combined.", keys_store_and_count, NULL, 0},
    {NULL, NULL, 0, 0, 0, 0, 0, GROUP_ZSET, NULL, NULL, NULL, NULL, NULL, 0},
};
