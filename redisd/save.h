/* SPDX-License-Identifier: MIT
 * save: the keyspace as an RDB file, now or in the background, without a fork.
 *
 * With the log on, a save is a checkpoint: written beside the log, and recovery starts from it. With the log off (appendonly no) it is the file that
 * dir and dbfilename name, loaded at the next start. The background variant is an actor that writes a piece per turn. */
#ifndef LOCUS_REDISD_SAVE_H
#define LOCUS_REDISD_SAVE_H

#include "redisd/redisd.h"

/* Write it to its end before returning. 0 or -errno (-EINPROGRESS: one is running). */
int save_now(struct redisd *server);
/* Begin writing in the background. 0 or -errno (-EINPROGRESS: one is running). */
int save_start(struct redisd *server);
bool save_running(const struct redisd *server);
/* Begin one when the log has grown enough since the last. */
void save_when_due(struct redisd *server);
/* Load dir/dbfilename when it exists (log off). 0 or -errno with the reason. */
int save_load(struct redisd *server, struct buffer *error);

#endif
