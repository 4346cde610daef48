/* SPDX-License-Identifier: MIT
 * bitmap: strings as rows of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.
 *
 *      byte        0                 1
 *      bit     0 1 2 3 4 5 6 7 | 8 9 ...        bit 0 is the highest of the first byte
 *
 * Ranges are turned into a first and a last bit before anything is counted or sought, whatever unit they were given in. */
#include "redisd/commands/bitmap.h"

#include "redisd/commands/string.h"

/* Bits that a range covers; both ends are included. Empty when last < first. */
struct bit_range {
    int64_t first, last;
};

bool bitmap_parse_offset(struct call *c, struct slice text, int width, uint64_t *offset)
{
    int64_t value;
    bool counted = width && text.size && text.base[0] == '#';
    struct slice digits = counted ? slice_of(text.base + 1, text.size - 1) : text;
    if (slice_to_i64(digits, &value) && !__builtin_mul_overflow(value, counted ? width : 1, &value) && value >= 0 &&
        (uint64_t)value >> 3 < DB_VALUE_MAX) {
        *offset = (uint64_t)value;
        return true;
    }
    reply_error(c, "ERR bit offset is not an integer or out of range");
    return false;
}

static inline unsigned bit_mask(uint64_t offset)
{
    return 0x80u >> (offset & 7);
}

/* ---- one bit ---- */

static void bitmap_getbit(struct call *c)
{
    uint64_t offset;
    bool wrong = false;
    if (!bitmap_parse_offset(c, c->argv[2], 0, &offset))
        return;
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (wrong)
        return;
    struct item item = {.base = NULL, .size = 0};
    if (e)
        entry_string(e, &item);
    bool on = offset >> 3 < item.size && ((unsigned char)item.base[offset >> 3] & bit_mask(offset));
    resp_integer(c->reply, on);
}

/* Writing a bit that is there already, with the value it has, changes nothing. */
static void bitmap_setbit(struct call *c)
{
    struct slice key = c->argv[1];
    uint64_t offset;
    int64_t on;
    bool wrong = false;
    if (!bitmap_parse_offset(c, c->argv[2], 0, &offset) ||
        !parse_range_i64(c, c->argv[3], 0, 1, &on, "ERR bit is not an integer or out of range"))
        return;
    struct entry *e = key_write_type(c, key, VALUE_STRING, &wrong);
    if (wrong)
        return;
    struct item item = {.base = NULL, .size = 0};
    if (e)
        entry_string(e, &item);
    size_t at = offset >> 3, size = item.size;
    bool was = at < size && ((unsigned char)item.base[at] & bit_mask(offset)), created = !e;
    resp_integer(c->reply, was);
    if (at < size && was == (bool)on)
        return;
    if (created)
        e = string_create(c, key, SLICE(""));
    char *bytes = db_string_resize(c->db, &e, at < size ? size : at + 1);
    bytes[at] = (char)(((unsigned char)bytes[at] & ~bit_mask(offset)) | (on ? bit_mask(offset) : 0));
    string_changed(c, key, created, "setbit");
    effect_same(c);
}

/* ---- ranges ---- */

/* BIT or BYTE. */
static bool parse_unit(struct call *c, struct slice word, bool *bits)
{
    *bits = slice_equal_nocase(word, SLICE("BIT"));
    if (*bits || slice_equal_nocase(word, SLICE("BYTE")))
        return true;
    reply_syntax(c);
    return false;
}

/* The range [first, last] of a string of `size` bytes, counted in bits or bytes, negative numbers from the end. */
static struct bit_range range_in(size_t size, int64_t first, int64_t last, bool bits)
{
    int64_t total = (int64_t)(bits ? size << 3 : size);
    if (first < 0)
        first = first + total < 0 ? 0 : first + total;
    if (last < 0)
        last = last + total < 0 ? 0 : last + total;
    if (last >= total)
        last = total - 1;
    if (first > last)
        return (struct bit_range){0, -1};
    return bits ? (struct bit_range){first, last} : (struct bit_range){first * 8, last * 8 + 7};
}

/* The bits of byte `i` that lie in the range. */
static unsigned edge_mask(struct bit_range range, int64_t i)
{
    unsigned mask = 0xff;
    if (i == range.first >> 3)
        mask &= 0xffu >> (range.first & 7);
    if (i == range.last >> 3)
        mask &= 0xff00u >> ((range.last & 7) + 1);
    return mask & 0xff;
}

