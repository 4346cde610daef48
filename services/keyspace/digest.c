/* SPDX-License-Identifier: MIT
 * digest: see digest.h for what is added up. Small texts are gathered on the stack and hashed in one go; a stream of XXH3 is
 * only begun for lists and long keys, since beginning one costs more than hashing a small value. */
#include "services/keyspace/digest.h"

#include <assert.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "services/keyspace/entry.h"
#include "services/keyspace/hash.h"
#include "services/keyspace/list.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

enum { GATHER_MAX = 512 }; /* bytes: two texts up to this are copied together, longer ones streamed */

__extension__ typedef unsigned __int128 sum128;

static sum128 number_of(XXH128_hash_t hash)
{
    return (sum128)hash.high64 << 64 | hash.low64;
}

/* H(head | tail) for two texts that are not neighbours in memory. */
static sum128 hash_pair(const void *head, size_t head_size, struct slice tail)
{
    char gathered[GATHER_MAX];
    if (head_size + tail.size <= sizeof(gathered)) {
        memcpy(gathered, head, head_size);
        if (tail.size)
            memcpy(gathered + head_size, tail.base, tail.size);
        return number_of(XXH3_128bits(gathered, head_size + tail.size));
    }
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, head, head_size);
    XXH3_128bits_update(&state, tail.base, tail.size);
    return number_of(XXH3_128bits_digest(&state));
}

static sum128 list_value(const struct list *list)
{
    struct list_walk walk;
    struct item item;
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    list_walk_begin(list, &walk, 0, LIST_TAIL);
    while (list_walk_next(&walk, &item)) {
        uint64_t size = item.size;
        XXH3_128bits_update(&state, &size, sizeof(size));
        XXH3_128bits_update(&state, item.base, item.size);
    }
    return number_of(XXH3_128bits_digest(&state));
}

static sum128 set_value(const struct set *set)
{
    sum128 sum = 0;
    struct item item;
    for (size_t i = 0, n = set_size(set); i < n; i++) {
        set_at(set, i, &item);
        sum += number_of(XXH3_128bits(item.base, item.size));
    }
    return sum;
}

/* Size, field and value are three texts: the first two are gathered by hand. */
static sum128 field_value(struct slice field, struct slice value)
{
    char head[GATHER_MAX / 2];
    uint64_t size = field.size;
    memcpy(head, &size, sizeof(size));
    if (sizeof(size) + field.size <= sizeof(head)) {
        if (field.size)
            memcpy(head + sizeof(size), field.base, field.size);
        return hash_pair(head, sizeof(size) + field.size, value);
    }
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, &size, sizeof(size));
    XXH3_128bits_update(&state, field.base, field.size);
    XXH3_128bits_update(&state, value.base, value.size);
    return number_of(XXH3_128bits_digest(&state));
}

static sum128 hash_value(const struct hash *hash)
{
    sum128 sum = 0;
    struct hash_walk walk;
    struct item field, value;
    hash_walk_begin(hash, &walk);
    while (hash_walk_next(&walk, &field, &value))
        sum += field_value(item_slice(&field), item_slice(&value));
    return sum;
}

static sum128 zset_value(const struct zset *zset)
{
    sum128 sum = 0;
    struct zset_walk walk;
    struct item member;
    double score;
    zset_walk_begin(zset, &walk, 0, false);
    while (zset_walk_next(&walk, &member, &score))
        sum += hash_pair(&score, sizeof(score), item_slice(&member));
    return sum;
}

static sum128 value_of(const struct entry *e)
{
    struct item item;
    switch (entry_header_type(e)) {
    case VALUE_STRING:
        entry_string(e, &item);
        return number_of(XXH3_128bits(item.base, item.size));
    case VALUE_LIST:
        return list_value(entry_list(e));
    case VALUE_SET:
        return set_value(entry_set(e));
    case VALUE_HASH:
        return hash_value(entry_hash(e));
    case VALUE_ZSET:
        return zset_value(entry_zset(e));
    }
    assert(!"an entry has one of five types");
    return 0;
}

struct keyspace_digest digest_entry(int number, const struct entry *e)
{
    struct {
        uint32_t database, type;
        int64_t deadline_ms;
        uint64_t value[2]; /* low, high */
    } head = {(uint32_t)number, (uint32_t)entry_header_type(e), entry_deadline(e), {0, 0}};
    sum128 value = value_of(e);
    head.value[0] = (uint64_t)value;
    head.value[1] = (uint64_t)(value >> 64);
    sum128 whole = hash_pair(&head, sizeof(head), entry_text(e));
    struct keyspace_digest digest;
    memcpy(digest.bytes, &whole, sizeof(digest.bytes));
    return digest;
}

void digest_add(struct keyspace_digest *sum, const struct keyspace_digest *part)
{
    sum128 a, b;
    memcpy(&a, sum->bytes, sizeof(a));
    memcpy(&b, part->bytes, sizeof(b));
    a += b;
    memcpy(sum->bytes, &a, sizeof(a));
}

void digest_text(const struct keyspace_digest *digest, char text[DIGEST_TEXT_SIZE])
{
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", digest->bytes[15 - i]);
}

struct keyspace_digest keyspace_digest(struct keyspace *ks)
{
    struct keyspace_digest sum = {{0}};
    for (int i = 0; i < keyspace_databases(ks); i++) {
        struct db_cursor cursor = {0};
        db_seek(keyspace_db(ks, i), &cursor, SLICE(""));
        while (cursor.entry) {
            struct keyspace_digest part = digest_entry(i, cursor.entry);
            digest_add(&sum, &part);
            db_next(&cursor);
        }
        db_cursor_free(&cursor);
    }
    return sum;
}
