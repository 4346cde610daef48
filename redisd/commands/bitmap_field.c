/* SPDX-License-Identifier: MIT
 * bitmap_field: BITFIELD: integers of 1 to 64 bits anywhere in a string, highest bit first.
 *
 *      offset 5, width 10    |.....xxx|xxxxxxx.|........|
 *                                  9 8 ...    0
 *
 * An integer of 64 bits at an odd offset spans nine bytes: these are taken together as one number of 72 bits, from which the field is
 * cut and into which it is put back.
 *
 * The operations are read twice: first all are checked, and the string's length is found; then they are carried out, and nothing can be
 * refused any more but by OVERFLOW FAIL, which answers null for that one. */
#include "redisd/commands/bitmap.h"
#include "redisd/commands/string.h"

enum { SPAN = 9, SPAN_BITS = SPAN * 8 }; /* bytes, bits that a field can touch */

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

enum field_action { FIELD_GET, FIELD_SET, FIELD_INCREMENT };
enum field_overflow { OVERFLOW_WRAP, OVERFLOW_SATURATE, OVERFLOW_FAIL };

struct field {
    enum field_action action;
    enum field_overflow overflow;
    bool is_signed;
    int width;       /* bits */
    uint64_t offset; /* of its highest bit */
    int64_t operand; /* value to set, or to add */
};

/* ---- parsing ---- */

