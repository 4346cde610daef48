/* SPDX-License-Identifier: MIT
 * packed: see packed.h. Every change goes through packed_open, which makes a gap of the wanted size by moving the shorter
 * side; what is left is writing one entry into a gap. */
#include "services/keyspace/packed.h"

#include <assert.h>
#include <errno.h>

#include "services/keyspace/heap.h"

/* An entry about to be written: its first bytes, then the string's, then the way back. */
struct shape {
    uint32_t data_size; /* bytes without the way back */
    uint32_t size;      /* bytes in all */
    uint32_t head_size; /* bytes in head: all of an integer, the length of a string */
    uint8_t head[9];
};

/* ---- shapes ---- */

static void shape_end(struct shape *shape, uint32_t head_size, uint32_t body_size)
{
    shape->head_size = head_size;
    shape->data_size = head_size + body_size;
    shape->size = shape->data_size + packed_back_size(shape->data_size);
}

static void shape_of_integer(struct shape *shape, int64_t value)
{
    if (value >= 0 && value <= 127) {
        shape->head[0] = (uint8_t)value;
        shape_end(shape, 1, 0);
    } else if (value >= -4096 && value <= 4095) {
        shape->head[0] = (uint8_t)(0xC0 | ((value >> 8) & 0x1F));
        shape->head[1] = (uint8_t)value;
        shape_end(shape, 2, 0);
    } else {
        uint32_t width = value == (int16_t)value ? 2 : value >= -(1 << 23) && value < (1 << 23) ? 3
                       : value == (int32_t)value ? 4 : 8;
        shape->head[0] = (uint8_t)(width == 8 ? 0xF4 : 0xEF + width);
        memcpy(shape->head + 1, &value, 8);
        shape_end(shape, 1 + width, 0);
    }
}

static void shape_of_string(struct shape *shape, struct slice value)
{
    assert(value.size <= DB_VALUE_MAX);
    uint32_t size = (uint32_t)value.size;
    if (size < 64) {
        shape->head[0] = (uint8_t)(0x80 | size);
        shape_end(shape, 1, size);
    } else if (size < 4096) {
        shape->head[0] = (uint8_t)(0xE0 | size >> 8);
        shape->head[1] = (uint8_t)size;
        shape_end(shape, 2, size);
    } else {
        shape->head[0] = 0xF0;
        memcpy(shape->head + 1, &size, 4);
        shape_end(shape, 5, size);
    }
}

static void shape_of(struct shape *shape, struct slice value)
{
    int64_t integer;
    if (integer_parse(value.base, value.size, &integer))
        shape_of_integer(shape, integer);
    else
        shape_of_string(shape, value);
}

static void write_back(uint8_t *to, uint32_t data_size, uint32_t back_size)
{
    to[0] = (uint8_t)(data_size >> (7 * (back_size - 1)));
    for (uint32_t i = 1; i < back_size; i++)
        to[i] = (uint8_t)(((data_size >> (7 * (back_size - 1 - i))) & 127) | 128);
}

/* Write the entry; `bytes` are the string's (not read for an integer). */
static void shape_write(const struct shape *shape, uint8_t *to, const char *bytes)
{
    uint32_t head_size = shape->head_size;
    uint32_t data_size = shape->data_size;
    for (uint32_t i = 0; i < head_size; i++)
        to[i] = shape->head[i];
    if (data_size > head_size)
        memcpy(to + head_size, bytes, data_size - head_size);
    if (data_size <= 127)
        to[data_size] = (uint8_t)data_size;
    else
        write_back(to + data_size, data_size, shape->size - data_size);
}

/* ---- memory ---- */

void packed_free(struct packed *p)
{
    free(p->bytes);
    *p = (struct packed){0};
}

/* malloc serves 24, 40, 56, ... bytes without waste. */
static size_t round_capacity(size_t size)
{
    return ((size + 8 + 15) & ~(size_t)15) - 8;
}

/* Move the entries into a block of `capacity` bytes, `start` bytes from its beginning. */
static void reblock(struct packed *p, size_t capacity, size_t start)
{
    assert(capacity <= UINT32_MAX);
    uint32_t size = packed_size(p);
    if (p->start == 0 && start == 0) {
        p->bytes = heap_resize(p->bytes, capacity);
    } else {
        uint8_t *bytes = heap_alloc(capacity);
        if (size)
            memcpy(bytes + start, p->bytes + p->start, size);
        free(p->bytes);
        p->bytes = bytes;
    }
    p->start = (uint32_t)start;
    p->end = p->start + size;
    p->capacity = (uint32_t)capacity;
}

