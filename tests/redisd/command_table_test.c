/* SPDX-License-Identifier: MIT
 * command_table_test: every row of the command table is whole, and what COMMAND INFO derives from rows is what Redis 7.2 says. */
#include <ctype.h>

#include "redisd/commands/command_facts.h"
#include "redisd/table.h"
#include "tests/support.h"

static int setup(void **state)
{
    *state = command_table_new();
    return 0;
}

static int teardown(void **state)
{
    command_table_free(*state);
    return 0;
}

static void check_row(const struct command *row, const struct command *parent)
{
    bool whole = row->arity && row->since && row->complexity && row->summary && row->summary[0] && (row->run || row->subcommands);
    if (!whole)
        fail_msg("the row of %s is not whole", row->name);
    for (const char *p = row->name; *p; p++)
        if (isupper((unsigned char)*p))
            fail_msg("%s is not in lower case", row->name);
    if (parent && (strncmp(row->name, parent->name, strlen(parent->name)) != 0 || row->name[strlen(parent->name)] != '|'))
        fail_msg("%s is not a subcommand of %s", row->name, parent->name);
    if ((row->flags & CMD_WRITE) && (row->flags & CMD_READONLY))
        fail_msg("%s both writes and only reads", row->name);
    if (row->first_key && !row->key_step)
        fail_msg("%s has keys without a step", row->name);
    struct key_spec specs[COMMAND_KEY_SPECS_MAX];
    if ((row->first_key || row->keys) && !command_key_specs(row, specs))
        fail_msg("%s has keys without a specification", row->name);
}

static void every_row_is_whole(void **state)
{
    const struct command_table *table = *state;
    for (int i = 0; i < command_table_count(table); i++) {
        const struct command *row = command_table_at(table, i);
        check_row(row, NULL);
        for (const struct command *sub = row->subcommands; sub && sub->name; sub++)
            check_row(sub, row);
    }
}

static void commands_are_found_in_any_case_and_by_full_name(void **state)
{
    const struct command_table *table = *state;
    for (int i = 0; i < command_table_count(table); i++) {
        const struct command *row = command_table_at(table, i);
        char upper[40] = "";
        for (size_t c = 0; row->name[c]; c++)
            upper[c] = (char)toupper((unsigned char)row->name[c]);
        assert_ptr_equal(command_find(table, slice_from_string(upper)), row);
        for (const struct command *sub = row->subcommands; sub && sub->name; sub++)
            assert_ptr_equal(command_by_full_name(table, slice_from_string(sub->name)), sub);
    }
    assert_null(command_find(table, SLICE("nosuch")));
    assert_null(command_find(table, SLICE("")));
    assert_null(command_by_full_name(table, SLICE("get|get")));
    assert_null(command_by_full_name(table, SLICE("config|nosuch")));
    assert_null(command_by_full_name(table, SLICE("|")));
}

static void categories_follow_from_flags_and_group(void **state)
{
    static const struct { const char *name, *categories; } cases[] = {
        {"get", "read string fast"}, {"set", "write string slow"}, {"blpop", "write list slow blocking"}, {"flushall", "keyspace write slow dangerous"},
        {"sort", "write set sortedset list slow dangerous"}, {"role", "admin fast dangerous"}, {"config|get", "admin slow dangerous"}, {"config", "slow"}, {"publish", "pubsub fast"},
        {"command|count", "slow connection"}, {"multi", "fast transaction"}, {"keys", "keyspace read slow dangerous"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct command *row = command_by_full_name(*state, slice_from_string(cases[i].name));
        assert_non_null(row);
        char text[200] = "";
        for (int c = 0; c < COMMAND_CATEGORIES; c++)
            if (command_categories(row) & 1u << c)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", text[0] ? " " : "", command_category_name(c));
        assert_string_equal(text, cases[i].categories);
    }
}

/* The command line as words, the keys that it has as words. NULL: malformed. */
static void keys_are_found_among_the_arguments(void **state)
{
    static const struct { const char *line, *keys; } cases[] = {
        {"get a", "a"}, {"mset a 1 b 2", "a b"}, {"blpop a b 0", "a b"}, {"zunionstore d 2 a b weights 1 2", "d a b"}, {"zunionstore d 3 a b", NULL},
        {"zunionstore d x a b", NULL}, {"lmpop 2 a b left", "a b"}, {"bzmpop 0 1 a min", "a"}, {"sort k by p store d", "k d"}, {"sort k get p", "k"}, {"memory usage k", "k"},
        {"object encoding k", "k"}, {"ping", ""}, {"rename a b", "a b"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[100], *rest = line, *word, text[100] = "";
        struct slice argv[16];
        int argc = 0, positions[16];
        snprintf(line, sizeof(line), "%s", cases[i].line);
        while ((word = strsep(&rest, " ")))
            argv[argc++] = slice_from_string(word);
        const struct command *parent, *row = command_resolve(*state, argv, argc, &parent);
        assert_non_null(row);
        int count = command_keys(row, argv, argc, positions, 16);
        for (int k = 0; k < count; k++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", k ? " " : "", argv[positions[k]].base);
        if (!cases[i].keys ? count > 0 : strcmp(text, cases[i].keys) != 0)
            fail_msg("'%s' has the keys '%s'", cases[i].line, text);
    }
}

static void what_is_done_with_a_key_depends_on_options(void **state)
{
    const struct slice get[] = {SLICE("set"), SLICE("k"), SLICE("v"), SLICE("get")};
    const struct command *row = command_find(*state, SLICE("set"));
    assert_int_equal(command_key_flags(row, get, 4, 1), KEY_RW | KEY_ACCESS | KEY_UPDATE);
    assert_int_equal(command_key_flags(row, get, 3, 1), KEY_OW | KEY_UPDATE);
    const struct slice move[] = {SLICE("lmove"), SLICE("a"), SLICE("b"), SLICE("left"), SLICE("left")};
    row = command_find(*state, SLICE("lmove"));
    assert_int_equal(command_key_flags(row, move, 5, 1), KEY_RW | KEY_ACCESS | KEY_DELETE);
    assert_int_equal(command_key_flags(row, move, 5, 2), KEY_RW | KEY_INSERT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(commands_are_found_in_any_case_and_by_full_name, setup, teardown),
        cmocka_unit_test_setup_teardown(categories_follow_from_flags_and_group, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_are_found_among_the_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_done_with_a_key_depends_on_options, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