static bool parse_type(struct call *c, struct slice text, struct field *field)
{
    int64_t width = 0;
    field->is_signed = text.size && text.base[0] == 'i';
    bool good = (field->is_signed || (text.size && text.base[0] == 'u')) && slice_to_i64(slice_of(text.base + 1, text.size - 1), &width) &&
                width >= 1 && width <= (field->is_signed ? 64 : 63);
    if (!good)
        reply_error(c, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
    field->width = (int)width;
    return good;
}

static bool parse_overflow(struct call *c, struct slice word, enum field_overflow *overflow)
{
    if (slice_equal_nocase(word, SLICE("WRAP")))
        *overflow = OVERFLOW_WRAP;
    else if (slice_equal_nocase(word, SLICE("SAT")))
        *overflow = OVERFLOW_SATURATE;
    else if (slice_equal_nocase(word, SLICE("FAIL")))
        *overflow = OVERFLOW_FAIL;
    else {
        reply_error(c, "ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

/* The action that a word names, when enough arguments follow it. */
static bool action_of(struct slice word, int left, enum field_action *action)
{
    if (left >= 2 && slice_equal_nocase(word, SLICE("GET")))
        *action = FIELD_GET;
    else if (left >= 3 && slice_equal_nocase(word, SLICE("SET")))
        *action = FIELD_SET;
    else if (left >= 3 && slice_equal_nocase(word, SLICE("INCRBY")))
        *action = FIELD_INCREMENT;
    else
        return false;
    return true;
}

/* The operation at argument *at, which moves behind it; OVERFLOW words before it are kept in field->overflow. Returns 1, 0 at the end,
 * -1 with the error answered. */
static int next_field(struct call *c, int *at, struct field *field)
{
    while (*at + 1 < c->argc && slice_equal_nocase(c->argv[*at], SLICE("OVERFLOW"))) {
        if (!parse_overflow(c, c->argv[*at + 1], &field->overflow))
            return -1;
        *at += 2;
    }
    if (*at >= c->argc)
        return 0;
    const struct slice *argv = &c->argv[*at];
    if (!action_of(argv[0], c->argc - *at - 1, &field->action)) {
        reply_syntax(c);
        return -1;
    }
    if (!parse_type(c, argv[1], field) || !bitmap_parse_offset(c, argv[2], field->width, &field->offset))
        return -1;
    if (field->action != FIELD_GET && !parse_i64(c, argv[3], &field->operand, NULL))
        return -1;
    *at += field->action == FIELD_GET ? 3 : 4;
    return 1;
}

/* What all operations together need. */
struct field_plan {
    size_t count;
    bool writes;
    uint64_t bytes; /* the string has at least so many when it is written to */
};

static bool plan_fields(struct call *c, struct field_plan *plan)
{
    struct field field = {.overflow = OVERFLOW_WRAP};
    int at = 2, got;
    while ((got = next_field(c, &at, &field)) > 0) {
        plan->count++;
        if (field.action == FIELD_GET)
            continue;
        uint64_t bytes = ((field.offset + (uint64_t)field.width - 1) >> 3) + 1;
        plan->writes = true;
        plan->bytes = bytes > plan->bytes ? bytes : plan->bytes;
    }
    return got == 0;
}

/* ---- bits ---- */

/* The nine bytes that begin with the field's first, as one number; zeros beyond the end of the string. */
static unsigned_wide load_span(struct slice text, uint64_t offset)
{
    unsigned_wide span = 0;
    for (uint64_t i = offset >> 3, end = i + SPAN; i < end; i++)
        span = span << 8 | (i < text.size ? (unsigned char)text.base[i] : 0);
    return span;
}

static int field_shift(const struct field *field)
{
    return SPAN_BITS - (int)(field->offset & 7) - field->width;
}

static uint64_t field_mask(const struct field *field)
{
    return ~(uint64_t)0 >> (64 - field->width);
}

/* The field's bits as the number they mean. */
static wide field_value(const struct field *field, uint64_t bits)
{
    if (field->is_signed && bits >> (field->width - 1))
        return (wide)bits - ((wide)1 << field->width);
    return (wide)bits;
}

static wide field_load(const struct field *field, struct slice text)
{
    return field_value(field, (uint64_t)(load_span(text, field->offset) >> field_shift(field)) & field_mask(field));
}

static void field_store(const struct field *field, char *bytes, size_t size, wide value)
{
    int shift = field_shift(field);
    unsigned_wide span = load_span(slice_of(bytes, size), field->offset);
    span &= ~((unsigned_wide)field_mask(field) << shift);
    span |= (unsigned_wide)((uint64_t)value & field_mask(field)) << shift;
    uint64_t first = field->offset >> 3;
    for (int i = 0; i < SPAN && first + (uint64_t)i < size; i++)
        bytes[first + (uint64_t)i] = (char)(unsigned char)(span >> (8 * (SPAN - 1 - i)));
}

/* Bring a value into the field's range as OVERFLOW says. False: it does not fit, and is to be refused. */
static bool field_fit(const struct field *field, wide *value)
{
    wide max = field->is_signed ? ((wide)1 << (field->width - 1)) - 1 : (wide)field_mask(field);
    wide min = field->is_signed ? -max - 1 : 0;
    if (*value >= min && *value <= max)
        return true;
    if (field->overflow == OVERFLOW_SATURATE)
        *value = *value > max ? max : min;
    else
        *value = field_value(field, (uint64_t)*value & field_mask(field));
    return field->overflow != OVERFLOW_FAIL;
}

/* ---- operations ---- */

/* Set or add in place and answer. True when the bits changed. */
static bool field_change(struct call *c, const struct field *field, char *bytes, size_t size)
{
    wide before = field_load(field, slice_of(bytes, size)), after;
    if (field->action == FIELD_INCREMENT)
        after = before + field->operand;
    else
        after = field->is_signed ? (wide)field->operand : (wide)(uint64_t)field->operand;
    if (!field_fit(field, &after)) {
        resp_null(c->reply);
        return false;
    }
    field_store(field, bytes, size, after);
    resp_integer(c->reply, (int64_t)(field->action == FIELD_SET ? before : after));
    return before != after;
}

/* All operations on writable bytes; `bytes` is NULL when there are only reads, of `text`. True when something changed. */
static bool run_fields(struct call *c, struct slice text, char *bytes)
{
    struct field field = {.overflow = OVERFLOW_WRAP};
    bool changed = false;
    for (int at = 2; next_field(c, &at, &field) > 0;) {
        if (field.action == FIELD_GET)
            resp_integer(c->reply, (int64_t)field_load(&field, text));
        else
            changed = field_change(c, &field, bytes, text.size) || changed;
    }
    return changed;
}

static void read_fields(struct call *c, const struct field_plan *plan)
{
    bool wrong = false;
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (wrong)
        return;
    struct item item = {.base = "", .size = 0};
    if (e)
        entry_string(e, &item);
    resp_array(c->reply, plan->count);
    run_fields(c, item_slice(&item), NULL);
}

static void write_fields(struct call *c, const struct field_plan *plan)
{
    struct slice key = c->argv[1];
    bool wrong = false;
    struct entry *e = key_write_type(c, key, VALUE_STRING, &wrong);
    if (wrong || !string_size_allowed(c, plan->bytes, 0))
        return;
    bool created = !e;
    if (created)
        e = string_create(c, key, SLICE(""));
    size_t before = entry_string_size(e), size = plan->bytes > before ? plan->bytes : before;
    char *bytes = db_string_resize(c->db, &e, size);
    resp_array(c->reply, plan->count);
    if (!run_fields(c, slice_of(bytes, size), bytes) && size == before)
        return;
    string_changed(c, key, created, "setbit");
    effect_same(c);
}

void bitmap_bitfield(struct call *c)
{
    struct field_plan plan = {0};
    if (!plan_fields(c, &plan))
        return;
    if (plan.writes)
        write_fields(c, &plan);
    else
        read_fields(c, &plan);
}

void bitmap_bitfield_ro(struct call *c)
{
    struct field_plan plan = {0};
    if (!plan_fields(c, &plan))
        return;
    if (plan.writes)
        reply_error(c, "ERR BITFIELD_RO only supports the GET subcommand");
    else
        read_fields(c, &plan);
}