void packed_copy(struct packed *to, const struct packed *from)
{
    assert(to->capacity == 0);
    if (from->count == 0)
        return;
    uint32_t size = packed_size(from);
    to->capacity = (uint32_t)round_capacity(size);
    to->bytes = heap_alloc(to->capacity);
    memcpy(to->bytes, from->bytes + from->start, size);
    to->end = size;
    to->count = from->count;
}

void packed_trim(struct packed *p)
{
    size_t capacity = round_capacity(packed_size(p));
    if (p->count == 0) {
        packed_free(p);
    } else if (capacity < p->capacity) {
        memmove(p->bytes, p->bytes + p->start, packed_size(p));
        p->end -= p->start;
        p->start = 0;
        reblock(p, capacity, 0);
    }
}

void packed_reserve(struct packed *p, uint32_t capacity, bool at_head)
{
    assert(p->count == 0);
    if (p->capacity < capacity) {
        free(p->bytes);
        p->capacity = (uint32_t)round_capacity(capacity);
        p->bytes = heap_alloc(p->capacity);
    }
    p->start = p->end = at_head ? p->capacity : 0;
}

size_t packed_memory(const struct packed *p)
{
    return heap_cost(p->capacity);
}

/* Make `more` bytes free at one end. Where enough is free in all, entries slide and the needy side gets three quarters of what
 * is left over; an eighth of the entries' size must be free for that, else sliding would not pay for itself. */
static void make_room(struct packed *p, size_t more, bool at_head)
{
    size_t size = packed_size(p);
    size_t room = p->capacity - size;
    bool slide = room >= more + size / 8;
    if (!slide) {
        size_t wanted = size + more;
        size_t capacity = round_capacity(size ? wanted + wanted / 2 : wanted);
        if (capacity > UINT32_MAX)
            capacity = UINT32_MAX;
        assert(capacity >= wanted);
        room = capacity - size;
        reblock(p, capacity, at_head ? room : 0);
        return;
    }
    size_t near = more + (room - more) / 4 * 3;
    size_t start = at_head ? near : room - near;
    if (size)
        memmove(p->bytes + start, p->bytes + p->start, size);
    p->start = (uint32_t)start;
    p->end = (uint32_t)(start + size);
}

/* ---- changes ---- */

/* Replace `removed` bytes at `offset` by a gap of `added` bytes, and return it. */
static uint8_t *packed_open(struct packed *p, uint32_t offset, uint32_t removed, uint32_t added)
{
    uint32_t front = offset;
    uint32_t back = packed_size(p) - offset - removed;
    uint32_t more = added > removed ? added - removed : 0;
    bool move_front = front < back && p->start >= more;
    if (!move_front && p->capacity - p->end < more) {
        if (p->start >= more)
            move_front = true;
        else
            make_room(p, more, false);
    }
    uint8_t *first = p->bytes + p->start;
    if (move_front) {
        p->start += removed - added; /* modulo 2^32: may go down */
        if (front)
            memmove(p->bytes + p->start, first, front);
    } else {
        if (back)
            memmove(first + offset + added, first + offset + removed, back);
        p->end += added - removed;
    }
    return p->bytes + p->start + offset;
}

static bool points_into(const struct packed *p, struct slice value)
{
    return (uintptr_t)value.base - (uintptr_t)p->bytes < p->capacity;
}

/* The slow way for values that lie in the block about to be moved: aside first. */
static char *aside(const struct packed *p, struct slice *value)
{
    if (value->size == 0 || !points_into(p, *value))
        return NULL;
    char *copy = heap_alloc(value->size);
    memcpy(copy, value->base, value->size);
    value->base = copy;
    return copy;
}

static void append_shape(struct packed *p, const struct shape *shape, struct slice value)
{
    char *copy = NULL;
    if (__builtin_expect(p->capacity - p->end < shape->size, 0)) {
        copy = aside(p, &value);
        make_room(p, shape->size, false);
    }
    shape_write(shape, p->bytes + p->end, value.base);
    p->end += shape->size;
    p->count++;
    free(copy);
}

void packed_append(struct packed *p, struct slice value)
{
    struct shape shape;
    shape_of(&shape, value);
    append_shape(p, &shape, value);
}

