/* SPDX-License-Identifier: MIT
 * client: CLIENT and its subcommands: who is connected, what it is called, and ending or unblocking others. */
#include <stdlib.h>

#include "kernel/reactor.h"
#include "redisd/blocked.h"
#include "redisd/redisd.h"

/* ---- names ---- */

/* Names and library facts appear in CLIENT LIST, which separates by spaces and newlines. */
static bool printable(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.base[i] < '!' || text.base[i] > '~')
            return false;
    return true;
}

static void store(char **at, struct slice text)
{
    free(*at);
    *at = text.size ? strndup(text.base, text.size) : NULL;
}

bool client_set_name(struct call *c, struct slice name)
{
    if (!printable(name)) {
        reply_error(c, "ERR Client names cannot contain spaces, newlines or special characters.");
        return false;
    }
    store(&c->client->name, name);
    return true;
}

void client_clear_name(struct client *client)
{
    store(&client->name, (struct slice){0});
}

static void client_setname(struct call *c)
{
    if (client_set_name(c, c->argv[2]))
        resp_ok(c->reply);
}

static void client_getname(struct call *c)
{
    if (c->client->name)
        resp_bulk_string(c->reply, c->client->name);
    else
        resp_null(c->reply);
}

static void client_setinfo(struct call *c)
{
    char **at;
    if (slice_equal_nocase(c->argv[2], SLICE("lib-name"))) {
        at = &c->client->library;
    } else if (slice_equal_nocase(c->argv[2], SLICE("lib-ver"))) {
        at = &c->client->library_version;
    } else {
        resp_errorf(c->reply, "ERR Unrecognized option '%.*s'", (int)c->argv[2].size, c->argv[2].base);
        return;
    }
    if (!printable(c->argv[3])) {
        resp_errorf(c->reply, "ERR %.*s cannot contain spaces, newlines or special characters.", (int)c->argv[2].size, c->argv[2].base);
        return;
    }
    store(at, c->argv[3]);
    resp_ok(c->reply);
}

static void client_id(struct call *c)
{
    resp_integer(c->reply, (int64_t)c->client->id);
}

/* ---- listing ---- */

static bool known_type(struct slice type)
{
    return slice_equal_nocase(type, SLICE("normal")) || slice_equal_nocase(type, SLICE("pubsub")) || slice_equal_nocase(type, SLICE("master")) ||
           slice_equal_nocase(type, SLICE("replica")) || slice_equal_nocase(type, SLICE("slave"));
}

static struct client *client_by_id(const struct redisd *server, int64_t id)
{
    for (struct client *client = server->clients; client; client = client->next)
        if ((int64_t)client->id == id)
            return client;
    return NULL;
}

static void list_by_id(struct call *c, struct buffer *text)
{
    for (int i = 3; i < c->argc; i++) {
        int64_t id;
        if (!parse_i64(c, c->argv[i], &id, "ERR Invalid client ID"))
            return;
        struct client *client = client_by_id(c->server, id);
        if (client)
            client_describe(client, text, call_now_ms(c));
    }
    resp_verbatim(c->reply, "txt", buffer_slice(text));
}

static void client_list(struct call *c)
{
    struct buffer text = {0};
    const struct slice *type = NULL;
    if (c->argc == 4 && slice_equal_nocase(c->argv[2], SLICE("type"))) {
        type = &c->argv[3];
        if (!known_type(*type)) {
            resp_errorf(c->reply, "ERR Unknown client type '%.*s'", (int)type->size, type->base);
            return;
        }
    } else if (c->argc > 3 && slice_equal_nocase(c->argv[2], SLICE("id"))) {
        list_by_id(c, &text);
        buffer_free(&text);
        return;
    } else if (c->argc != 2) {
        reply_syntax(c);
        return;
    }
    for (struct client *client = c->server->clients; client; client = client->next)
        if (!type || slice_equal_nocase(slice_from_string(client_type(client)), *type))
            client_describe(client, &text, call_now_ms(c));
    resp_verbatim(c->reply, "txt", buffer_slice(&text));
    buffer_free(&text);
}

static void client_info(struct call *c)
{
    struct buffer text = {0};
    client_describe(c->client, &text, call_now_ms(c));
    resp_verbatim(c->reply, "txt", buffer_slice(&text));
    buffer_free(&text);
}

/* ---- killing ---- */

struct kill_filter {
    struct slice address, local_address, type, user;
    int64_t id, max_age_s;
    bool skip_me;
};

