/* SPDX-License-Identifier: MIT
 * db_test: databases against a table of what they should hold; scanning, random choice and deadlines depend on content alone; a
 * million keys cost at most ninety bytes each. */
#include <unistd.h>

#include "services/keyspace/hash.h"
#include "services/keyspace/keyspace.h"
#include "services/keyspace/list.h"
#include "services/keyspace/set.h"
#include "services/keyspace/zset.h"
#include "tests/support.h"

#define DATABASES 3
#define KEYS 400
#define VALUE_MAX 9000

static struct keyspace *new_keyspace(void)
{
    struct keyspace_config config = {
        .databases = DATABASES,
        .hash_key = 0x1234567890abcdefu,
        .limits = {128, 64, -2, 512, 128, 64, 128, 64},
    };
    struct keyspace *ks = keyspace_new(&config);
    assert_non_null(ks);
    return ks;
}

static struct entry *set_text(struct db *db, struct slice key, struct slice value)
{
    return db_set_string(db, key, db_hash(db, key), value, DB_NO_DEADLINE);
}

static void assert_string(const struct entry *e, struct slice expected)
{
    struct item item;
    entry_string(e, &item);
    assert_true(slice_equal(item_slice(&item), expected));
    assert_int_equal(entry_string_size(e), expected.size);
}

/* ---- the model: what each key of a fixed set holds in each database ---- */

struct expected {
    bool present;
    bool raw;
    int64_t deadline_ms;
    struct buffer value;
};

struct model {
    struct keyspace *ks;
    struct slice keys[KEYS];
    struct expected at[DATABASES][KEYS];
};

/* Key number k: the empty one, NULs, prefixes of each other, long shared prefixes, and longer than entries keep inline. */
static struct slice make_key(unsigned k)
{
    char *text = malloc(3000);
    size_t size;
    if (k < 40) {
        memset(text, k % 2 ? 'a' : 0, size = k / 2);
        if (k > 20)
            text[k / 4] = 'b';
    } else if (k < 80) {
        memset(text, 'p', size = 2030 + k);
    } else {
        size = (size_t)snprintf(text, 3000, "key:%012u", k);
    }
    return slice_of(text, size);
}

static void open_model(struct model *m)
{
    *m = (struct model){.ks = new_keyspace()};
    for (unsigned k = 0, n = 0; k < KEYS; n++) {
        m->keys[k] = make_key(n);
        bool taken = false;
        for (unsigned i = 0; i < k; i++)
            taken |= slice_equal(m->keys[i], m->keys[k]);
        if (taken)
            free((char *)m->keys[k].base);
        else
            k++;
    }
    for (unsigned d = 0; d < DATABASES; d++)
        for (unsigned k = 0; k < KEYS; k++)
            m->at[d][k].deadline_ms = DB_NO_DEADLINE;
}

static void close_model(struct model *m)
{
    keyspace_free(m->ks);
    for (unsigned k = 0; k < KEYS; k++) {
        free((char *)m->keys[k].base);
        for (unsigned d = 0; d < DATABASES; d++)
            buffer_free(&m->at[d][k].value);
    }
}

static void expect(struct expected *x, struct slice value, int64_t deadline_ms, bool raw)
{
    x->present = true;
    x->raw = raw;
    x->deadline_ms = deadline_ms;
    x->value.size = 0;
    buffer_append_slice(&x->value, value);
}

static void forget(struct expected *x)
{
    x->present = false;
    x->deadline_ms = DB_NO_DEADLINE;
}

static bool is_integer(struct slice text)
{
    char printed[32];
    long long value;
    if (text.size == 0 || text.size > 20)
        return false;
    memcpy(printed, text.base, text.size);
    printed[text.size] = 0;
    value = strtoll(printed, NULL, 10);
    char again[32];
    return (size_t)snprintf(again, sizeof again, "%lld", value) == text.size && memcmp(again, text.base, text.size) == 0;
}

static void check_entry(const struct entry *e, struct slice key, const struct expected *x)
{
    assert_true(slice_equal(entry_key(e), key));
    assert_string(e, buffer_slice(&x->value));
    assert_int_equal(entry_deadline(e), x->deadline_ms);
    const char *encoding = x->raw || x->value.size > 44 ? "raw" : "embstr";
    if (!x->raw && is_integer(buffer_slice(&x->value)))
        encoding = "int";
    assert_string_equal(entry_encoding_name(e), encoding);
}

