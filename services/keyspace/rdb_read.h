/* SPDX-License-Identifier: MIT
 * rdb_read: one value of an RDB file or of a DUMP payload. Internal to rdb_load.c, which knows what lies around the values. */
#ifndef LOCUS_KEYSPACE_RDB_READ_H
#define LOCUS_KEYSPACE_RDB_READ_H

#include "services/keyspace/rdb_input.h"

/* Where a value goes. */
struct rdb_target {
    struct db *db;          /* NULL: the value is only checked */
    struct slice key;       /* Borrowed; must not be there yet */
    uint64_t hash;          /* db_hash of it */
    int64_t deadline_ms;    /* or DB_NO_DEADLINE */
    bool exact;             /* the type tells the encoding (a file of ours); false: the limits do */
    struct slice encoding;  /* RDB_AUX_ENCODING's value; empty: what the type and the limits give */
    struct entry *entry;    /* out: what was made; NULL when the value is a collection without elements */
    bool empty;             /* out: a collection without elements, for which no entry was made */
};

/* Is that a value type that can be read? Fails on the input, naming it, when not. */
bool rdb_type_known(struct rdb_input *in, uint8_t type);

/* Read a value of that type and make the entry. False: the input has failed, and no entry was made. */
bool rdb_read_value(struct rdb_input *in, uint8_t type, struct rdb_target *target);

#endif
