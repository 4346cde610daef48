/* SPDX-License-Identifier: MIT
 * table: every command by name. The rows live in redisd/commands/, one table per group; here they are gathered once at start into an
 * open-addressed hash on the folded name, at most half full, so that a lookup is one or two probes.
 *
 * Subcommands are not in it: a row with a subcommand table is resolved by command_resolve. */
#include "redisd/table.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOTS = 1024, SLOT_MASK = SLOTS - 1, NAME_WORDS = 3, NAME_MAX_SIZE = NAME_WORDS * 8 };

/* A name folded to lower case and padded with zeros, eight letters to a word: hashed and compared without looking at a letter. */
struct folded_name {
    uint64_t words[NAME_WORDS];
};

struct command_table {
    struct folded_name names[SLOTS];
    struct command_slot slots[SLOTS];
    const struct command **sorted; /* Ours: all commands in name order */
    int count;
};

static const struct command *const groups[] = {
    commands_string, commands_bitmap, commands_generic, commands_expire, commands_sort, commands_list, commands_set, commands_hash, commands_zset,
    commands_transactions, commands_pubsub, commands_connection, commands_server, commands_introspection, commands_debug,
};

/* Bit 5 of every byte is set: letters become lower case, and the few other bytes that fall together with something ('[' and '{', say) occur in
 * no name. Padding becomes spaces, which no name holds either. */
static inline bool fold_name(struct slice name, struct folded_name *folded)
{
    if (name.size > NAME_MAX_SIZE)
        return false;
    memset(folded, 0, sizeof(*folded));
    if (name.size >= 8 && name.size <= 16) {
        /* Two overlapping loads stand for a loop; the overlap is shifted away. */
        memcpy(&folded->words[0], name.base, 8);
        if (name.size > 8) {
            uint64_t tail;
            memcpy(&tail, name.base + name.size - 8, 8);
            folded->words[1] = tail >> (16 - name.size) * 8;
        }
    } else if (name.size >= 4 && name.size < 8) {
        uint32_t head, tail;
        memcpy(&head, name.base, 4);
        memcpy(&tail, name.base + name.size - 4, 4);
        folded->words[0] = head | (uint64_t)tail << (name.size - 4) * 8;
    } else if (name.size < 4) {
        if (name.size == 0)
            return false;
        /* First, middle and last byte are all there are. */
        const unsigned char *letters = (const unsigned char *)name.base;
        folded->words[0] = letters[0] | (uint64_t)letters[name.size / 2] << name.size / 2 * 8 | (uint64_t)letters[name.size - 1] << (name.size - 1) * 8;
    } else {
        memcpy(folded->words, name.base, name.size);
    }
    for (int i = 0; i < NAME_WORDS; i++)
        folded->words[i] |= 0x2020202020202020u;
    return true;
}

/* Unkeyed: the set of names is ours, and a client's name that is not in it ends the search at a free slot. */
static inline unsigned name_hash(const struct folded_name *name)
{
    uint64_t h = (name->words[0] ^ name->words[1] * 0x9e3779b97f4a7c15u ^ name->words[2]) * 0xbf58476d1ce4e5b9u;
    return (unsigned)(h >> 54);
}

static inline bool same_name(const struct folded_name *a, const struct folded_name *b)
{
    return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2];
}

static int by_name(const void *a, const void *b)
{
    const struct command *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void table_add(struct command_table *table, const struct command *row)
{
    struct folded_name name = {0};
    bool fits = fold_name(slice_from_string(row->name), &name);
    assert(fits);
    unsigned slot = name_hash(&name);
    while (table->slots[slot].row) {
        assert(!same_name(&table->names[slot], &name));
        slot = (slot + 1) & SLOT_MASK;
    }
    table->names[slot] = name;
    table->slots[slot].row = row;
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

struct command_slot *command_slot(struct command_table *table, struct slice name)
{
    struct folded_name folded;
    if (!fold_name(name, &folded))
        return NULL;
    for (unsigned slot = name_hash(&folded);; slot = (slot + 1) & SLOT_MASK) {
        if (!table->slots[slot].row)
            return NULL;
        if (same_name(&table->names[slot], &folded))
            return &table->slots[slot];
    }
}

const struct command *command_find(const struct command_table *table, struct slice name)
{
    const struct command_slot *slot = command_slot((struct command_table *)(uintptr_t)table, name);
    return slot ? slot->row : NULL;
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