static int by_key(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void check_database(struct model *m, int d)
{
    struct db *db = keyspace_db(m->ks, d);
    struct slice present[KEYS];
    size_t count = 0, deadlines = 0;
    int64_t first = DB_NO_DEADLINE;
    for (unsigned k = 0; k < KEYS; k++) {
        const struct expected *x = &m->at[d][k];
        const struct entry *e = db_find(db, m->keys[k]);
        assert_int_equal(e != NULL, x->present);
        if (!e)
            continue;
        check_entry(e, m->keys[k], x);
        present[count++] = m->keys[k];
        deadlines += x->deadline_ms != DB_NO_DEADLINE;
        if (x->deadline_ms != DB_NO_DEADLINE && (first == DB_NO_DEADLINE || x->deadline_ms < first))
            first = x->deadline_ms;
    }
    assert_int_equal(db_size(db), count);
    assert_int_equal(db_deadlines(db), deadlines);
    assert_int_equal(db_first_deadline(db, NULL), first);
    qsort(present, count, sizeof *present, by_key);
    struct db_cursor cursor = {0};
    db_seek(db, &cursor, SLICE(""));
    for (size_t i = 0; i < count; i++, db_next(&cursor))
        assert_true(cursor.entry && slice_equal(entry_key(cursor.entry), present[i]));
    assert_null(cursor.entry);
    db_cursor_free(&cursor);
}

/* ---- random histories ---- */

static struct slice random_value(struct test_random *random, char *text)
{
    size_t size;
    switch (test_random_below(random, 4)) {
    case 0: size = (size_t)snprintf(text, 32, "%lld", (long long)test_random_next(random) >> test_random_below(random, 64)); break;
    case 1: memset(text, 'v', size = test_random_below(random, VALUE_MAX)); break;
    case 2: memset(text, '7', size = test_random_below(random, 24)); break;
    default: memset(text, 'w', size = test_random_below(random, 64));
    }
    return slice_of(text, size);
}

static int64_t random_deadline(struct test_random *random)
{
    switch (test_random_below(random, 3)) {
    case 0: return DB_NO_DEADLINE;
    case 1: return (int64_t)test_random_below(random, 20); /* many share a millisecond */
    default: return (int64_t)(test_random_next(random) >> (1 + test_random_below(random, 40)));
    }
}

static void do_set(struct model *m, struct test_random *random, int d, unsigned k)
{
    static char text[VALUE_MAX];
    struct db *db = keyspace_db(m->ks, d);
    struct expected *x = &m->at[d][k];
    struct slice value = random_value(random, text);
    int64_t deadline_ms = test_random_below(random, 4) ? random_deadline(random) : DB_KEEP_DEADLINE;
    db_set_string(db, m->keys[k], db_hash(db, m->keys[k]), value, deadline_ms);
    expect(x, value, deadline_ms == DB_KEEP_DEADLINE ? x->deadline_ms : deadline_ms, false);
}

static void do_resize(struct model *m, struct test_random *random, int d, unsigned k, struct entry *e)
{
    struct expected *x = &m->at[d][k];
    size_t old = x->value.size, size = test_random_below(random, test_random_below(random, 2) ? VALUE_MAX : 2 * old + 2);
    char *bytes = db_string_resize(keyspace_db(m->ks, d), &e, size);
    if (size > old)
        memset(buffer_room(&x->value, size - old), 0, size - old);
    x->value.size = size;
    x->raw = true;
    if (size > 0) {
        size_t at = test_random_below(random, size);
        bytes[at] = x->value.base[at] = (char)test_random_next(random);
    }
    check_entry(e, m->keys[k], x);
}

static void do_increment(struct model *m, int d, unsigned k, struct entry *e)
{
    int64_t value;
    char text[32];
    struct expected *x = &m->at[d][k];
    if (!entry_integer(e, &value))
        return;
    value = (int64_t)((uint64_t)value * 3 + 1);
    db_update_integer(keyspace_db(m->ks, d), e, value);
    expect(x, slice_of(text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value)), x->deadline_ms, false);
}

static void do_move_or_copy(struct model *m, struct test_random *random, int d, unsigned k, struct entry *e, bool copy)
{
    int to = (int)test_random_below(random, DATABASES);
    unsigned target = (unsigned)test_random_below(random, KEYS);
    if (to == d && target == k && copy)
        return;
    struct expected *x = &m->at[d][k], *y = &m->at[to][target];
    struct db *from_db = keyspace_db(m->ks, d), *to_db = keyspace_db(m->ks, to);
    e = copy ? db_copy(from_db, e, to_db, m->keys[target]) : db_move(from_db, e, to_db, m->keys[target]);
    if (x != y) {
        expect(y, buffer_slice(&x->value), x->deadline_ms, x->raw);
        if (!copy)
            forget(x);
    }
    check_entry(e, m->keys[target], y);
}

