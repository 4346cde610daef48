/* SPDX-License-Identifier: MIT
 * debug: DEBUG, for tests and for those who look into a server. enable-debug-command says who may: nobody, local connections, everybody. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "redisd/call.h"
#include "redisd/config_table.h"
#include "redisd/fault_test.h"
#include "redisd/redisd.h"
#include "redisd/save.h"
#include "services/keyspace/list.h"

static bool local(const struct client *client)
{
    return strncmp(client->peer, "127.", 4) == 0 || strncmp(client->peer, "[::1]", 5) == 0 || *client->peer == '/' || !strchr(client->peer, ':');
}

static bool allowed(struct call *c)
{
    int64_t who = c->server->config.enable_debug_command;
    if (who == 2 || (who == 1 && local(c->client)))
        return true;
    reply_error(c, "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration "
                   "file, and then restart the server.");
    return false;
}

static void reply_digest(struct call *c, const uint8_t digest[20])
{
    char text[41];
    for (int i = 0; i < 20; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    resp_simple(c->reply, text);
}

static void debug_digest(struct call *c)
{
    uint8_t digest[20];
    keyspace_digest_redis(c->server->keyspace, digest);
    reply_digest(c, digest);
}

static void debug_digest_value(struct call *c)
{
    resp_array(c->reply, (size_t)(c->argc - 2));
    for (int i = 2; i < c->argc; i++) {
        uint8_t digest[20] = {0};
        struct entry *e = key_read(c, c->argv[i]);
        if (e)
            entry_digest_redis(c->db, e, digest);
        char text[41];
        for (int j = 0; j < 20; j++)
            snprintf(text + 2 * j, 3, "%02x", digest[j]);
        resp_simple(c->reply, text);
    }
}

/* Stops the whole server, as it does in Redis: that is what tests ask it for. */
static void debug_sleep(struct call *c)
{
    double seconds;
    if (!parse_double(c, c->argv[2], &seconds, NULL))
        return;
    if (seconds > 0 && seconds < 3600)
        usleep((useconds_t)(seconds * 1e6));
    resp_ok(c->reply);
}

static void debug_object(struct call *c)
{
    struct entry *e = db_find(c->db, c->argv[2]);
    if (!e || entry_expired(e, call_now_ms(c))) {
        reply_no_key(c);
        return;
    }
    struct buffer text = {0};
    uint32_t idle_s = entry_idle_s(e, call_now_ms(c));
    buffer_format(&text, "+Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%u", (void *)e, entry_encoding_name(e), entry_memory(e, c->db, 0),
                  (uint32_t)(call_now_ms(c) / 1000 - idle_s) & 0xffffff, idle_s); /* Redis's clock has 24 bits */
    if (entry_type(e) == VALUE_LIST)
        buffer_format(&text, " ql_nodes:%zu", list_nodes(entry_list(e)));
    buffer_format(&text, "\r\n");
    resp_raw(c->reply, buffer_slice(&text));
    buffer_free(&text);
}

static void debug_set_active_expire(struct call *c)
{
    c->server->active_expire = slice_equal(c->argv[2], SLICE("1"));
    resp_ok(c->reply);
}

/* What a restart would read back. Redis's options concern its file; here there is none. */
static void debug_reload(struct call *c)
{
    if (save_running(c->server)) {
        reply_error(c, "ERR a save is running, try again when it is complete");
        return;
    }
    struct buffer error = {0};
    if (redisd_reload(c->server, &error) == 0)
        resp_ok(c->reply);
    else
        resp_errorf(c->reply, "ERR Error trying to load the image: %.*s", (int)error.size, error.base);
    buffer_free(&error);
    c->db = keyspace_db(c->server->keyspace, c->client->database);
}

/* Redis gives list elements from this size on a node of their own. Here every element that is too large for a node has one, at any size, and
 * neither reply nor encoding tells: the argument is checked and has nothing to change. */
