/* SPDX-License-Identifier: MIT
 * snapshot_test: whatever happens while a snapshot is taken, the image is the state at the beginning. */
#include "services/keyspace/snapshot.h"

#include <errno.h>
#include <time.h>

#include "services/keyspace/keyset.h"
#include "tests/keyspace/state.h"

enum { HISTORIES = 40, CHANGES_BEFORE = 300, KEYS = 60, LARGE_KEYS = 20000, HUGE_MEMBERS = 100000 };

static struct snapshot *begin(struct keyspace *ks, struct buffer *file)
{
    struct rdb_header header = {.ctime_s = 1700000000};
    struct snapshot *snapshot = snapshot_begin(ks, &header, state_sink, file);
    assert_non_null(snapshot);
    return snapshot;
}

static void change_whole_databases(struct keyspace *ks, struct test_random *random)
{
    int a = (int)test_random_below(random, STATE_DATABASES), b = (int)test_random_below(random, STATE_DATABASES);
    if (test_random_below(random, 2))
        keyspace_swap(ks, a, b);
    else
        db_flush(keyspace_db(ks, a));
}

/* The file holds exactly the state that was described, and says the same digest. */
static void assert_image(struct buffer *file, struct buffer *expected, struct keyspace_digest digest, uint64_t seed)
{
    struct rdb_result result;
    struct keyspace *restored = state_new();
    if (rdb_load_memory(restored, buffer_slice(file), NULL, &result))
        fail_msg("seed %llu: %s", (unsigned long long)seed, result.error);
    assert_true(result.verified);
    assert_memory_equal(&digest, &result.digest, sizeof(digest));
    struct buffer is = state_describe(restored);
    state_assert_same(&is, expected, seed);
    buffer_free(&is);
    keyspace_free(restored);
}

static void history(uint64_t seed)
{
    struct test_random random = {seed};
    struct keyspace *ks = state_new();
    struct buffer file = {0};
    for (int i = 0; i < CHANGES_BEFORE; i++)
        state_change(ks, &random, KEYS);
    struct buffer expected = state_describe(ks);
    struct keyspace_digest digest = keyspace_digest(ks);
    struct snapshot *snapshot = begin(ks, &file);
    uint64_t pace = 1 + test_random_below(&random, 20), big_changes = test_random_below(&random, 3);
    int done = 0;
    while (!done) {
        for (uint64_t n = test_random_below(&random, pace); n; n--)
            state_change(ks, &random, KEYS);
        if (big_changes && !test_random_below(&random, 8))
            change_whole_databases(ks, &random);
        done = snapshot_step(snapshot, test_random_below(&random, 6));
    }
    assert_int_equal(done, 1);
    struct keyspace_digest image = snapshot_digest(snapshot);
    assert_memory_equal(&image, &digest, sizeof(digest));
    snapshot_end(snapshot);
    assert_image(&file, &expected, digest, seed);
    buffer_free(&file);
    buffer_free(&expected);
    keyspace_free(ks);
}

static void the_image_is_the_state_at_the_beginning(void **state)
{
    (void)state;
    uint64_t seed = test_seed(1);
    for (unsigned i = 0; i < HISTORIES * test_long_factor(); i++)
        history(seed + i);
}

static void fill(struct keyspace *ks, int number, int keys)
{
    struct db *db = keyspace_db(ks, number);
    for (int i = 0; i < keys; i++) {
        char text[32];
        struct slice key = slice_of(text, (size_t)sprintf(text, "key:%06d", i));
        db_set_string(db, key, db_hash(db, key), key, i % 10 ? DB_NO_DEADLINE : i);
    }
}

/* Databases are flushed, filled again and exchanged before the walk has come to them. */
static void flushed_and_exchanged_databases_are_written_as_they_were(void **state)
{
    (void)state;
    struct keyspace *ks = state_new();
    struct buffer file = {0};
    for (int i = 0; i < STATE_DATABASES; i++)
        fill(ks, i, 100 * (i + 1));
    struct buffer expected = state_describe(ks);
    struct snapshot *snapshot = begin(ks, &file);
    assert_int_equal(snapshot_step(snapshot, 50), 0);
    keyspace_swap(ks, 0, 3);
    db_flush(keyspace_db(ks, 3)); /* half written, and elsewhere than it began */
    assert_int_equal(db_size(keyspace_db(ks, 3)), 0);
    fill(ks, 3, 30);
    keyspace_swap(ks, 3, 2);
    db_flush(keyspace_db(ks, 1));
    db_flush(keyspace_db(ks, 1));
    while (snapshot_step(snapshot, 7) == 0)
        ;
    struct keyspace_digest digest = snapshot_digest(snapshot);
    snapshot_end(snapshot);
    assert_image(&file, &expected, digest, 0);
    assert_int_equal(db_size(keyspace_db(ks, 2)), 30);
    buffer_free(&file);
    buffer_free(&expected);
    keyspace_free(ks);
}

