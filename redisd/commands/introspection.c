/* SPDX-License-Identifier: MIT
 * introspection: the rows of what looks at the server: CONFIG, INFO, COMMAND, SLOWLOG, LATENCY, MEMORY. Each has a file of its own. */
#include "redisd/command.h"

#define LOOK (CMD_LOADING | CMD_STALE)
#define CONTAINER(name, since, summary, subcommands) {name, NULL, -2, 0, 0, 0, 0, GROUP_SERVER, since, "Depends on subcommand.", summary, NULL, subcommands, 0}
const struct command commands_introspection[] = {
    {"command", command_command, -1, LOOK | CMD_ORDER_OUTPUT, 0, 0, 0, GROUP_SERVER, "2.8.13", "O(N), N the commands", "Tells about all commands.", NULL, command_subcommands, 0},
    CONTAINER("config", "2.0.0", "Looks at and changes settings.", config_subcommands),
    {"info", info_command, -1, LOOK | CMD_DANGEROUS | CMD_RANDOM_OUTPUT, 0, 0, 0, GROUP_SERVER, "1.0.0", "O(1)", "Answers figures about the server.", NULL, NULL, 0},
    CONTAINER("latency", "2.8.13", "Looks at latency: spikes by event, durations by command.", latency_subcommands),
    CONTAINER("memory", "4.0.0", "Looks at the use of memory.", memory_subcommands),
    CONTAINER("slowlog", "2.2.12", "Looks at commands that were slow.", slowlog_subcommands),
    {0},
};
