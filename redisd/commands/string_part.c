/* SPDX-License-Identifier: MIT
 * string_part: commands on parts of a string: its end, its length, a range of its bytes.
 *
 * What writes looks the key up, has the keyspace make the value as long as it will be, and writes into it in place. */
#include "redisd/commands/string.h"

void string_append(struct call *c)
{
    struct slice key = c->argv[1], more = c->argv[2];
    bool wrong = false;
    struct entry *e = key_write_type(c, key, VALUE_STRING, &wrong);
    if (wrong)
        return;
    size_t size = e ? entry_string_size(e) : 0;
    if (e && !string_size_allowed(c, size, more.size))
        return;
    if (!e)
        string_create(c, key, more);
    else if (more.size)
        memcpy(db_string_resize(c->db, &e, size + more.size) + size, more.base, more.size);
    string_changed(c, key, !e, "append");
    effect_same(c);
    resp_integer(c->reply, (int64_t)(size + more.size));
}

void string_length(struct call *c)
{
    bool wrong = false;
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (!wrong)
        resp_integer(c->reply, e ? (int64_t)entry_string_size(e) : 0);
}

void string_set_range(struct call *c)
{
    struct slice key = c->argv[1], part = c->argv[3];
    int64_t offset;
    bool wrong = false;
    if (!parse_i64(c, c->argv[2], &offset, NULL))
        return;
    if (offset < 0) {
        reply_error(c, "ERR offset is out of range");
        return;
    }
    struct entry *e = key_write_type(c, key, VALUE_STRING, &wrong);
    if (wrong)
        return;
    size_t size = e ? entry_string_size(e) : 0;
    if (part.size == 0) {
        resp_integer(c->reply, (int64_t)size);
        return;
    }
    if (!string_size_allowed(c, (uint64_t)offset, part.size))
        return;
    bool created = !e;
    if (created)
        e = string_create(c, key, SLICE(""));
    size_t end = (size_t)offset + part.size;
    if (size < end)
        size = end;
    memcpy(db_string_resize(c->db, &e, size) + offset, part.base, part.size);
    string_changed(c, key, created, "setrange");
    effect_same(c);
    resp_integer(c->reply, (int64_t)size);
}

/* First and last byte, both included; negative numbers count from the end, what lies outside is cut. */
static struct slice range_of(struct slice text, int64_t first, int64_t last)
{
    int64_t size = (int64_t)text.size;
    if (first < 0 && last < 0 && first > last)
        return SLICE("");
    if (first < 0)
        first = first + size < 0 ? 0 : first + size;
    if (last < 0)
        last = last + size < 0 ? 0 : last + size;
    if (last >= size)
        last = size - 1;
    return first > last ? SLICE("") : slice_of(text.base + first, (size_t)(last - first + 1));
}

void string_get_range(struct call *c)
{
    int64_t first, last;
    bool wrong = false;
    if (!parse_i64(c, c->argv[2], &first, NULL) || !parse_i64(c, c->argv[3], &last, NULL))
        return;
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (wrong)
        return;
    struct item item = {.base = "", .size = 0};
    if (e)
        entry_string(e, &item);
    resp_bulk(c->reply, range_of(item_slice(&item), first, last));
}
