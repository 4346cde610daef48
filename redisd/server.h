/* SPDX-License-Identifier: MIT
 * server: what main does with a struct redisd that is open. */
#ifndef LOCUS_REDISD_SERVER_H
#define LOCUS_REDISD_SERVER_H

#include "redisd/redisd.h"

/* The reactor's turn_end; its context is the struct redisd. */
void server_turn_end(void *context, struct reactor *reactor, bool idle);

/* Start what recurs: expiry, rates, idle clients, checkpoints. */
void server_start(struct redisd *server);

/* Open the log in the data directory, recovering the keyspace from it. adopt: the keyspace as it is now is the truth, and the
 * caller takes a checkpoint before anything is appended. 0 or -errno with the reason. */
int server_open_log(struct redisd *server, bool adopt, struct buffer *error);

/* Send what is still pending and may leave, once; for a clean stop. */
void server_drain(struct redisd *server);

/* Open or close the log as config.appendonly says now. Opening takes the keyspace as it is: a checkpoint is written first. 0 or -errno
 * with the reason. */
int server_switch_log(struct redisd *server, struct buffer *error);

/* The log's directory, NUL-terminated. */
void server_log_dir(const struct redisd *server, struct buffer *dir);

#endif
