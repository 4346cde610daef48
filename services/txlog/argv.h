/* SPDX-License-Identifier: MIT
 * argv: commands as words, the form of redisd's inputs and deltas.
 *
 *      command:   varint words | varint size, bytes | varint size, bytes | ...
 *      sequence:  command | command | ...                       (a delta; an EXEC's input)
 *
 * varint: 7 bits a byte, least significant first, the top bit set on all but the last; at most 10 bytes, and never longer than
 * needed, so that equal values are equal bytes. */
#ifndef LOCUS_TXLOG_ARGV_H
#define LOCUS_TXLOG_ARGV_H

#include <assert.h>
#include <stdint.h>

#include "kernel/buffer.h"
#include "kernel/slice.h"
#include "services/txlog/varint.h"

/* Words beyond which a command is refused; Redis's own limit is 1024 * 1024 for a client's, effects may be longer. */
#define ARGV_WORDS_MAX ((uint64_t)1 << 31)

/* Bytes that the command takes. */
static inline size_t argv_size(const struct slice *argv, size_t argc)
{
    size_t size = varint_size(argc);
    for (size_t i = 0; i < argc; i++)
        size += varint_size(argv[i].size) + argv[i].size;
    return size;
}

/* Write the command to `at`, which has argv_size bytes. Returns the first byte behind it. */
static inline char *argv_put(char *at, const struct slice *argv, size_t argc)
{
    at = varint_put(at, argc);
    for (size_t i = 0; i < argc; i++) {
        at = varint_put(at, argv[i].size);
        if (argv[i].size)
            memcpy(at, argv[i].base, argv[i].size);
        at += argv[i].size;
    }
    return at;
}

/* Add the command to a sequence that is being built. */
static inline void argv_append(struct buffer *sequence, const struct slice *argv, size_t argc)
{
    size_t size = argv_size(argv, argc);
    assert(size > 0);
    argv_put(buffer_room(sequence, size), argv, argc);
    sequence->size += size;
}

/* Reads a sequence. Zeroed is valid; free the words with argv_reader_free. */
struct argv_reader {
    struct slice rest;   /* Borrowed: what was not read yet */
    struct slice *argv;  /* Ours: the words of the command last read, borrowed from the sequence; valid until the next */
    size_t argc;
    size_t capacity;     /* words that fit */
};

/* Read from `sequence`, keeping the memory of an earlier use. */
static inline void argv_reader_begin(struct argv_reader *reader, struct slice sequence)
{
    reader->rest = sequence;
    reader->argc = 0;
}

/* The next command: 1 and its words in argv/argc, 0 at the end, -EBADMSG when the bytes are not a sequence. */
int argv_reader_next(struct argv_reader *reader);
void argv_reader_free(struct argv_reader *reader);

#endif
