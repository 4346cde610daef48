/* SPDX-License-Identifier: MIT
 * hash_commands: handlers of the hash group that stand in hash_number.c and hash_read.c, for the table in hash.c. */
#ifndef LOCUS_REDISD_COMMANDS_HASH_COMMANDS_H
#define LOCUS_REDISD_COMMANDS_HASH_COMMANDS_H

#include "redisd/command.h"
#include "services/keyspace/hash.h"

/* The hash under argv[1] for reading. NULL: there is none; *wrong says that the error has been answered. */
struct hash *hash_for_reading(struct call *c, bool *wrong);

void hash_hincrby(struct call *c);      /* HINCRBY key field increment */
void hash_hincrbyfloat(struct call *c); /* HINCRBYFLOAT key field increment */

void hash_hgetall(struct call *c);    /* HGETALL key */
void hash_hkeys(struct call *c);      /* HKEYS key */
void hash_hvals(struct call *c);      /* HVALS key */
void hash_hrandfield(struct call *c); /* HRANDFIELD key [count [WITHVALUES]] */
void hash_hscan(struct call *c);      /* HSCAN key cursor [MATCH pattern] [COUNT n] */

#endif
