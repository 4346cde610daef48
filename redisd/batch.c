/* SPDX-License-Identifier: MIT
 * batch: see batch.h. */
#include "redisd/batch.h"

#include "services/keyspace/hash.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

/* The member that a request looks up in its collection: first its index bucket, then - the token says where - itself. */
static uint64_t prefetch_bucket(const struct entry *e, struct slice member)
{
    switch (entry_type(e)) {
    case VALUE_SET: return set_prefetch(entry_set(e), member);
    case VALUE_HASH: return hash_prefetch(entry_hash(e), member);
    case VALUE_ZSET: return zset_prefetch(entry_zset(e), member);
    case VALUE_STRING:
    case VALUE_LIST: break;
    }
    return 0;
}

static void prefetch_member(const struct entry *e, uint64_t token)
{
    switch (entry_type(e)) {
    case VALUE_SET: set_prefetch_member(entry_set(e), token); break;
    case VALUE_HASH: hash_prefetch_field(entry_hash(e), token); break;
    case VALUE_ZSET: zset_prefetch_member(entry_zset(e), token); break;
    case VALUE_STRING:
    case VALUE_LIST: break;
    }
}

static void prefetch_members(const struct batch *batch, const struct db *db)
{
    struct { const struct entry *e; uint64_t token; } found[BATCH_MAX];
    int count = 0;
    for (int i = 0; i < batch->count; i++) {
        const struct request *request = &batch->requests[i];
        int at = request->key.base ? request->command->member_arg : 0;
        if (at == 0 || at >= request->argc)
            continue;
        const struct entry *e = db_find_hashed(db, request->key, request->hash);
        uint64_t token = e ? prefetch_bucket(e, request->argv[at]) : 0;
        if (!token)
            continue;
        found[count].e = e;
        found[count++].token = token;
    }
    for (int i = 0; i < count; i++)
        prefetch_member(found[i].e, found[i].token);
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
    if (members)
        prefetch_members(batch, db);
}
