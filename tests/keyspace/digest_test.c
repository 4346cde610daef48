/* SPDX-License-Identifier: MIT
 * digest_test: what a digest must see, what it must not see, and that Redis's are Redis's. */
#include "services/keyspace/digest.h"

#include "tests/keyspace/state.h"

enum { HISTORIES = 20, CHANGES = 200, KEYS = 10 };

static void set_text(struct db *db, const char *key, const char *value)
{
    struct slice k = slice_from_string(key);
    db_set_string(db, k, db_hash(db, k), slice_from_string(value), DB_NO_DEADLINE);
}

static struct entry *add(struct db *db, const char *key, enum value_type type)
{
    return db_add(db, slice_from_string(key), db_hash(db, slice_from_string(key)), type);
}

static bool same(struct keyspace *a, struct keyspace *b)
{
    struct keyspace_digest x = keyspace_digest(a), y = keyspace_digest(b);
    return memcmp(&x, &y, sizeof(x)) == 0;
}

static void assert_hex(const uint8_t digest[20], const char *expected)
{
    char text[41];
    for (int i = 0; i < 20; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
    assert_string_equal(text, expected);
}

static void assert_redis(struct keyspace *ks, const char *expected)
{
    uint8_t digest[20];
    keyspace_digest_redis(ks, digest);
    assert_hex(digest, expected);
}

static void assert_value(struct db *db, const char *key, const char *expected)
{
    uint8_t digest[20];
    entry_digest_redis(db, db_find(db, slice_from_string(key)), digest);
    assert_hex(digest, expected);
}

static void the_order_in_which_keys_and_members_came_is_not_seen(void **state)
{
    (void)state;
    static const char *const words[] = {"a", "b", "c", "12", "-7", "a longer member, so that it is not packed as a small one: 1234567890"};
    struct keyspace *ks[2] = {state_new(), state_new()};
    for (int i = 0; i < 2; i++) {
        struct db *db = keyspace_db(ks[i], 0);
        set_text(db, i ? "x" : "y", "1");
        set_text(db, i ? "y" : "x", "1");
        struct set *set = entry_set(add(db, "set", VALUE_SET));
        struct hash *hash = entry_hash(add(db, "hash", VALUE_HASH));
        struct zset *zset = entry_zset(add(db, "zset", VALUE_ZSET));
        if (i) { /* another encoding as well */
            hash_make_large(hash);
            zset_make_large(zset);
        }
        for (int j = 0; j < 6; j++) {
            struct slice word = slice_from_string(words[i ? j : 5 - j]);
            set_add(set, word);
            hash_set(hash, word, word);
            zset_set(zset, word, 1.5);
        }
    }
    assert_true(same(ks[0], ks[1]));
    uint8_t a[20], b[20];
    keyspace_digest_redis(ks[0], a);
    keyspace_digest_redis(ks[1], b);
    assert_memory_equal(a, b, 20);
    keyspace_free(ks[0]);
    keyspace_free(ks[1]);
}

/* Each line makes one state; no two may have one digest. */
static void everything_else_is_seen(void **state)
{
    (void)state;
    enum { STATES = 17 };
    struct keyspace *ks[STATES];
    for (int i = 0; i < STATES; i++) {
        ks[i] = state_new();
        struct db *db = keyspace_db(ks[i], 0);
        switch (i) {
        case 0: break;
        case 1: set_text(db, "a", "1"); break;
        case 2: set_text(db, "a", "2"); break;
        case 3: set_text(db, "1", "a"); break;
        case 4: set_text(keyspace_db(ks[i], 1), "a", "1"); break;
        case 5: set_text(db, "a", "1"); db_set_deadline(db, db_find(db, SLICE("a")), 5); break;
        case 6: set_text(db, "a", "1"); db_set_deadline(db, db_find(db, SLICE("a")), 6); break;
        case 7: set_text(db, "a1", ""); break;
        case 8: list_push(entry_list(add(db, "a", VALUE_LIST)), LIST_TAIL, SLICE("1")); break;
        case 9: set_add(entry_set(add(db, "a", VALUE_SET)), SLICE("1")); break;
        case 10: hash_set(entry_hash(add(db, "a", VALUE_HASH)), SLICE("1"), SLICE("")); break;
        case 11: hash_set(entry_hash(add(db, "a", VALUE_HASH)), SLICE(""), SLICE("1")); break;
        case 12: zset_set(entry_zset(add(db, "a", VALUE_ZSET)), SLICE("1"), 1); break;
        case 13: zset_set(entry_zset(add(db, "a", VALUE_ZSET)), SLICE("1"), 2); break;
        case 14:
        case 15:
        case 16: {
            struct list *list = entry_list(add(db, "a", VALUE_LIST));
            list_push(list, LIST_TAIL, i == 14 ? SLICE("x") : i == 15 ? SLICE("y") : SLICE("xy"));
            list_push(list, LIST_TAIL, i == 14 ? SLICE("y") : i == 15 ? SLICE("x") : SLICE(""));
        }
        }
    }
    for (int i = 0; i < STATES; i++)
        for (int j = 0; j < i; j++)
            if (same(ks[i], ks[j]))
                fail_msg("states %d and %d", i, j);
    for (int i = 0; i < STATES; i++)
        keyspace_free(ks[i]);
}

static void it_is_the_sum_of_its_entries(void **state)
{
    (void)state;
    uint64_t seed = test_seed(1);
    for (unsigned i = 0; i < HISTORIES; i++) {
        struct test_random random = {seed + i};
        struct keyspace *ks = state_new();
        for (int j = 0; j < CHANGES; j++)
            state_change(ks, &random, KEYS);
        struct keyspace_digest sum = {{0}}, whole = keyspace_digest(ks);
        for (int number = STATE_DATABASES; number--;) {
            struct db_cursor cursor = {0};
            db_seek(keyspace_db(ks, number), &cursor, SLICE(""));
            for (; cursor.entry; db_next(&cursor)) {
                struct keyspace_digest part = digest_entry(number, cursor.entry);
                digest_add(&sum, &part);
            }
            db_cursor_free(&cursor);
        }
        assert_memory_equal(&sum, &whole, sizeof(sum));
        keyspace_free(ks);
    }
}

/* The format is on disk: these figures never change. */
static void known_figures(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_SIZE];
    struct keyspace *ks = state_new();
    struct keyspace_digest digest = keyspace_digest(ks);
    digest_text(&digest, text);
    assert_string_equal(text, "00000000000000000000000000000000");
    set_text(keyspace_db(ks, 0), "a", "1");
    digest = keyspace_digest(ks);
    digest_text(&digest, text);
    assert_string_equal(text, "255cc34b9ae4e7a1036384038148d027");
    keyspace_free(ks);
}

