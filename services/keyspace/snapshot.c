/* SPDX-License-Identifier: MIT
 * snapshot: see snapshot.h.
 *
 * What is to be written are the *sources*: the contents of each database at the beginning. A source lives in a database, not
 * always the one it began in, or (detached) in a struct db of the snapshot's own:
 *
 *                 snapshot_begin        snapshot_swap           snapshot_flush           snapshot_step
 *      (nowhere) ----------------> live ------------> live ------------------> detached ---------------> released
 *                                 in db n            in db m                  in source.own
 *
 * and while it is live, or detached, the walk goes from its position to its end (done). Only live sources can change, so only they
 * ask the skip set. */
#include "services/keyspace/snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "services/keyspace/digest.h"
#include "services/keyspace/heap.h"
#include "services/keyspace/internal.h"
#include "services/keyspace/keyset.h"

struct source {
    struct db *db;          /* where the contents are now: Borrowed, or &own; NULL: released */
    struct db own;          /* Ours, when detached */
    struct buffer position; /* Ours: the last key that the walk passed; valid when started */
    struct keyset skip;     /* Ours: keys ahead of the walk that it must not write */
    uint64_t release;       /* db_release_some's cursor */
    bool started;
    bool done;              /* the walk passed all keys */
};

struct snapshot {
    struct keyspace *ks;    /* Borrowed */
    struct rdb_writer writer;
    struct keyspace_digest digest;
    struct snapshot_progress progress; /* counts only */
    int current;            /* source that the walk is in */
    bool complete;          /* the end was written */
    int *origin;            /* Ours: by database number, the source that lives in it, -1: none (it was flushed) */
    struct source sources[]; /* by database number at the beginning */
};

/* ---- beginning and end ---- */

struct snapshot *snapshot_begin(struct keyspace *ks, const struct rdb_header *header, rdb_sink_fn sink, void *context)
{
    if (ks->snapshot)
        return NULL;
    size_t size = sizeof(struct snapshot) + (size_t)ks->databases * sizeof(struct source);
    struct snapshot *s = heap_alloc(size);
    memset(s, 0, size);
    s->ks = ks;
    s->origin = heap_alloc((size_t)ks->databases * sizeof(int));
    rdb_writer_init(&s->writer, sink, context);
    s->writer.held = true; /* until the walk writes: commands do not wait for the sink */
    rdb_write_header(&s->writer, header);
    for (int i = 0; i < ks->databases; i++) {
        struct db *db = keyspace_db(ks, i);
        s->sources[i].db = db;
        s->origin[i] = i;
        s->progress.keys_total += db_size(db);
        if (db_size(db))
            rdb_write_database(&s->writer, i, db_size(db), db_deadlines(db));
        else
            s->sources[i].done = true;
    }
    ks->snapshot = s;
    return s;
}

static bool is_detached(const struct source *source)
{
    return source->db == &source->own;
}

void snapshot_end(struct snapshot *s)
{
    for (int i = 0; i < s->ks->databases; i++) {
        struct source *source = &s->sources[i];
        uint64_t *cursor = &source->release;
        while (is_detached(source) && !db_release_some(source->db, cursor, SIZE_MAX))
            ;
        buffer_free(&source->position);
        keyset_deinit(&source->skip);
    }
    s->ks->snapshot = NULL;
    rdb_writer_deinit(&s->writer);
    free(s->origin);
    free(s);
}

void snapshot_progress(const struct snapshot *s, struct snapshot_progress *progress)
{
    *progress = s->progress;
    progress->bytes = s->writer.bytes;
    progress->memory = s->writer.buffer.capacity;
    for (int i = 0; i < s->ks->databases; i++)
        progress->memory += s->sources[i].skip.memory;
}

struct keyspace_digest snapshot_digest(const struct snapshot *s)
{
    return s->digest;
}

/* ---- writing one key ---- */

static void write_entry(struct snapshot *s, int number, const struct entry *e)
{
    struct keyspace_digest part = digest_entry(number, e);
    digest_add(&s->digest, &part);
    rdb_write_entry(&s->writer, number, e);
    s->progress.keys_written++;
}

static uint64_t skip_hash(const struct snapshot *s, struct slice key)
{
    return db_hash(&s->ks->db[0], key);
}

/* ---- the walk ---- */

/* Bytes of the image so far. */
static uint64_t image_size(const struct snapshot *s)
{
    return s->writer.bytes + s->writer.buffer.size;
}

