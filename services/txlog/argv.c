/* SPDX-License-Identifier: MIT
 * argv: reading sequences of commands; see argv.h for the bytes. */
#include "services/txlog/argv.h"

#include <errno.h>
#include <stdlib.h>

/* Room for `words` slices. Grown only after the sequence was seen to have a byte for each, so a forged count costs nothing. */
static void reader_room(struct argv_reader *reader, size_t words)
{
    if (words <= reader->capacity)
        return;
    size_t capacity = words < 16 ? 16 : words;
    struct slice *argv = realloc(reader->argv, capacity * sizeof *argv);
    if (!argv)
        abort();
    reader->argv = argv;
    reader->capacity = capacity;
}

int argv_reader_next(struct argv_reader *reader)
{
    reader->argc = 0;
    if (reader->rest.size == 0)
        return 0;
    const char *at = reader->rest.base;
    const char *end = at + reader->rest.size;
    uint64_t words;
    if (varint_get(&at, end, &words) || words > ARGV_WORDS_MAX || words > (uint64_t)(end - at))
        return -EBADMSG;
    reader_room(reader, words);
    for (uint64_t i = 0; i < words; i++) {
        uint64_t size;
        if (varint_get(&at, end, &size) || size > (uint64_t)(end - at))
            return -EBADMSG;
        reader->argv[i] = slice_of(at, size);
        at += size;
    }
    reader->argc = words;
    reader->rest = slice_of(at, (size_t)(end - at));
    return 1;
}

void argv_reader_free(struct argv_reader *reader)
{
    free(reader->argv);
    *reader = (struct argv_reader){0};
}
