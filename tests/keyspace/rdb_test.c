/* SPDX-License-Identifier: MIT
 * rdb_test: what is written comes back the same in everything that can be seen; what is damaged is refused; files that
 * redis-server wrote are read. */
#include "services/keyspace/rdb.h"

#include <errno.h>
#include <unistd.h>

#include "services/keyspace/crc64.h"
#include "tests/keyspace/state.h"

enum { HISTORIES = 60, CHANGES = 250, KEYS = 12 };
#define CORPUS "tests/fuzz/corpus/rdb/"

static struct keyspace *random_state(uint64_t seed)
{
    struct test_random random = {seed};
    struct keyspace *ks = state_new();
    for (int i = 0; i < CHANGES; i++)
        state_change(ks, &random, KEYS);
    return ks;
}

static struct keyspace *load(struct buffer *file)
{
    struct rdb_result result;
    struct keyspace *ks = state_new();
    int error = rdb_load_memory(ks, buffer_slice(file), NULL, &result);
    if (error)
        fail_msg("%s", result.error);
    assert_true(result.verified);
    assert_int_equal(result.bytes, file->size);
    return ks;
}

static void everything_comes_back(void **state)
{
    (void)state;
    uint64_t seed = test_seed(1);
    for (unsigned i = 0; i < HISTORIES * test_long_factor(); i++, seed++) {
        struct keyspace *ks = random_state(seed);
        struct buffer file = state_save(ks);
        struct keyspace *restored = load(&file);
        struct buffer is = state_describe(restored), expected = state_describe(ks);
        state_assert_same(&is, &expected, seed);
        /* And both go on alike. */
        for (int j = 0; j < 2; j++) {
            struct test_random random = {seed + 1000};
            for (int k = 0; k < CHANGES; k++)
                state_change(j ? restored : ks, &random, KEYS);
        }
        struct buffer is_later = state_describe(restored), expected_later = state_describe(ks);
        state_assert_same(&is_later, &expected_later, seed);
        buffer_free(&is);
        buffer_free(&expected);
        buffer_free(&is_later);
        buffer_free(&expected_later);
        buffer_free(&file);
        keyspace_free(ks);
        keyspace_free(restored);
    }
}

static void limits_of_the_configuration_do_not_change_what_a_file_restores(void **state)
{
    (void)state;
    struct keyspace *ks = random_state(test_seed(2)), *restored = state_new();
    struct buffer file = state_save(ks), expected = state_describe(ks);
    struct rdb_result result;
    struct keyspace_limits before = {1, 1, -2, 1, 1, 1, 1, 1};
    before.list_max_listpack_size = keyspace_limits(ks)->list_max_listpack_size;
    *keyspace_limits(restored) = before;
    assert_int_equal(rdb_load_memory(restored, buffer_slice(&file), NULL, &result), 0);
    struct buffer is = state_describe(restored);
    state_assert_same(&is, &expected, test_seed(2));
    assert_memory_equal(keyspace_limits(restored), &before, sizeof(before));
    buffer_free(&file);
    buffer_free(&is);
    buffer_free(&expected);
    keyspace_free(ks);
    keyspace_free(restored);
}

/* Only the large form keeps the sign of zero; as it does in Redis. */
static void the_sign_of_zero_comes_back(void **state)
{
    (void)state;
    double score = 1;
    struct keyspace *ks = state_new();
    struct zset *zset = entry_zset(db_add(keyspace_db(ks, 0), SLICE("z"), db_hash(keyspace_db(ks, 0), SLICE("z")), VALUE_ZSET));
    zset_make_large(zset);
    zset_set(zset, SLICE("m"), -0.0);
    struct buffer file = state_save(ks);
    struct keyspace *restored = load(&file);
    assert_true(zset_score(entry_zset(db_find(keyspace_db(restored, 0), SLICE("z"))), SLICE("m"), &score));
    assert_true(score == 0 && __builtin_signbit(score));
    buffer_free(&file);
    keyspace_free(restored);
    keyspace_free(ks);
}

