/* SPDX-License-Identifier: MIT
 * rdb_fuzz: any bytes are read or refused, whatever their split; and what was read is written and read again as the same.
 *
 * The first byte of an input says in what pieces the source gives the rest, (byte % 61) + 1 bytes; 0xFF: the rest is a DUMP payload
 * without its last 10 bytes. An input that begins with 'R' is taken whole as a file, so that RDB files can lie in the corpus
 * as they are. Checksums are left out of the game: a wrong one is replaced by 0, which says that none was computed. */
#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/crc64.h"
#include "services/keyspace/digest.h"
#include "services/keyspace/rdb.h"
#include "tests/fuzz/fuzz.h"

enum { DATABASES = 4, CRC_SIZE = 8, WHOLE = 4096 };

struct pieces {
    struct slice rest;
    size_t step;
};

static ssize_t give(void *context, void *bytes, size_t size)
{
    struct pieces *pieces = context;
    size_t n = pieces->step < pieces->rest.size ? pieces->step : pieces->rest.size;
    n = n < size ? n : size;
    if (n)
        memcpy(bytes, pieces->rest.base, n);
    pieces->rest.base += n;
    pieces->rest.size -= n;
    return (ssize_t)n;
}

static int gather(void *context, const void *bytes, size_t size)
{
    buffer_append(context, bytes, size);
    return 0;
}

/* Making a keyspace reserves address space, which sanitizers are slow at; so three serve for all inputs, emptied after each. */
struct keyspaces {
    struct keyspace *first, *second, *again;
};

static struct keyspace *new_keyspace(void)
{
    struct keyspace_config config = {DATABASES, 77, {8, 64, -1, 12, 8, 64, 8, 64}};
    struct keyspace *ks = keyspace_new(&config);
    assert(ks);
    return ks;
}

static void empty(struct keyspace *ks)
{
    for (int i = 0; i < DATABASES; i++)
        db_flush(keyspace_db(ks, i));
}

static void write_and_read_again(struct keyspace *ks, struct keyspace *again)
{
    struct buffer file = {0};
    struct rdb_result result;
    assert(rdb_save(ks, &(struct rdb_header){0}, gather, &file) == 0);
    assert(rdb_load_memory(again, buffer_slice(&file), NULL, &result) == 0);
    assert(result.verified);
    buffer_free(&file);
}

static void read_file(const struct keyspaces *all, struct slice file, size_t step)
{
    struct rdb_options options = {.trust = true};
    struct rdb_result whole, split;
    struct pieces pieces = {file, step};
    int error = rdb_load_memory(all->first, file, &options, &whole);
    assert(rdb_load(all->second, give, &pieces, &options, &split) == error);
    assert(whole.keys == split.keys);
    struct keyspace_digest x = keyspace_digest(all->first), y = keyspace_digest(all->second);
    assert(memcmp(&x, &y, sizeof(x)) == 0);
    write_and_read_again(all->first, all->again);
}

static void restore(const struct keyspaces *all, struct slice value)
{
    struct buffer payload = {0};
    struct db *db = keyspace_db(all->first, 0);
    buffer_append_slice(&payload, value);
    buffer_append(&payload, "\x0a\0", 2);
    uint64_t crc = crc64(0, payload.base, payload.size);
    buffer_append(&payload, &crc, sizeof(crc));
    assert(rdb_payload_valid(buffer_slice(&payload)));
    bool restored = rdb_restore(db, SLICE("key"), buffer_slice(&payload), 5, NULL) == 0;
    assert(db_size(db) == restored);
    write_and_read_again(all->first, all->again);
    buffer_free(&payload);
}

static void take_file(const struct keyspaces *all, const uint8_t *data, size_t size)
{
    size_t head = data[0] == 'R' ? 0 : 1;
    char *file = malloc(size - head + 1);
    memcpy(file, data + head, size - head);
    if (size - head > CRC_SIZE)
        memset(file + size - head - CRC_SIZE, 0, CRC_SIZE);
    read_file(all, slice_of(file, size - head), head ? data[0] % 61 + 1 : WHOLE);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyspaces all;
    if (size == 0)
        return 0;
    if (!all.first)
        all = (struct keyspaces){new_keyspace(), new_keyspace(), new_keyspace()};
    if (data[0] == 0xFF)
        restore(&all, slice_of(data + 1, size - 1));
    else
        take_file(&all, data, size);
    empty(all.first);
    empty(all.second);
    empty(all.again);
    return 0;
}
