/* SPDX-License-Identifier: MIT
 * grammar: random commands from a table of what commands look like (compat/grammar.txt).
 *
 *      SET skey value [EX ttl|PX pttl|KEEPTTL] [NX|XX] [GET]
 *      SADD setkey (member)+
 *      LMOVE lkey lkey <LEFT|RIGHT> <LEFT|RIGHT>
 *
 * Lower-case words are classes (key, value, score ...: see grammar.c), anything else stands for itself; [a|b] may be there,
 * <a|b> must, (a b)+ comes one to four times. Now and then a command is spoilt: a word too many or too few, a key of another
 * type, a number that is none. The same seed gives the same commands. */
#ifndef LOCUS_COMPAT_GRAMMAR_H
#define LOCUS_COMPAT_GRAMMAR_H

#include <stdint.h>

#include "kernel/slice.h"

enum { COMMAND_WORDS_MAX = 256, GRAMMAR_LINES_MAX = 1024 };

/* One command, and the connection that sends it. */
struct command {
    int connection;
    int argc;
    struct slice argv[COMMAND_WORDS_MAX]; /* into bytes */
    char *bytes;                          /* Ours */
};

void command_free(struct command *command);

/* Read a command from a line in inline syntax, "2> " before it naming another connection than the first. 0, or -EINVAL. */
int command_parse(struct command *command, const char *line);

struct grammar {
    char *lines[GRAMMAR_LINES_MAX]; /* Ours */
    int count;
    uint64_t state;                 /* of the random numbers: the seed, then splitmix64's */
};

/* Read the table; `only`, when not NULL, keeps the lines whose first word is in that comma-separated list. 0 or -errno. */
int grammar_load(struct grammar *grammar, const char *path, const char *only);
void grammar_free(struct grammar *grammar);

/* A random number below `bound`. */
uint64_t grammar_below(struct grammar *grammar, uint64_t bound);

/* The next command, on the first connection. */
void grammar_command(struct grammar *grammar, struct command *command);

#endif