static void debug_quicklist_packed_threshold(struct call *c)
{
    int64_t bytes;
    if (!config_parse_memory(c->argv[2], &bytes) || bytes < 0 || bytes >= (int64_t)1 << 32)
        reply_error(c, "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
    else
        resp_ok(c->reply);
}

static void debug_session_fault(struct call *c)
{
    if (slice_equal_nocase(c->argv[2], SLICE("null")))
        c->client->fault_test = FAULT_TEST_NULL;
    else if (slice_equal_nocase(c->argv[2], SLICE("stack")))
        c->client->fault_test = FAULT_TEST_STACK;
    else {
        reply_syntax(c);
        return;
    }
    resp_ok(c->reply);
}

/* DEBUG POPULATE count [prefix [size]]: each key that is not there yet becomes an effect, so the log has them all. */
static void debug_populate(struct call *c)
{
    static const char refusal[] = "ERR value is out of range, must be positive";
    int64_t count, size = 0;
    if (!parse_range_i64(c, c->argv[2], 0, 1 << 28, &count, refusal) || (c->argc > 4 && !parse_range_i64(c, c->argv[4], 0, 1 << 20, &size, refusal)))
        return;
    if (c->argc > 5) {
        reply_subcommand_syntax(c);
        return;
    }
    struct slice prefix = c->argc > 3 ? c->argv[3] : SLICE("key");
    if (!call_reserve(c, (size_t)count * (prefix.size + (size_t)size + 48)))
        return;
    struct buffer key = {0}, value = {0};
    for (int64_t i = 0; i < count; i++) {
        key.size = value.size = 0;
        buffer_append_slice(&key, prefix);
        buffer_format(&key, ":%lld", (long long)i);
        if (db_find(c->db, buffer_slice(&key)))
            continue;
        buffer_format(&value, "value:%lld", (long long)i);
        if (size) {
            size_t had = value.size;
            buffer_room(&value, (size_t)size);
            if ((size_t)size > had)
                memset(value.base + had, 0, (size_t)size - had);
            value.size = (size_t)size;
        }
        db_set_string(c->db, buffer_slice(&key), db_hash(c->db, buffer_slice(&key)), buffer_slice(&value), DB_NO_DEADLINE);
        EFFECT(c, SLICE("SET"), buffer_slice(&key), buffer_slice(&value));
        key_changed(c, buffer_slice(&key));
    }
    buffer_free(&key);
    buffer_free(&value);
    resp_ok(c->reply);
}

static void debug_protocol(struct call *c)
{
    struct resp_writer *w = c->reply;
    struct slice name = c->argv[2];
    if (slice_equal_nocase(name, SLICE("string"))) {
        resp_bulk_string(w, "Hello World");
    } else if (slice_equal_nocase(name, SLICE("integer"))) {
        resp_integer(w, 12345);
    } else if (slice_equal_nocase(name, SLICE("double"))) {
        resp_double(w, 3.141);
    } else if (slice_equal_nocase(name, SLICE("null"))) {
        resp_null(w);
    } else if (slice_equal_nocase(name, SLICE("array"))) {
        resp_array(w, 3);
        for (int i = 0; i < 3; i++)
            resp_integer(w, i);
    } else if (slice_equal_nocase(name, SLICE("set"))) {
        resp_set(w, 3);
        for (int i = 0; i < 3; i++)
            resp_integer(w, i);
    } else if (slice_equal_nocase(name, SLICE("map"))) {
        resp_map(w, 3);
        for (int i = 0; i < 3; i++) {
            resp_integer(w, i);
            resp_bool(w, i == 1);
        }
    } else if (slice_equal_nocase(name, SLICE("attrib"))) {
        if (w->protocol > 2) {
            resp_attribute(w, 1);
            resp_bulk_string(w, "key-popularity");
            resp_array(w, 2);
            resp_bulk_string(w, "key:123");
            resp_integer(w, 90);
        }
        resp_bulk_string(w, "Some real reply following the attribute");
    } else if (slice_equal_nocase(name, SLICE("push"))) {
        resp_push(w, 2);
        resp_bulk_string(w, "server-cpu-usage");
        resp_integer(w, 42);
    } else if (slice_equal_nocase(name, SLICE("verbatim"))) {
        resp_verbatim(w, "txt", SLICE("This is a verbatim\nstring"));
    } else if (slice_equal_nocase(name, SLICE("true")) || slice_equal_nocase(name, SLICE("false"))) {
        resp_bool(w, slice_equal_nocase(name, SLICE("true")));
    } else if (slice_equal_nocase(name, SLICE("bignum"))) {
        resp_big_number(w, SLICE("1234567999999999999999999999999999999"));
    } else {
        reply_error(c, "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
    }
}

static void debug_stringmatch_len(struct call *c)
{
    int64_t size;
    if (!parse_range_i64(c, c->argv[2], 1, 1 << 24, &size, NULL))
        return;
    struct buffer text = {0};
    memset(buffer_room(&text, (size_t)size), 'a', (size_t)size);
    text.size = (size_t)size;
    resp_integer(c->reply, glob_match(c->argv[3], buffer_slice(&text), false));
    buffer_free(&text);
}

static void debug_error(struct call *c)
{
    resp_error_slice(c->reply, c->argv[2]);
}

static void debug_help(struct call *c)
{
    static const char *const lines[] = {
        "DIGEST", "    A hash of the whole data set, the one that Redis computes.",
        "DIGEST-VALUE <key> ...", "    A hash of the values of keys.",
        "ERROR <string>", "    Answer that error.",
        "OBJECT <key>", "    Facts about the value of a key.",
        "POPULATE <count> [<prefix>] [<size>]", "    Create keys.",
        "PROTOCOL <type>", "    Answer a value of that protocol type.",
        "QUICKLIST-PACKED-THRESHOLD <size>", "    Accepted; list nodes here know no such threshold.",
        "RELOAD", "    Write the data set as an image to memory and read it back.",
        "SESSION-FAULT null|stack", "    Commit a memory fault in this session's own code.",
        "SET-ACTIVE-EXPIRE <0|1>", "    Whether keys past their deadline are removed without being asked for.",
        "SLEEP <seconds>", "    Stop the server for that long.",
        "STRINGMATCH-LEN <pattern> <size>", "    Match the pattern against that many letters a.",
        NULL,
    };
    reply_help(c, lines);
}

static const struct {
    const char *name;
    int arity; /* with DEBUG and the subcommand; negative: at least */
    void (*run)(struct call *c);
} subcommands[] = {
    {"digest", 2, debug_digest},
    {"digest-value", -2, debug_digest_value},
    {"error", 3, debug_error},
    {"help", 2, debug_help},
    {"object", -3, debug_object},
    {"populate", -3, debug_populate},
    {"protocol", 3, debug_protocol},
    {"quicklist-packed-threshold", 3, debug_quicklist_packed_threshold},
    {"reload", 2, debug_reload},
    {"session-fault", 3, debug_session_fault},
    {"set-active-expire", 3, debug_set_active_expire},
    {"sleep", 3, debug_sleep},
    {"stringmatch-len", 4, debug_stringmatch_len},
};

static void debug(struct call *c)
{
    if (!allowed(c))
        return;
    for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        int arity = subcommands[i].arity;
        if (!slice_equal_nocase(c->argv[1], slice_from_string(subcommands[i].name)))
            continue;
        if (arity > 0 ? c->argc == arity : c->argc >= -arity) {
            subcommands[i].run(c);
            return;
        }
    }
    reply_subcommand_syntax(c);
}

const struct command commands_debug[] = {
    {"debug", debug, -2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_MAY_REPLICATE, 0, 0, 0, GROUP_SERVER, "1.0.0", "Depends on subcommand.", "Looks into the server and makes it misbehave, for tests.", NULL, NULL, 0},
    {0},
};