void packed_append_integer(struct packed *p, int64_t value)
{
    struct shape shape;
    shape_of_integer(&shape, value);
    append_shape(p, &shape, (struct slice){0});
}

void packed_prepend(struct packed *p, struct slice value)
{
    struct shape shape;
    shape_of(&shape, value);
    char *copy = NULL;
    if (__builtin_expect(p->start < shape.size, 0)) {
        copy = aside(p, &value);
        make_room(p, shape.size, true);
    }
    p->start -= shape.size;
    shape_write(&shape, p->bytes + p->start, value.base);
    p->count++;
    free(copy);
}

static uint32_t insert_shape(struct packed *p, uint32_t offset, const struct shape *shape, struct slice value)
{
    char *copy = aside(p, &value);
    uint8_t *gap = packed_open(p, offset, 0, shape->size);
    shape_write(shape, gap, value.base);
    p->count++;
    free(copy);
    return offset + shape->size;
}

uint32_t packed_insert(struct packed *p, uint32_t offset, struct slice value)
{
    struct shape shape;
    shape_of(&shape, value);
    return insert_shape(p, offset, &shape, value);
}

uint32_t packed_insert_integer(struct packed *p, uint32_t offset, int64_t value)
{
    struct shape shape;
    shape_of_integer(&shape, value);
    return insert_shape(p, offset, &shape, (struct slice){0});
}

void packed_replace(struct packed *p, uint32_t offset, struct slice value)
{
    struct shape shape;
    shape_of(&shape, value);
    uint32_t removed = packed_next(p, offset) - offset;
    char *copy = aside(p, &value);
    uint8_t *gap = packed_open(p, offset, removed, shape.size);
    shape_write(&shape, gap, value.base);
    free(copy);
}

void packed_erase(struct packed *p, uint32_t offset, uint32_t count)
{
    assert(count <= p->count);
    uint32_t behind = offset;
    for (uint32_t i = 0; i < count; i++)
        behind = packed_next(p, behind);
    assert(behind <= packed_size(p));
    packed_open(p, offset, behind - offset, 0);
    p->count -= count;
    if (p->count == 0)
        p->start = p->end = 0;
}

void packed_move_tail(struct packed *to, struct packed *from, uint32_t offset)
{
    uint32_t moved = packed_size(from) - offset;
    uint32_t count = 0;
    for (uint32_t at = offset; at < packed_size(from); at = packed_next(from, at))
        count++;
    if (count == 0)
        return;
    memcpy(packed_open(to, packed_size(to), 0, moved), from->bytes + from->start + offset, moved);
    to->count += count;
    from->end -= moved;
    from->count -= count;
    if (from->count == 0)
        from->start = from->end = 0;
}

void packed_fill_with_last(struct packed *p, uint32_t offset, uint32_t group)
{
    uint32_t hole = offset;
    uint32_t last = packed_size(p);
    for (uint32_t i = 0; i < group; i++) {
        hole = packed_next(p, hole);
        last = packed_previous(p, last);
    }
    if (last == offset) {
        packed_erase(p, offset, group);
        return;
    }
    hole -= offset;
    uint32_t size = packed_size(p) - last;
    uint8_t small[256];
    uint8_t *bytes = size <= sizeof small ? small : heap_alloc(size);
    memcpy(bytes, p->bytes + p->start + last, size);
    p->end -= size;
    memcpy(packed_open(p, offset, hole, size), bytes, size);
    p->count -= group;
    if (bytes != small)
        free(bytes);
}

/* ---- reading ---- */

uint32_t packed_previous(const struct packed *p, uint32_t offset)
{
    assert(offset > 0);
    const uint8_t *at = p->bytes + p->start + offset;
    uint32_t size = 0, back = 0;
    do {
        at--;
        size |= (uint32_t)(*at & 127) << (7 * back++);
    } while (*at & 128);
    return offset - back - size;
}

uint32_t packed_offset(const struct packed *p, uint32_t position)
{
    assert(position <= p->count);
    if (position <= p->count / 2) {
        uint32_t offset = 0;
        while (position-- > 0)
            offset = packed_next(p, offset);
        return offset;
    }
    uint32_t offset = packed_size(p);
    for (uint32_t from_end = p->count - position; from_end > 0; from_end--)
        offset = packed_previous(p, offset);
    return offset;
}