/* One node, but too full to be called a listpack again. */
static void a_list_that_was_larger_comes_back_as_a_quicklist(void **state)
{
    (void)state;
    struct keyspace *ks = state_new();
    struct list *list = entry_list(db_add(keyspace_db(ks, 0), SLICE("l"), db_hash(keyspace_db(ks, 0), SLICE("l")), VALUE_LIST));
    while (list_nodes(list) < 2)
        list_push(list, LIST_TAIL, SLICE("an element of forty bytes, more or less"));
    while (list_nodes(list) > 1)
        list_drop(list, LIST_TAIL);
    assert_string_equal(list_encoding(list), "quicklist");
    struct buffer file = state_save(ks), expected = state_describe(ks);
    struct keyspace *restored = load(&file);
    struct buffer is = state_describe(restored);
    state_assert_same(&is, &expected, 0);
    buffer_free(&is);
    buffer_free(&expected);
    buffer_free(&file);
    keyspace_free(restored);
    keyspace_free(ks);
}

/* A source that gives what it likes, a few bytes at a time. */
struct drip {
    struct slice file;
    size_t step;
    int fail_after; /* calls; -1: never */
};

static ssize_t drip(void *context, void *bytes, size_t size)
{
    struct drip *d = context;
    if (d->fail_after == 0)
        return -EIO;
    d->fail_after -= d->fail_after > 0;
    size_t n = d->step < d->file.size ? d->step : d->file.size;
    n = n < size ? n : size;
    memcpy(bytes, d->file.base, n);
    d->file.base += n;
    d->file.size -= n;
    return (ssize_t)n;
}

static void any_split_reads_alike(void **state)
{
    (void)state;
    struct keyspace *ks = random_state(test_seed(3));
    struct buffer file = state_save(ks), expected = state_describe(ks);
    for (size_t step = 1; step < 40; step += 6) {
        struct keyspace *restored = state_new();
        struct drip d = {buffer_slice(&file), step, -1};
        struct rdb_result result;
        assert_int_equal(rdb_load(restored, drip, &d, NULL, &result), 0);
        struct buffer is = state_describe(restored);
        state_assert_same(&is, &expected, test_seed(3));
        buffer_free(&is);
        keyspace_free(restored);
    }
    buffer_free(&file);
    buffer_free(&expected);
    keyspace_free(ks);
}

static void an_error_of_the_source_is_returned(void **state)
{
    (void)state;
    struct keyspace *ks = random_state(test_seed(4)), *restored = state_new();
    struct buffer file = state_save(ks);
    struct drip d = {buffer_slice(&file), 100, 3};
    struct rdb_result result;
    assert_int_equal(rdb_load(restored, drip, &d, NULL, &result), -EIO);
    assert_non_null(strstr(result.error, "reading failed"));
    buffer_free(&file);
    keyspace_free(ks);
    keyspace_free(restored);
}

static int failing_sink(void *context, const void *bytes, size_t size)
{
    (void)bytes, (void)size;
    ++*(int *)context;
    return -ENOSPC;
}

static void an_error_of_the_sink_ends_the_writing(void **state)
{
    (void)state;
    int calls = 0;
    struct keyspace *ks = random_state(test_seed(5));
    assert_int_equal(rdb_save(ks, &(struct rdb_header){0}, failing_sink, &calls), -ENOSPC);
    assert_int_equal(calls, 1);
    keyspace_free(ks);
}

/* A state of one small key of each type. */
static struct keyspace *small_state(void)
{
    struct keyspace *ks = state_new();
    struct db *db = keyspace_db(ks, 1);
    db_set_string(db, SLICE("string"), db_hash(db, SLICE("string")), SLICE("a value"), 123456789);
    db_set_string(db, SLICE("number"), db_hash(db, SLICE("number")), SLICE("-70000"), DB_NO_DEADLINE);
    list_push(entry_list(db_add(db, SLICE("list"), db_hash(db, SLICE("list")), VALUE_LIST)), LIST_TAIL, SLICE("element"));
    set_add(entry_set(db_add(db, SLICE("set"), db_hash(db, SLICE("set")), VALUE_SET)), SLICE("member"));
    hash_set(entry_hash(db_add(db, SLICE("hash"), db_hash(db, SLICE("hash")), VALUE_HASH)), SLICE("field"), SLICE("value"));
    zset_set(entry_zset(db_add(db, SLICE("zset"), db_hash(db, SLICE("zset")), VALUE_ZSET)), SLICE("member"), 1.5);
    return ks;
}

