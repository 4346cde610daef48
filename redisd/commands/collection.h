/* SPDX-License-Identifier: MIT
 * collection: what the commands of lists, sets, hashes and sorted sets share.
 *
 * A collection exists exactly as long as it has elements: the first one creates the key, the last one to go takes it away.
 * These helpers do both ends of that, so that every command says "new", "del" and "this key changed" alike. */
#ifndef LOCUS_REDISD_COMMANDS_COLLECTION_H
#define LOCUS_REDISD_COMMANDS_COLLECTION_H

#include "redisd/command.h"

/* ---- life of a key ---- */

/* A new empty collection under a key that does not exist; the caller fills it before anybody looks. Entries looked up before
 * are no longer valid, the collections they name are. */
struct entry *collection_add(struct call *c, struct slice key, enum value_type type);

/* For commands with STORE in their name. Begin: whatever `key` holds makes way for a new empty collection; *existed says that there was
 * something. End, when the result is in it: an empty one is taken away again; replies the size, says what happened (`event`, or "del")
 * and that the command as given is the effect. */
struct entry *collection_store_begin(struct call *c, struct slice key, enum value_type type, bool *existed);
void collection_store_end(struct call *c, struct entry *e, struct slice key, bool existed, size_t size, enum notify_class class,
                          const char *event);

/* Take a key away whose collection lost its last element: key_remove and the "del" event. */
void collection_remove(struct call *c, struct entry *e, struct slice key);

/* ---- arguments ---- */

/* Limits a position range as LRANGE, LTRIM and ZRANGE take it: negative positions count from the end (-1 is the last), what lies
 * outside is cut off. False: the range is empty. Otherwise *start <= *stop < size. */
bool range_clamp(int64_t *start, int64_t *stop, size_t size);

/* A count or limit that may not be negative. `error` as in parse_range_i64, NULL: "ERR value is out of range, must be positive". */
bool parse_positive(struct call *c, struct slice text, int64_t *value, const char *error);

/* numkeys at argument `at` of LMPOP and its kin, which something must follow: 1 <= *count < argc - at - 1. Answers the error. */
bool parse_numkeys(struct call *c, int at, int64_t *count);

/* [COUNT n] at argument `at` and nothing behind, as LMPOP and its kin end; *count is left alone when there is none. Answers the error. */
bool parse_pop_count(struct call *c, int at, int64_t *count);

/* The first of several keys that exists: its entry, and which one it is. NULL: none does, or (*wrong) it holds another type, which has
 * been answered. */
struct entry *first_existing(struct call *c, const struct slice *keys, int count, enum value_type type, int *which, bool *wrong);

/* Key positions (command_keys_fn) of: NAME numkeys key...; NAME timeout numkeys key...; NAME destination numkeys key... */
int keys_after_count(const struct slice *argv, int argc, int *positions, int max);
int keys_after_timeout_and_count(const struct slice *argv, int argc, int *positions, int max);
int keys_store_and_count(const struct slice *argv, int argc, int *positions, int max);

/* ---- scanning a collection ---- */

/* What SSCAN, HSCAN and ZSCAN are asked for, and where what they find goes. */
struct collection_scan {
    uint64_t cursor;           /* where to start; the caller's set_scan ... puts the next one here */
    size_t count;              /* at least so many elements */
    struct slice pattern;      /* Borrowed */
    bool filtered;             /* pattern is there and is not "*" */
    size_t found;              /* bulk strings written to `items` */
    struct buffer items;       /* Ours: the elements as RESP */
    struct resp_writer writer; /* into items */
};

/* Options behind NAME key cursor: MATCH pattern, COUNT n. Answers the error. `cursor` was parsed before the key was looked up. */
bool collection_scan_begin(struct call *c, struct collection_scan *scan, uint64_t cursor);
/* Does the pattern let this member or field through? */
bool collection_scan_wants(const struct collection_scan *scan, struct slice member);
void collection_scan_put(struct collection_scan *scan, struct slice bytes);
/* Write the reply and give the memory back. */
void collection_scan_end(struct call *c, struct collection_scan *scan);
/* The reply for a key that does not exist. */
void collection_scan_nothing(struct call *c);

/* ---- random choice ---- */

/* A position below size, size > 0, from call_random. */
size_t random_position(struct call *c, size_t size);

/* `count` different positions below size, count <= size, every choice equally likely, in descending order. Ours: free it. */
size_t *random_positions(struct call *c, size_t size, size_t count);

/* How many elements one SRANDMEMBER, HRANDFIELD or ZRANDMEMBER with a negative count may ask for: the reply is made in memory. */
#define RANDOM_REPEATS_MAX ((int64_t)1 << 24)

/* What stands behind NAME key of SRANDMEMBER, HRANDFIELD and ZRANDMEMBER: [count [word]], where word is WITHVALUES, WITHSCORES or,
 * when empty, nothing. */
struct random_request {
    bool counted;  /* a count was given: the reply is an array */
    bool repeat;   /* it was negative: the same element may come again */
    bool with;     /* the word was given */
    size_t count;
};
/* Answers the error. */
bool random_request_parse(struct call *c, struct slice word, struct random_request *request);

#endif