/* What redis-server 7.0.15 printed for DEBUG DIGEST after each of these, and for DEBUG DIGEST-VALUE. */
static void known_figures_of_redis(void **state)
{
    (void)state;
    struct keyspace *ks = state_new();
    struct db *db = keyspace_db(ks, 0);
    assert_redis(ks, "0000000000000000000000000000000000000000");
    set_text(db, "a", "1");
    assert_redis(ks, "943d800368fb9c0e951138f1bc0e313ac769d91f");
    struct entry *list = add(db, "list", VALUE_LIST);
    list_push(entry_list(list), LIST_TAIL, SLICE("x"));
    list_push(entry_list(list), LIST_TAIL, SLICE("y"));
    list_push(entry_list(list), LIST_TAIL, SLICE("12"));
    assert_redis(ks, "dec157e067b01fbcaa60d76c9ad02d72d7f0a44c");
    struct set *set = entry_set(add(db, "set", VALUE_SET));
    set_add(set, SLICE("1"));
    set_add(set, SLICE("2"));
    set_add(set, SLICE("word"));
    assert_redis(ks, "243cb8dfcba7045447567c107513af0b9207da57");
    struct hash *hash = entry_hash(add(db, "hash", VALUE_HASH));
    hash_set(hash, SLICE("f"), SLICE("v"));
    hash_set(hash, SLICE("g"), SLICE("2"));
    assert_redis(ks, "c67cb1648bc70de5140d794ae641a4bf15043a28");
    struct zset *zset = entry_zset(add(db, "zset", VALUE_ZSET));
    zset_set(zset, SLICE("a"), 0.1);
    zset_set(zset, SLICE("b"), -__builtin_inf());
    zset_set(zset, SLICE("c"), 3);
    assert_redis(ks, "50b6e1c89e7e08ee1bd0c6df2d3781310918600c");
    db_set_deadline(db, db_find(db, SLICE("list")), 4102444800000);
    assert_redis(ks, "7e02b67fead7975221c8f9e7cddffa29043225ee");
    set_text(keyspace_db(ks, 1), "b", "text");
    assert_redis(ks, "5f82814e0efcced7e260cd1db37a4949e10c2023");
    assert_value(db, "zset", "20cba9f28f41c7e9266d4cf8dc1c736c7d26f78a");
    assert_value(db, "list", "b9b245a14c1c31940167da0a2db6619034750c07");
    keyspace_free(ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_in_which_keys_and_members_came_is_not_seen),
        cmocka_unit_test(everything_else_is_seen),
        cmocka_unit_test(it_is_the_sum_of_its_entries),
        cmocka_unit_test(known_figures),
        cmocka_unit_test(known_figures_of_redis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