static int load_and_drop(struct slice file, struct rdb_result *result)
{
    struct keyspace *ks = state_new();
    int error = rdb_load_memory(ks, file, NULL, result);
    keyspace_free(ks);
    return error;
}

static void a_file_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    struct keyspace *ks = small_state();
    struct buffer file = state_save(ks);
    struct rdb_result result;
    for (size_t size = 0; size < file.size; size++) {
        assert_int_equal(load_and_drop(slice_of(file.base, size), &result), -EBADMSG);
        assert_non_null(strstr(result.error, "at byte"));
    }
    assert_int_equal(load_and_drop(buffer_slice(&file), &result), 0);
    buffer_free(&file);
    keyspace_free(ks);
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
    (void)state;
    struct keyspace *ks = small_state();
    struct buffer file = state_save(ks);
    struct rdb_result result;
    for (size_t bit = 0; bit < 8 * file.size; bit += 3) {
        file.base[bit / 8] ^= (char)(1 << bit % 8);
        if (load_and_drop(buffer_slice(&file), &result) != -EBADMSG)
            fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
        file.base[bit / 8] ^= (char)(1 << bit % 8);
    }
    buffer_free(&file);
    keyspace_free(ks);
}

/* The checksum is right, the content is not what the digest says. */
static void a_wrong_digest_is_refused(void **state)
{
    (void)state;
    struct keyspace *ks = small_state();
    struct buffer file = state_save(ks);
    struct rdb_result result;
    char *value = memmem(file.base, file.size, "a value", 7);
    *value = 'b';
    uint64_t crc = crc64(0, file.base, file.size - 8);
    memcpy(file.base + file.size - 8, &crc, 8);
    assert_int_equal(load_and_drop(buffer_slice(&file), &result), -EBADMSG);
    assert_non_null(strstr(result.error, "digest"));
    struct keyspace *trusting = state_new();
    assert_int_equal(rdb_load_memory(trusting, buffer_slice(&file), &(struct rdb_options){.trust = true}, &result), 0);
    assert_false(result.verified);
    buffer_free(&file);
    keyspace_free(trusting);
    keyspace_free(ks);
}

static void assert_refused(struct slice file, const char *why)
{
    struct rdb_result result;
    assert_int_equal(load_and_drop(file, &result), -EBADMSG);
    if (!strstr(result.error, why))
        fail_msg("\"%s\" does not say \"%s\"", result.error, why);
}

static void what_cannot_be_read_is_refused_by_name(void **state)
{
    (void)state;
    assert_refused(SLICE("NOTREDIS\0\0\0"), "not an RDB file");
    assert_refused(SLICE("REDIS0099\xff"), "RDB version 99");
    assert_refused(SLICE("REDIS0010\x0f\x01k"), "stream");
    assert_refused(SLICE("REDIS0010\x0a\x01k"), "ziplist");
    assert_refused(SLICE("REDIS0010\x63\x01k"), "value type 99 is not known");
    assert_refused(SLICE("REDIS0010\xf5\x01k"), "functions");
    assert_refused(SLICE("REDIS0010\xfe\x20"), "database 32");
    assert_refused(SLICE("REDIS0010\0\x01k\x01v\0\x01k\x01v\xff"), "a key occurs twice");
}

