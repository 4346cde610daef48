/* SPDX-License-Identifier: MIT
 * introspection: what the files behind COMMAND, LATENCY and their like share. */
#ifndef LOCUS_REDISD_COMMANDS_INTROSPECTION_H
#define LOCUS_REDISD_COMMANDS_INTROSPECTION_H

#include "redisd/command.h"

/* How many subcommands a row has. */
size_t command_subcommand_count(const struct command *row);
/* Handler of COMMAND DOCS. */
void command_docs(struct call *c);

#endif
