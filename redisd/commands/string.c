/* SPDX-License-Identifier: MIT
 * string: commands on whole string values, and the table of all string commands.
 *
 * A plain SET is the hottest write there is: no lookup beside the one that stores, no allocation, the command its own effect.
 * Options turn into one struct first; what remains of them in the log is PXAT or KEEPTTL. */
#include "redisd/commands/string.h"

#include "redisd/commands/deadline.h"

/* Options of SET and GETEX. */
struct string_options {
    bool nx, xx, get, keep, persist;
    const struct deadline_form *form; /* NULL: no deadline given */
    struct slice when;                /* its value, as given */
};

/* ---- shared with the other files ---- */

void string_reply(struct call *c, const struct entry *e)
{
    if (!e) {
        resp_null(c->reply);
        return;
    }
    struct item item;
    entry_string(e, &item);
    resp_bulk(c->reply, item_slice(&item));
}

void string_changed(struct call *c, struct slice key, bool created, const char *event)
{
    key_changed(c, key);
    if (created)
        key_event(c, NOTIFY_NEW, "new", key);
    key_event(c, NOTIFY_STRING, event, key);
}

void string_store(struct call *c, struct slice key, struct slice value, int64_t deadline_ms)
{
    size_t keys = db_size(c->db);
    entry_touch(db_set_string(c->db, key, key_hash(c, key), value, deadline_ms), call_now_ms(c));
    string_changed(c, key, db_size(c->db) != keys, "set");
}

/* Replace without having looked: only where there are deadlines may the key be one that has to be seen expiring first. */
static void string_replace(struct call *c, struct slice key, struct slice value)
{
    if (db_deadlines(c->db))
        key_write(c, key);
    string_store(c, key, value, DB_NO_DEADLINE);
}