static void an_announced_size_reserves_nothing(void **state)
{
    (void)state;
    assert_refused(SLICE("REDIS0010\0\x01k\x80\x1f\xff\xff\xff"), "cut off");              /* 512 MB of value */
    assert_refused(SLICE("REDIS0010\0\x01k\x81\xff\xff\xff\xff\xff\xff\xff\xff"), "a text of"); /* 16 EB */
    assert_refused(SLICE("REDIS0010\0\x01k\xc3\x04\x80\x1f\xff\xff\xff" "abcd"), "compressed");
    assert_refused(SLICE("REDIS0010\x02\x01k\x81\x0f\xff\xff\xff\xff\xff\xff\xff\x01""a"), "cut off");
    assert_refused(SLICE("REDIS0010\x0b\x01k\x08\x04\0\0\0\xff\xff\xff\x7f"), "intset");
    assert_refused(SLICE("REDIS0010\x10\x01k\x08\x08\0\0\0\x02\0\x01\xff"), "listpack");
}

static void count_aux(void *context, struct slice name, struct slice value)
{
    int *found = context;
    *found += slice_equal(name, SLICE("ctime")) && slice_equal(value, SLICE("1700000000"));
    *found += slice_equal(name, SLICE("locus-uuid")) && slice_equal(value, SLICE("u-1"));
    *found += slice_equal(name, SLICE(RDB_AUX_DIGEST)) && value.size == 32;
}

static void aux_fields_are_told(void **state)
{
    (void)state;
    int found = 0;
    struct rdb_aux aux = {SLICE("locus-uuid"), SLICE("u-1")};
    struct rdb_header header = {.ctime_s = 1700000000, .aux = &aux, .aux_count = 1};
    struct rdb_options options = {.aux = count_aux, .aux_context = &found};
    struct rdb_result result;
    struct buffer file = {0};
    struct keyspace *ks = state_new();
    assert_int_equal(rdb_save(ks, &header, state_sink, &file), 0);
    assert_int_equal(rdb_load_memory(ks, buffer_slice(&file), &options, &result), 0);
    assert_int_equal(found, 3);
    buffer_free(&file);
    keyspace_free(ks);
}

static void a_dumped_value_is_restored(void **state)
{
    (void)state;
    struct keyspace *ks = random_state(test_seed(6)), *copy = state_new();
    for (int i = 0; i < STATE_DATABASES; i++) {
        struct db_cursor cursor = {0};
        db_seek(keyspace_db(ks, i), &cursor, SLICE(""));
        for (; cursor.entry; db_next(&cursor)) {
            struct buffer payload = {0};
            struct entry *e;
            rdb_dump(cursor.entry, &payload);
            assert_true(rdb_payload_valid(buffer_slice(&payload)));
            db_set_string(keyspace_db(copy, i), SLICE("k1"), db_hash(keyspace_db(copy, i), SLICE("k1")), SLICE("old"), 5);
            assert_int_equal(rdb_restore(keyspace_db(copy, i), entry_key(cursor.entry), buffer_slice(&payload),
                                         entry_deadline(cursor.entry), &e), 0);
            struct keyspace_digest is = digest_entry(i, e), expected = digest_entry(i, cursor.entry);
            assert_memory_equal(&is, &expected, sizeof(is));
            payload.base[0] ^= 1;
            assert_false(rdb_payload_valid(buffer_slice(&payload)));
            buffer_free(&payload);
        }
        db_cursor_free(&cursor);
    }
    keyspace_free(ks);
    keyspace_free(copy);
}

static void a_bad_payload_changes_nothing(void **state)
{
    (void)state;
    static const char bad[][32] = {"\x0b\x03" "abc", "\x04\x01\x01" "f", "\x01\0", "\0\x01v+", "\x63\x01v"};
    static const size_t sizes[] = {5, 4, 2, 4, 3};
    struct keyspace *ks = state_new();
    struct db *db = keyspace_db(ks, 0);
    db_set_string(db, SLICE("k"), db_hash(db, SLICE("k")), SLICE("old"), DB_NO_DEADLINE);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buffer payload = {0};
        buffer_append(&payload, bad[i], sizes[i]);
        buffer_append(&payload, "\x0a\0", 2);
        uint64_t crc = crc64(0, payload.base, payload.size);
        buffer_append(&payload, &crc, sizeof(crc));
        assert_true(rdb_payload_valid(buffer_slice(&payload)));
        assert_int_equal(rdb_restore(db, SLICE("k"), buffer_slice(&payload), 7, NULL), -EBADMSG);
        assert_int_equal(rdb_restore(db, SLICE("new"), buffer_slice(&payload), 7, NULL), -EBADMSG);
        buffer_free(&payload);
    }
    struct item item;
    entry_string(db_find(db, SLICE("k")), &item);
    assert_true(slice_equal(item_slice(&item), SLICE("old")));
    assert_int_equal(db_size(db), 1);
    keyspace_free(ks);
}

