/* SPDX-License-Identifier: MIT
 * zset_commands: what the files of the sorted set commands share. Handlers by theme, rows in zset_table.c:
 *
 *      zset.c           ZADD, ZREM, ZSCORE, ZRANK, ... : members by name
 *      zset_range.c     ZRANGE and its kin, ZCOUNT, ZREMRANGEBY... : ranges by rank, score or bytes
 *      zset_pop.c       ZPOPMIN, ZMPOP, BZPOPMIN, ... : the lowest and the highest
 *      zset_algebra.c   ZUNION, ZINTER, ZDIFF, stored or not
 *      zset_read.c      ZRANDMEMBER, ZSCAN */
#ifndef LOCUS_REDISD_COMMANDS_ZSET_COMMANDS_H
#define LOCUS_REDISD_COMMANDS_ZSET_COMMANDS_H

#include "redisd/command.h"
#include "services/keyspace/zset.h"

/* The sorted set under a key for reading. NULL: there is none; *wrong says that the error has been answered. */
struct zset *zset_for_reading(struct call *c, struct slice key, bool *wrong);

/* Header of a list of members: with scores the pairs are nested arrays in RESP3, and two elements of a flat array in RESP2. */
void zset_reply_header(struct call *c, size_t count, bool with_scores);
/* One member of such a list. */
void zset_reply_member(struct call *c, struct slice member, double score, bool with_score);

/* Members were removed from the sorted set that e, under `key`, holds: says so (`event`), and removes the key when it is empty. */
void zset_removed(struct call *c, struct entry *e, struct slice key, const char *event);

void zset_zadd(struct call *c);             /* ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member... */
void zset_zincrby(struct call *c);          /* ZINCRBY key increment member */
void zset_zrem(struct call *c);             /* ZREM key member... */
void zset_zcard(struct call *c);            /* ZCARD key */
void zset_zscore(struct call *c);           /* ZSCORE key member */
void zset_zmscore(struct call *c);          /* ZMSCORE key member... */
void zset_zrank(struct call *c);            /* ZRANK key member [WITHSCORE] */
void zset_zrevrank(struct call *c);         /* ZREVRANK key member [WITHSCORE] */

void zset_zrange(struct call *c);           /* ZRANGE key min max [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES] */
void zset_zrangestore(struct call *c);      /* ZRANGESTORE destination key min max [BYSCORE|BYLEX] [REV] [LIMIT offset count] */
void zset_zrevrange(struct call *c);        /* ZREVRANGE key start stop [WITHSCORES] */
void zset_zrangebyscore(struct call *c);    /* ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count] */
void zset_zrevrangebyscore(struct call *c); /* ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count] */
void zset_zrangebylex(struct call *c);      /* ZRANGEBYLEX key min max [LIMIT offset count] */
void zset_zrevrangebylex(struct call *c);   /* ZREVRANGEBYLEX key max min [LIMIT offset count] */
void zset_zcount(struct call *c);           /* ZCOUNT key min max */
void zset_zlexcount(struct call *c);        /* ZLEXCOUNT key min max */
void zset_zremrangebyrank(struct call *c);  /* ZREMRANGEBYRANK key start stop */
void zset_zremrangebyscore(struct call *c); /* ZREMRANGEBYSCORE key min max */
void zset_zremrangebylex(struct call *c);   /* ZREMRANGEBYLEX key min max */

void zset_zpopmin(struct call *c);          /* ZPOPMIN key [count] */
void zset_zpopmax(struct call *c);          /* ZPOPMAX key [count] */
void zset_zmpop(struct call *c);            /* ZMPOP numkeys key... MIN|MAX [COUNT n] */
void zset_bzpopmin(struct call *c);         /* BZPOPMIN key... timeout */
void zset_bzpopmax(struct call *c);         /* BZPOPMAX key... timeout */
void zset_bzmpop(struct call *c);           /* BZMPOP timeout numkeys key... MIN|MAX [COUNT n] */

void zset_zunion(struct call *c);           /* ZUNION numkeys key... [WEIGHTS w...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES] */
void zset_zinter(struct call *c);           /* ZINTER, the same */
void zset_zdiff(struct call *c);            /* ZDIFF numkeys key... [WITHSCORES] */
void zset_zintercard(struct call *c);       /* ZINTERCARD numkeys key... [LIMIT n] */
void zset_zunionstore(struct call *c);      /* ZUNIONSTORE destination numkeys key... [WEIGHTS w...] [AGGREGATE SUM|MIN|MAX] */
void zset_zinterstore(struct call *c);      /* ZINTERSTORE, the same */
void zset_zdiffstore(struct call *c);       /* ZDIFFSTORE destination numkeys key... */

void zset_zrandmember(struct call *c);      /* ZRANDMEMBER key [count [WITHSCORES]] */
void zset_zscan(struct call *c);            /* ZSCAN key cursor [MATCH pattern] [COUNT n] */

#endif
