/* SPDX-License-Identifier: MIT
 * command_facts: what COMMAND INFO says of a command beyond its row: ACL categories, key specifications, tips.
 *
 * Nearly all of it follows from the row - flags, group and key positions - and is derived; what does not follow stands in short tables
 * of exceptions by name. */
#ifndef LOCUS_REDISD_COMMANDS_COMMAND_FACTS_H
#define LOCUS_REDISD_COMMANDS_COMMAND_FACTS_H

#include "redisd/command.h"

enum { COMMAND_CATEGORIES = 21, COMMAND_KEY_SPECS_MAX = 3, COMMAND_TIPS_MAX = 4 };

/* What a command does with a key; Redis's names, in the order in which it prints them. */
enum key_flag {
    KEY_RO = 1 << 0, KEY_RW = 1 << 1, KEY_OW = 1 << 2, KEY_RM = 1 << 3, KEY_ACCESS = 1 << 4, KEY_UPDATE = 1 << 5, KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7, KEY_NOT_KEY = 1 << 8, KEY_INCOMPLETE = 1 << 9, KEY_VARIABLE_FLAGS = 1 << 10
};
enum { KEY_FLAGS = 11 };

enum key_find { KEYS_UNKNOWN, KEYS_RANGE, KEYS_COUNTED };

/* Where keys begin among the arguments, and how to go on from there. */
struct key_spec {
    uint16_t flags;     /* enum key_flag */
    int16_t begin;      /* argument position; 0: not known */
    enum key_find find;
    int last, step;     /* KEYS_RANGE: relative to begin, negative: from the end. KEYS_COUNTED: the number of keys stands at begin */
    const char *notes;  /* NULL: none */
};

/* Bits by position of the name. */
uint32_t command_categories(const struct command *row);
const char *command_category_name(int category); /* 0 <= category < COMMAND_CATEGORIES */

/* Returns how many there are. */
int command_key_specs(const struct command *row, struct key_spec specs[COMMAND_KEY_SPECS_MAX]);
const char *key_flag_name(int flag); /* 0 <= flag < KEY_FLAGS */
/* Flags (enum key_flag) of the key at an argument position that command_keys found. */
uint32_t command_key_flags(const struct command *row, const struct slice *argv, int argc, int position);

/* Returns how many there are. */
int command_tips(const struct command *row, const char *tips[COMMAND_TIPS_MAX]);

/* A row by the name that COMMAND prints, "config|get" included; NULL when there is none. */
struct command_table;
const struct command *command_by_full_name(const struct command_table *table, struct slice name);

#endif