static struct buffer read_whole(const char *path)
{
    struct buffer file = {0};
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: run the test from the top of the repository", path);
    for (size_t n; (n = fread(buffer_room(&file, 4096), 1, 4096, f)) > 0;)
        file.size += n;
    fclose(f);
    return file;
}

/* Written by redis-server 7.0.15; DEBUG DIGEST said then what stands here. */
static void files_of_redis_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *digest;
        int keys;
    } files[] = {
        {"redis_strings.rdb", "c18223509419b33eb2e2bec984d736bf93ab2048", 10},
        {"redis_small.rdb", "7d5e9edad058fe5ae36b308b556d46bbbd63ae3d", 7},
        {"redis_large.rdb", "be28f502ce7340cc0227f8b0fc583c0eecef0d56", 5},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[256], text[41];
        uint8_t digest[20];
        struct rdb_result result;
        snprintf(path, sizeof(path), CORPUS "%s", files[i].name);
        struct buffer file = read_whole(path);
        struct keyspace *ks = state_new();
        if (rdb_load_memory(ks, buffer_slice(&file), NULL, &result))
            fail_msg("%s: %s", path, result.error);
        assert_int_equal(result.keys, files[i].keys);
        keyspace_digest_redis(ks, digest);
        for (int j = 0; j < 20; j++)
            snprintf(text + 2 * j, 3, "%02x", digest[j]);
        assert_string_equal(text, files[i].digest);
        buffer_free(&file);
        keyspace_free(ks);
    }
}

/* Where Redis is installed, its own checker judges what is written here. */
static void redis_check_rdb_accepts_what_is_written(void **state)
{
    (void)state;
    char dir[128], path[160], command[700];
    if (access("/usr/bin/redis-check-rdb", X_OK))
        skip();
    struct keyspace *ks = random_state(test_seed(7));
    struct buffer file = state_save(ks);
    test_dir_make(dir, sizeof(dir));
    snprintf(path, sizeof(path), "%s/dump.rdb", dir);
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(file.base, 1, file.size, f), file.size);
    fclose(f);
    snprintf(command, sizeof(command), "/usr/bin/redis-check-rdb %s >%s/said 2>&1 || { cat %s/said; false; }", path, dir, dir);
    assert_int_equal(system(command), 0);
    test_dir_remove(dir);
    buffer_free(&file);
    keyspace_free(ks);
}

static void the_checksum_is_the_one_of_redis(void **state)
{
    (void)state;
    assert_true(crc64(0, "123456789", 9) == 0xe9c6d914c4b8d9ca);
    assert_true(crc64(crc64(0, "12345", 5), "6789", 4) == 0xe9c6d914c4b8d9ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_the_one_of_redis),
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(limits_of_the_configuration_do_not_change_what_a_file_restores),
        cmocka_unit_test(the_sign_of_zero_comes_back),
        cmocka_unit_test(a_list_that_was_larger_comes_back_as_a_quicklist),
        cmocka_unit_test(any_split_reads_alike),
        cmocka_unit_test(an_error_of_the_source_is_returned),
        cmocka_unit_test(an_error_of_the_sink_ends_the_writing),
        cmocka_unit_test(a_file_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(a_wrong_digest_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_refused_by_name),
        cmocka_unit_test(an_announced_size_reserves_nothing),
        cmocka_unit_test(aux_fields_are_told),
        cmocka_unit_test(a_dumped_value_is_restored),
        cmocka_unit_test(a_bad_payload_changes_nothing),
        cmocka_unit_test(files_of_redis_are_read),
        cmocka_unit_test(redis_check_rdb_accepts_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