static void do_whole(struct model *m, struct test_random *random, int d)
{
    if (test_random_below(random, 2)) {
        db_flush(keyspace_db(m->ks, d));
        for (unsigned k = 0; k < KEYS; k++)
            forget(&m->at[d][k]);
        return;
    }
    int other = (int)test_random_below(random, DATABASES);
    keyspace_swap(m->ks, d, other);
    for (unsigned k = 0; k < KEYS; k++) {
        struct expected x = m->at[d][k];
        m->at[d][k] = m->at[other][k];
        m->at[other][k] = x;
    }
}

static void do_one(struct model *m, struct test_random *random)
{
    int d = (int)test_random_below(random, DATABASES);
    unsigned k = (unsigned)test_random_below(random, KEYS);
    struct db *db = keyspace_db(m->ks, d);
    struct entry *e = db_find(db, m->keys[k]);
    if (test_random_below(random, 4000) == 0)
        do_whole(m, random, d);
    else if (!e || test_random_below(random, 4) == 0)
        do_set(m, random, d, k);
    else
        switch (test_random_below(random, 6)) {
        case 0: do_resize(m, random, d, k, e); break;
        case 1: do_increment(m, d, k, e); break;
        case 2:
            m->at[d][k].deadline_ms = random_deadline(random);
            check_entry(db_set_deadline(db, e, m->at[d][k].deadline_ms), m->keys[k], &m->at[d][k]);
            break;
        case 3:
            db_delete(db, e);
            forget(&m->at[d][k]);
            break;
        default: do_move_or_copy(m, random, d, k, e, test_random_below(random, 2));
        }
}

static void random_histories_agree_with_a_table(void **state)
{
    (void)state;
    static struct model m;
    struct test_random random = {test_seed(41)};
    print_message("seed %llu\n", (unsigned long long)random.state);
    open_model(&m);
    for (unsigned round = 0; round < 20 * test_long_factor(); round++) {
        for (unsigned step = 0; step < 2000; step++)
            do_one(&m, &random);
        for (int d = 0; d < DATABASES; d++)
            check_database(&m, d);
    }
    close_model(&m);
}

/* ---- encodings, collections ---- */

static void encodings_are_named_as_redis_names_them(void **state)
{
    (void)state;
    struct keyspace *ks = new_keyspace();
    struct db *db = keyspace_db(ks, 0);
    char text[64];
    memset(text, 'x', sizeof text);
    assert_string_equal(entry_encoding_name(set_text(db, SLICE("k"), SLICE("12345678901234567"))), "int");
    assert_string_equal(entry_encoding_name(set_text(db, SLICE("k"), SLICE("-0"))), "embstr");
    assert_string_equal(entry_encoding_name(set_text(db, SLICE("k"), SLICE(""))), "embstr");
    assert_string_equal(entry_encoding_name(set_text(db, SLICE("k"), slice_of(text, 44))), "embstr");
    assert_string_equal(entry_encoding_name(set_text(db, SLICE("k"), slice_of(text, 45))), "raw");
    struct entry *e = set_text(db, SLICE("k"), SLICE("9223372036854775807"));
    assert_string_equal(entry_encoding_name(e), "int");
    db_string_resize(db, &e, 20)[19] = '!';
    assert_string(e, SLICE("9223372036854775807!"));
    assert_string_equal(entry_encoding_name(e), "raw");
    assert_string_equal(entry_encoding_name(set_text(db, SLICE("k"), SLICE("x"))), "embstr");
    entry_touch(e, 5000);
    assert_int_equal(entry_idle_s(e, 65999), 60);
    keyspace_free(ks);
}