static int64_t count_bits(const char *bytes, struct bit_range range)
{
    int64_t count = 0, i = range.first >> 3, last = range.last >> 3;
    if (range.last < range.first)
        return 0;
    count += __builtin_popcount((unsigned char)bytes[i] & edge_mask(range, i));
    if (i == last)
        return count;
    for (i++; i + 8 <= last; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        count += __builtin_popcountll(word);
    }
    for (; i < last; i++)
        count += __builtin_popcount((unsigned char)bytes[i]);
    return count + __builtin_popcount((unsigned char)bytes[last] & edge_mask(range, last));
}

static void bitmap_bitcount(struct call *c)
{
    bool wrong = false, bits = false;
    int64_t first = 0, last = -1;
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (wrong)
        return;
    if (!e) {
        resp_integer(c->reply, 0);
        return;
    }
    if (c->argc == 3 || c->argc > 5) {
        reply_syntax(c);
        return;
    }
    if (c->argc > 3) {
        if (!parse_i64(c, c->argv[2], &first, NULL) || !parse_i64(c, c->argv[3], &last, NULL))
            return;
        if (first < 0 && last < 0 && first > last) {
            resp_integer(c->reply, 0);
            return;
        }
        if (c->argc == 5 && !parse_unit(c, c->argv[4], &bits))
            return;
    }
    struct item item;
    entry_string(e, &item);
    resp_integer(c->reply, count_bits(item.base, range_in(item.size, first, last, bits)));
}

/* The first bit of the range that is `on`; -1 when there is none. */
static int64_t find_bit(const char *bytes, struct bit_range range, bool on)
{
    unsigned char flip = on ? 0 : 0xff;
    uint64_t none = on ? 0 : ~(uint64_t)0;
    for (int64_t i = range.first >> 3, last = range.last >> 3; i <= last; i++) {
        uint64_t word;
        for (; i + 8 <= last; i += 8) {
            memcpy(&word, bytes + i, sizeof(word));
            if (word != none)
                break;
        }
        unsigned found = ((unsigned char)bytes[i] ^ flip) & edge_mask(range, i);
        if (found)
            return (i << 3) + __builtin_clz(found << 24);
    }
    return -1;
}

static void bitmap_bitpos(struct call *c)
{
    bool wrong = false, bits = false;
    int64_t on, first = 0, last = -1;
    if (!parse_i64(c, c->argv[2], &on, NULL))
        return;
    if (on != 0 && on != 1) {
        reply_error(c, "ERR The bit argument must be 1 or 0.");
        return;
    }
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (wrong)
        return;
    if (!e) {
        resp_integer(c->reply, on ? -1 : 0);
        return;
    }
    if (c->argc > 6) {
        reply_syntax(c);
        return;
    }
    if ((c->argc > 3 && !parse_i64(c, c->argv[3], &first, NULL)) || (c->argc > 5 && !parse_unit(c, c->argv[5], &bits)) ||
        (c->argc > 4 && !parse_i64(c, c->argv[4], &last, NULL)))
        return;
    struct item item;
    entry_string(e, &item);
    struct bit_range range = range_in(item.size, first, last, bits);
    int64_t found = range.last < range.first ? -1 : find_bit(item.base, range, on);
    /* Without an end, a string of ones is thought to go on with zeros. */
    if (found < 0 && !on && c->argc < 5 && range.last >= range.first)
        found = (int64_t)item.size << 3;
    resp_integer(c->reply, found);
}

/* ---- BITOP ---- */

enum bitop { BITOP_AND, BITOP_OR, BITOP_XOR, BITOP_NOT, BITOP_COUNT };

static enum bitop bitop_of(struct slice word)
{
    static const struct slice names[BITOP_COUNT] = {{"AND", 3}, {"OR", 2}, {"XOR", 3}, {"NOT", 3}};
    int op = 0;
    while (op < BITOP_COUNT && !slice_equal_nocase(word, names[op]))
        op++;
    return (enum bitop)op;
}

