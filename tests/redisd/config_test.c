/* SPDX-License-Identifier: MIT
 * config_test: settings are read, checked, given back and written into their file as redis-server does it. */
#include <errno.h>
#include <unistd.h>

#include "redisd/config.h"
#include "tests/support.h"

struct fixture {
    struct config config;
    struct buffer error;
    char dir[128], path[160];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    config_init(&f->config);
    test_dir_make(f->dir, sizeof(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/redis.conf", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    config_deinit(&f->config);
    buffer_free(&f->error);
    test_dir_remove(f->dir);
    free(f);
    return 0;
}

static void expect(struct fixture *f, const char *name, const char *value)
{
    struct buffer got = {0};
    assert_int_equal(config_get(&f->config, slice_from_string(name), &got), 0);
    if (!slice_equal(buffer_slice(&got), slice_from_string(value)))
        fail_msg("%s is '%.*s', not '%s'", name, (int)got.size, got.base, value);
    buffer_free(&got);
}

static int set(struct fixture *f, const char *name, const char *value)
{
    f->error.size = 0;
    return config_set(&f->config, slice_from_string(name), slice_from_string(value), false, &f->error);
}

static void expect_refused(struct fixture *f, const char *name, const char *value, const char *why)
{
    assert_true(set(f, name, value) < 0);
    if (!slice_equal(buffer_slice(&f->error), slice_from_string(why)))
        fail_msg("%s %s is refused with '%.*s', not '%s'", name, value, (int)f->error.size, f->error.base, why);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *path, const char *text)
{
    char got[4096] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    got[fread(got, 1, sizeof(got) - 1, file)] = 0;
    fclose(file);
    assert_string_equal(got, text);
}

/* Words as main gets them, ended by NULL. */
static int parse(struct fixture *f, const char *const *words)
{
    char *argv[16] = {(char *)(uintptr_t) "redisd"};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return config_parse_arguments(&f->config, argc, argv, &f->error);
}

/* ---- values ---- */

static void every_type_is_set_and_given_back(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][3] = {
        {"protected-mode", "NO", "no"}, {"timeout", "17", "17"}, {"maxmemory", "10mb", "10485760"}, {"maxmemory", "10M", "10000000"}, {"maxmemory", "3gb", "3221225472"},
        {"appendfsync", "ALWAYS", "always"}, {"requirepass", "se cret", "se cret"}, {"notify-keyspace-events", "KEA", "AKE"}, {"notify-keyspace-events", "xeg$K", "g$xeK"},
        {"notify-keyspace-events", "AnE", "AE"}, {"hash-max-ziplist-entries", "9", "9"}, {"hz", "50", "50"}, {"lazyfree-lazy-expire", "Yes", "yes"}, {"save", "", ""},
        {"save", "5 0 60 100", "5 0 60 100"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(set(f, cases[i][0], cases[i][1]), 0);
        expect(f, cases[i][0], cases[i][2]);
    }
    expect(f, "hash-max-listpack-entries", "9");
    assert_int_equal(f->config.limits.hash_max_listpack_entries, 9);
}

static void wrong_values_are_refused_in_redis_words(void **state)
{
    struct fixture *f = *state;
    expect_refused(f, "protected-mode", "maybe", "argument must be 'yes' or 'no'");
    expect_refused(f, "activerehashing", "maybe", "argument must be 'yes' or 'no'");
    expect_refused(f, "timeout", "x", "argument couldn't be parsed into an integer");
    expect_refused(f, "timeout", "-1", "argument must be between 0 and 2147483647 inclusive");
    expect_refused(f, "hz", "x", "argument couldn't be parsed into an integer");
    expect_refused(f, "maxmemory", "10zb", "argument must be a memory value");
    expect_refused(f, "maxmemory", "-1", "argument must be a memory value");
    expect_refused(f, "maxmemory", "99999999999999999gb", "argument must be a memory value");
    expect_refused(f, "loglevel", "loud", "argument(s) must be one of the following: debug, verbose, notice, warning");
    expect_refused(f, "oom-score-adj", "loud", "argument(s) must be one of the following: no, yes, relative, absolute");
    expect_refused(f, "notify-keyspace-events", "q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    expect_refused(f, "save", "100", "Invalid save parameters");
    expect_refused(f, "save", "0 1", "Invalid save parameters");
    expect_refused(f, "client-output-buffer-limit", "foo 1 1 1", "Invalid client class specified in buffer limit configuration.");
    expect(f, "timeout", "0");
    expect(f, "save", "3600 1 300 100 60 10000");
    expect(f, "client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
}

static void what_cannot_change_while_running_says_so(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(set(f, "databases", "3"), -EPERM);
    assert_int_equal(set(f, "dbfilename", "other.rdb"), -EPERM);
    assert_int_equal(set(f, "no-such-setting", "1"), -ENOENT);
    assert_int_equal(config_get(&f->config, SLICE("no-such-setting"), &f->error), -ENOENT);
    expect_refused(f, "cluster-enabled", "yes", "cluster mode is not in this release of redisd");
    assert_int_equal(set(f, "cluster-enabled", "no"), 0);
}

static void an_output_limit_of_one_class_leaves_the_others(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(set(f, "client-output-buffer-limit", "pubsub 1mb 0 0"), 0);
    expect(f, "client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 0 0");
    assert_int_equal(f->config.pubsub_output_limit, 1 << 20);
}

static void check_each(void *context, const struct config_directive_info *info)
{
    struct fixture *f = context;
    struct buffer value = {0}, again = {0};
    assert_int_equal(config_get(&f->config, slice_from_string(info->name), &value), 0);
    if (config_set(&f->config, slice_from_string(info->name), buffer_slice(&value), true, &f->error) < 0)
        fail_msg("%s does not take its own value", info->name);
    config_get(&f->config, slice_from_string(info->name), &again);
    assert_true(slice_equal(buffer_slice(&value), buffer_slice(&again)));
    buffer_free(&value);
    buffer_free(&again);
}

static void every_directive_takes_what_it_gives(void **state)
{
    config_each(check_each, *state);
}

/* ---- where settings come from ---- */

static void a_file_and_options_are_read_in_order(void **state)
{
    struct fixture *f = *state;
    char other[160];
    snprintf(other, sizeof(other), "%s/other.conf", f->dir);
    char text[512];
    snprintf(text, sizeof(text), "# comment\n\n  port 7000 \nTIMEOUT 5\nrequirepass \"a \\\"b\\x41\"\nsave 10 1\nsave 20 2\ninclude %s\n", other);
    write_file(f->path, text);
    write_file(other, "timeout 6\nbind 127.0.0.1 ::1");
    assert_int_equal(parse(f, (const char *const[]){f->path, "--port", "7001", "--appendonly", "no", "--stdio", "--client-output-buffer-limit", "pubsub", "8mb", "1mb", "5", NULL}), 0);
    expect(f, "port", "7001");
    expect(f, "timeout", "6");
    expect(f, "requirepass", "a \"bA");
    expect(f, "save", "10 1 20 2");
    expect(f, "bind", "127.0.0.1 ::1");
    expect(f, "txlog", "no");
    assert_true(f->config.stdio);
    assert_int_equal(f->config.pubsub_output_limit, 8 << 20);
}

static void a_mistake_in_a_file_names_file_and_line(void **state)
{
    struct fixture *f = *state;
    static const struct { const char *text, *line, *word; } cases[] = {
        {"port 1\nport x\n", ":2: ", "integer"}, {"nonsense 1\n", ":1: ", "Bad directive"}, {"\n\nrequirepass \"a\n", ":3: ", "Unbalanced"},
        {"daemonize yes\n", ":1: ", "foreground"}, {"include /nonexistent/file\n", ":1: ", "cannot open"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_file(f->path, cases[i].text);
        f->error.size = 0;
        assert_int_equal(parse(f, (const char *const[]){f->path, NULL}), -EINVAL);
        *buffer_room(&f->error, 1) = 0;
        if (!strstr(f->error.base, cases[i].line) || !strstr(f->error.base, cases[i].word))
            fail_msg("'%s' is refused with '%s'", cases[i].text, f->error.base);
    }
}

static void a_file_that_includes_itself_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[256];
    snprintf(text, sizeof(text), "include %s\n", f->path);
    write_file(f->path, text);
    assert_int_equal(parse(f, (const char *const[]){f->path, NULL}), -EINVAL);
}

static void words_that_are_no_option_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, (const char *const[]){"--port", "x", NULL}), -EINVAL);
    assert_int_equal(parse(f, (const char *const[]){"--no-such-option", "1", NULL}), -EINVAL);
    assert_int_equal(parse(f, (const char *const[]){"/nonexistent/redis.conf", NULL}), -EINVAL);
}

static void rewriting_keeps_comments_and_order_and_adds_what_differs(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, "# head\nport 7000\n# tail\ntimeout 5\n");
    assert_int_equal(parse(f, (const char *const[]){f->path, NULL}), 0);
    assert_int_equal(set(f, "timeout", "9"), 0);
    assert_int_equal(set(f, "maxmemory", "1mb"), 0);
    assert_int_equal(set(f, "requirepass", "a b#\"c"), 0);
    assert_int_equal(config_rewrite(&f->config, &f->error), 0);
    expect_file(f->path, "# head\nport 7000\n# tail\ntimeout 9\nrequirepass \"a b#\\\"c\"\nmaxmemory 1048576\n");

    struct config again;
    config_init(&again);
    char *argv[] = {(char *)(uintptr_t) "redisd", f->path};
    assert_int_equal(config_parse_arguments(&again, 2, argv, &f->error), 0);
    assert_true(slice_equal(buffer_slice(&again.requirepass), SLICE("a b#\"c")));
    config_deinit(&again);
}

static void rewriting_without_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_true(config_rewrite(&f->config, &f->error) < 0);
    assert_true(slice_equal(buffer_slice(&f->error), SLICE("The server is running without a config file")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_is_set_and_given_back),
        TEST(wrong_values_are_refused_in_redis_words),
        TEST(what_cannot_change_while_running_says_so),
        TEST(an_output_limit_of_one_class_leaves_the_others),
        TEST(every_directive_takes_what_it_gives),
        TEST(a_file_and_options_are_read_in_order),
        TEST(a_mistake_in_a_file_names_file_and_line),
        TEST(a_file_that_includes_itself_is_refused),
        TEST(words_that_are_no_option_are_refused),
        TEST(rewriting_keeps_comments_and_order_and_adds_what_differs),
        TEST(rewriting_without_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
