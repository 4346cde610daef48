/* SPDX-License-Identifier: MIT
 * table: finding a command's row, and the keys among its arguments. Everything that speaks of commands in general (COMMAND, MULTI, replay, docs)
 * derives from the rows found here. */
#ifndef LOCUS_REDISD_TABLE_H
#define LOCUS_REDISD_TABLE_H

#include "redisd/command.h"

struct command_table;

/* Gather the groups. Two rows of one name are a bug and end the process. */
struct command_table *command_table_new(void);
void command_table_free(struct command_table *table);

int command_table_count(const struct command_table *table);
const struct command *command_table_at(const struct command_table *table, int i); /* in name order, 0 <= i < count */

/* Where a top-level command stands, with what is kept about it beside its row. */
struct command_stats;
struct command_slot {
    const struct command *row;
    struct command_stats *stats; /* Borrowed from the stats table; NULL until it was called */
};

/* The slot of a top-level command by name, in any case; NULL when there is none. */
struct command_slot *command_slot(struct command_table *table, struct slice name);

/* A top-level command by name, in any case; NULL when there is none. */
const struct command *command_find(const struct command_table *table, struct slice name);
/* A subcommand of a row by its own name; NULL when there is none. */
const struct command *command_subcommand(const struct command *row, struct slice name);
/* The row's name without the container's: "get" for "config|get". */
struct slice command_own_name(const struct command *row);

/* The row that runs for these arguments: the subcommand when argv[1] names one. NULL when the command is unknown (*parent is NULL)
 * or its subcommand is (*parent is the container). argc >= 1. */
const struct command *command_resolve(const struct command_table *table, const struct slice *argv, int argc, const struct command **parent);

/* Positions of the keys among the arguments: writes at most `max`, returns how many there are, -1 when the arguments are malformed. */
int command_keys(const struct command *row, const struct slice *argv, int argc, int *positions, int max);

#endif
