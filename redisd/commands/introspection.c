/* SPDX-License-Identifier: MIT
 * introspection: the rows of what looks at the server: CONFIG, INFO, COMMAND, SLOWLOG, LATENCY, MEMORY. */
#include "redisd/command.h"

#define LOOK (CMD_LOADING | CMD_STALE)
const struct command commands_introspection[] = {
    {"config", NULL, -2, 0, 0, 0, 0, GROUP_SERVER, "2.0.0", "Depends on subcommand.", "Looks at and changes settings.", NULL, config_subcommands, 0},
    {"info", info_command, -1, LOOK | CMD_DANGEROUS, 0, 0, 0, GROUP_SERVER, "1.0.0", "O(1)", "Answers figures about the server.", NULL, NULL, 0},
    {0},
};