static bool kill_matches(const struct call *c, const struct kill_filter *f, const struct client *client)
{
    if (f->address.base && !slice_equal(f->address, slice_from_string(client->peer)))
        return false;
    if (f->local_address.base) {
        char local[128] = "";
        client_local_address(client, local, sizeof(local));
        if (!slice_equal(f->local_address, slice_from_string(local)))
            return false;
    }
    if (f->type.base && !slice_equal_nocase(f->type, slice_from_string(client_type(client))))
        return false;
    if (f->user.base && !slice_equal(f->user, SLICE("default")))
        return false;
    if (f->id && (int64_t)client->id != f->id)
        return false;
    if (f->max_age_s && (call_now_ms(c) - client->created_ms) / 1000 < f->max_age_s)
        return false;
    return !(f->skip_me && client == c->client);
}

static int64_t kill_all(struct call *c, const struct kill_filter *filter)
{
    int64_t killed = 0;
    struct client *next;
    for (struct client *client = c->server->clients; client; client = next) {
        next = client->next;
        if (!kill_matches(c, filter, client))
            continue;
        client_kill(client, client == c->client);
        killed++;
    }
    return killed;
}

/* Parse the pairs of the new form into the filter; answers the error itself. */
static bool kill_parse(struct call *c, struct kill_filter *f)
{
    for (int i = 2; i + 1 < c->argc; i += 2) {
        struct slice option = c->argv[i], value = c->argv[i + 1];
        if (slice_equal_nocase(option, SLICE("id"))) {
            if (!parse_range_i64(c, value, 1, INT64_MAX, &f->id, "ERR client-id should be greater than 0"))
                return false;
        } else if (slice_equal_nocase(option, SLICE("type"))) {
            if (!known_type(value)) {
                resp_errorf(c->reply, "ERR Unknown client type '%.*s'", (int)value.size, value.base);
                return false;
            }
            f->type = value;
        } else if (slice_equal_nocase(option, SLICE("addr"))) {
            f->address = value;
        } else if (slice_equal_nocase(option, SLICE("laddr"))) {
            f->local_address = value;
        } else if (slice_equal_nocase(option, SLICE("user"))) {
            if (!slice_equal(value, SLICE("default"))) {
                resp_errorf(c->reply, "ERR No such user '%.*s'", (int)value.size, value.base);
                return false;
            }
            f->user = value;
        } else if (slice_equal_nocase(option, SLICE("maxage"))) {
            if (!parse_range_i64(c, value, 1, INT64_MAX, &f->max_age_s, "ERR maxage should be greater than 0"))
                return false;
        } else if (slice_equal_nocase(option, SLICE("skipme"))) {
            bool yes = slice_equal_nocase(value, SLICE("yes"));
            if (!yes && !slice_equal_nocase(value, SLICE("no"))) {
                reply_syntax(c);
                return false;
            }
            f->skip_me = yes;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    if (c->argc % 2 == 0)
        return true;
    reply_syntax(c);
    return false;
}

static void client_kill_command(struct call *c)
{
    if (c->argc == 3) { /* the old form: one address, OK or an error */
        struct kill_filter filter = {.address = c->argv[2]};
        if (kill_all(c, &filter))
            resp_ok(c->reply);
        else
            reply_error(c, "ERR No such client");
        return;
    }
    struct kill_filter filter = {.skip_me = true};
    if (kill_parse(c, &filter))
        resp_integer(c->reply, kill_all(c, &filter));
}

static void client_unblock(struct call *c)
{
    bool error = false;
    int64_t id;
    if (c->argc == 4) {
        error = slice_equal_nocase(c->argv[3], SLICE("error"));
        if (!error && !slice_equal_nocase(c->argv[3], SLICE("timeout"))) {
            reply_error(c, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            return;
        }
    } else if (c->argc != 3) {
        reply_arity(c);
        return;
    }
    if (!parse_i64(c, c->argv[2], &id, NULL))
        return;
    struct client *client = client_by_id(c->server, id);
    bool waiting = client && client->blocked;
    if (waiting)
        blocked_unblock(client, error);
    resp_integer(c->reply, waiting);
}

/* ---- replies and eviction ---- */

static void client_reply(struct call *c)
{
    struct client *client = c->client;
    if (slice_equal_nocase(c->argv[2], SLICE("on"))) {
        client->flags &= ~(uint32_t)(CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT);
        resp_ok(c->reply);
    } else if (slice_equal_nocase(c->argv[2], SLICE("off"))) {
        client->flags |= CLIENT_REPLY_OFF;
    } else if (slice_equal_nocase(c->argv[2], SLICE("skip"))) {
        if (!client_has(client, CLIENT_REPLY_OFF))
            client->flags |= CLIENT_REPLY_SKIP_NEXT;
    } else {
        reply_syntax(c);
    }
}

static void set_flag(struct call *c, uint32_t flag)
{
    if (slice_equal_nocase(c->argv[2], SLICE("on")))
        c->client->flags |= flag;
    else if (slice_equal_nocase(c->argv[2], SLICE("off")))
        c->client->flags &= ~flag;
    else {
        reply_syntax(c);
        return;
    }
    resp_ok(c->reply);
}

static void client_no_evict(struct call *c)
{
    set_flag(c, CLIENT_NO_EVICT);
}

static void client_no_touch(struct call *c)
{
    set_flag(c, CLIENT_NO_TOUCH);
}

static void client_help(struct call *c)
{
    static const char *const lines[] = {
        "GETNAME", "    The name of this connection.",
        "ID", "    The number of this connection.",
        "INFO", "    This connection as CLIENT LIST shows it.",
        "KILL <ip:port>", "    Close the connection from that address.",
        "KILL <option> <value> [<option> <value> [...]]", "    Close connections by ADDR, LADDR, ID, TYPE, USER, MAXAGE; SKIPME yes|no.",
        "LIST [TYPE (NORMAL|PUBSUB) | ID <id> ...]", "    All connections, or the chosen ones.",
        "NO-EVICT (ON|OFF)", "    Protect this connection from client eviction.",
        "NO-TOUCH (ON|OFF)", "    Leave the access time of keys alone.",
        "REPLY (ON|OFF|SKIP)", "    Whether this connection gets replies.",
        "SETINFO <option> <value>", "    Facts about the client library: LIB-NAME, LIB-VER.",
        "SETNAME <name>", "    Name this connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]", "    End another connection's blocking command.",
        NULL,
    };
    reply_help(c, lines);
}

#define USUAL (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
const struct command client_subcommands[] = {
    {"client|getname", client_getname, 2, USUAL, 0, 0, 0, GROUP_CONNECTION, "2.6.9", "O(1)", "Answers the connection's name.", NULL, NULL, 0},
    {"client|help", client_help, 2, CMD_LOADING | CMD_STALE, 0, 0, 0, GROUP_CONNECTION, "5.0.0", "O(1)", "Tells about the subcommands.", NULL, NULL, 0},
    {"client|id", client_id, 2, USUAL, 0, 0, 0, GROUP_CONNECTION, "5.0.0", "O(1)", "Answers the connection's number.", NULL, NULL, 0},
    {"client|info", client_info, 2, USUAL | CMD_RANDOM_OUTPUT, 0, 0, 0, GROUP_CONNECTION, "6.2.0", "O(1)", "Describes this connection.", NULL, NULL, 0},
    {"client|kill", client_kill_command, -3, USUAL | CMD_ADMIN, 0, 0, 0, GROUP_CONNECTION, "2.4.0", "O(N), N the clients", "Closes connections.", NULL, NULL, 0},
    {"client|list", client_list, -2, USUAL | CMD_ADMIN | CMD_RANDOM_OUTPUT, 0, 0, 0, GROUP_CONNECTION, "2.4.0", "O(N), N the clients", "Describes connections.", NULL, NULL, 0},
    {"client|no-evict", client_no_evict, 3, USUAL | CMD_ADMIN, 0, 0, 0, GROUP_CONNECTION, "7.0.0", "O(1)", "Protects the connection from client eviction.", NULL, NULL, 0},
    {"client|no-touch", client_no_touch, 3, USUAL, 0, 0, 0, GROUP_CONNECTION, "7.2.0", "O(1)", "Makes commands leave the access time of keys alone.", NULL, NULL, 0},
    {"client|reply", client_reply, 3, USUAL, 0, 0, 0, GROUP_CONNECTION, "3.2.0", "O(1)", "Turns the connection's replies on or off.", NULL, NULL, 0},
    {"client|setinfo", client_setinfo, 4, USUAL, 0, 0, 0, GROUP_CONNECTION, "7.2.0", "O(1)", "Sets facts about the client library.", NULL, NULL, 0},
    {"client|setname", client_setname, 3, USUAL, 0, 0, 0, GROUP_CONNECTION, "2.6.9", "O(1)", "Names the connection.", NULL, NULL, 0},
    {"client|unblock", client_unblock, -3, USUAL | CMD_ADMIN, 0, 0, 0, GROUP_CONNECTION, "5.0.0", "O(N), N the clients", "Ends another connection's blocking command.", NULL, NULL, 0},
    {0},
};
