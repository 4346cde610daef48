/* SPDX-License-Identifier: MIT
 * batch: see batch.h. */
#include "redisd/batch.h"

#include "services/keyspace/hash.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

/* The member that a request looks up in its collection: the collection's own index bucket. */
static void prefetch_member(const struct request *request, struct db *db)
{
    uint8_t at = request->command->member_arg;
    if (at == 0 || at >= request->argc)
        return;
    struct entry *e = db_find_hashed(db, request->key, request->hash);
    if (!e)
        return;
    switch (entry_type(e)) {
    case VALUE_SET: set_prefetch(entry_set(e), request->argv[at]); break;
    case VALUE_HASH: hash_prefetch(entry_hash(e), request->argv[at]); break;
    case VALUE_ZSET: zset_prefetch(entry_zset(e), request->argv[at]); break;
    case VALUE_STRING:
    case VALUE_LIST: break;
    }
}

void batch_prefetch(const struct batch *batch, struct db *db)
{
    bool members = false;
    for (int i = 0; i < batch->count; i++) {
        const struct request *request = &batch->requests[i];
        if (!request->key.base)
            continue;
        db_prefetch_bucket(db, request->hash);
        members |= request->command->member_arg != 0;
    }
    for (int i = 0; i < batch->count; i++)
        if (batch->requests[i].key.base)
            db_prefetch_entry(db, batch->requests[i].hash);
    for (int i = 0; members && i < batch->count; i++)
        if (batch->requests[i].key.base)
            prefetch_member(&batch->requests[i], db);
}