static void remember_position(struct source *source, struct slice key)
{
    source->position.size = 0;
    buffer_append_slice(&source->position, key);
    source->started = true;
}

/* Go on in one source for about *keys keys. */
static void walk_source(struct snapshot *s, int number, size_t *keys)
{
    struct source *source = &s->sources[number];
    struct db_cursor cursor = {0};
    db_seek(source->db, &cursor, buffer_slice(&source->position));
    if (cursor.entry && source->started && slice_equal(entry_key(cursor.entry), buffer_slice(&source->position)))
        db_next(&cursor);
    struct slice last = {NULL, 0};
    while (cursor.entry && *keys) {
        last = entry_key(cursor.entry);
        uint64_t before = image_size(s);
        if (!source->skip.count || !keyset_contains(&source->skip, last, skip_hash(s, last)))
            write_entry(s, number, cursor.entry);
        uint64_t cost = 1 + (image_size(s) - before) / RDB_PIECE;
        *keys -= cost < *keys ? cost : *keys;
        db_next(&cursor);
    }
    source->done = !cursor.entry;
    if (!source->done && last.base)
        remember_position(source, last);
    db_cursor_free(&cursor);
}

/* After its walk: the skip set is of no use, and detached contents go piece by piece. True when nothing is left. */
static bool release_source(struct source *source, size_t *keys)
{
    keyset_deinit(&source->skip);
    if (!is_detached(source))
        return true;
    bool gone = db_release_some(source->db, &source->release, *keys);
    if (gone)
        source->db = NULL;
    *keys = 0;
    return gone;
}

int snapshot_step(struct snapshot *s, size_t keys)
{
    if (s->complete)
        return s->writer.error ? s->writer.error : 1;
    if (keys == 0)
        keys = 1;
    while (keys && s->current < s->ks->databases) {
        struct source *source = &s->sources[s->current];
        s->writer.held = false;
        if (!source->done)
            walk_source(s, s->current, &keys);
        s->writer.held = true;
        if (source->done && release_source(source, &keys))
            s->current++;
        if (s->writer.error)
            return s->writer.error;
    }
    if (s->current < s->ks->databases)
        return rdb_writer_drain(&s->writer);
    assert(s->progress.keys_written == s->progress.keys_total);
    s->complete = true;
    int error = rdb_write_end(&s->writer, &s->digest);
    return error ? error : 1;
}

/* ---- what happens meanwhile ---- */

/* The number of the source that lives in this database and has keys ahead of the walk; -1: none, the change does not matter. */
static int source_of(const struct snapshot *s, const struct db *db)
{
    int number = s->origin[db->number];
    if (number < 0 || s->sources[number].db != db || s->sources[number].done)
        return -1;
    return number;
}

static bool is_passed(const struct source *source, struct slice key)
{
    return source->started && slice_compare(key, buffer_slice(&source->position)) <= 0;
}

void snapshot_before_change(struct snapshot *s, const struct db *db, const struct entry *e)
{
    int number = source_of(s, db);
    if (number < 0 || is_passed(&s->sources[number], entry_key(e)))
        return;
    if (!keyset_add(&s->sources[number].skip, entry_key(e), skip_hash(s, entry_key(e))))
        return;
    write_entry(s, number, e);
    s->progress.keys_early++;
}

void snapshot_key_added(struct snapshot *s, const struct db *db, struct slice key)
{
    int number = source_of(s, db);
    if (number >= 0 && !is_passed(&s->sources[number], key))
        keyset_add(&s->sources[number].skip, key, skip_hash(s, key));
}

bool snapshot_flush(struct snapshot *s, struct db *db)
{
    int number = source_of(s, db);
    s->origin[db->number] = -1;
    if (number < 0)
        return false;
    struct source *source = &s->sources[number];
    source->own = (struct db){.ks = s->ks, .number = db->number};
    db_exchange(&source->own, db);
    source->db = &source->own;
    return true;
}

/* A source that is done needs no address any more, but moves along all the same. */
static void move_source(struct snapshot *s, int number, struct db *db)
{
    s->origin[db->number] = number;
    if (number >= 0 && !is_detached(&s->sources[number]))
        s->sources[number].db = db;
}

void snapshot_swap(struct snapshot *s, const struct db *a, const struct db *b)
{
    int in_a = s->origin[a->number], in_b = s->origin[b->number];
    move_source(s, in_a, &s->ks->db[b->number]);
    move_source(s, in_b, &s->ks->db[a->number]);
}
