/* SPDX-License-Identifier: MIT
 * replay: `redisd replay`: rebuild the state from a log directory, offline, and prove that the log tells the truth. */
#ifndef LOCUS_REDISD_REPLAY_H
#define LOCUS_REDISD_REPLAY_H

#include "redisd/redisd.h"

/* The subcommand's main. The server is zero but for its default configuration. Returns the exit code: 0 fine, 1 divergence or
 * damage, 2 wrong usage. */
int replay_main(struct redisd *server, int argc, char **argv);

#endif