/* Combine one more source into the result; it counts as zeros beyond its end. */
static void bitop_fold(enum bitop op, unsigned char *result, size_t size, const struct item *source)
{
    const unsigned char *from = (const unsigned char *)source->base;
    size_t n = source->size;
    if (op == BITOP_AND) {
        for (size_t i = 0; i < n; i++)
            result[i] &= from[i];
        memset(result + n, 0, size - n);
    } else if (op == BITOP_OR) {
        for (size_t i = 0; i < n; i++)
            result[i] |= from[i];
    } else {
        for (size_t i = 0; i < n; i++)
            result[i] ^= from[i];
    }
}

/* The result over all sources, `size` bytes: the longest one's. */
static void bitop_compute(struct call *c, enum bitop op, struct buffer *result, size_t size)
{
    unsigned char *bytes = (unsigned char *)buffer_room(result, size);
    memset(bytes, 0, size);
    result->size = size;
    for (int i = 3; i < c->argc; i++) {
        struct item item = {.base = "", .size = 0};
        const struct entry *e = db_find(c->db, c->argv[i]);
        if (e)
            entry_string(e, &item);
        bitop_fold(i == 3 ? BITOP_OR : op, bytes, size, &item);
    }
    for (size_t i = 0; op == BITOP_NOT && i < size; i++)
        bytes[i] = (unsigned char)~bytes[i];
}

/* The size of the longest source. False: one is no string, and the error is answered. */
static bool bitop_sources(struct call *c, size_t *size)
{
    *size = 0;
    for (int i = 3; i < c->argc; i++) {
        bool wrong = false;
        const struct entry *e = key_read_type(c, c->argv[i], VALUE_STRING, &wrong);
        if (wrong)
            return false;
        if (e && entry_string_size(e) > *size)
            *size = entry_string_size(e);
    }
    return true;
}

static void bitmap_bitop(struct call *c)
{
    struct slice key = c->argv[2];
    struct buffer result = {0};
    size_t size;
    enum bitop op = bitop_of(c->argv[1]);
    if (op == BITOP_COUNT) {
        reply_syntax(c);
        return;
    }
    if (op == BITOP_NOT && c->argc != 4) {
        reply_error(c, "ERR BITOP NOT must be called with a single source key.");
        return;
    }
    if (!bitop_sources(c, &size))
        return;
    struct entry *e = key_write(c, key);
    if (size) {
        bitop_compute(c, op, &result, size);
        string_store(c, key, buffer_slice(&result), DB_NO_DEADLINE);
        buffer_free(&result);
        effect_same(c);
    } else if (e) {
        key_remove(c, e, key);
        key_event(c, NOTIFY_GENERIC, "del", key);
        effect_same(c);
    }
    resp_integer(c->reply, (int64_t)size);
}

#define ROW(row_name, handler, count, row_flags, version, cost, text) \
    {.name = (row_name), .run = (handler), .arity = (count), .flags = (row_flags), .first_key = 1, .last_key = 1, .key_step = 1, \
     .group = GROUP_BITMAP, .since = (version), .complexity = (cost), .summary = (text)}

const struct command commands_bitmap[] = {
    ROW("setbit", bitmap_setbit, 4, CMD_WRITE | CMD_DENYOOM, "2.2.0", "O(1)", "Sets or clears one bit of a string."),
    ROW("getbit", bitmap_getbit, 3, CMD_READONLY | CMD_FAST, "2.2.0", "O(1)", "Answers one bit of a string."),
    ROW("bitcount", bitmap_bitcount, -2, CMD_READONLY, "2.6.0", "O(N) in the length of the range", "Counts the bits that are set."),
    ROW("bitpos", bitmap_bitpos, -3, CMD_READONLY, "2.8.7", "O(N) in the length of the range", "Finds the first bit that is set, or clear."),
    {.name = "bitop", .run = bitmap_bitop, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM, .first_key = 2, .last_key = -1, .key_step = 1,
     .group = GROUP_BITMAP, .since = "2.6.0", .complexity = "O(N) in the length of the strings",
     .summary = "Combines strings bit by bit and stores the result."},
    ROW("bitfield", bitmap_bitfield, -2, CMD_WRITE | CMD_DENYOOM, "3.2.0", "O(N) in the number of operations",
        "Reads and writes integers of any width within a string."),
    ROW("bitfield_ro", bitmap_bitfield_ro, -2, CMD_READONLY | CMD_FAST, "6.0.0", "O(N) in the number of operations",
        "Reads integers of any width within a string."),
    {.name = NULL},
};
