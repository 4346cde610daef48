/* SPDX-License-Identifier: MIT
 * call: the side of a call that the dispatcher sees; handlers need command.h only. */
#ifndef LOCUS_REDISD_CALL_H
#define LOCUS_REDISD_CALL_H

#include "redisd/command.h"
#include "redisd/effects.h"
#include "services/txlog/argv.h"

/* The log refused a reservation: say so as Redis says that it cannot persist. `error`: -ENOSPC, -EIO, -EMSGSIZE. */
void reply_log_refusal(struct resp_writer *reply, struct redisd *server, int error);

/* The seed of an admission. */
uint64_t redisd_seed(const struct redisd *server, uint64_t cmd_seq);

/* Run the handler, then put the command itself behind its effects when it says that it is its own effect and others came before it (or
 * `alone` is false: it is one of several of its transaction). */
void call_run(struct call *c, bool alone);

#endif
