/* SPDX-License-Identifier: MIT
 * db_order: walking a database: by key (cursors on the ordered map), and by hash (SCAN, random choice).
 *
 * The order by hash depends on the keys and on the hash key alone. An index segment is a range of hashes: its keys are gathered
 * and sorted, and from there on nobody can tell where segments begin or end. */
#include "services/keyspace/internal.h"

#include "kernel/prefetch.h"

#define CURSOR_SHIFT 11   /* a SCAN cursor is the top 53 bits of a hash: what a double, and so Lua and JavaScript, can hold */
#define RANDOM_CHOICE 16  /* keys of which one is chosen: evens out the gaps between hashes */

/* ---- by key ---- */

static bool settle(struct db_cursor *cursor, arena_ref ref)
{
    cursor->entry = ref ? entry_at(cursor->db, ref) : NULL;
    return ref != 0;
}

void db_seek(struct db *db, struct db_cursor *cursor, struct slice key)
{
    cursor->db = db;
    settle(cursor, ordmap_seek(&db->map, &db->ks->arena, key, &cursor->path));
}

void db_seek_last(struct db *db, struct db_cursor *cursor, struct slice key)
{
    cursor->db = db;
    settle(cursor, ordmap_seek_last(&db->map, &db->ks->arena, key, &cursor->path));
}

bool db_next(struct db_cursor *cursor)
{
    return settle(cursor, ordmap_next(&cursor->db->map, &cursor->db->ks->arena, &cursor->path));
}

bool db_previous(struct db_cursor *cursor)
{
    return settle(cursor, ordmap_previous(&cursor->db->map, &cursor->db->ks->arena, &cursor->path));
}

void db_cursor_free(struct db_cursor *cursor)
{
    buffer_free(&cursor->path);
    cursor->entry = NULL;
}

/* ---- by hash ---- */

struct placed {
    uint64_t hash;
    const struct entry *entry;
};

/* Equal hashes, one pair in 2^64, are ordered by key: even then the order is that of the content. */
static bool comes_before(const struct placed *a, const struct placed *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash;
    return slice_compare(entry_text(a->entry), entry_text(b->entry)) < 0;
}

/* The keys from `from` on, as far as the segment of that hash goes, in order. Returns how many; *next: where to go on, 0 at
 * the end. */
static unsigned gather(const struct db *db, uint64_t from, struct placed placed[INDEX_SEGMENT_MAX], uint64_t *next)
{
    arena_ref refs[INDEX_SEGMENT_MAX];
    unsigned found = index_gather(&db->index, &db->ks->arena, from, refs, next), count = 0;
    for (unsigned i = 0; i < found; i++)
        prefetch(entry_at(db, refs[i]));
    for (unsigned i = 0; i < found; i++) {
        struct placed one = {.entry = entry_at(db, refs[i])};
        one.hash = db_hash(db, entry_text(one.entry));
        if (one.hash < from)
            continue;
        unsigned at = count++;
        for (; at > 0 && comes_before(&one, &placed[at - 1]); at--)
            placed[at] = placed[at - 1];
        placed[at] = one;
    }
    return count;
}

uint64_t db_scan(const struct db *db, uint64_t cursor, size_t count, db_visit_fn visit, void *context)
{
    if (cursor >> (64 - CURSOR_SHIFT))
        return 0;
    struct placed placed[INDEX_SEGMENT_MAX];
    uint64_t from = cursor << CURSOR_SHIFT, next, last = 0;
    size_t visited = 0;
    do {
        unsigned found = gather(db, from, placed, &next);
        for (unsigned i = 0; i < found; i++) {
            uint64_t group = placed[i].hash >> CURSOR_SHIFT;
            if (visited > 0 && visited >= count && group != last)
                return group;
            visit(context, placed[i].entry);
            visited++;
            last = group;
        }
        from = next;
    } while (next);
    return 0;
}

/* splitmix64: uniform bits from a seed. */
static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct entry *db_random(const struct db *db, uint64_t seed)
{
    size_t wanted = db_size(db) < RANDOM_CHOICE ? db_size(db) : RANDOM_CHOICE;
    if (wanted == 0)
        return NULL;
    struct placed placed[INDEX_SEGMENT_MAX];
    uint64_t from = index_spread(mix(seed)), next;
    size_t chosen = mix(seed ^ 0x5851f42d4c957f2du) % wanted, passed = 0;
    for (;; from = next) { /* `next` is 0 behind the last segment: the walk is cyclic */
        unsigned found = gather(db, from, placed, &next);
        if (chosen < passed + found)
            return (struct entry *)placed[chosen - passed].entry;
        passed += found;
    }
}
