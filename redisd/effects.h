/* SPDX-License-Identifier: MIT
 * effects: the delta of a transaction while its commands run: a sequence of commands in the log's argv encoding. */
#ifndef LOCUS_REDISD_EFFECTS_H
#define LOCUS_REDISD_EFFECTS_H

#include "kernel/buffer.h"
#include "kernel/slice.h"

struct effects {
    struct buffer delta; /* Ours; kept from transaction to transaction */
    int database;        /* where the next effect applies: SELECT is put in between when it changes */
    int args_left;       /* of the effect begun by effect_begin */
    size_t count;        /* commands in the delta, SELECTs not counted */
};

/* Empty, for a transaction whose record says `database`. */
static inline void effects_reset(struct effects *effects, int database)
{
    effects->delta.size = 0;
    effects->database = database;
    effects->args_left = 0;
    effects->count = 0;
}

#endif
