/* SPDX-License-Identifier: MIT
 * generic_walk: many keys at once: KEYS, SCAN, RANDOMKEY.
 *
 * Keys are in byte order, so a pattern that begins with literal text is answered from the range of keys that begin with it:
 *
 *      pattern  user:42:*          keys   ... session:9 | user:42:a  user:42:b | user:43:a ...
 *      prefix   user:42:                                  seek -->        stop ^
 *
 * KEYS always does so. SCAN's cursor is a position in another order (keyspace.h), which is what lets it go on after any change; but
 * when the whole range is small, a scan that begins answers it at once and is done.
 *
 * Keys past their deadline are passed over, not removed: the walk must not change what it walks on. */
#include "redisd/commands/generic.h"

#include <stdio.h>

/* How many keys of a prefix the first call of a scan looks at before it falls back to the cursor, for each one that COUNT asks for.
 * Walking them in order costs less than visiting as many in hash order, and a whole scan would visit every key of the database. */
enum { SCAN_PREFIX_FACTOR = 16 };
enum { SCAN_COUNT_DEFAULT = 10 };

/* What a walk looks for, and where it puts what it finds. */
struct key_search {
    const struct call *call;
    struct slice pattern;
    struct slice prefix;        /* the pattern's literal beginning */
    bool all;                   /* every key with the prefix matches */
    struct slice type;          /* name of a type; base NULL: any */
    struct resp_writer *reply;
    size_t found;
};

/* Up to the first byte that means something else than itself. */
static struct slice literal_prefix(struct slice pattern)
{
    size_t size = 0;
    while (size < pattern.size && !memchr("*?[\\", pattern.base[size], 4))
        size++;
    return slice_of(pattern.base, size);
}

static void search_for(struct key_search *search, struct slice pattern)
{
    search->pattern = pattern;
    search->prefix = literal_prefix(pattern);
    search->all = search->prefix.size + 1 == pattern.size && pattern.base[search->prefix.size] == '*';
}

static bool has_prefix(struct slice text, struct slice prefix)
{
    return text.size >= prefix.size && slice_equal(slice_of(text.base, prefix.size), prefix);
}

/* The visitor of both kinds of walk. */
static void search_visit(void *context, const struct entry *e)
{
    struct key_search *search = context;
    struct slice key = entry_key(e);
    if (search->all ? !has_prefix(key, search->prefix) : !glob_match(search->pattern, key, false))
        return;
    if (search->type.base && !slice_equal_nocase(search->type, slice_from_string(entry_type_name(e))))
        return;
    if (entry_expired(e, call_now_ms(search->call)))
        return;
    resp_bulk(search->reply, key);
    search->found++;
}

/* Visit the keys that begin with the search's prefix, in order, at most `max` of them. False: there are more. */
static bool search_prefix(struct key_search *search, size_t max)
{
    struct db_cursor cursor = {0};
    bool literal = search->prefix.size == search->pattern.size; /* no wildcard: only the key itself matches, and it comes first */
    bool more = true;
    db_seek(search->call->db, &cursor, search->prefix);
    for (; more && cursor.entry && has_prefix(entry_key(cursor.entry), search->prefix); more = !literal && db_next(&cursor)) {
        if (max-- == 0)
            break;
        search_visit(search, cursor.entry);
    }
    more = more && cursor.entry && has_prefix(entry_key(cursor.entry), search->prefix);
    db_cursor_free(&cursor);
    return !more;
}

void generic_keys(struct call *c)
{
    struct key_search search = {.call = c, .reply = c->reply};
    search_for(&search, c->argv[1]);
    size_t mark = resp_array_begin(c->reply);
    search_prefix(&search, SIZE_MAX);
    resp_array_end(c->reply, mark, search.found);
}

/* ---- SCAN ---- */

static bool parse_scan_options(struct call *c, struct key_search *search, int64_t *count)
{
    for (int i = 2; i < c->argc; i += 2) {
        struct slice word = c->argv[i];
        bool valued = i + 1 < c->argc;
        if (valued && slice_equal_nocase(word, SLICE("COUNT"))) {
            if (!parse_i64(c, c->argv[i + 1], count, NULL))
                return false;
        } else if (valued && slice_equal_nocase(word, SLICE("MATCH"))) {
            search_for(search, c->argv[i + 1]);
        } else if (valued && slice_equal_nocase(word, SLICE("TYPE"))) {
            search->type = c->argv[i + 1];
        } else {
            reply_syntax(c);
            return false;
        }
        if (*count < 1) {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* Begin or continue; the keys go to search->reply. Returns the next cursor. */
static uint64_t scan_step(struct key_search *search, uint64_t cursor, size_t count)
{
    if (cursor == 0 && search->prefix.size) {
        size_t max = count > SIZE_MAX / SCAN_PREFIX_FACTOR ? SIZE_MAX : count * SCAN_PREFIX_FACTOR;
        if (search_prefix(search, max))
            return 0;
        search->found = 0;
        search->reply->out->size = 0;
    }
    return db_scan(search->call->db, cursor, count, search_visit, search);
}

void generic_scan(struct call *c)
{
    struct buffer keys = {0};
    struct resp_writer writer = {.out = &keys, .protocol = c->reply->protocol};
    struct key_search search = {.call = c, .reply = &writer};
    int64_t count = SCAN_COUNT_DEFAULT;
    uint64_t cursor;
    search_for(&search, SLICE("*"));
    if (!parse_cursor(c, c->argv[1], &cursor) || !parse_scan_options(c, &search, &count))
        return;
    /* The cursor comes before the keys in the reply and is known after them. */
    cursor = scan_step(&search, cursor, (size_t)count);
    char digits[24];
    int size = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)cursor);
    resp_array(c->reply, 2);
    resp_bulk(c->reply, slice_of(digits, (size_t)size));
    resp_array(c->reply, search.found);
    resp_raw(c->reply, buffer_slice(&keys));
    buffer_free(&keys);
}

/* ---- RANDOMKEY ---- */

/* A key past its deadline is removed, and another one drawn. */
void generic_randomkey(struct call *c)
{
    struct buffer copy = {0};
    const struct entry *e;
    while ((e = db_random(c->db, call_random(c))) && entry_expired(e, call_now_ms(c))) {
        copy.size = 0;
        buffer_append_slice(&copy, entry_key(e));
        e = key_write(c, buffer_slice(&copy));
        if (e)
            break; /* the log drives, and it has not removed the key */
    }
    buffer_free(&copy);
    if (e)
        resp_bulk(c->reply, entry_key(e));
    else
        resp_null(c->reply);
}
