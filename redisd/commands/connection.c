/* SPDX-License-Identifier: MIT
 * connection: HELLO, AUTH, SELECT, PING, ECHO, QUIT, RESET. CLIENT is in client.c. */
#include <openssl/crypto.h>

#include "redisd/blocked.h"
#include "redisd/pubsub.h"
#include "redisd/redisd.h"
#include "redisd/transaction.h"

/* ---- passwords ---- */

/* Compares in a time that depends on the sizes alone. */
static bool same_secret(struct slice a, struct slice b)
{
    return a.size == b.size && CRYPTO_memcmp(a.base, b.base, a.size) == 0;
}

/* There is one user, "default", with the password that requirepass sets. Answers the error itself. */
static bool authenticate(struct call *c, struct slice user, struct slice password)
{
    struct slice wanted = buffer_slice(&c->server->config.requirepass);
    bool known = slice_equal(user, SLICE("default"));
    if (known && (wanted.size == 0 || same_secret(password, wanted))) {
        c->client->flags |= CLIENT_AUTHENTICATED;
        return true;
    }
    reply_error(c, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

static void auth(struct call *c)
{
    if (c->argc > 3) {
        reply_syntax(c);
        return;
    }
    if (c->argc == 2 && c->server->config.requirepass.size == 0) {
        reply_error(c, "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?");
        return;
    }
    if (authenticate(c, c->argc == 2 ? SLICE("default") : c->argv[1], c->argv[c->argc - 1]))
        resp_ok(c->reply);
}

/* ---- HELLO ---- */

static void reply_hello(struct call *c)
{
    struct resp_writer *w = c->reply;
    resp_map(w, 7);
    resp_bulk_string(w, "server");
    resp_bulk_string(w, "redis");
    resp_bulk_string(w, "version");
    resp_bulk_string(w, REDISD_REDIS_VERSION);
    resp_bulk_string(w, "proto");
    resp_integer(w, c->client->protocol);
    resp_bulk_string(w, "id");
    resp_integer(w, (int64_t)c->client->id);
    resp_bulk_string(w, "mode");
    resp_bulk_string(w, "standalone");
    resp_bulk_string(w, "role");
    resp_bulk_string(w, "master");
    resp_bulk_string(w, "modules");
    resp_array(w, 0);
}

static void hello(struct call *c)
{
    int64_t version = c->client->protocol;
    int at = 1;
    if (c->argc > 1) {
        if (!parse_i64(c, c->argv[at++], &version, "ERR Protocol version is not an integer or out of range"))
            return;
        if (version < 2 || version > 3) {
            reply_error(c, "NOPROTO unsupported protocol version");
            return;
        }
    }
    const struct slice *user = NULL, *name = NULL;
    for (; at < c->argc; at++) {
        if (at + 2 < c->argc && slice_equal_nocase(c->argv[at], SLICE("AUTH"))) {
            user = &c->argv[at + 1];
            at += 2;
        } else if (at + 1 < c->argc && slice_equal_nocase(c->argv[at], SLICE("SETNAME"))) {
            name = &c->argv[++at];
        } else {
            resp_errorf(c->reply, "ERR Syntax error in HELLO option '%.*s'", (int)c->argv[at].size, c->argv[at].base);
            return;
        }
    }
    if (user && !authenticate(c, user[0], user[1]))
        return;
    if (!client_has(c->client, CLIENT_AUTHENTICATED)) {
        reply_error(c, "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to "
                       "authenticate the client and select the RESP protocol version at the same time");
        return;
    }
    if (name && !client_set_name(c, *name))
        return;
    c->client->protocol = (uint8_t)version;
    c->reply->protocol = (int)version;
    reply_hello(c);
}

/* ---- the small ones ---- */

static void select_database(struct call *c)
{
    int64_t number;
    if (!parse_range_i64(c, c->argv[1], INT32_MIN, INT32_MAX, &number, NULL))
        return;
    if (number < 0 || number >= keyspace_databases(c->server->keyspace)) {
        reply_error(c, "ERR DB index is out of range");
        return;
    }
    c->client->database = (int16_t)number;
    if (c->replaying) /* a delta's SELECT: what follows applies there */
        c->effects->database = (int)number;
    resp_ok(c->reply);
}

static void ping(struct call *c)
{
    if (c->argc > 2) {
        reply_arity(c);
    } else if (c->client->subscriptions && c->client->protocol == 2) {
        resp_array(c->reply, 2);
        resp_bulk_string(c->reply, "pong");
        resp_bulk(c->reply, c->argc == 2 ? c->argv[1] : SLICE(""));
    } else if (c->argc == 2) {
        resp_bulk(c->reply, c->argv[1]);
    } else {
        resp_raw(c->reply, SLICE("+PONG\r\n"));
    }
}

static void echo(struct call *c)
{
    resp_bulk(c->reply, c->argv[1]);
}

static void quit(struct call *c)
{
    c->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
    resp_ok(c->reply);
}

static void reset(struct call *c)
{
    struct client *client = c->client;
    transaction_end(client);
    pubsub_end(client);
    client->database = 0;
    client->protocol = 2;
    c->reply->protocol = 2;
    client->flags &= ~(uint32_t)(CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT | CLIENT_NO_EVICT | CLIENT_NO_TOUCH);
    client_clear_name(client);
    if (c->server->config.requirepass.size)
        client->flags &= ~(uint32_t)CLIENT_AUTHENTICATED;
    resp_simple(c->reply, "RESET");
}

#define GREETING (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY)
const struct command commands_connection[] = {
    {"auth", auth, -2, GREETING | CMD_SKIP_SLOWLOG, 0, 0, 0, GROUP_CONNECTION, "1.0.0", "O(N), N the passwords of the user", "Says who the client is.", NULL, NULL, 0},
    {"hello", hello, -1, GREETING | CMD_SKIP_SLOWLOG, 0, 0, 0, GROUP_CONNECTION, "6.0.0", "O(1)", "Greets the server: protocol version, authentication, name.", NULL, NULL, 0},
    {"select", select_database, 2, CMD_LOADING | CMD_STALE | CMD_FAST, 0, 0, 0, GROUP_CONNECTION, "1.0.0", "O(1)", "Chooses the database of the connection.", NULL, NULL, 0},
    {"ping", ping, -1, CMD_FAST, 0, 0, 0, GROUP_CONNECTION, "1.0.0", "O(1)", "Answers PONG, or the argument.", NULL, NULL, 0},
    {"echo", echo, 2, CMD_LOADING | CMD_STALE | CMD_FAST, 0, 0, 0, GROUP_CONNECTION, "1.0.0", "O(1)", "Answers its argument.", NULL, NULL, 0},
    {"quit", quit, -1, GREETING | CMD_INTERNAL_DIRECT, 0, 0, 0, GROUP_CONNECTION, "1.0.0", "O(1)", "Closes the connection after the reply.", NULL, NULL, 0},
    {"reset", reset, 1, GREETING | CMD_INTERNAL_DIRECT, 0, 0, 0, GROUP_CONNECTION, "6.2.0", "O(1)", "Puts the connection back into the state of a new one.", NULL, NULL, 0},
    {"client", NULL, -2, 0, 0, 0, 0, GROUP_CONNECTION, "2.4.0", "Depends on subcommand.", "Looks at and acts on client connections.", NULL, client_subcommands, 0},
    {0},
};