int64_t packed_integer_of(const uint8_t *entry)
{
    uint8_t first = entry[0];
    if (first < 0x80)
        return first;
    if (first < 0xE0) {
        int32_t value = (first & 0x1F) << 8 | entry[1];
        return value >= 4096 ? value - 8192 : value;
    }
    uint64_t bits = 0;
    unsigned width = first == 0xF4 ? 8 : first - 0xEFu;
    memcpy(&bits, entry + 1, width);
    unsigned unused = 64 - 8 * width;
    return (int64_t)(bits << unused) >> unused;
}

static bool is_integer(uint8_t first)
{
    return first < 0x80 || (first & 0xE0) == 0xC0 || first > 0xF0;
}

bool packed_integer(const struct packed *p, uint32_t offset, int64_t *value)
{
    const uint8_t *entry = p->bytes + p->start + offset;
    if (!is_integer(entry[0]))
        return false;
    *value = packed_integer_of(entry);
    return true;
}

bool packed_equal(const struct packed *p, uint32_t offset, struct slice value)
{
    struct item item;
    packed_read(p, offset, &item);
    return slice_equal(item_slice(&item), value);
}

/* How a value is looked for: as bytes, and as an integer where it is one. */
struct wanted {
    struct slice text;
    int64_t integer;
    bool is_integer;
};

static bool entry_is(const uint8_t *entry, uint32_t data_size, const struct wanted *wanted)
{
    if (is_integer(entry[0]))
        return wanted->is_integer && packed_integer_of(entry) == wanted->integer;
    size_t size = wanted->text.size;
    uint32_t head = data_size - (uint32_t)size;
    if (head > 5 || head != (entry[0] < 0xC0 ? 1u : entry[0] == 0xF0 ? 5u : 2u))
        return false;
    return size == 0 || memcmp(entry + head, wanted->text.base, size) == 0;
}

bool packed_find(const struct packed *p, uint32_t *offset, struct slice value, unsigned skip, uint32_t *position)
{
    if (p->count == 0)
        return false;
    struct wanted wanted = {.text = value};
    wanted.is_integer = integer_parse(value.base, value.size, &wanted.integer);
    const uint8_t *at = p->bytes + p->start + *offset;
    const uint8_t *end = p->bytes + p->end;
    for (uint32_t passed = 0; at < end; passed++) {
        uint32_t size = packed_data_size(at);
        if (entry_is(at, size, &wanted)) {
            *offset = (uint32_t)(at - p->bytes) - p->start;
            if (position)
                *position = passed;
            return true;
        }
        at += size + packed_back_size(size);
        for (unsigned i = 0; i < skip; i++) {
            size = packed_data_size(at);
            at += size + packed_back_size(size);
        }
    }
    return false;
}

/* ---- foreign bytes ---- */

/* The size of the entry at the beginning of `size` foreign bytes, 0 when it is not whole or its way back lies. */
static size_t check_entry(const uint8_t *bytes, size_t size)
{
    uint8_t first = bytes[0];
    size_t head = first < 0xC0 || (first > 0xF0) ? 1 : first == 0xF0 ? 5 : 2;
    if (first > 0xF4 || size < head)
        return 0;
    size_t data_size = packed_data_size(bytes);
    if (first == 0xF0 && data_size < 5)
        return 0; /* the length and its 5 bytes passed 2^32 */
    size_t back_size = packed_back_size((uint32_t)data_size);
    if (size < data_size + back_size)
        return 0;
    uint8_t back[5];
    write_back(back, (uint32_t)data_size, (uint32_t)back_size);
    return memcmp(back, bytes + data_size, back_size) == 0 ? data_size + back_size : 0;
}

int packed_load(struct packed *p, struct slice bytes)
{
    assert(p->count == 0);
    if (bytes.size > UINT32_MAX - 16)
        return -EINVAL;
    const uint8_t *from = (const uint8_t *)bytes.base;
    uint32_t count = 0;
    for (size_t at = 0; at < bytes.size; count++) {
        size_t size = check_entry(from + at, bytes.size - at);
        if (size == 0)
            return -EINVAL;
        at += size;
    }
    if (count == 0)
        return 0;
    packed_reserve(p, (uint32_t)bytes.size, false);
    memcpy(p->bytes, from, bytes.size);
    p->end = (uint32_t)bytes.size;
    p->count = count;
    return 0;
}