static void collections_live_in_entries(void **state)
{
    (void)state;
    struct keyspace *ks = new_keyspace();
    struct db *db = keyspace_db(ks, 0), *other = keyspace_db(ks, 1);
    list_push(entry_list(db_add(db, SLICE("l"), db_hash(db, SLICE("l")), VALUE_LIST)), LIST_TAIL, SLICE("one"));
    set_add(entry_set(db_add(db, SLICE("s"), db_hash(db, SLICE("s")), VALUE_SET)), SLICE("one"));
    hash_set(entry_hash(db_add(db, SLICE("h"), db_hash(db, SLICE("h")), VALUE_HASH)), SLICE("one"), SLICE("1"));
    zset_set(entry_zset(db_add(db, SLICE("z"), db_hash(db, SLICE("z")), VALUE_ZSET)), SLICE("one"), 1);
    static const char *const names[] = {"hash", "list", "set", "zset"};
    struct db_cursor cursor = {0};
    db_seek(db, &cursor, SLICE(""));
    for (size_t i = 0; i < 4; i++, db_next(&cursor)) {
        assert_string_equal(entry_type_name(cursor.entry), names[i]);
        assert_true(entry_memory(cursor.entry, db, 0) > 0);
        db_copy(db, cursor.entry, other, entry_key(cursor.entry));
    }
    db_cursor_free(&cursor);
    struct entry *e = db_move(db, db_find(db, SLICE("l")), db, SLICE("s")); /* replaces the set */
    assert_int_equal(list_length(entry_list(e)), 1);
    e = db_set_deadline(db, e, 1000);
    assert_int_equal(list_length(entry_list(e)), 1);
    set_text(db, SLICE("h"), SLICE("now a string"));
    assert_int_equal(db_size(db), 3);
    assert_int_equal(db_size(other), 4);
    db_delete(other, db_find(other, SLICE("z")));
    assert_true(keyspace_memory(ks) > 0);
    keyspace_free(ks);
}

/* ---- order by hash ---- */

struct visits {
    unsigned char *seen;
    size_t count;
    uint64_t order; /* a digest of the keys in their order */
};

static void visit(void *context, const struct entry *e)
{
    struct visits *visits = context;
    struct slice key = entry_key(e);
    visits->seen[strtoul(key.base + 4, NULL, 10)]++;
    visits->count++;
    for (size_t i = 0; i < key.size; i++)
        visits->order = (visits->order ^ (unsigned char)key.base[i]) * 0x100000001b3u;
}

static struct slice number_key(char *text, unsigned number)
{
    return slice_of(text, (size_t)snprintf(text, 32, "key:%u", number));
}

static void add_number(struct db *db, unsigned number)
{
    char text[32];
    set_text(db, number_key(text, number), SLICE("v"));
}

static void remove_number(struct db *db, unsigned number)
{
    char text[32];
    struct entry *e = db_find(db, number_key(text, number));
    if (e)
        db_delete(db, e);
}

static void scan_visits_what_stays_exactly_once(void **state)
{
    (void)state;
    enum { STAY = 3000, COME_AND_GO = 60000 };
    struct test_random random = {test_seed(42)};
    print_message("seed %llu\n", (unsigned long long)random.state);
    for (unsigned round = 0; round < 4 * test_long_factor(); round++) {
        struct keyspace *ks = new_keyspace();
        struct db *db = keyspace_db(ks, 0);
        struct visits visits = {.seen = calloc(COME_AND_GO, 1)};
        for (unsigned i = 0; i < (round % 2 ? COME_AND_GO : STAY); i++)
            add_number(db, i);
        uint64_t cursor = 0;
        do { /* grow in even rounds, shrink in odd ones, between any two calls */
            cursor = db_scan(db, cursor, 1 + test_random_below(&random, 50), visit, &visits);
            assert_true(cursor < (uint64_t)1 << 53);
            for (unsigned i = 0; i < 200; i++) {
                unsigned number = (unsigned)(STAY + test_random_below(&random, COME_AND_GO - STAY));
                if (round % 2)
                    remove_number(db, number);
                else
                    add_number(db, number);
            }
        } while (cursor);
        for (unsigned i = 0; i < COME_AND_GO; i++)
            assert_true(i < STAY ? visits.seen[i] == 1 : visits.seen[i] <= 1 + !(round % 2));
        free(visits.seen);
        keyspace_free(ks);
    }
}

static void order_by_hash_forgets_history(void **state)
{
    (void)state;
    enum { CONTENT = 5000, MORE = 40000 };
    struct keyspace *ks = new_keyspace();
    struct db *straight = keyspace_db(ks, 0), *winding = keyspace_db(ks, 1);
    for (unsigned i = 0; i < CONTENT; i++)
        add_number(straight, i);
    for (unsigned i = MORE; i-- > 0;)
        add_number(winding, i);
    for (unsigned i = CONTENT; i < MORE; i++)
        remove_number(winding, i);
    struct visits a = {.seen = calloc(MORE, 1)}, b = {.seen = calloc(MORE, 1)};
    uint64_t cursor = 0;
    do {
        uint64_t next = db_scan(straight, cursor, 10, visit, &a);
        assert_int_equal(db_scan(winding, cursor, 10, visit, &b), next);
        assert_int_equal(a.order, b.order);
        assert_int_equal(a.count, b.count);
        cursor = next;
    } while (cursor);
    assert_int_equal(a.count, CONTENT);
    for (uint64_t seed = 0; seed < 500; seed++)
        assert_true(slice_equal(entry_key(db_random(straight, seed)), entry_key(db_random(winding, seed))));
    free(a.seen);
    free(b.seen);
    keyspace_free(ks);
}

