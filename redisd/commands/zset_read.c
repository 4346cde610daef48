/* SPDX-License-Identifier: MIT
 * zset_read: ZRANDMEMBER and ZSCAN: members by chance, or some at a time. */
#include <stdlib.h>

#include "redisd/commands/collection.h"
#include "redisd/commands/zset_commands.h"

static void reply_rank(struct call *c, const struct zset *zset, size_t rank, bool with_score)
{
    struct zset_walk walk;
    struct item member;
    double score;
    zset_walk_begin(zset, &walk, rank, false);
    if (zset_walk_next(&walk, &member, &score))
        zset_reply_member(c, item_slice(&member), score, with_score);
}

static void reply_all(struct call *c, const struct zset *zset, bool with_scores)
{
    struct zset_walk walk;
    struct item member;
    double score;
    zset_reply_header(c, zset_size(zset), with_scores);
    zset_walk_begin(zset, &walk, 0, false);
    while (zset_walk_next(&walk, &member, &score))
        zset_reply_member(c, item_slice(&member), score, with_scores);
}

static void reply_distinct(struct call *c, const struct zset *zset, size_t count, bool with_scores)
{
    if (count >= zset_size(zset)) {
        reply_all(c, zset, with_scores);
        return;
    }
    size_t *ranks = random_positions(c, zset_size(zset), count);
    zset_reply_header(c, count, with_scores);
    for (size_t i = 0; i < count; i++)
        reply_rank(c, zset, ranks[i], with_scores);
    free(ranks);
}

void zset_zrandmember(struct call *c)
{
    bool wrong = false;
    struct random_request request;
    if (!random_request_parse(c, SLICE("withscores"), &request))
        return;
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (wrong)
        return;
    if (!zset) {
        request.counted ? resp_array(c->reply, 0) : resp_null(c->reply);
        return;
    }
    if (request.counted && !request.repeat) {
        reply_distinct(c, zset, request.count, request.with);
        return;
    }
    if (request.counted)
        zset_reply_header(c, request.count, request.with);
    for (size_t i = 0; i < request.count; i++)
        reply_rank(c, zset, random_position(c, zset_size(zset)), request.with);
}

static void scan_member(void *context, struct slice member, double score)
{
    struct collection_scan *scan = context;
    char text[RESP_DOUBLE_MAX];
    if (!collection_scan_wants(scan, member))
        return;
    collection_scan_put(scan, member);
    collection_scan_put(scan, slice_of(text, resp_format_double(text, score)));
}

void zset_zscan(struct call *c)
{
    bool wrong = false;
    uint64_t cursor;
    struct collection_scan scan;
    if (!parse_cursor(c, c->argv[2], &cursor))
        return;
    struct zset *zset = zset_for_reading(c, c->argv[1], &wrong);
    if (wrong)
        return;
    if (!zset) {
        collection_scan_nothing(c);
        return;
    }
    if (!collection_scan_begin(c, &scan, cursor))
        return;
    scan.cursor = zset_scan(zset, cursor, scan.count, scan_member, &scan);
    collection_scan_end(c, &scan);
}
