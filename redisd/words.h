/* SPDX-License-Identifier: MIT
 * words: a line as words, with the quotes and escapes of redis.conf. */
#ifndef LOCUS_REDISD_WORDS_H
#define LOCUS_REDISD_WORDS_H

#include "kernel/buffer.h"
#include "kernel/slice.h"

/* Filled with zeros it is a valid empty one. The slices point into memory of its own. */
struct words {
    struct slice *at; /* Ours */
    size_t count, capacity;
};

/* Split a line. 0, or -EINVAL when a quote is not closed or is followed by something other than a blank. */
int words_split(struct words *words, struct slice line);
/* Add one word, copied. */
void words_add(struct words *words, struct slice word);
void words_free(struct words *words);

/* A word in double quotes with escapes, so that words_split gives it back. */
void words_quote(struct slice word, struct buffer *out);

#endif
