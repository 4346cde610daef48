/* SPDX-License-Identifier: MIT
 * table: every command by name. The rows live in redisd/commands/, one table per group; here they are gathered once at start into an
 * open-addressed hash on the folded name, at most half full, so that a lookup is one or two probes.
 *
 * Subcommands are not in it: a row with a subcommand table is resolved by command_resolve. */
#include "redisd/table.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOTS = 1024, SLOT_MASK = SLOTS - 1, NAME_MAX_SIZE = 32 };

struct command_table {
    const struct command *slots[SLOTS];
    const struct command **sorted; /* Ours: all commands in name order */
    int count;
};

static const struct command *const groups[] = {
    commands_string, commands_bitmap, commands_generic, commands_expire, commands_sort, commands_list, commands_set, commands_hash, commands_zset,
    commands_transactions, commands_pubsub, commands_connection, commands_server, commands_introspection, commands_debug,
};

/* FNV-1a over the folded letters, four at a time: names are at most a few words long. Unkeyed: the set of names is ours. */
static unsigned name_hash(struct slice name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.size; i++)
        h = (h ^ ((unsigned char)name.base[i] | 0x20u)) * 16777619u;
    return (h ^ (h >> 15)) & SLOT_MASK;
}

static int by_name(const void *a, const void *b)
{
    const struct command *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void table_add(struct command_table *table, const struct command *row)
{
    unsigned slot = name_hash(slice_from_string(row->name));
    while (table->slots[slot]) {
        assert(strcmp(table->slots[slot]->name, row->name) != 0);
        slot = (slot + 1) & SLOT_MASK;
    }
    table->slots[slot] = row;
    table->sorted[table->count++] = row;
    assert(table->count <= SLOTS / 2);
}

struct command_table *command_table_new(void)
{
    struct command_table *table = calloc(1, sizeof(*table));
    if (!table || !(table->sorted = calloc(SLOTS / 2 + 1, sizeof(table->sorted[0]))))
        abort();
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        for (const struct command *row = groups[g]; row->name; row++)
            table_add(table, row);
    qsort(table->sorted, (size_t)table->count, sizeof(table->sorted[0]), by_name);
    return table;
}

void command_table_free(struct command_table *table)
{
    free(table->sorted);
    free(table);
}

int command_table_count(const struct command_table *table)
{
    return table->count;
}

const struct command *command_table_at(const struct command_table *table, int i)
{
    return table->sorted[i];
}

const struct command *command_find(const struct command_table *table, struct slice name)
{
    if (name.size == 0 || name.size > NAME_MAX_SIZE)
        return NULL;
    for (unsigned slot = name_hash(name);; slot = (slot + 1) & SLOT_MASK) {
        const struct command *row = table->slots[slot];
        if (!row || slice_equal_nocase(slice_from_string(row->name), name))
            return row;
    }
}

struct slice command_own_name(const struct command *row)
{
    const char *bar = strchr(row->name, '|');
    return slice_from_string(bar ? bar + 1 : row->name);
}

const struct command *command_subcommand(const struct command *row, struct slice name)
{
    for (const struct command *sub = row->subcommands; sub && sub->name; sub++)
        if (slice_equal_nocase(command_own_name(sub), name))
            return sub;
    return NULL;
}

const struct command *command_resolve(const struct command_table *table, const struct slice *argv, int argc, const struct command **parent)
{
    const struct command *row = command_find(table, argv[0]);
    *parent = row;
    if (row && row->subcommands && argc > 1) {
        const struct command *sub = command_subcommand(row, argv[1]);
        if (sub || !row->run)
            return sub;
    }
    return row;
}

int command_keys(const struct command *row, const struct slice *argv, int argc, int *positions, int max)
{
    if (row->keys)
        return row->keys(argv, argc, positions, max);
    if (!row->first_key)
        return 0;
    int last = row->last_key < 0 ? argc + row->last_key : row->last_key, count = 0;
    for (int at = row->first_key; at <= last; at += row->key_step) {
        if (at >= argc)
            return -1;
        if (count < max)
            positions[count] = at;
        count++;
    }
    return count;
}
