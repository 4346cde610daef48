/* SPDX-License-Identifier: MIT
 * set_commands: handlers of the set group that stand in set_random.c and set_algebra.c, for the table in set.c. */
#ifndef LOCUS_REDISD_COMMANDS_SET_COMMANDS_H
#define LOCUS_REDISD_COMMANDS_SET_COMMANDS_H

#include "redisd/command.h"
#include "services/keyspace/set.h"

void set_spop(struct call *c);        /* SPOP key [count] */
void set_srandmember(struct call *c); /* SRANDMEMBER key [count] */

void set_sinter(struct call *c);      /* SINTER key... */
void set_sintercard(struct call *c);  /* SINTERCARD numkeys key... [LIMIT n] */
void set_sinterstore(struct call *c); /* SINTERSTORE destination key... */
void set_sunion(struct call *c);      /* SUNION key... */
void set_sunionstore(struct call *c); /* SUNIONSTORE destination key... */
void set_sdiff(struct call *c);       /* SDIFF key... */
void set_sdiffstore(struct call *c);  /* SDIFFSTORE destination key... */

#endif
