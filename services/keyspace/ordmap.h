/* SPDX-License-Identifier: MIT
 * ordmap: the keys of a database in byte order: a text-keyed map on JudyL whose leaves are the entries.
 *
 * A key is read in chunks of 8 bytes, big-endian so that numbers sort as bytes do, the last one padded with zeros. Each level is
 * a JudyL from chunk to slot:
 *
 *      root, chunk 0             "key:0000" -> node        "session:" -> node          "x" -> leaf (an entry)
 *                                             |                         |
 *      node    ends: keys that end within the parent's chunk           depth 4: bytes 8..31 are the same for all
 *              rest: JudyL of those that go on, by chunk `depth`
 *
 * 1. A slot is a leaf (the only key with these chunks) or a node. The text of a key is never stored here: a leaf names its
 *    entry, and a comparison with the whole key happens there.
 * 2. The chunks of different keys may be the same when zeros are padding ("a" and "a\0"), so a node has up to nine `ends`,
 *    which differ in length and come before all that go on: the order is that of slice_compare.
 * 3. A node's depth counts chunks from the beginning of the key; what lies between its parent's chunk and its own is the same
 *    for all keys in `rest` and checked at some leaf; a node without `rest` skips nothing. So keys that share a hundred
 *    megabytes cost no more nodes than any others. Every key in `rest` reaches into chunk `depth`: it is longer than 8 * depth.
 * 4. A node has two items (ends and slots) at least, or one that is a node with ends. Removal restores this.
 * 5. No function recurses: a path is a list of steps in a buffer. */
#ifndef LOCUS_KEYSPACE_ORDMAP_H
#define LOCUS_KEYSPACE_ORDMAP_H

#include "kernel/buffer.h"
#include "kernel/slice.h"
#include "services/keyspace/arena.h"

/* Filled with zeros: a valid empty map. */
struct ordmap {
    void *root;     /* JudyL by chunk 0; Ours */
    uint64_t count; /* keys */
    size_t bytes;   /* what JudyL says that it takes; the nodes are in the arena */
};

/* Insert an entry (its key must not be in the map), or remove one that is. */
void ordmap_insert(struct ordmap *map, struct arena *arena, arena_ref ref);
void ordmap_remove(struct ordmap *map, struct arena *arena, struct slice key);

/* The entry of this key, which is in the map, has moved to `ref`. */
void ordmap_replace(struct ordmap *map, struct arena *arena, struct slice key, arena_ref ref);

/* The first entry at or behind `key`, the last entry at or before it; 0 when there is none. `path` (a valid buffer; its content
 * is ours) is then where ordmap_next and ordmap_previous go on from. The map must not change meanwhile. */
arena_ref ordmap_seek(const struct ordmap *map, const struct arena *arena, struct slice key, struct buffer *path);
arena_ref ordmap_seek_last(const struct ordmap *map, const struct arena *arena, struct slice key, struct buffer *path);

/* The neighbour; 0 at the end, where the path ends too. */
arena_ref ordmap_next(const struct ordmap *map, const struct arena *arena, struct buffer *path);
arena_ref ordmap_previous(const struct ordmap *map, const struct arena *arena, struct buffer *path);

/* Give back everything but the entries; the map is a valid empty one afterwards. */
void ordmap_free(struct ordmap *map, struct arena *arena);

#endif
