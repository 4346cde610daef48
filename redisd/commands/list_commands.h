/* SPDX-License-Identifier: MIT
 * list_commands: handlers of the list group that stand in list_move.c, for the table in list.c. */
#ifndef LOCUS_REDISD_COMMANDS_LIST_COMMANDS_H
#define LOCUS_REDISD_COMMANDS_LIST_COMMANDS_H

#include "redisd/command.h"
#include "services/keyspace/list.h"

/* Take `count` elements (1 <= count <= length) from an end of the list that e, under `key`, holds: writes them to the reply, one
 * bulk string each without a header, drops them, removes the key when it is empty, and says what happened. No effect is added. */
void list_pop(struct call *c, struct entry *e, struct slice key, enum list_end end, size_t count);

void list_lmove(struct call *c);      /* LMOVE source destination LEFT|RIGHT LEFT|RIGHT */
void list_rpoplpush(struct call *c);  /* RPOPLPUSH source destination */
void list_lmpop(struct call *c);      /* LMPOP numkeys key... LEFT|RIGHT [COUNT n] */
void list_blpop(struct call *c);      /* BLPOP key... timeout */
void list_brpop(struct call *c);      /* BRPOP key... timeout */
void list_blmove(struct call *c);     /* BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout */
void list_brpoplpush(struct call *c); /* BRPOPLPUSH source destination timeout */
void list_blmpop(struct call *c);     /* BLMPOP timeout numkeys key... LEFT|RIGHT [COUNT n] */

#endif