static void an_unfinished_snapshot_is_forgotten_without_a_trace(void **state)
{
    (void)state;
    struct keyspace *ks = state_new();
    struct buffer file = {0};
    struct rdb_result result;
    fill(ks, 0, 100);
    fill(ks, 1, 100);
    struct snapshot *snapshot = begin(ks, &file);
    assert_null(snapshot_begin(ks, &(struct rdb_header){0}, state_sink, &file));
    assert_int_equal(snapshot_step(snapshot, 50), 0);
    db_flush(keyspace_db(ks, 1));
    db_delete(keyspace_db(ks, 0), db_find(keyspace_db(ks, 0), SLICE("key:000070")));
    snapshot_end(snapshot);
    struct keyspace *other = state_new();
    assert_int_equal(rdb_load_memory(other, buffer_slice(&file), NULL, &result), -EBADMSG);
    keyspace_free(other);
    file.size = 0;
    struct buffer expected = state_describe(ks);
    snapshot = begin(ks, &file);
    while (snapshot_step(snapshot, 50) == 0)
        ;
    struct keyspace_digest digest = snapshot_digest(snapshot);
    snapshot_end(snapshot);
    assert_image(&file, &expected, digest, 0);
    buffer_free(&file);
    buffer_free(&expected);
    keyspace_free(ks);
}

static int full_disk(void *context, const void *bytes, size_t size)
{
    (void)context, (void)bytes, (void)size;
    return -ENOSPC;
}

static void an_error_of_the_sink_is_returned(void **state)
{
    (void)state;
    struct keyspace *ks = state_new();
    fill(ks, 0, 100);
    struct snapshot *snapshot = snapshot_begin(ks, &(struct rdb_header){0}, full_disk, NULL);
    assert_int_equal(snapshot_step(snapshot, 10), -ENOSPC);
    assert_int_equal(snapshot_step(snapshot, 10), -ENOSPC);
    db_flush(keyspace_db(ks, 0));
    snapshot_end(snapshot);
    keyspace_free(ks);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* No figure is asserted; snapshot.h quotes what this prints. */
static void costs_are_told(void **state)
{
    (void)state;
    struct keyspace *ks = state_new();
    struct db *db = keyspace_db(ks, 0);
    struct buffer file = {0};
    fill(ks, 0, LARGE_KEYS);
    struct hash *hash = entry_hash(db_add(db, SLICE("huge"), db_hash(db, SLICE("huge")), VALUE_HASH));
    for (int i = 0; i < HUGE_MEMBERS; i++) {
        char text[32];
        struct slice field = slice_of(text, (size_t)sprintf(text, "field:%06d", i));
        hash_set(hash, field, field);
    }
    struct snapshot *snapshot = begin(ks, &file);
    double start = seconds();
    db_edit(db, db_find(db, SLICE("huge")));
    double huge = seconds() - start;
    start = seconds();
    fill(ks, 0, LARGE_KEYS);
    double first = seconds() - start;
    start = seconds();
    fill(ks, 0, LARGE_KEYS);
    double later = seconds() - start;
    struct snapshot_progress progress;
    snapshot_progress(snapshot, &progress);
    assert_int_equal(progress.keys_early, LARGE_KEYS + 1);
    while (snapshot_step(snapshot, 1000) == 0)
        ;
    snapshot_end(snapshot);
    start = seconds();
    fill(ks, 0, LARGE_KEYS);
    double alone = seconds() - start;
    print_message("a hash of %d fields: %.1f ms; a SET ahead of the walk: %.0f ns, again %.0f ns, without a snapshot %.0f ns\n",
                  HUGE_MEMBERS, huge * 1e3, first / LARGE_KEYS * 1e9, later / LARGE_KEYS * 1e9, alone / LARGE_KEYS * 1e9);
    buffer_free(&file);
    keyspace_free(ks);
}

static void a_keyset_knows_its_keys(void **state)
{
    (void)state;
    static struct keyset set;
    char *large = calloc(1, 100000);
    for (uint64_t i = 0; i < 20000; i++) {
        char text[32];
        struct slice key = slice_of(text, (size_t)sprintf(text, "%llu", (unsigned long long)i));
        uint64_t hash = i * 0x9e3779b97f4a7c15u;
        assert_false(keyset_contains(&set, key, hash));
        assert_true(keyset_add(&set, key, hash));
        assert_false(keyset_add(&set, key, hash));
        assert_true(keyset_contains(&set, key, hash));
    }
    assert_true(keyset_contains(&set, SLICE("77"), 77 * 0x9e3779b97f4a7c15u));
    assert_true(keyset_add(&set, SLICE("other"), 77 * 0x9e3779b97f4a7c15u)); /* the same hash */
    assert_true(keyset_add(&set, slice_of(large, 100000), 5));
    assert_true(keyset_add(&set, SLICE(""), 5));
    assert_true(keyset_contains(&set, slice_of(large, 100000), 5));
    assert_false(keyset_contains(&set, slice_of(large, 99999), 5));
    assert_int_equal(set.count, 20003);
    keyset_deinit(&set);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyset_knows_its_keys),
        cmocka_unit_test(the_image_is_the_state_at_the_beginning),
        cmocka_unit_test(flushed_and_exchanged_databases_are_written_as_they_were),
        cmocka_unit_test(an_unfinished_snapshot_is_forgotten_without_a_trace),
        cmocka_unit_test(an_error_of_the_sink_is_returned),
        cmocka_unit_test(costs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
