/* SPDX-License-Identifier: MIT
 * generic: what the files of the key commands share. Rows are in generic.c, handlers by theme:
 *
 *      generic.c            DEL, EXISTS, TYPE, TOUCH, OBJECT
 *      generic_move.c       RENAME, MOVE, COPY
 *      generic_walk.c       KEYS, SCAN, RANDOMKEY
 *      generic_database.c   whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB
 *      generic_dump.c       DUMP, RESTORE */
#ifndef LOCUS_REDISD_COMMANDS_GENERIC_H
#define LOCUS_REDISD_COMMANDS_GENERIC_H

#include "redisd/command.h"

/* The database of that number. False, with the error answered: `error`, or Redis's own words when NULL, for what is no number. */
bool generic_parse_database(struct call *c, struct slice text, const char *error, struct db **db);

void generic_rename(struct call *c);
void generic_renamenx(struct call *c);
void generic_move(struct call *c);
void generic_copy(struct call *c);

void generic_keys(struct call *c);
void generic_scan(struct call *c);
void generic_randomkey(struct call *c);

void generic_dbsize(struct call *c);
void generic_flushdb(struct call *c);
void generic_flushall(struct call *c);
void generic_swapdb(struct call *c);

void generic_dump(struct call *c);
void generic_restore(struct call *c);

#endif
