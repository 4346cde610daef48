/* SPDX-License-Identifier: MIT
 * digest_redis: the figures that Redis prints for DEBUG DIGEST and DEBUG DIGEST-VALUE, so that tests which compare data sets by
 * them run against either server. Slow (a few SHA-1 for every element) and not for anything else.
 *
 * Two operations on 20 bytes d: add(d, text): d ^= SHA1(text), for what has no order; chain(d, text): d = SHA1(d ^ SHA1(text)), for
 * what has. A value: chain the type (u32, big-endian); then chain a string, or each list element; or add each set member; or add,
 * for each field or member, the 20 bytes that chaining it and its value or score ("%.17g") gives; and add "!!expire!!" when
 * there is a deadline. The whole: for each database that has keys, in order, chain its number, then add each key's 20 bytes:
 * the key chained, then its value. */
#include <arpa/inet.h>
#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "services/keyspace/hash.h"
#include "services/keyspace/list.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"

enum { SHA1_SIZE = 20, SCORE_TEXT_MAX = 32 };

struct digester {
    EVP_MD_CTX *context; /* Ours */
    EVP_MD *sha1;        /* Ours: looked up once, since OpenSSL takes longer for that than for a short text */
};

static void digester_init(struct digester *d)
{
    d->context = EVP_MD_CTX_new();
    d->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    assert(d->context && d->sha1);
}

static void digester_deinit(struct digester *d)
{
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->sha1);
}

static void sha1(struct digester *d, const void *bytes, size_t size, uint8_t digest[SHA1_SIZE])
{
    int ok = EVP_DigestInit_ex2(d->context, d->sha1, NULL) && EVP_DigestUpdate(d->context, bytes, size) &&
             EVP_DigestFinal_ex(d->context, digest, NULL);
    assert(ok);
}

static void add(struct digester *d, uint8_t digest[SHA1_SIZE], const void *bytes, size_t size)
{
    uint8_t hash[SHA1_SIZE];
    sha1(d, bytes, size, hash);
    for (int i = 0; i < SHA1_SIZE; i++)
        digest[i] ^= hash[i];
}

static void chain(struct digester *d, uint8_t digest[SHA1_SIZE], const void *bytes, size_t size)
{
    uint8_t mixed[SHA1_SIZE];
    add(d, digest, bytes, size);
    memcpy(mixed, digest, SHA1_SIZE);
    sha1(d, mixed, SHA1_SIZE, digest);
}

static void add_list(struct digester *d, uint8_t digest[SHA1_SIZE], const struct list *list)
{
    struct list_walk walk;
    struct item item;
    list_walk_begin(list, &walk, 0, LIST_TAIL);
    while (list_walk_next(&walk, &item))
        chain(d, digest, item.base, item.size);
}

static void add_set(struct digester *d, uint8_t digest[SHA1_SIZE], const struct set *set)
{
    struct item item;
    for (size_t i = 0, n = set_size(set); i < n; i++) {
        set_at(set, i, &item);
        add(d, digest, item.base, item.size);
    }
}

static void add_hash(struct digester *d, uint8_t digest[SHA1_SIZE], const struct hash *hash)
{
    struct hash_walk walk;
    struct item field, value;
    hash_walk_begin(hash, &walk);
    while (hash_walk_next(&walk, &field, &value)) {
        uint8_t pair[SHA1_SIZE] = {0};
        chain(d, pair, field.base, field.size);
        chain(d, pair, value.base, value.size);
        add(d, digest, pair, SHA1_SIZE);
    }
}

static void add_zset(struct digester *d, uint8_t digest[SHA1_SIZE], const struct zset *zset)
{
    struct zset_walk walk;
    struct item member;
    double score;
    zset_walk_begin(zset, &walk, 0, false);
    while (zset_walk_next(&walk, &member, &score)) {
        uint8_t pair[SHA1_SIZE] = {0};
        char text[SCORE_TEXT_MAX];
        int size = snprintf(text, sizeof(text), "%.17g", score);
        chain(d, pair, member.base, member.size);
        chain(d, pair, text, (size_t)size);
        add(d, digest, pair, SHA1_SIZE);
    }
}

static void add_value(struct digester *d, uint8_t digest[SHA1_SIZE], const struct entry *e)
{
    struct item item;
    uint32_t type = htonl((uint32_t)entry_type(e));
    chain(d, digest, &type, sizeof(type));
    switch (entry_type(e)) {
    case VALUE_STRING:
        entry_string(e, &item);
        chain(d, digest, item.base, item.size);
        break;
    case VALUE_LIST:
        add_list(d, digest, entry_list(e));
        break;
    case VALUE_SET:
        add_set(d, digest, entry_set(e));
        break;
    case VALUE_HASH:
        add_hash(d, digest, entry_hash(e));
        break;
    case VALUE_ZSET:
        add_zset(d, digest, entry_zset(e));
        break;
    }
    if (entry_deadline(e) != DB_NO_DEADLINE)
        add(d, digest, "!!expire!!", strlen("!!expire!!"));
}

static void add_database(struct digester *d, uint8_t digest[SHA1_SIZE], struct db *db, int number)
{
    struct db_cursor cursor = {0};
    uint32_t id = htonl((uint32_t)number);
    chain(d, digest, &id, sizeof(id));
    db_seek(db, &cursor, SLICE(""));
    while (cursor.entry) {
        struct slice key = entry_key(cursor.entry);
        uint8_t one[SHA1_SIZE] = {0};
        chain(d, one, key.base, key.size);
        add_value(d, one, cursor.entry);
        add(d, digest, one, SHA1_SIZE);
        db_next(&cursor);
    }
    db_cursor_free(&cursor);
}

void keyspace_digest_redis(struct keyspace *ks, uint8_t digest[20])
{
    struct digester d;
    digester_init(&d);
    memset(digest, 0, SHA1_SIZE);
    for (int i = 0; i < keyspace_databases(ks); i++) {
        struct db *db = keyspace_db(ks, i);
        if (db_size(db))
            add_database(&d, digest, db, i);
    }
    digester_deinit(&d);
}

void entry_digest_redis(const struct db *db, const struct entry *e, uint8_t digest[20])
{
    struct digester d;
    (void)db;
    digester_init(&d);
    memset(digest, 0, SHA1_SIZE);
    add_value(&d, digest, e);
    digester_deinit(&d);
}