static void random_choice_is_nearly_uniform(void **state)
{
    (void)state;
    enum { CONTENT = 1000, DRAWS = 100000 };
    struct keyspace *ks = new_keyspace();
    struct db *db = keyspace_db(ks, 0);
    assert_null(db_random(db, 1));
    for (unsigned i = 0; i < CONTENT; i++)
        add_number(db, i);
    unsigned *drawn = calloc(CONTENT, sizeof *drawn), never = 0, most = 0;
    for (uint64_t seed = 0; seed < DRAWS; seed++)
        drawn[strtoul(entry_key(db_random(db, seed)).base + 4, NULL, 10)]++;
    for (unsigned i = 0; i < CONTENT; i++) {
        never += drawn[i] == 0;
        most = drawn[i] > most ? drawn[i] : most;
    }
    print_message("%u never, at most %u of %d expected\n", never, most, DRAWS / CONTENT);
    assert_int_equal(never, 0);
    assert_true(most < 4 * DRAWS / CONTENT);
    free(drawn);
    keyspace_free(ks);
}

/* ---- deadlines ---- */

/* Removing the first over and over gives ascending deadlines, and the same order after any history. */
static void deadlines_come_in_order_whatever_the_history(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct test_random random = {test_seed(43)};
    print_message("seed %llu\n", (unsigned long long)random.state);
    struct keyspace *ks = new_keyspace();
    struct db *a = keyspace_db(ks, 0), *b = keyspace_db(ks, 1);
    int64_t deadline[COUNT];
    char text[32];
    for (unsigned i = 0; i < COUNT; i++) {
        deadline[i] = (int64_t)test_random_below(&random, i % 2 ? 30 : (uint64_t)1 << 62);
        add_number(a, i);
        db_set_deadline(a, db_find(a, number_key(text, i)), deadline[i]);
    }
    for (unsigned i = COUNT; i-- > 0;) {
        add_number(b, i);
        db_set_deadline(b, db_find(b, number_key(text, i)), 7);
    }
    for (unsigned i = 0; i < COUNT; i++)
        db_set_deadline(b, db_find(b, number_key(text, i)), deadline[i]);
    assert_int_equal(db_average_ttl_ms(a, 0), db_average_ttl_ms(b, 0));
    int64_t last = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        struct entry *x, *y;
        int64_t first = db_first_deadline(a, &x);
        assert_true(first >= last);
        assert_int_equal(db_first_deadline(b, &y), first);
        assert_true(slice_equal(entry_key(x), entry_key(y)));
        assert_true(entry_expired(x, first) && !entry_expired(x, first - 1));
        db_delete(a, x);
        db_delete(b, y);
        last = first;
    }
    assert_int_equal(db_first_deadline(a, NULL), DB_NO_DEADLINE);
    assert_int_equal(db_deadlines(b), 0);
    keyspace_free(ks);
}

/* ---- memory ---- */

static size_t resident(void)
{
    long pages = 0, whole;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &whole, &pages), 2);
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void a_million_small_keys_cost_at_most_ninety_bytes_each(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    struct keyspace *ks = new_keyspace();
    struct db *db = keyspace_db(ks, 0);
    char text[32], value[32];
    memset(value, 'x', sizeof value);
    size_t before = resident();
    for (unsigned i = 0; i < COUNT; i++) {
        int size = snprintf(text, sizeof text, "key:%012u", (unsigned)((uint64_t)i * 7919 % COUNT));
        set_text(db, slice_of(text, (size_t)size), slice_of(value, sizeof value));
    }
    double rss = (double)(resident() - before) / COUNT, counted = (double)keyspace_memory(ks) / COUNT;
    print_message("%.1f bytes a key by RSS, %.1f by keyspace_memory\n", rss, counted);
    assert_int_equal(db_size(db), COUNT);
    assert_true(counted <= 90);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(rss <= 90);
#endif
    db_flush(db);
    assert_true(keyspace_memory(ks) < (size_t)4 << 20);
    keyspace_free(ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_small_keys_cost_at_most_ninety_bytes_each),
        cmocka_unit_test(random_histories_agree_with_a_table),
        cmocka_unit_test(encodings_are_named_as_redis_names_them),
        cmocka_unit_test(collections_live_in_entries),
        cmocka_unit_test(scan_visits_what_stays_exactly_once),
        cmocka_unit_test(order_by_hash_forgets_history),
        cmocka_unit_test(random_choice_is_nearly_uniform),
        cmocka_unit_test(deadlines_come_in_order_whatever_the_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
