/* SPDX-License-Identifier: MIT
 * packed: a run of strings and integers, each stored in as few bytes as it needs; the small form of every collection.
 *
 * An entry has the bytes of an entry in Redis's listpack, so that RDB and DUMP copy them as they are:
 *
 *      0vvvvvvv                                 integer 0..127
 *      10llllll  bytes                          string of up to 63 bytes
 *      110vvvvv vvvvvvvv                        integer of 13 bits, two's complement
 *      1110llll llllllll  bytes                 string of up to 4095 bytes
 *      0xF0  u32 length  bytes                  longer string
 *      0xF1 0xF2 0xF3 0xF4                      integer of 16, 24, 32, 64 bits follows, little-endian
 *
 * and behind it the size of all that once more, 7 bits a byte, most significant first, marked so that it can be read from its
 * end: the way back. Listpack's header and end mark are left out; here the entries lie in a block with room on both sides:
 *
 *      bytes        bytes + start                     bytes + end        bytes + capacity
 *        |--- free ------|entry|entry|entry|entry|entry|------- free ---------|
 *                        ^ offset 0                    ^ offset packed_size()
 *
 * 1. Offsets count from the first entry. Any change ends the validity of offsets and items read before.
 * 2. A text that is a canonical integer is always stored as an integer (foreign bytes may differ; comparing copes with it).
 * 3. The content depends on the entries alone; only the free room has a history.
 *
 * A struct filled with zeros is a valid empty one. Out of memory ends the process (heap.h). */
#ifndef LOCUS_KEYSPACE_PACKED_H
#define LOCUS_KEYSPACE_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/slice.h"
#include "services/keyspace/integer.h"
#include "services/keyspace/keyspace.h"

#define PACKED_BYTES_MAX ((size_t)1 << 30)  /* collections leave the packed form before they pass this; one entry alone may */
#define PACKED_ENTRY_OVERHEAD_MAX ((size_t)10) /* bytes around the longest string: 5 before, 5 behind */

struct packed {
    uint8_t *bytes;    /* Ours; NULL while capacity is 0 */
    uint32_t start;    /* bytes before the first entry */
    uint32_t end;      /* bytes before what is free behind the last */
    uint32_t capacity; /* bytes allocated */
    uint32_t count;    /* entries */
};

void packed_free(struct packed *p);

/* A copy that takes what it needs and no more. `to` must be empty and without memory. */
void packed_copy(struct packed *to, const struct packed *from);

/* Give free room back. */
void packed_trim(struct packed *p);

/* Allocate an empty one's memory ahead, all of it free at its head or at its tail. */
void packed_reserve(struct packed *p, uint32_t capacity, bool at_head);

/* Bytes of all entries. */
static inline uint32_t packed_size(const struct packed *p)
{
    return p->end - p->start;
}

/* The entries' bytes, as they go into an RDB file between header and end mark. Borrowed until the next change. */
static inline struct slice packed_slice(const struct packed *p)
{
    return p->count ? slice_of(p->bytes + p->start, packed_size(p)) : (struct slice){0};
}

/* Bytes held outside the struct itself. */
size_t packed_memory(const struct packed *p);

/* Values may point into this same packed (a rotation reads an entry and pushes it). */
void packed_append(struct packed *p, struct slice value);
void packed_append_integer(struct packed *p, int64_t value);
void packed_prepend(struct packed *p, struct slice value);

/* Put an entry before the one at `offset` (packed_size: behind the last). Returns the offset behind the new entry. */
uint32_t packed_insert(struct packed *p, uint32_t offset, struct slice value);
uint32_t packed_insert_integer(struct packed *p, uint32_t offset, int64_t value);

/* Put `value` in the place of the entry at `offset`. */
void packed_replace(struct packed *p, uint32_t offset, struct slice value);

/* Remove `count` entries from `offset` on; there must be that many. */
void packed_erase(struct packed *p, uint32_t offset, uint32_t count);

/* Move the entries of `from` from `offset` on behind those of `to`. */
void packed_move_tail(struct packed *to, struct packed *from, uint32_t offset);

/* The last entry takes the place of the one at `offset`, in blocks of `group` entries (1: members, 2: pairs). */
void packed_fill_with_last(struct packed *p, uint32_t offset, uint32_t group);

/* The offset behind the entry at `offset`; and that of the entry before `offset`, which must not be 0. */
static inline uint32_t packed_next(const struct packed *p, uint32_t offset);
uint32_t packed_previous(const struct packed *p, uint32_t offset);

/* The offset of entry `position`, walked to from the nearer end; position <= count. */
uint32_t packed_offset(const struct packed *p, uint32_t position);

/* Read the entry at `offset`; returns the offset behind it. Valid until the next change. */
static inline uint32_t packed_read(const struct packed *p, uint32_t offset, struct item *item);

/* True when the entry is stored as an integer. */
bool packed_integer(const struct packed *p, uint32_t offset, int64_t *value);

bool packed_equal(const struct packed *p, uint32_t offset, struct slice value);

/* Look for `value` from *offset on, passing over `skip` entries after each one compared (1: the fields of pairs).
 * True: *offset is where it is, and *position (may be NULL) how many compared entries come before it. */
bool packed_find(const struct packed *p, uint32_t *offset, struct slice value, unsigned skip, uint32_t *position);

/* Take over foreign bytes (an RDB file's), after checking every bound in them. 0, or -EINVAL and `p` as it was. `p` must be
 * empty. Accepts what Redis accepts, that is also integers not in their shortest form. */
int packed_load(struct packed *p, struct slice bytes);

/* ---- inside: the anatomy of one entry ---- */

/* Bytes of an entry without its way back. */
static inline uint32_t packed_data_size(const uint8_t *entry)
{
    static const uint8_t integers[5] = {0, 3, 4, 5, 9};
    uint8_t first = entry[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC0)
        return 1u + (first & 0x3F);
    if (first < 0xE0)
        return 2;
    if (first < 0xF0)
        return 2u + ((uint32_t)(first & 0x0F) << 8 | entry[1]);
    if (first != 0xF0)
        return integers[first - 0xF0];
    uint32_t length;
    memcpy(&length, entry + 1, sizeof length);
    return 5u + length;
}

/* Bytes of the way back over `data_size` bytes. The bounds are Redis's, one short of what 7 bits a byte could say. */
static inline uint32_t packed_back_size(uint32_t data_size)
{
    if (data_size <= 127)
        return 1;
    return data_size < 16383 ? 2 : data_size < 2097151 ? 3 : data_size < 268435455 ? 4 : 5;
}

/* The integer of an entry whose first byte says that it is one. */
int64_t packed_integer_of(const uint8_t *entry);

static inline uint32_t packed_next(const struct packed *p, uint32_t offset)
{
    uint32_t size = packed_data_size(p->bytes + p->start + offset);
    return offset + size + packed_back_size(size);
}

static inline uint32_t packed_read(const struct packed *p, uint32_t offset, struct item *item)
{
    const uint8_t *entry = p->bytes + p->start + offset;
    uint32_t size = packed_data_size(entry);
    uint8_t first = entry[0];
    if ((first & 0xC0) == 0x80) {
        item->base = (const char *)entry + 1;
        item->size = size - 1;
    } else if ((first & 0xF0) == 0xE0) {
        item->base = (const char *)entry + 2;
        item->size = size - 2;
    } else if (first == 0xF0) {
        item->base = (const char *)entry + 5;
        item->size = size - 5;
    } else {
        item->base = item->scratch;
        item->size = integer_print(item->scratch, packed_integer_of(entry));
    }
    return offset + size + packed_back_size(size);
}

#endif