bool string_size_allowed(struct call *c, uint64_t offset, uint64_t more)
{
    if (offset <= DB_VALUE_MAX && more <= DB_VALUE_MAX - offset)
        return true;
    reply_error(c, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

/* ---- options ---- */

/* One of the words that stand alone. False: it is none of them, or not allowed beside what came before. */
static bool option_flag(struct string_options *o, struct slice word, bool setting)
{
    if (setting && slice_equal_nocase(word, SLICE("NX")))
        return !o->xx && (o->nx = true);
    if (setting && slice_equal_nocase(word, SLICE("XX")))
        return !o->nx && (o->xx = true);
    if (setting && slice_equal_nocase(word, SLICE("GET")))
        return o->get = true;
    if (setting && slice_equal_nocase(word, SLICE("KEEPTTL")))
        return !o->form && (o->keep = true);
    if (!setting && slice_equal_nocase(word, SLICE("PERSIST")))
        return !o->form && (o->persist = true);
    return false;
}

/* The options behind the fixed arguments of SET (`setting`) or GETEX. The same one may be repeated, the last value counts. */
static bool parse_options(struct call *c, int first, bool setting, struct string_options *o)
{
    for (int i = first; i < c->argc; i++) {
        if (option_flag(o, c->argv[i], setting))
            continue;
        const struct deadline_form *form = deadline_form_find(c->argv[i]);
        bool fits = form && i + 1 < c->argc && !o->keep && !o->persist && (!o->form || o->form == form);
        if (!fits) {
            reply_syntax(c);
            return false;
        }
        o->form = form;
        o->when = c->argv[++i];
    }
    return true;
}

/* ---- SET and its kin ---- */

static void set_effect(struct call *c, struct slice key, struct slice value, int64_t deadline_ms)
{
    char digits[32];
    if (deadline_ms == DB_NO_DEADLINE)
        EFFECT(c, SLICE("SET"), key, value);
    else if (deadline_ms == DB_KEEP_DEADLINE)
        EFFECT(c, SLICE("SET"), key, value, SLICE("KEEPTTL"));
    else
        EFFECT(c, SLICE("SET"), key, value, SLICE("PXAT"), slice_from_i64(digits, deadline_ms));
}

/* Store, say so, and log: `verbatim` when the command as given says just that. */
static void set_value(struct call *c, struct slice key, struct slice value, int64_t deadline_ms, bool verbatim)
{
    string_store(c, key, value, deadline_ms);
    if (deadline_ms >= 0)
        key_event(c, NOTIFY_GENERIC, "expire", key);
    if (verbatim)
        effect_same(c);
    else
        set_effect(c, key, value, deadline_ms);
}

static void set_with_options(struct call *c, const struct string_options *o)
{
    struct slice key = c->argv[1], value = c->argv[2];
    int64_t deadline_ms = o->keep ? DB_KEEP_DEADLINE : DB_NO_DEADLINE;
    bool wrong = false;
    if (o->form && !deadline_parse(c, o->form, o->when, &deadline_ms))
        return;
    if (!call_reserve(c, key.size + value.size + DEADLINE_EFFECT_BYTES))
        return;
    struct entry *e = o->get ? key_read_type(c, key, VALUE_STRING, &wrong) : key_write(c, key);
    if (wrong)
        return;
    bool refused = e ? o->nx : o->xx;
    if (o->get)
        string_reply(c, e);
    else if (refused)
        resp_null(c->reply);
    else
        resp_ok(c->reply);
    if (refused)
        return;
    bool verbatim = (c->argc == 4 && o->keep) || (c->argc == 5 && o->form == &deadline_forms[3]);
    set_value(c, key, value, deadline_ms, verbatim);
}

static void string_set(struct call *c)
{
    if (c->argc == 3) {
        string_replace(c, c->argv[1], c->argv[2]);
        effect_same(c);
        resp_ok(c->reply);
        return;
    }
    struct string_options options = {0};
    if (parse_options(c, 3, true, &options))
        set_with_options(c, &options);
}

static void string_setnx(struct call *c)
{
    if (key_write(c, c->argv[1])) {
        resp_integer(c->reply, 0);
        return;
    }
    string_store(c, c->argv[1], c->argv[2], DB_NO_DEADLINE);
    effect_same(c);
    resp_integer(c->reply, 1);
}

static void set_for(struct call *c, const struct deadline_form *form)
{
    struct slice key = c->argv[1], value = c->argv[3];
    int64_t deadline_ms;
    if (!deadline_parse(c, form, c->argv[2], &deadline_ms) || !call_reserve(c, key.size + value.size + DEADLINE_EFFECT_BYTES))
        return;
    if (db_deadlines(c->db))
        key_write(c, key);
    set_value(c, key, value, deadline_ms, false);
    resp_ok(c->reply);
}

static void string_setex(struct call *c)
{
    set_for(c, &deadline_forms[0]);
}

static void string_psetex(struct call *c)
{
    set_for(c, &deadline_forms[1]);
}

static void string_getset(struct call *c)
{
    bool wrong = false;
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (wrong)
        return;
    string_reply(c, e);
    string_store(c, c->argv[1], c->argv[2], DB_NO_DEADLINE);
    effect_same(c);
}

/* ---- GET and its kin ---- */

static void string_get(struct call *c)
{
    bool wrong = false;
    const struct entry *e = key_read_type(c, c->argv[1], VALUE_STRING, &wrong);
    if (!wrong)
        string_reply(c, e);
}

static void string_getdel(struct call *c)
{
    struct slice key = c->argv[1];
    bool wrong = false;
    struct entry *e = key_read_type(c, key, VALUE_STRING, &wrong);
    if (wrong)
        return;
    string_reply(c, e);
    if (!e)
        return;
    key_remove(c, e, key);
    key_event(c, NOTIFY_GENERIC, "del", key);
    EFFECT(c, SLICE("DEL"), key);
}

static void getex_persist(struct call *c, struct entry *e, struct slice key)
{
    if (entry_deadline(e) == DB_NO_DEADLINE)
        return;
    db_set_deadline(c->db, e, DB_NO_DEADLINE);
    key_changed(c, key);
    key_event(c, NOTIFY_GENERIC, "persist", key);
    EFFECT(c, SLICE("PERSIST"), key);
}

static void string_getex(struct call *c)
{
    struct slice key = c->argv[1];
    struct string_options options = {0};
    int64_t deadline_ms = DB_NO_DEADLINE;
    bool wrong = false;
    if (!parse_options(c, 2, false, &options))
        return;
    struct entry *e = key_read_type(c, key, VALUE_STRING, &wrong);
    if (wrong)
        return;
    if (!e) {
        resp_null(c->reply);
        return;
    }
    if (options.form && !deadline_parse(c, options.form, options.when, &deadline_ms))
        return;
    if (options.form && !call_reserve(c, key.size + DEADLINE_EFFECT_BYTES))
        return;
    string_reply(c, e);
    if (options.form)
        deadline_effect(c, key, deadline_ms, deadline_apply(c, e, key, deadline_ms));
    else if (options.persist)
        getex_persist(c, e, key);
}

/* ---- several keys ---- */

static void string_mget(struct call *c)
{
    resp_array(c->reply, (size_t)c->argc - 1);
    for (int i = 1; i < c->argc; i++) {
        const struct entry *e = key_read(c, c->argv[i]);
        string_reply(c, e && entry_type(e) == VALUE_STRING ? e : NULL);
    }
}

static void string_mset(struct call *c)
{
    if (c->argc % 2 == 0) {
        reply_arity(c);
        return;
    }
    for (int i = 1; i < c->argc; i += 2)
        string_replace(c, c->argv[i], c->argv[i + 1]);
    effect_same(c);
    resp_ok(c->reply);
}

static void string_msetnx(struct call *c)
{
    if (c->argc % 2 == 0) {
        reply_arity(c);
        return;
    }
    for (int i = 1; i < c->argc; i += 2)
        if (key_write(c, c->argv[i])) {
            resp_integer(c->reply, 0);
            return;
        }
    for (int i = 1; i < c->argc; i += 2)
        string_store(c, c->argv[i], c->argv[i + 1], DB_NO_DEADLINE);
    effect_same(c);
    resp_integer(c->reply, 1);
}

/* ---- rows ---- */

#define ROW(row_name, handler, count, row_flags, version, cost, text) \
    {.name = (row_name), .run = (handler), .arity = (count), .flags = (row_flags), .first_key = 1, .last_key = 1, .key_step = 1, \
     .group = GROUP_STRING, .since = (version), .complexity = (cost), .summary = (text)}
#define ROW_KEYS(row_name, handler, count, row_flags, last, step, version, text) \
    {.name = (row_name), .run = (handler), .arity = (count), .flags = (row_flags), .first_key = 1, .last_key = (last), .key_step = (step), \
     .group = GROUP_STRING, .since = (version), .complexity = "O(N) in the number of keys", .summary = (text)}
#define STORES (CMD_WRITE | CMD_DENYOOM)

const struct command commands_string[] = {
    ROW("get", string_get, 2, CMD_READONLY | CMD_FAST, "1.0.0", "O(1)", "Answers the string that a key holds."),
    ROW("set", string_set, -3, STORES, "1.0.0", "O(1)", "Makes a key hold a string, whatever it held before."),
    ROW("setnx", string_setnx, 3, STORES | CMD_FAST, "1.0.0", "O(1)", "Stores a string unless the key exists."),
    ROW("setex", string_setex, 4, STORES, "2.0.0", "O(1)", "Stores a string that lives for a number of seconds."),
    ROW("psetex", string_psetex, 4, STORES, "2.6.0", "O(1)", "Stores a string that lives for a number of milliseconds."),
    ROW("getset", string_getset, 3, STORES | CMD_FAST, "1.0.0", "O(1)", "Stores a string and answers the one that was there."),
    ROW("getdel", string_getdel, 2, CMD_WRITE | CMD_FAST, "6.2.0", "O(1)", "Answers a string and removes its key."),
    ROW("getex", string_getex, -2, CMD_WRITE | CMD_FAST, "6.2.0", "O(1)", "Answers a string and changes how long its key lives."),
    ROW_KEYS("mget", string_mget, -2, CMD_READONLY | CMD_FAST, -1, 1, "1.0.0", "Answers the strings that several keys hold."),
    ROW_KEYS("mset", string_mset, -3, STORES, -1, 2, "1.0.1", "Stores several strings at once."),
    ROW_KEYS("msetnx", string_msetnx, -3, STORES, -1, 2, "1.0.1", "Stores several strings unless one of the keys exists."),
    ROW("append", string_append, 3, STORES | CMD_FAST, "2.0.0", "O(1) amortized, in the length appended",
        "Adds bytes at the end of a string, creating it when needed."),
    ROW("strlen", string_length, 2, CMD_READONLY | CMD_FAST, "2.2.0", "O(1)", "Tells how many bytes a string has."),
    ROW("setrange", string_set_range, 4, STORES, "2.2.0", "O(M) in the length written",
        "Overwrites part of a string, growing it with zero bytes when needed."),
    ROW("getrange", string_get_range, 4, CMD_READONLY, "2.4.0", "O(N) in the length answered", "Answers part of a string."),
    ROW("substr", string_get_range, 4, CMD_READONLY, "1.0.0", "O(N) in the length answered", "Answers part of a string; GETRANGE's old name."),
    ROW("incr", string_increment, 2, STORES | CMD_FAST, "1.0.0", "O(1)", "Adds one to an integer; a key that is not there counts as 0."),
    ROW("decr", string_decrement, 2, STORES | CMD_FAST, "1.0.0", "O(1)", "Takes one from an integer; a key that is not there counts as 0."),
    ROW("incrby", string_increment_by, 3, STORES | CMD_FAST, "1.0.0", "O(1)", "Adds a number to an integer."),
    ROW("decrby", string_decrement_by, 3, STORES | CMD_FAST, "1.0.0", "O(1)", "Takes a number from an integer."),
    ROW("incrbyfloat", string_increment_float, 3, STORES | CMD_FAST, "2.6.0", "O(1)", "Adds a decimal fraction to a number."),
    {.name = "lcs", .run = string_lcs, .arity = -3, .flags = CMD_READONLY, .first_key = 1, .last_key = 2, .key_step = 1,
     .group = GROUP_STRING, .since = "7.0.0", .complexity = "O(N*M) in the lengths of the two strings",
     .summary = "Finds the longest common subsequence of two strings."},
    {.name = NULL},
};
