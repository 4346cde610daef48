/* SPDX-License-Identifier: MIT
 * duel: the same commands to two servers, and what differs in their replies.
 *
 * Most replies are compared as compare.h says. Three kinds need more than two replies:
 *
 *      random choice   what ours chose must be among what theirs has
 *      SPOP            the same, and what ours removed is removed from theirs with SREM
 *      SCAN family     both iterations run to their end, and what they visited is compared as sets */
#ifndef LOCUS_COMPAT_DUEL_H
#define LOCUS_COMPAT_DUEL_H

#include "compat/lib/client.h"
#include "compat/lib/compare.h"
#include "compat/lib/grammar.h"

enum { DUEL_CONNECTIONS = 3, DUEL_QUEUE_MAX = 256, DUEL_DIFFERENCES_MAX = 256 };

/* A difference that is known and meant: three patterns as in file names (*, ?), over the command and both replies, printed. */
struct difference {
    char *command, *ours, *theirs; /* Ours */
};

/* What one connection of a pair has queued since MULTI. */
struct queued {
    int count;
    enum compare_mode modes[DUEL_QUEUE_MAX];
    bool scores[DUEL_QUEUE_MAX];
    char *texts[DUEL_QUEUE_MAX]; /* Ours: the commands, printed */
};

struct duel {
    int our_port, their_port;
    int protocol; /* 2 or 3 */
    struct client ours[DUEL_CONNECTIONS], theirs[DUEL_CONNECTIONS];
    struct queued queues[DUEL_CONNECTIONS];
    struct difference differences[DUEL_DIFFERENCES_MAX];
    int difference_count;
    struct buffer command_text, our_text, their_text; /* Ours: of the last command, for people */
    uint64_t compared, accepted;                      /* commands; of them, those with a known difference */
};

/* Connect every pair. 0 or -errno. */
int duel_open(struct duel *duel, int our_port, int their_port, int protocol);
void duel_close(struct duel *duel);

/* Read the known differences: lines "command | ours | theirs". 0 or -errno. */
int duel_load_differences(struct duel *duel, const char *path);

/* New connections, empty databases, on both sides. 0 or -errno. */
int duel_reset(struct duel *duel);

/* Give the command to both. 1: the same, or known to differ. 0: they differ; see our_text and their_text. -errno: a connection
 * broke; the texts say whose. */
int duel_command(struct duel *duel, const struct command *command);

/* Compare DEBUG DIGEST, on the last connection: the others may have quit. As duel_command. */
int duel_digest(struct duel *duel);

#endif
